"""Facts in: readers of venues' files, the tables they become, where they are kept.

Prices, quantities and rates are whole numbers with a scale, never floats. A reader may not repair what it
reads: it refuses with the file and the row. Nothing here decides, sizes or draws.
"""
