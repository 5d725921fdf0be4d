"""Judges: every command before it is sent, by rules of a file each; mints Approved or Refused.

What reduces risk is always approved. The guard may not size, send, ask a market or keep anything: it is
handed the facts and answers.
"""
