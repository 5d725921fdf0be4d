"""The pipeline: what a strategy wants is sized, judged and handed to a broker, the same way everywhere.

Backtest, paper and live differ in the clock, the market and the broker that are handed to it. It may not
have a rule of its own: it asks the stages in their order.
"""
