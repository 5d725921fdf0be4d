"""``docs/venues.md`` says what the allow-list says."""

from __future__ import annotations

import re

from lotwise.broker.ccxt_venue.allowed import ALLOWED, KINDS
from lotwise.broker.ccxt_venue.connect import DEMO, NO_DEMO
from tests.wire.page import PAGE, between, table


def test_the_table_of_requests_is_the_allow_list() -> None:
    assert between(PAGE.read_text("utf-8"))[1].strip() == table().strip()


def test_every_row_and_every_refused_kind_is_named() -> None:
    text = table()
    for venue, rows in ALLOWED.items():
        part = text.partition(f"### {venue}\n")[2].partition("\n### ")[0]
        changes = [name for name in rows if not name.startswith("read")]
        assert re.findall(r"^\| ([a-z-]+(?: [a-z-]+)*) \| (?:POST|DELETE)", part, re.M) == changes
        for kind in KINDS:
            refused = re.findall(r"^Refused \(BROKER-120\): (.*)\.$", part, re.M)
            assert (kind in rows) != (kind in ", ".join(refused).split(", ")), (venue, kind)


def test_the_words_agree_with_what_is_allowed() -> None:
    text = PAGE.read_text("utf-8")
    opens = next(line for line in text.splitlines() if line.startswith("| stop that may open"))
    cells = [cell.strip() for cell in opens.split("|")[2:-1]]
    assert cells == ["yes" if "stop entry" in ALLOWED[venue] else "refused" for venue in ALLOWED]
    numbers = re.findall(r"^\| H(\d+) \|", text, re.M)
    assert [int(number) for number in numbers] == list(range(1, 23))
    for venue in NO_DEMO:
        assert re.search(rf"^\| {venue} \| – \| (none exists|refused)", text, re.M)
    assert set(DEMO) | set(NO_DEMO) == set(ALLOWED)
