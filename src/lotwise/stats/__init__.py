"""Statistics of trades and returns, and the odds of an account: arrays in, figures with their doubt out.

A statistic is a float and carries its interval or its count; money stays whole. This package may not read the
market, size a trade, decide or print; chance comes from a seed that is handed in.
"""
