"""Sends what was approved: to the kernel's own venue, or through ccxt to a real one.

A broker may not size, judge or decide; it takes nothing that a guard has not approved, and refuses what
is stale.
"""
