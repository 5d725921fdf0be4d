"""docs/rules says what the rules' files say, its refusals are real, and the numbers under Why are right."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from itertools import product
from math import isqrt

import pytest

from lotwise.guard.judge import judge_open
from lotwise.guard.rulebook import RULES
from lotwise.guard.rules import stop_never_loosens
from lotwise.records.guard import Approved
from tools import rule_pages
from tools.rule_pages import FOLDER, HEADINGS, Page, case_of, pages, readme, rendered

PAGES = pages()
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
F = Fraction


def told(text: str) -> set[str]:
    """The numbers in a text, without separators and trailing zeros."""
    found = set()
    for number in NUMBER.findall(text):
        plain = number.rstrip(",").replace(",", "")
        found.add(plain.rstrip("0").rstrip(".") if "." in plain else plain)
    return found


def rounded(value: Fraction, places: int) -> str:
    """A fraction in decimals, half up, without trailing zeros."""
    scaled = (value * 10**places * 2 + 1) // 2
    text = f"{scaled // 10**places}.{scaled % 10**places:0{places}}" if places else str(scaled)
    return text.rstrip("0").rstrip(".") if places else text


def lost(share: Fraction, times: int) -> Fraction:
    """What so many losses in a row take, in per cent."""
    return 100 * (1 - (1 - share) ** times)


def back(share: Fraction) -> Fraction:
    """What must be won to be back, in per cent."""
    return 100 * (1 / (1 - share) - 1)


def three_in_a_row(trades: int) -> Fraction:
    """How likely three losses in a row are among so many trades at even odds."""
    states = {0: 1, 1: 0, 2: 0}  # outcomes that end in so many losses, none of three yet
    for _ in range(trades):
        states = {0: sum(states.values()), 1: states[0], 2: states[1]}
    return 1 - F(sum(states.values()), 2**trades)


def swings(correlation: Fraction) -> Fraction:
    """sqrt(3 + 6 c), to a millionth."""
    return F(isqrt(int((3 + 6 * correlation) * 10**12)), 10**6)


def shown(*values: tuple[Fraction | int, int] | int) -> set[str]:
    """The texts of computed numbers (value, decimals)."""
    return {str(value) if isinstance(value, int) else rounded(F(value[0]), value[1]) for value in values}


ONE, FIVE, TEN = F(1, 100), F(5, 100), 10
WHY: dict[str, tuple[set[str], set[str]]] = {
    # what is given, what follows from it
    "order_sound": (set(), set()),
    "account_ready": ({"3"}, set()),
    "locked": (set(), set()),
    "allowed_contracts": ({"5", "0.1"}, shown((5 / F(1, 10), 0))),
    "blackout": ({"2", "5"}, shown((F(5, 2), 1))),
    "fresh_facts": ({"0.05", "2"}, shown((F(5, 100) * TEN, 1))),
    "week_loss": (
        {"6", "20", "50"},
        shown((back(F(6, 100)), 1), (back(F(20, 100)), 1), (back(F(50, 100)), 1)),
    ),
    "day_loss": (
        {"1", "3"},
        shown((lost(ONE, TEN), 1), (lost(ONE, 3), 2), (3 - lost(ONE, 3), 2)),
    ),
    "cool_down": (set(), shown((100 * three_in_a_row(20), 0), 100)),
    "day_trades": ({"0.05"}, shown((TEN * 2 * F(5, 100), 0), (2 * TEN * 2 * F(5, 100), 0))),
    "trade_risk": (
        {"1", "5"},
        shown((lost(ONE, TEN), 1), (lost(FIVE, TEN), 0), (back(lost(FIVE, TEN) / 100), 0)),
    ),
    "plan_size": ({"2", "1"}, shown((lost(F(2, 100), TEN), 1), (lost(ONE, TEN), 1))),
    "open_risk": ({"1"}, shown((5 * F(1), 0), (back(FIVE), 1))),
    "correlated_risk": (
        {"1", "0.8"},
        shown((swings(F(0)), 2), (swings(F(8, 10)), 2), (swings(F(1)), 2)),
    ),
    "account_leverage": ({"3", "5", "10"}, shown((3 * F(5), 0), (10 * F(5), 0))),
    "order_leverage": (
        {"1", "5", "20", "100"},
        shown((F(100, 5), 0), (F(100, 20), 0), (F(100, 100), 0)),
    ),
    "margin_headroom": ({"10", "5"}, shown((F(1, 2) * 10, 0), (F(1, 2) * 10 * 5, 0))),
    "liquidation": (
        {"20", "0.5", "4", "0.6"},
        shown((F(100, 20), 0), (100 * (1 - (1 - F(1, 20)) / (1 - F(5, 1000))), 2)),
    ),
    "positions": ({"1"}, shown((5 * F(1), 0))),
    "stop_never_loosens": ({"2", "4", "1"}, shown((F(4, 2) * 1, 0))),
    "btc_weakness": ({"0.8", "5"}, shown((F(8, 10) * 5, 0))),
    "chase": ({"0", "6", "1", "3"}, shown((F(6 - 1), 0), (F(6 - 3), 0), (F(6 - 3, 3), 0))),
    "funding": ({"0.1", "8", "2"}, shown((F(1, 10) * 3 * 365, 1))),
    "spread": (set(), shown((100 * F(12, 10) / (F(12, 10) + 2 - F(2, 10)), 0), (F(100, 3), 1), 100)),
    "depth": ({"0.2", "2"}, set()),
}
"""The numbers under Why: those that are assumed, and those that follow, computed here."""
IN_WORDS = [
    ("fresh_facts", "a quarter", F(5, 10) / 2, F(1, 4)),
    ("trade_risk", "one in a thousand", F(1, 2) ** 10, F(1, 1000)),
    ("funding", "a twentieth", F(1, 10) / 2, F(1, 20)),
    ("depth", "a tenth", F(2, 10) / 2, F(1, 10)),
    ("margin_headroom", "half of what was free", F(25, 50), F(1, 2)),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.file)
def test_the_page_is_what_the_file_says(page: Page) -> None:
    assert (FOLDER / f"{page.file}.md").read_text(encoding="utf-8") == rendered(page), (
        "fix: python tools/rule_pages.py"
    )


def test_every_rule_has_a_page_and_every_page_a_rule() -> None:
    assert {path.name for path in FOLDER.glob("*")} == {"README.md", *(f"{page.file}.md" for page in PAGES)}
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == readme(PAGES)
    assert len(PAGES) == len(RULES) + 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.file)
def test_the_words_under_refused_are_the_example(page: Page) -> None:
    """Every number there is a number of the example, of the usual case or of the refusal itself."""
    said = rule_pages.answer_to(page)
    source = json.dumps(page.example, default=str) + said.message + said.hint + readme([])
    derived = {
        "day_trades": {"5"},
        "cool_down": {"14", "59"},  # 15 min less the second that is left
        "liquidation": {"2", "3", "2.11"},
        "trade_risk": {"0.008"},  # 8 lots
    }
    loose = told(page.parts["Refused"]) - told(source) - derived.get(page.file, set())
    assert not loose, f"{sorted(loose)} are in no fact of the example"


def test_the_numbers_that_the_liquidation_page_derives() -> None:
    away = 1 - (1 - F(1, 40)) / (1 - F(4, 1000))
    assert rounded(100 * away, 2) == "2.11"
    assert F(1_300, 65_000) == F(2, 100)
    assert F(2, 100) * F(3, 2) == F(3, 100)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.file)
def test_the_numbers_under_why_are_right(page: Page) -> None:
    given, derived = WHY[page.file]
    assert told(page.parts["Why"]) == given | derived


@pytest.mark.parametrize(("file", "words", "value", "named"), IN_WORDS)
def test_the_shares_in_words_are_right(file: str, words: str, value: Fraction, named: Fraction) -> None:
    page = next(page for page in PAGES if page.file == file)
    assert words in page.parts["Why"]
    assert abs(value - named) <= named / 40


def test_every_why_is_checked() -> None:
    assert set(WHY) == {page.file for page in PAGES}


@pytest.mark.parametrize("trades", range(3, 10))
def test_rows_of_losses_counted_one_by_one(trades: int) -> None:
    rows = ["".join(row) for row in product("WL", repeat=trades)]
    assert three_in_a_row(trades) == F(sum("LLL" in row for row in rows), len(rows))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.file)
def test_the_usual_case_is_refused_by_no_rule_but_the_examples(page: Page) -> None:
    """The example is refused for what it changes: without its facts the same rulebook has another answer."""
    bare = case_of(page.example._replace(book={}, order={}, account={}, usage={}, market={}, positions=()))
    assert isinstance(judge_open(bare), Approved)
    said = rule_pages.answer_to(page)
    assert said.code == page.code


def test_a_file_without_its_headings_is_seen() -> None:
    text = stop_never_loosens.__doc__ or ""
    assert tuple(rule_pages.parts_of(text)[1]) == HEADINGS
    for broken in (text.replace("Why\n", "Because\n"), text.partition("Refused")[0], "Title."):
        with pytest.raises(ValueError, match="headings"):
            rule_pages.parts_of(broken)


def test_an_example_that_is_not_refused_is_seen() -> None:
    page = next(page for page in PAGES if page.file == "spread")
    fine = page.example._replace(market={"spread_ticks": "0.1"})
    with pytest.raises(ValueError, match="change EXAMPLE"):
        rule_pages.answer_to(page._replace(example=fine))
