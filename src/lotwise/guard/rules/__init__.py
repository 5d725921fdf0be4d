"""One rule a file: what it checks, why, what it refuses, what to do instead; docs/rules is made from them.

A rule may not do a formula of its own where the kernel has one, and may not be asked about what reduces risk
(but for a stop that would be loosened).
"""
