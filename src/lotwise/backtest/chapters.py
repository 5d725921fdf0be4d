"""The tables and sentences of a report, made of its figures: what is read is what JSON says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from lotwise.charts.page import Note, Table
from lotwise.units import grouped

Facts = dict[str, Any]
MINUS: Final = "\u2212"


@dataclass
class Chapter:
    """A part of a report."""

    name: str
    title: str
    tables: list[Table] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def table(
        self, caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]], fold: bool = False
    ) -> None:
        """Add a table; all columns hold numbers but the first, and one that says what a value is about."""
        if rows:
            numbers = tuple(k for k in range(1, len(columns)) if columns[k] != "about")
            self.tables.append(Table(caption, columns, rows, numbers=numbers, folded=fold))


def money(text: str, signed: bool = False) -> str:
    """Exact money of a figure with two decimals, for people: ``-1234.5`` is ``−1,234.50``."""
    value = Decimal(text).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
    plus = "+" if signed and value > 0 else ""
    return plus + grouped(f"{abs(value):f}") if value >= 0 else MINUS + grouped(f"{-value:f}")


def number(value: float | None, decimals: int = 2, signed: bool = False) -> str:
    """A statistic for people; a dash where there is none."""
    if value is None:
        return "–"
    text = f"{abs(value):,.{decimals}f}"
    zero = not text.strip("0.,")
    return ("" if zero else MINUS if value < 0 else "+" if signed else "") + text


def chapters_of(facts: Facts) -> tuple[Chapter, ...]:
    """All chapters, in the order of the page."""
    return (
        _result(facts),
        _bounds(facts),
        _trades(facts),
        _costs(facts),
        _signals(facts),
        _groups(facts),
        _made_of(facts),
        _left_out(facts),
    )


def _percent(value: float | None, signed: bool = False) -> str:
    return f"{number(value, signed=signed)} %"


def _share(text: str) -> str:
    """``12.345678%`` as ``12.35 %``."""
    return f"{number(float(text.rstrip('%')))} %"


def _result(facts: Facts) -> Chapter:
    chapter = Chapter("result", "What came of it")
    result, fall, trades, settle = facts["result"], facts["drawdown"], facts["trades"], facts["settle"]
    rows = [
        (
            "equity",
            f"{money(result['equity_end'])} {settle}",
            f"from {money(result['equity_start'])}: {money(result['change'], signed=True)},"
            f" {_percent(result['change_percent'], signed=True)}",
        ),
        ("deepest fall", _share(fall["percent"]), _fall_words(fall, settle)),
        ("longest below a peak", f"{number(fall['longest_days'], 1)} d", "up to its recovery, or to the end"),
    ]
    if facts["exposure"] is not None:
        held = facts["exposure"]
        rows.append(
            (
                "held something",
                _percent(held["held_percent"]),
                f"of {held['points']:,} looks; worth {number(held['mean_leverage'])}x the equity on average,"
                f" {number(held['largest_leverage'])}x at most",
            )
        )
    if result["standing"] != "0.00":
        words = "what is open at the end has made so far, in the equity and in no trade"
        rows.append(("still open", money(result["standing"], signed=True), words))
    if result["apart"] != "0.00":
        words = "of the cross wallet in a takeover, of no trade"
        rows.append(("lost apart", money(result["apart"], signed=True), words))
    chapter.table("The account", ("", "value", "about"), rows)
    kind = {"positive": "good", "negative": "warning"}.get(trades["verdict"], "note")
    chapter.notes.append(Note(_verdict(trades), kind))
    look = facts["look_ahead"]
    if look is not None:
        chapter.notes.append(_look(look))
    chapter.notes += [Note(text, "warning") for text in facts["warnings"]]
    return chapter


def _verdict(trades: Facts) -> str:
    text: str = trades["verdict_text"]
    return f"Verdict: {trades['verdict']}. {text[:1].upper()}{text[1:]}.".replace(" -", f" {MINUS}")


def _fall_words(fall: Facts, settle: str) -> str:
    if fall["depth"] == "0.00":
        return "it never fell"
    back = f"recovered {fall['recovered']}" if fall["recovered"] else "not recovered"
    return f"{money(fall['depth'])} {settle}, {fall['peak'][:16]} to {fall['bottom'][:16]}, {back}"


def _look(look: Facts) -> Note:
    if look["clean"] and not look["signals_compared"]:
        return Note("Whether it looks ahead is not known: it gave no signal before the data was cut off.")
    if look["clean"]:
        return Note(
            f"No look-ahead found: with the data cut off at {look['cuts']} places,"
            f" {look['signals_compared']:,} signals and {look['trades_compared']:,} trades before the cuts"
            " were the same.",
            "good",
        )
    return Note(f"This strategy knows the future: {look['difference']}. Its results mean nothing.", "warning")


def _bounds(facts: Facts) -> Chapter:
    chapter = Chapter("bounds", "Between which results the truth lies")
    bounds = facts["bounds"]
    if bounds is None:
        chapter.notes.append(
            Note(f"Only one order of a bar's extremes was played: {facts['assumed']['path']}.")
        )
        return chapter
    rows = [_path_row(one, "") for one in bounds["paths"]]
    if bounds["closed"] is not None:
        rows += [_path_row(one, ", finer bars") for one in bounds["closed"]["paths"]]
    columns = ("the price first went", f"result, {facts['settle']}", "%", "trades", "ambiguous bars")
    chapter.table("The same signals, each order of a bar's extremes", columns, rows)
    chapter.notes.append(Note(_apart(bounds, facts["settle"])))
    if bounds["closed"] is not None:
        closed = bounds["closed"]
        told = f"With {closed['bars_apart']:,} bars taken apart into finer ones: "
        chapter.notes.append(Note(told + _apart(closed, facts["settle"])))
    return chapter


PATH_WORDS = {
    "adverse": "against the position",
    "favourable": "for the position",
    "ohlc": "up (open, high, low, close)",
    "olhc": "down (open, low, high, close)",
}


def _path_row(one: Facts, more: str) -> tuple[str, ...]:
    return (
        PATH_WORDS[one["path"]] + more,
        money(one["change"], signed=True),
        number(one["change_percent"], signed=True),
        grouped(str(one["trades"])),
        grouped(str(one["ambiguous_bars"])),
    )


def _apart(bounds: Facts, settle: str) -> str:
    if not bounds["ended_otherwise"] and bounds["apart"] == "0.00":
        return "Both orders give the same trades: no bar left a doubt that mattered."
    told = (
        f"They are {money(bounds['apart'].lstrip('-'))} {settle} apart. The first {bounds['same_trades']:,}"
    )
    told += " trades are the same"
    told += f", up to {bounds['first_apart']}" if bounds["first_apart"] else ""
    told += (
        f"; {bounds['ended_otherwise']:,} ended otherwise or are there in one run only. After a first"
        " difference the money and what is held are others, so the trades are too"
    )
    if bounds["apart"].startswith("-"):
        told += (
            ". The good side first was the worse here: a stop that a target has moved is hit by the side that"
            " comes second"
        )
    return told + "."


def _trades(facts: Facts) -> Chapter:
    chapter = Chapter("trades", "Trades")
    trades = facts["trades"]
    if not trades["count"]:
        chapter.notes.append(Note("No trade was closed."))
        return chapter
    win, mean = trades["win_rate"], trades["expectancy_r"]
    rows: list[tuple[str, str, str]] = [
        ("closed", grouped(str(trades["count"])), _outcomes(trades)),
        (
            "won",
            _percent(100 * win["value"]),
            f"{number(100 * win['low'], 1)} to {number(100 * win['high'], 1)} % with 95 % confidence",
        ),
        (
            "expectancy",
            f"{number(trades['mean_r'], 3, signed=True)} R",
            "one trade has no interval" if mean is None else _ends(mean),
        ),
        ("sum", f"{number(trades['total_r'], signed=True)} R", _best(trades)),
        ("profit factor", number(trades["profit_factor"]), "all gains over all losses; above 1 it gains"),
        ("payoff", number(trades["payoff"]), "average win over average loss"),
        (
            "longest runs",
            f"{trades['longest_wins']} / {trades['longest_losses']}",
            "wins in a row / losses in a row",
        ),
        ("deepest fall", f"{number(trades['fall_r'])} R", "of the sum of all results"),
        ("held", lasting_minutes(trades["mean_hold_minutes"]), "on average, from the signal to the exit"),
        (
            "went against",
            f"{number(trades['mae_r_of_winners'])} R",
            "trades that won, on average, at the least (MAE)",
        ),
        (
            "went for it",
            f"{number(trades['mfe_r_of_losers'])} R",
            "trades that did not win, on average, at the least (MFE)",
        ),
    ]
    chapter.table(
        "Results in R: what a trade made over what its stop risked, costs in", ("", "value", "about"), rows
    )
    return chapter


def lasting_minutes(minutes: float) -> str:
    """A span for people."""
    if minutes < 120:
        return f"{number(minutes, 1)} min"
    return f"{number(minutes / 60, 1)} h" if minutes < 2_880 else f"{number(minutes / 1_440, 1)} d"


def _outcomes(trades: Facts) -> str:
    told = f"{trades['wins']:,} won, {trades['losses']:,} lost"
    told += f", {trades['flat']:,} even" if trades["flat"] else ""
    told += f"; {trades['ambiguous']:,} with an ambiguous bar" if trades["ambiguous"] else ""
    return told + (f"; {trades['liquidated']:,} liquidated" if trades["liquidated"] else "")


def _ends(mean: Facts) -> str:
    low, high = (number(mean[name], 3, signed=True) for name in ("low", "high"))
    return f"{low} to {high} R with {100 * mean['level']:g} % confidence"


def _best(trades: Facts) -> str:
    return (
        f"best {number(trades['best_r'], signed=True)}, worst {number(trades['worst_r'], signed=True)},"
        f" deviation {number(trades['deviation_r'])}"
    )


def _costs(facts: Facts) -> Chapter:
    chapter = Chapter("costs", "Where the money went")
    costs = facts["costs"]
    if not facts["trades"]["count"]:
        return chapter
    took = {
        name: costs[name].removeprefix("-") if costs[name].startswith("-") else f"-{costs[name]}"
        for name in costs
        if name in ("fees", "funding", "insurance")
    }
    rows = [
        ("price moves", money(costs["move"], signed=True), "from mean entry to mean exit, before all costs"),
        ("fees", money(took["fees"], signed=True), "of the venue"),
        ("funding", money(took["funding"], signed=True), "paid, or received where above 0"),
    ]
    if costs["insurance"] != "0.00":
        rows.append(("liquidations", money(took["insurance"], signed=True), "fees of the insurance fund"))
    rows.append(("closed trades", money(costs["result"], signed=True), _of_risk(costs)))
    chapter.table(f"Closed trades, {facts['settle']}", ("", "value", "about"), rows)
    if costs["market_entries"]:
        chapter.notes.append(
            Note(
                f"In the price moves: {costs['market_entries']:,} entries at the market paid"
                f" {money(costs['slipped_at_entry'])} {facts['settle']} beyond the close of their signal's"
                " bar (half the spread and the slippage)."
            )
        )
    return chapter


def _of_risk(costs: Facts) -> str:
    return f"costs took {number(costs['all_percent_of_risk'])} % of what was put at risk"


def _signals(facts: Facts) -> Chapter:
    chapter = Chapter("signals", "Signals that became no trade")
    signals = facts["signals"]
    words = {
        "given": "signals",
        "traded": "became a closed trade",
        "refused": "were refused, see below",
        "passed_over": "passed over: their contract held or waited already",
        "unfilled": "entered by a limit that never filled",
        "standing": "held or waiting at the end",
    }
    rows = [(words[name], grouped(str(signals[name]))) for name in words if signals[name] or name == "given"]
    chapter.table("What became of the signals", ("", "count"), rows)
    refusals = [
        (
            one["words"],
            grouped(str(one["count"])),
            money(one["mean_loss"]) if one["mean_loss"] else "–",
            money(one["mean_budget"]),
        )
        for one in facts["refusals"]
    ]
    columns = ("refused because", "signals", "would have lost", "budget")
    if any(one["rule"] == "budget" for one in facts["refusals"]):
        chapter.notes.append(
            Note("The budget is the share at risk, or what the limits on losses and open risk still leave.")
        )
    chapter.table(f"Refusals by rule; losses and budgets on average, {facts['settle']}", columns, refusals)
    return chapter


GROUP_WORDS = {
    "contract": "By contract",
    "side": "By side",
    "weekday": "By weekday of the entry, UTC",
    "hour": "By hour of the entry, UTC",
}


def _groups(facts: Facts) -> Chapter:
    chapter = Chapter("groups", "Which trades")
    for name, caption in GROUP_WORDS.items():
        rows = [
            (
                one["name"],
                grouped(str(one["count"])),
                number(one["win_percent"], 1),
                number(one["mean_r"], 3, signed=True),
                number(one["total_r"], signed=True),
                money(one["result"], signed=True),
            )
            for one in facts["by"][name]
        ]
        columns = ("", "trades", "won, %", "mean R", "sum R", facts["settle"])
        chapter.table(caption, columns, rows, fold=name == "hour")
    return chapter


def _made_of(facts: Facts) -> Chapter:
    chapter = Chapter("assumed", "What was assumed")
    assumed, account = facts["assumed"], facts["account"]
    rows: list[tuple[str, str]] = [
        (name.replace("_", " "), str(value)) for name, value in account.items() if value
    ]
    slipped = _ticks(assumed["slippage_ticks"])
    slipped += (
        ""
        if assumed["slippage_of_range"] == "0 %"
        else f" and {assumed['slippage_of_range']} of the last bar's range"
    )
    rows += [
        ("within a bar", f"{PATH_WORDS[assumed['path']]} first"),
        (
            "a resting limit fills",
            {"touch": "at a touch", "through": "when the price goes through it", "queue": "behind the queue"}[
                assumed["limit_fill"]
            ],
        ),
        ("spread", _ticks(assumed["spread_ticks"])),
        ("slippage of a market fill", slipped),
        ("most of a bar's volume", assumed["volume_share"] or "no bound"),
        ("strategy asked as", facts["form"]),
        ("times of trades", "the opening of the bar at whose close, or in which, it was"),
    ]
    chapter.table("The account and the fills", ("", "value"), rows)
    contracts: list[tuple[Any, ...]] = [
        (
            one["id"],
            grouped(str(one["bars"])),
            one["bar"],
            number(one["change_percent"], signed=True),
            one["maker"],
            one["taker"],
            one["facts_as_of"] or "–",
            grouped(str(one["fundings"])),
        )
        for one in facts["contracts"]
    ]
    columns = ("contract", "bars", "of", "price, %", "maker", "taker", "rules of", "fundings")
    chapter.table(f"Data, {facts['first']} to {facts['last']} UTC", columns, contracts)
    return chapter


def _ticks(count: int) -> str:
    return "1 tick" if count == 1 else f"{count:,} ticks"


def _left_out(facts: Facts) -> Chapter:
    chapter = Chapter("left out", "What is not modelled")
    chapter.notes = [Note(text) for text in facts["not_modelled"]]
    chapter.notes.append(Note(f"The same run, anywhere, ends with the account {facts['fingerprint']}."))
    return chapter
