"""An analysis of a market in the store: its parts, each with figures, tables and pictures.

It composes the market's data, the measures and the pictures. It may not measure or draw by itself.
"""
