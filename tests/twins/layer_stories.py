"""Trades through the fall of LAYERUSDT on 2025-05-05/06, what each meets and what it ends with."""

from __future__ import annotations

from typing import Final, NamedTuple

from tests.twins.layer_replay import Trade


class Story(NamedTuple):
    """A trade, the bars that did not come, and what it must meet."""

    trade: Trade
    met: tuple[str, ...]
    """What happened, in order; fundings apart."""
    fundings: dict[int, int]
    """How many while it was held, by hours of the interval."""
    wallets: tuple[str, str]
    """At the end, cross and isolated."""
    missing: tuple[int, int] = (0, 0)
    """These bars of the window, the last one apart, are left out."""


STORIES: Final[dict[str, Story]] = {
    "a long is stopped out on the way down": Story(
        Trade(1, 1_571, leverage=5, after=539, entry=31_800, stop=30_500, targets=(33_000, 34_000)),
        met=("made", "taken"),
        fundings={4: 1},
        wallets=("479.35740073", "479.35740073"),
    ),
    "a short takes both targets, break-even between": Story(
        Trade(-1, 1_501, leverage=5, after=509, entry=32_700, stop=33_500, targets=(30_907, 29_500)),
        met=("made", "made", "stop moved", "made"),  # at 10:56 the low only touches the first
        fundings={4: 1},
        wallets=("537.15078241", "537.15078241"),
    ),
    "a long takes the first target and ends at break-even": Story(
        Trade(1, 1_501, leverage=5, after=90, stop=30_700, targets=(33_000, 36_000)),
        met=("taken", "made", "stop moved", "taken"),
        fundings={4: 2},
        wallets=("509.11186789", "509.11186789"),
    ),
    "a short takes the first target and ends at break-even": Story(
        Trade(-1, 1_501, leverage=5, after=1_560, stop=29_500, targets=(27_000, 20_000)),
        met=("taken", "made", "stop moved", "taken"),
        fundings={},
        wallets=("510.55192189", "510.55192189"),
    ),
    "a bar that holds the stop and both targets is a loss": Story(
        Trade(-1, 1_501, leverage=5, after=772, stop=30_170, targets=(29_500, 29_000)),
        met=("taken", "taken"),
        fundings={},
        wallets=("498.91681835", "498.91681835"),
    ),
    "an open behind the stop": Story(
        Trade(1, 1_571, leverage=5, after=403, stop=33_740, targets=(35_000, 36_000)),
        met=("taken", "taken"),
        fundings={},
        wallets=("499.12432459", "499.12432459"),
    ),
    "a stop in forty minutes without bars": Story(
        Trade(1, 1_571, leverage=5, after=700, stop=30_500, targets=(33_000, 34_000)),
        met=("taken", "taken"),
        fundings={4: 1},
        wallets=("478.78221050", "478.78221050"),
        missing=(740, 780),
    ),
    "a first target in forty minutes without bars": Story(
        Trade(-1, 1_571, leverage=5, after=700, stop=31_500, targets=(30_500, 29_500)),
        met=("taken", "made", "stop moved", "made"),
        fundings={4: 1},
        wallets=("513.20036116", "513.20036116"),
        missing=(740, 780),
    ),
    "a long without a stop is liquidated": Story(
        Trade(1, 12_929, leverage=10, after=680),
        met=("taken", "reduced"),
        fundings={4: 4},
        wallets=("6.44798500", "104.24617325"),
    ),
    "a liquidation fee that takes all that is left": Story(
        Trade(1, 12_872, leverage=10, after=760),
        met=("taken", "reduced"),
        fundings={4: 3},
        wallets=("0.00000000", "99.93044685"),
    ),
    "a long is taken over by the insurance fund": Story(
        Trade(1, 28_359, leverage=20, after=600),
        met=("taken", "taken over"),
        fundings={4: 1},
        wallets=("0.00000000", "45.52802447"),
    ),
    "a short without a stop is liquidated by the rebound": Story(
        Trade(-1, 15_000, leverage=10, after=1_637),
        met=("taken", "reduced"),
        fundings={4: 1},
        wallets=("9.03042697", "95.97492500"),
    ),
    "a short is liquidated by a funding of -2 %": Story(
        Trade(-1, 45_000, leverage=20, after=1_975),
        met=("taken", "reduced"),
        fundings={1: 1},
        wallets=("54.09545000", "54.09545000"),
    ),
    "a short pays many fundings": Story(
        Trade(-1, 1_095, leverage=2, after=1_619),
        met=("taken", "taken"),
        fundings={4: 2, 1: 15},
        wallets=("576.85991003", "576.85991003"),
    ),
    "a long receives many fundings": Story(
        Trade(1, 1_001, leverage=1, after=840),
        met=("taken", "taken"),
        fundings={4: 5, 1: 15},
        wallets=("401.93935307", "401.93935307"),
    ),
}
