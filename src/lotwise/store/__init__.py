"""One durable database: SQLite in a file of its own, or PostgreSQL by URL.

It keeps what may not be lost: events, fills, postings, income records. Those tables only grow: the database
itself refuses to change or delete a row. It may not know what a trade is or what money means (that is
ledger and journal), import a floor above ``units``, or lose a row that it said was written.
"""
