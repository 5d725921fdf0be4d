"""What closed trades say: what pays, what to stop, which of one's own rules were broken and what that made.

It reads the journal (or a backtest's trades) and measures; it may not write to the journal, size, judge or
send anything, nor set a limit: that is the scaling plan's. It says nothing of fewer trades than carry it.
"""
