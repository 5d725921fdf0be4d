"""What is traded: contracts, tiers, fees, funding terms, and the dated catalogue of them.

It may not decide anything about a trade, ask a venue, or invent a fact: unknown is ``None``.
"""

from lotwise.contracts.contract import Contract, FeeSchedule, FundingTerms
from lotwise.contracts.tiers import MarginTier

__all__ = ["Contract", "FeeSchedule", "FundingTerms", "MarginTier"]
