"""Measures: arrays in, arrays out. Volume profiles, order flow, costs, correlation, regimes.

Prices are whole ticks and volumes whole lots; what is a statistic may be a float. A measure may not read a
file, decide or draw.
"""
