"""Strategies to read and to start from; none of them is a promise.

Each has the class form and, where one contract is enough, the array form with the same trades. A strategy may
not size, send, or look at a bar that is not closed.
"""
