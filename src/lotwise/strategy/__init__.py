"""What decides: strategies are asked at the close of a bar and answer with a signal.

A strategy may not size, place or book anything: it answers, and the rules do the rest. It may not reach a
venue, a clock or a file.
"""
