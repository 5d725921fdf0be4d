"""Round trips from fills, with what was planned, what happened and what was thought of it.

It keeps and measures; it may not size, judge or send anything, nor decide what a trade should have been
(that is review). Fills are facts: a note never changes one.
"""
