"""``docs/parity.md`` from the data of ``docs/parity.json``: the same data always give the same page."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tools.parity import words
from tools.parity.cases import Case
from tools.parity.compare import rounded

Data = dict[str, Any]


def rendered(data: Data) -> str:
    """The whole page."""
    parts = [
        words.HEAD,
        how_made(data["made"]),
        "## Size: the loss at the stop",
        sizing(data),
        "## Size: contracts that are not one coin",
        multipliers(data),
        "## Liquidation price: isolated, every Binance USDT perpetual",
        over_all_perps(data),
        "## Liquidation price: cross, with another position open",
        cross(data),
        "## Liquidation price: growing notional",
        steps(data),
        "## Maintenance margin and the simulated venue of nautilus_trader",
        maintenance(data),
        "## What could not be measured",
        not_measured(data["made"]["refused"]),
        words.AGAIN,
    ]
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table: first column left, the others right."""
    line = "|" + "|".join(["---"] + ["---:"] * (len(head) - 1)) + "|"
    return "\n".join([row_text(head), line, *map(row_text, rows)])


def row_text(cells: list[str]) -> str:
    """One row."""
    return "| " + " | ".join(cells) + " |"


def how_made(made: Data) -> str:
    """Date, command, versions, machine."""
    rows = [
        [name, f"{found['version']} on Python {found['python']}, pinned in `{found['requirements']}`"]
        for name, found in made["peers"].items()
    ]
    rows = [
        ["date", made["date"]],
        ["command", f"`make parity`, which runs `{made['command']}`"],
        ["lotwise", f"{made['lotwise']} on Python {made['python']}, commit {made['commit']}"],
        *rows,
        ["machine", made["machine"]],
    ]
    return "\n".join(["| | |", "|---|---|", *map(row_text, rows)])


def why(data: Data, peer: str, fact: str) -> str:
    """The sentence that says where a difference comes from; only while the probe finds it in the source."""
    found = data["sources"].get(peer, {}).get(fact)
    if found is None:
        return ""
    sentence = words.WHY[peer, fact]
    return f"- {sentence}" if found else f"- {words.CHANGED.format(peer=peer, fact=fact.replace('_', ' '))}"


def reasons(data: Data, *named: tuple[str, str]) -> str:
    """Several of them as a list."""
    return "\n".join(line for line in (why(data, peer, fact) for peer, fact in named) if line)


def version(data: Data, package: str) -> str:
    """``jesse 3.5.3``."""
    return f"{package} {data['made']['peers'][package]['version']}"


def sizing(data: Data) -> str:
    """Stops from 0.25 to 5 %."""
    parts = [words.SIZING]
    told = data["sizing"]
    by_equity: dict[str, list[tuple[str, list[Case]]]] = {}
    for peer, name in (("nautilus", "nautilus_trader"), ("plain", ""), ("jesse", "jesse")):
        if rows := told.get(peer):
            label = f"{version(data, name)}" if name else "budget / stop distance"
            by_equity.setdefault(rows[0]["equity"], []).append((label, rows))
    for equity, columns in by_equity.items():
        head = ["stop", "lotwise", "loses"]
        for label, _ in columns:
            head += [label, "loses"]
        lines = []
        for number, first in enumerate(columns[0][1]):
            line = [f"{first['stop_percent']} %", first["ours"]["quantity"], lost(first["ours"])]
            for _, rows in columns:
                line += [rows[number]["theirs"]["quantity"], lost(rows[number]["theirs"])]
            lines.append(line)
        parts += [
            f"Equity {Decimal(equity):,} USDT, budget {Decimal(equity) / 100:,} USDT:",
            table(head, lines),
        ]
    parts.append(
        reasons(
            data,
            ("nautilus", "commission_on_risk_money"),
            ("jesse", "size_capped_at_capital"),
            ("jesse", "fee_three_times_twice"),
        )
    )
    if rows := told.get("nautilus"):
        batch = sorted({row["theirs"]["default_batch"] for row in rows})
        parts.append(words.BATCH.format(answers=", ".join(batch)))
    return "\n\n".join(part for part in parts if part)


def lost(answer: Case) -> str:
    """``139.64 = 139.6 %``."""
    if not Decimal(answer["quantity"]):
        return "no position"
    return f"{rounded(Decimal(answer['loss']))} = {answer['of_budget']} %"


def multipliers(data: Data) -> str:
    """Contracts of another size."""
    told = data["multipliers"]
    if not told:
        return words.NOBODY
    first = next(iter(told.values()))
    head = ["contract", "budget", "lotwise", "loses"]
    for peer in told:
        head += [version(data, words.PACKAGES[peer]), "loses"]
    lines = []
    for number, case in enumerate(first):
        mine = case["ours"]
        line = [case["id"], mine["budget"], f"{mine['quantity']} contracts", lost(mine)]
        for peer, rows in told.items():
            answer = rows[number]["theirs"]
            line += [f"{answer['quantity']} {words.UNITS[peer]}", lost(answer)]
        lines.append(line)
    return "\n\n".join(
        [words.MULTIPLIERS, table(head, lines), reasons(data, ("nautilus", "multiplier_unread")), words.COINS]
    )


def over_all_perps(data: Data) -> str:
    """freqtrade and jesse over the whole tier file, and single perpetuals out of it."""
    told = data["over_all_perps"]
    if "freqtrade" not in told:
        return words.NO_TIERS
    freqtrade, file = version(data, "freqtrade"), data["tier_file"]
    buffer = f"{(Decimal(data['buffer']) * 100).normalize():f} %"
    head = ["stake x leverage", "perpetuals", "differ", "by more than 5 %", "median", "largest", "which way"]
    parts = [words.ALL_PERPS.format(freqtrade=freqtrade, **file)]
    parts += [f"### {freqtrade}", table([*head, f"beyond ours after its {buffer} buffer"], [
        [*spread(row), f"{row['beyond_after_buffer_share']} %"] for row in told["freqtrade"]
    ])]  # fmt: skip
    parts.append(reasons(data, ("freqtrade", "tier_by_stake")))
    parts.append(words.BUFFER.format(buffer=buffer))
    if data["examples"]:
        parts += [words.EXAMPLES, examples(data["examples"], buffer)]
    if "jesse" in told:
        parts += [
            f"### {version(data, 'jesse')}",
            words.JESSE,
            table(head, [spread(r) for r in told["jesse"]]),
        ]
        parts.append(reasons(data, ("jesse", "flat_rate")))
    return "\n\n".join(part for part in parts if part)


def spread(row: Case) -> list[str]:
    """The cells of one summary line."""
    sides = [f"{row[way]} {way}" for way in ("farther", "nearer") if row[way]]
    return [
        f"{row['stake']} x {row['leverage']} {row['side']}",
        str(row["perps"]),
        f"{row['wrong_share']} %",
        f"{row['beyond_5_share']} %",
        f"{row['median']} %" if row["median"] else "",
        f"{row['worst']} % ({row['worst_pair'].partition('/')[0]})" if row["worst"] else "",
        ", ".join(sides),
    ]


def examples(rows: list[Case], buffer: str) -> str:
    """Single perpetuals."""
    head = ["position, entry at 100", "lotwise", "freqtrade", "error", f"freqtrade with its {buffer} buffer"]
    lines = [
        [
            f"{row['symbol']} {row['side']} {row['stake']} x {row['leverage']}",
            rounded(Decimal(row["ours"]["price"]), 4),
            rounded(Decimal(row["theirs"]["price"]), 4),
            f"{row['error']} %",
            rounded(Decimal(row["theirs"]["with_buffer"]), 4),
        ]
        for row in rows
    ]
    return table(head, lines)


def cross(data: Data) -> str:
    """Beside another position."""
    rows = data["cross"]
    names = [name for name in words.CROSS_NAMES if any(name in row["theirs"] for row in rows)]
    if not names:
        return words.NOBODY
    head = ["the other position", "lotwise"] + [
        words.CROSS_NAMES[name].format(version(data, words.CROSS_PACKAGES[name])) for name in names
    ]
    lines = [
        [row["id"], said(row["ours"]["price"])] + [said(row["theirs"][name]) for name in names]
        for row in rows
    ]
    return "\n\n".join(
        part
        for part in [
            words.CROSS,
            table(head, lines),
            reasons(data, ("freqtrade", "upnl_without_side"), ("jesse", "cross_is_nan")),
        ]
        if part
    )


def said(price: str | None) -> str:
    """A price, or what its absence means."""
    if price is None:
        return "never"
    if price == "nan":
        return "not supported (`nan`)"
    value = rounded(Decimal(price))
    return f"never ({value})" if Decimal(price) < 0 else value


def steps(data: Data) -> str:
    """lrvx at growing notional."""
    rows = data["steps"]
    if not rows:
        return words.NOBODY
    lrvx, as_of = version(data, "lrvx"), data["contracts"]["BTCUSDT"]["as_of"]
    head = ["position, 10x", "notional", "lotwise", f"{lrvx}, same tiers", "error"]
    head += [f"{lrvx}, its Binance profile", "error"]
    lines = []
    for row in rows:
        line = [f"{row['contract']} {row['side']}", f"{Decimal(row['notional']):,}"]
        places = len(row["entry"].partition(".")[2])
        shown = places + 4 if places else 2
        line.append(rounded(Decimal(row["ours"]["price"]), shown))
        for name in ("tiers", "profile"):
            price = row["theirs"].get(name)
            line += (
                [rounded(Decimal(price), shown), f"{row['errors'][name]} %"]
                if name in row["errors"]
                else ["", ""]
            )
        lines.append(line)
    return "\n\n".join(
        [words.STEPS.format(as_of=as_of), table(head, lines), reasons(data, ("lrvx", "tier_without_amount"))]
    )


def maintenance(data: Data) -> str:
    """nautilus_trader's margin model."""
    rows = data["maintenance"]
    if not rows:
        return words.NOBODY
    head = ["leverage", "lotwise", version(data, "nautilus_trader")]
    lines = [
        [f"{row['leverage']}x", rounded(Decimal(row["ours"])), rounded(Decimal(row["theirs"]), 3)]
        for row in rows
    ]
    facts = ("leveraged_is_default", "maintenance_over_leverage")
    because = reasons(data, *(("nautilus", fact) for fact in facts))
    return "\n\n".join([words.MAINTENANCE, table(head, lines), because, words.VENUE, venue(data)])


def venue(data: Data) -> str:
    """Where nautilus_trader's simulated venue closed the account."""
    head = ["margin model, leverage", "lotwise", version(data, "nautilus_trader"), "error"]
    lines = [
        [
            f"`{row['model']}`, {row['leverage']}x",
            rounded(Decimal(row["ours"]["price"])),
            "not supported" if row["theirs"] is None else row["theirs"],
            f"{row['error']} %" if row["error"] else "",
        ]
        for row in data["venue_liquidations"]
    ]
    return table(head, lines)


def not_measured(refused: dict[str, str]) -> str:
    """What was tried in vain, and what was left out."""
    tried = "\n".join(f"- {package}: {reason}" for package, reason in refused.items())
    return "\n".join(part for part in [tried, words.LEFT_OUT] if part)
