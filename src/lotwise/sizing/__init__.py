"""Decides how much: from a trader's words to an exact size, with the reasons and the ways out.

It may not send an order, judge a rule of conduct (the guard does), keep state, or hold a
formula: those live in :mod:`lotwise.kernel`.
"""
