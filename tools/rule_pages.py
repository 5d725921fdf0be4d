"""Writes docs/rules: a page for every rule of the guard, from the rule's own file.

    python tools/rule_pages.py

Words come from the docstring, the refusal from judging the rule's ``EXAMPLE`` here and now. The test
``tests/docs/test_rule_pages.py`` renders the pages again and compares every byte.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple

from lotwise.contracts.contract import Contract
from lotwise.contracts.tiers import MarginTier
from lotwise.guard.case import Case, GuardRule, Scene
from lotwise.guard.config import read_guard
from lotwise.guard.example import Example
from lotwise.guard.facts import AccountFacts, MarketFacts, OpenPosition
from lotwise.guard.judge import judge_open, judge_stop
from lotwise.guard.rulebook import RULES
from lotwise.guard.rules import stop_never_loosens
from lotwise.kernel.codes import BUDGET, OK
from lotwise.kernel.layout import LONG, RATE
from lotwise.kernel.limit_rows import UsageRow
from lotwise.kernel.limits import roll
from lotwise.records.guard import MoveStop, Open, Refused
from lotwise.records.order import EntryLeg, Intent, SizedOrder
from lotwise.units import Cash, Lots, Rate8, Ticks, parse_cash, parse_rate

ROOT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = ROOT / "docs" / "rules"
HEADINGS: Final = ("What it checks", "Why", "Refused", "What to do instead")
NOW: Final = datetime.fromisoformat("2026-12-10T13:00+00:00")
EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00+00:00")
CONTRACT: Final = Contract(
    venue="binance",
    symbol="BTCUSDT",
    base="BTC",
    tick_size="0.1",
    lot_size="0.001",
    min_quantity="0.001",
    max_quantity="120",
    min_notional="100",
    tiers=(
        MarginTier("0", "300000", "150", "0.004", "0"),
        MarginTier("300000", "800000", "100", "0.005", "300"),
        MarginTier("800000", "3000000", "75", "0.0065", "1500"),
    ),
)
ENTRY, STOP, LOTS, LEVERAGE100 = Ticks(650_000), Ticks(637_000), Lots(5), 500
EQUITY: Final = parse_cash("1000", "equity")


class Page(NamedTuple):
    """A rule's file, taken apart."""

    code: str
    name: str
    keys: tuple[str, ...]
    file: str
    title: str
    parts: dict[str, str]
    example: Example


# -- the example, built


def ns(text: str) -> int:
    """An instant in ns UTC."""
    since = datetime.fromisoformat(text) - EPOCH
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1_000


def number(field: str, value: str | int) -> int | str:
    """A value in the unit that the name of its field ends in."""
    if field == "contract_id":
        return str(value)
    if field == "leverage100":
        return int(value) * 100
    if isinstance(value, int):
        return value
    if field.endswith("_cash"):
        return parse_cash(value, field)
    if field.endswith("_ticks"):
        return CONTRACT.price_ticks(value, field)
    if field.endswith("_ns"):
        return ns(value)
    return parse_rate(value, field)


def numbers(given: Mapping[str, str | int]) -> dict[str, Any]:
    """Every value in its unit."""
    return {field: number(field, value) for field, value in given.items()}


def usage_of(given: Mapping[str, str | int], equity: Cash = EQUITY) -> UsageRow:
    """Books that were begun today with the usual equity."""
    config = read_guard({})
    usage = UsageRow()
    roll((config.book.allowed,), [usage], ns(NOW.isoformat()), equity_cash=equity)
    for field, value in numbers(given).items():
        setattr(usage, field, value)
    return usage


def case_of(example: Example) -> Case:
    """The case that an example describes."""
    changed = numbers(example.order)
    intent = Intent(
        contract_id=CONTRACT.id,
        side=changed.get("side", LONG),
        entries=(EntryLeg(ENTRY, Rate8(RATE)),),
        stop_ticks=changed.get("stop_ticks", STOP),
        entry_fee8=Rate8(0),
        exit_fee8=Rate8(0),
    )
    order = SizedOrder(
        intent=intent,
        lots=changed.get("lots", LOTS),
        smallest_lots=Lots(2),
        binding=BUDGET,
        refusal=OK,
        leverage100=changed.get("leverage100", LEVERAGE100),
        budget_cash=EQUITY,
    )
    positions = tuple(
        OpenPosition(**({"side": LONG, "notional_cash": Cash(0)} | numbers(place)))
        for place in example.positions
    )
    account = AccountFacts(
        **(
            {"equity_cash": EQUITY, "free_cash": EQUITY, "margin_cash": Cash(0), "sequence": 1}
            | numbers(example.account)
        ),
        usage=usage_of(example.usage),
        positions=positions,
    )
    now_ns = ns(NOW.isoformat())
    scene = Scene(
        contract=CONTRACT,
        intent=intent,
        account=account,
        market=MarketFacts(**numbers(example.market)),
        book=read_guard(example.book).rulebook_at(now_ns),
        now_ns=now_ns,
    )
    return Case(scene, Open(order=order))


def answer_to(page: Page) -> Refused:
    """What the guard says to a rule's example."""
    if page.code == stop_never_loosens.CODE:
        moved = numbers(page.example.order)
        command = MoveStop(contract_id=CONTRACT.id, side=LONG, **moved)
        said = judge_stop(command, case_of(Example()).scene.account, CONTRACT)
    else:
        said = judge_open(case_of(page.example))
    if not isinstance(said, Refused) or said.code != page.code:
        raise ValueError(f"{page.file}: its example is {said}, not refused by {page.code}; change EXAMPLE")
    return said


# -- the page, written


def parts_of(docstring: str) -> tuple[str, dict[str, str]]:
    """The title and the text under each heading; a paragraph a line."""
    title, *lines = inspect.cleandoc(docstring).splitlines()
    parts: dict[str, list[str]] = {}
    heading = ""
    for line in lines:
        if line and not line.startswith(" "):
            heading = line.strip()
            parts[heading] = []
        elif heading:
            parts[heading].append(line.strip())
    texts = {name: "\n".join(text).strip() for name, text in parts.items()}
    joined = {name: re.sub(r"(?<!\n)\n(?!\n)", " ", text) for name, text in texts.items()}
    if tuple(joined) != HEADINGS or not all(joined.values()):
        raise ValueError(f"{title!r} has the headings {tuple(joined)}; a rule's file has {HEADINGS}")
    return title.removesuffix("."), joined


def module_of(rule: GuardRule) -> ModuleType:
    """The file that a rule stands in."""
    for path in sorted((ROOT / "src/lotwise/guard/rules").glob("[!_]*.py")):
        module = importlib.import_module(f"lotwise.guard.rules.{path.stem}")
        if getattr(module, "RULE", None) is rule:
            return module
    raise ValueError(f"{rule.code} stands in no file of guard/rules")


def pages() -> list[Page]:
    """Every rule's file, by code."""
    found = [(rule.code, rule.name, rule.keys, module_of(rule)) for rule in RULES]
    found.append((stop_never_loosens.CODE, stop_never_loosens.NAME, (), stop_never_loosens))
    made = []
    for code, name, keys, module in found:
        title, parts = parts_of(module.__doc__ or "")
        file = module.__name__.rpartition(".")[2]
        made.append(Page(code, name, keys, file, title, parts, module.EXAMPLE))
    return sorted(made, key=lambda page: page.code)


def toml_of(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {toml_of(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml_of, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def facts_of(example: Example) -> list[tuple[str, str]]:
    """What the example changes, one fact a line."""
    groups = [("order", example.order), ("account", example.account), ("usage", example.usage)]
    groups += [("position", place) for place in example.positions] + [("market", example.market)]
    return [(f"{group} `{field}`", str(value)) for group, given in groups for field, value in given.items()]


def refusal_text(said: Refused) -> str:
    """A refusal as a terminal shows it."""
    until = ""
    if said.until_ns:
        whole, rest = divmod(said.until_ns, 10**9)
        when = datetime.fromtimestamp(whole, tz=EPOCH.tzinfo).strftime("%Y-%m-%dT%H:%M:%S")
        until = f"\nuntil: {when}{f'.{rest:09}'.rstrip('0') if rest else ''}Z"
    return f"refused[{said.code}] {said.rule}: {said.message}\nhint: {said.hint}{until}"


def rendered(page: Page) -> str:
    """One page."""
    keys = ", ".join(f"`{key}`" for key in page.keys)
    lines = [f"# {page.title}", "", f"`{page.code}` {page.name}" + (f" · set by {keys}" if keys else "")]
    for heading in HEADINGS:
        lines += ["", f"## {heading}", "", page.parts[heading]]
        if heading == "Refused":
            lines += example_lines(page)
    lines += ["", "---", "", f"From `src/lotwise/guard/rules/{page.file}.py`. [All rules](README.md)"]
    return "\n".join(lines) + "\n"


def example_lines(page: Page) -> list[str]:
    """The example's rulebook, its facts, and what the guard said to it."""
    lines = []
    if page.example.book:
        book = [f"{key} = {toml_of(value)}" for key, value in page.example.book.items()]
        lines += ["", "```toml", "[guard]", *book, "```"]
    facts = facts_of(page.example)
    if facts:
        lines += ["", "| fact | is |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts)]
    return [*lines, "", "```text", refusal_text(answer_to(page)), "```"]


def readme(found: list[Page]) -> str:
    """The table of codes."""
    table = [
        f"| `{page.code}` | [{page.title}]({page.file}.md) | {' '.join(f'`{key}`' for key in page.keys)} |"
        for page in found
    ]
    order = " · ".join(rule.name for rule in RULES)
    return f"""# The guard's rules

Every order that opens a trade is judged by these rules before it is sent; the first that says no is the
answer. What reduces risk (a stop placed or tightened, a reduction, a cancelled entry, flattening) is
approved whatever any of them says, but for a stop that would loosen.

A rule asks only where its key is set in the `[guard]` table of the configuration. Where it is set and the
fact it needs is unknown, the trade is refused: unknown is not fine.

| code | rule | set by |
|---|---|---|
{chr(10).join(table)}

They are asked in this order: {order}.

The examples on the pages change one thing or two of this case, on {NOW:%Y-%m-%d at %H:%M} UTC: 1,000 USDT,
nothing open, a long of 0.005 BTC (binance:BTCUSDT) at 65,000.0 with its stop at 63,700.0 at 5x, without
fees. It loses 6.50 USDT at its stop, is worth 325.00 and needs 65.00 of margin.

Pages are written by `python tools/rule_pages.py` from the files in `src/lotwise/guard/rules`.
"""


def main() -> int:
    """Write every page; pages of rules that are gone are taken away."""
    found = pages()
    FOLDER.mkdir(parents=True, exist_ok=True)
    texts = {f"{page.file}.md": rendered(page) for page in found} | {"README.md": readme(found)}
    for path in FOLDER.glob("*.md"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    print(f"{len(texts)} pages in {FOLDER.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
