"""Plays history for strategies and says honestly what came of it.

It may not have a formula of its own for money: the kernel plays, the stages decide. It may not reach a venue.
"""
