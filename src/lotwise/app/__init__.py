"""The composition root: puts stages together for a person's first minutes (the demo).

It may not hold a rule or print: faces print what it returns.
"""
