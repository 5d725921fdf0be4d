"""The page and the sentences of a review: whole, without a script, clear where little is known."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from benchmarks.workloads.review import table_of
from lotwise.review.groups import Group
from lotwise.review.page import page_of
from lotwise.review.pictures import scatter, whiskers
from lotwise.review.report import Review, chance_text, review
from lotwise.review.table import Reviewed, of_columns
from lotwise.review.tables import breach_table, exit_table, group_table, summary

E8 = 10**8
HOUR = 3_600 * 10**9


def table(nets: list[int], risk: int = E8, **words: Any) -> Reviewed:
    count = len(nets)
    times = np.arange(count) * HOUR + 1_790_812_800 * 10**9
    numbers = {"opened_ns": times, "closed_ns": times + HOUR // 2, "net_cash": [net * E8 for net in nets]}
    return of_columns(count, words, numbers | {"risk_cash": [risk] * count})


class Reader(HTMLParser):
    """Which tags a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]


def texts(found: Review) -> str:
    return "\n".join(f"{one.kind}: {one.text}" for one in found.said)


def test_a_full_page_has_every_part_and_no_script() -> None:
    found = review(table_of(900))
    text = page_of(found, "Review: <all>", "and so on")
    reader = Reader()
    reader.feed(text)
    assert "script" not in reader.tags
    assert reader.tags.count("svg") >= 20
    for words in ("MAE and MFE before the end", "Days in R", "Sum of results in R", "Results of the trades"):
        assert words in text
    assert "Bonferroni" in text
    assert "Review: &lt;all&gt;" in text
    assert re.search(r"All trades together", text)
    names = found.names_of(found.breaches.findings[0].rows)
    assert names[-1] in text


def test_one_trade() -> None:
    found = review(table([-2]))
    assert "1 trade, −2.00 R a trade: too few to say anything (n < 30: no verdict yet)." in texts(found)
    assert found.totals["expectancy"] is None
    assert {row[0]: row[2] for row in summary(found)}["expectancy"] == "of one trade"
    assert "losses in a row" not in [row[0] for row in summary(found)]
    assert group_table(found, "setup", "setup") is None
    assert exit_table(found) is None
    assert "<h2" in page_of(found, "One")


def test_all_winners() -> None:
    found = review(table([1, 2] * 20))
    assert "Every trade won so far, so nobody knows yet what a loss costs" in texts(found)
    assert {row[0]: row[1] for row in summary(found)}["profit factor"] == "–"
    assert breach_table(review(table([1] * 3))) is None
    assert "None of the rules that can be checked was broken." in page_of(review(table([1] * 3)), "Good")


def test_no_stop_is_known() -> None:
    found = review(table([5, -3] * 20, risk=0))
    assert found.unit == "USDT"
    assert "No stop is known of any trade, so all is in USDT, not in R." in texts(found)
    assert found.exits.measured == 0
    assert "Days in USDT" in page_of(found, "Money")
    mixed = of_columns(
        2,
        {"coin": ["BTC", "USDT"]},
        {"opened_ns": [0, 1], "closed_ns": [1, 2], "net_cash": [E8, E8], "risk_cash": [0, E8]},
    )
    assert "1 of 2 trades have no known stop" in texts(review(mixed))
    assert "Money is in BTC, USDT, which are never added up." in texts(review(mixed))


def test_what_pays_comes_first_and_names_its_doubt() -> None:
    results = [2, -1, 2, -1] * 60 + [-1, -1, -1, 1] * 60
    found = review(table(results, setup=["good"] * 240 + ["bad"] * 240))
    said = texts(found).splitlines()
    assert said[0].startswith("verdict: ")
    assert said[1].startswith("pays: Trade setup good: +0.50 R a trade, +0.")
    assert f"of 240; widened for {found.groups.looks} looks." in said[1]
    assert said[2].startswith("stop: Avoid setup bad: −0.50 R a trade, −0.")
    kinds = [line.partition(":")[0] for line in said]
    assert kinds.index("gap") > max(k for k, kind in enumerate(kinds) if kind != "gap")


def test_the_facts_are_plain_json() -> None:
    import json

    found = review(table_of(120))
    told = json.loads(json.dumps(found.facts()))
    assert told["totals"]["count"] == 120
    assert sum(told["days"].values()) == pytest.approx(told["totals"]["total"])
    for one in told["breaches"]:
        assert len(one["trades"]) == one["counted_r"] or one["counted_r"] < len(one["trades"])
        assert re.fullmatch(r"-?\d+\.\d{2,8}", one["made"])
    assert {"rule", "bound", "source", "made_r", "excess_r", "apart"} <= set(told["breaches"][0])


def test_pictures_of_nothing_and_of_far_points() -> None:
    nothing = np.zeros(0)
    assert "Nothing to draw" in scatter(nothing, nothing, nothing, title="x")
    assert "Nothing to draw" in whiskers([], title="x", unit="R")
    far = np.asarray([-50.0] + [-0.5] * 999)
    drawn = scatter(far, -far, far, title="far", width=360)
    assert "1,000 did not" in drawn
    assert "About 1 went beyond 1 R against." in drawn
    many = scatter(*(np.full(9_000, value) for value in (-0.5, 1.0, 1.0)), title="many")
    assert "every 5th drawn" in many
    one = Group("setup", "alone", 12, 6, 0.2, 2.4, 0.2, 0.8, None, None, None, None, "no verdict")
    assert "alone +0.2, no verdict" in whiskers([one], title="x", unit="R")


def test_chance_in_words() -> None:
    assert chance_text(0.0312) == "3.1 %"
