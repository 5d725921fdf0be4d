"""Twins: what is computed in two places must agree to the last digit, with the reference judging."""
