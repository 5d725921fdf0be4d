"""The reference twin: venue rules and sizing again, in plain exact Python.

Everything here is `fractions.Fraction`, slow and readable, and written from the venues' own documents.  It
imports nothing from ``lotwise.kernel`` (nor from any other part of lotwise), so that an error in a rule and
an error in its twin are two different errors.  Tests compare the two; a difference is a bug in one of them.

* `margin`: maintenance tiers, liquidation and bankruptcy prices, margins, the venues' truncation.
* `sizing`: the loss at the stop with every cost, the largest number of lots that fits, the break-even price.
* `inverse`: both again for contracts quoted in USD and settled in the coin, walked over the worth.
* `families`: the other rules of liquidation: closing fee, margin rate, hedge mode, clearing.
"""
