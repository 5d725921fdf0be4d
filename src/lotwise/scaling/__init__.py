"""The scaling plan: phases, gates, steps of the money at risk, locks.

It may not trade, judge an order or read a venue. It is told what happened and says what is allowed: nothing
makes the size larger but its gates, and smaller is always possible. :mod:`lotwise.scaling.obey` lays its
limits over a session's own stages, and can only make them narrower. Its steps are the kernel's
(:mod:`lotwise.kernel.plan`), its figures those of :mod:`lotwise.stats`.
"""
