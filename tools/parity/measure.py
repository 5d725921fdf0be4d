"""Puts the cases to the peers and to lotwise, and lays the answers side by side as plain data."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from tools.parity import cases, compare, environments, ours
from tools.parity.cases import Case
from tools.parity.compare import ENTRY, error, percent, rounded

Answers = dict[str, dict[str, Any]]

CONTRACTS = ("BTCUSDT", "ETHUSDT", "DOGEUSDT", "PEOPLEUSDT")


def questions(facts: dict[str, Case]) -> Answers:
    """What each probe reads."""
    sizing, several = cases.sizing(), cases.multipliers()
    larger, smaller = ([case for case in sizing if case["equity"] == equity] for equity in cases.EQUITIES)
    steps = cases.steps()
    tiers = {name: [[tier[0], tier[3]] for tier in found["tiers"]] for name, found in facts.items()}
    profile = [{**case, "id": f"profile {case['id']}"} for case in steps if case["contract"] == "BTCUSDT"]
    return {
        "nautilus": {
            "sizing": larger + several,
            "margin": cases.maintenance(),
            "liquidation": cases.venue_liquidations(),
        },
        "jesse": {"sizing": smaller + several, "liquidation": jesse_positions()},
        "freqtrade": {"setups": cases.setups(), "cross": cases.cross()},
        "lrvx": {
            "isolated": [{**case, "tiers": tiers[case["contract"]]} for case in steps] + profile,
            "cross": [{**case, "tiers": tiers["BTCUSDT"]} for case in cases.cross()],
        },
    }


def jesse_positions() -> list[Case]:
    """Its formula knows side, entry and leverage only, so each setup is asked once."""
    margins = ("isolated", "cross")
    return [
        {**setup, "id": f"{margin} {setup['id']}", "entry": ENTRY, "quantity": "1", "margin": margin}
        for setup in cases.setups()
        for margin in margins
    ]


def asked(
    chosen: list[environments.Peer], facts: dict[str, Case], folder: Path
) -> tuple[Answers, dict[str, str]]:
    """Every peer's answers, and what was tried with those that could not answer."""
    answers, refused = {}, {}
    question = questions(facts)
    for peer in chosen:
        try:
            answers[peer.key] = environments.ask(peer, question[peer.key], folder)
        except environments.Refused as reason:
            refused[peer.package] = str(reason)
    return answers, refused


def sized_row(case: Case, told: dict[str, str], in_coins: bool) -> Case:
    """One trade: our contracts and loss, the peer's quantity and what it would lose."""
    mine = ours.sized(case)
    loss = ours.loss_of(case, told["quantity"], "1" if in_coins else None)
    budget = Fraction(mine["budget"])
    return {
        **case,
        "ours": {**mine, "of_budget": rounded(100 * Fraction(mine["loss"]) / budget, 1)},
        "theirs": {**told, "loss": rounded(loss), "of_budget": rounded(100 * loss / budget, 1)},
    }


def plain_row(case: Case) -> Case:
    """The same trade by budget / stop distance, cut to the lot: arithmetic, nobody's code."""
    lot, distance = Fraction(case["lot_size"]), abs(Fraction(case["entry"]) - Fraction(case["stop"]))
    budget = Fraction(ours.sized(case)["budget"])
    lots = budget / distance // lot
    places = len(case["lot_size"].partition(".")[2])
    return sized_row(case, {"quantity": rounded(lots * lot, places)}, in_coins=False)


def sizing(answers: Answers) -> dict[str, list[Case]]:
    """Peer -> rows of the stop table; jesse answers in coins, here one coin a contract."""
    table = {}
    for peer, equity in zip(("nautilus", "jesse"), cases.EQUITIES, strict=True):
        if peer in answers:
            told = answers[peer]["sizing"]
            table[peer] = [
                sized_row(case, told[case["id"]], peer == "jesse")
                for case in cases.sizing()
                if case["equity"] == equity
            ]
    table["plain"] = [plain_row(case) for case in cases.sizing() if case["equity"] == cases.EQUITIES[0]]
    return table


def multipliers(answers: Answers) -> dict[str, list[Case]]:
    """Peer -> rows of contracts that are not one coin."""
    return {
        peer: [
            sized_row(case, answers[peer]["sizing"][case["id"]], peer == "jesse")
            for case in cases.multipliers()
        ]
        for peer in ("nautilus", "jesse")
        if peer in answers
    }


def over_all_perps(answers: Answers) -> dict[str, list[Case]]:
    """Peer -> summary lines over the perpetuals of freqtrade's tier file."""
    if "freqtrade" not in answers:
        return {}
    pairs = answers["freqtrade"]["isolated"]["pairs"]
    table: dict[str, list[Case]] = {"freqtrade": [], "jesse": []}
    for setup in cases.setups():
        right = compare.right_prices(setup, pairs)
        told = {pair: found["prices"][setup["id"]] for pair, found in pairs.items()}
        said = {pair: prices["price"] for pair, prices in told.items()}
        level = {pair: prices["with_buffer"] for pair, prices in told.items()}
        table["freqtrade"].append(compare.summary(setup, right, said, level))
        if "jesse" in answers:
            flat = answers["jesse"]["liquidation"][f"isolated {setup['id']}"]["price"]
            table["jesse"].append(compare.summary(setup, right, dict.fromkeys(pairs, flat), None))
    return {peer: rows for peer, rows in table.items() if rows}


def examples(answers: Answers) -> list[Case]:
    """Single perpetuals out of the summary, with their tiers: the largest error of each long setup
    among those whose tiers our catalogue has too."""
    if "freqtrade" not in answers:
        return []
    pairs = answers["freqtrade"]["isolated"]["pairs"]
    known = compare.same_tiers(pairs)
    rows = []
    for setup in cases.setups():
        if setup["side"] == "short":
            continue
        right = compare.right_prices(setup, pairs)
        errors = {
            pair: error(ENTRY, price, pairs[pair]["prices"][setup["id"]]["price"])
            for pair, price in right.items()
            if price is not None
        }
        ranked = sorted(errors, key=lambda pair: (-abs(errors[pair]), pair))
        pair = compare.first_of(ranked, known)
        if pair is not None:
            rows.append(example(setup, pair, pairs[pair], right[pair]))
    return rows


def example(setup: dict[str, str], pair: str, found: Case, mine: str | None) -> Case:
    """One perpetual in one setup."""
    told = found["prices"][setup["id"]]
    return {
        **setup,
        "symbol": compare.symbol_of(pair),
        "entry": ENTRY,
        "quantity": rounded(Fraction(setup["stake"]) * Fraction(setup["leverage"]) / Fraction(ENTRY), 0),
        "margin": setup["stake"],
        "facts": compare.tier_facts(found["tiers"]),
        "ours": {"price": mine},
        "theirs": told,
        "error": percent(error(ENTRY, str(mine), told["price"])),
    }


def cross(answers: Answers, facts: dict[str, Case]) -> list[Case]:
    """The long leg's liquidation price beside another position."""
    rows = []
    for case in cases.cross():
        told: dict[str, Any] = {
            peer: answers[peer]["cross"][case["id"]]["price"]
            for peer in ("freqtrade", "lrvx")
            if peer in answers
        }
        if "freqtrade" in answers:
            told["freqtrade_with_buffer"] = answers["freqtrade"]["cross"][case["id"]]["with_buffer"]
        if "jesse" in answers:
            told["jesse"] = answers["jesse"]["liquidation"]["cross 1000x10 long"]["price"]
        rows.append({**case, "ours": ours.cross(case, facts), "theirs": told})
    return rows


def steps(answers: Answers, facts: dict[str, Case]) -> list[Case]:
    """lrvx beside ours at growing notional."""
    if "lrvx" not in answers:
        return []
    rows = []
    for case in cases.steps():
        mine = ours.isolated(case, facts[case["contract"]])
        told = {
            "tiers": answers["lrvx"]["isolated"][case["id"]]["price"],
            "profile": answers["lrvx"]["isolated"].get(f"profile {case['id']}", {}).get("price"),
        }
        errors = {
            name: percent(error(case["entry"], str(mine["price"]), price))
            for name, price in told.items()
            if price not in (None, "at once")
        }
        rows.append({**case, "ours": mine, "theirs": told, "errors": errors})
    return rows


def maintenance(answers: Answers, facts: dict[str, Case]) -> list[Case]:
    """nautilus_trader's maintenance margin beside ours at growing leverage."""
    if "nautilus" not in answers:
        return []
    told = answers["nautilus"]["margin"]
    return [
        {
            **case,
            "ours": ours.maintenance(case, facts["BTCUSDT"]),
            "theirs": told[case["id"]]["maintenance"],
        }
        for case in cases.maintenance()
    ]


def venue_liquidations(answers: Answers, facts: dict[str, Case]) -> list[Case]:
    """Where nautilus_trader's simulated venue closed the account, beside ours."""
    if "nautilus" not in answers:
        return []
    rows = []
    for case in cases.venue_liquidations():
        mine = ours.isolated(case, facts["BTCUSDT"])
        price = answers["nautilus"]["liquidation"][case["id"]]["price"]
        off = None if price is None else percent(error(case["entry"], str(mine["price"]), price))
        rows.append({**case, "ours": mine, "theirs": price, "error": off})
    return rows


def tier_file(answers: Answers) -> dict[str, int]:
    """How freqtrade's tier table and our catalogue relate."""
    if "freqtrade" not in answers:
        return {}
    known = list(compare.same_tiers(answers["freqtrade"]["isolated"]["pairs"]).values())
    return {
        "perps": len(known),
        "same": known.count(True),
        "different": known.count(False),
        "not_ours": known.count(None),
    }


def measured(answers: Answers, facts: dict[str, Case]) -> dict[str, Any]:
    """All tables of the page."""
    return {
        "sizing": sizing(answers),
        "multipliers": multipliers(answers),
        "tier_file": tier_file(answers),
        "over_all_perps": over_all_perps(answers),
        "examples": examples(answers),
        "cross": cross(answers, facts),
        "steps": steps(answers, facts),
        "maintenance": maintenance(answers, facts),
        "venue_liquidations": venue_liquidations(answers, facts),
        "sources": {peer: found["source"] for peer, found in answers.items()},
        "buffer": answers.get("freqtrade", {}).get("isolated", {}).get("buffer"),
    }
