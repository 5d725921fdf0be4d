"""The sentences of ``docs/parity.md``. Figures are not among them: those come from the data."""

from __future__ import annotations

PACKAGES = {"nautilus": "nautilus_trader", "jesse": "jesse", "freqtrade": "freqtrade", "lrvx": "lrvx"}
UNITS = {"nautilus": "contracts", "jesse": "coins"}
CROSS_NAMES = {
    "freqtrade": "{}",
    "freqtrade_with_buffer": "the same with its buffer",
    "lrvx": "{}",
    "jesse": "{}",
}
CROSS_PACKAGES = {
    "freqtrade": "freqtrade",
    "freqtrade_with_buffer": "freqtrade",
    "lrvx": "lrvx",
    "jesse": "jesse",
}

HEAD = """\
# Beside other tools

The same trades and positions, put to lotwise and to other open-source tools. Every figure was computed by
the tool's own code, installed at the version below, on the day below; none is taken from a document. For
the tools' liquidation prices the reference is the venue's published formula with its maintenance margin
tiers, the tier being that of the notional *at* the liquidation price; `tests/reference/` holds a second,
independent version of it in exact fractions, and [proof.md](proof.md) says how often the two were compared.

These tools do much that lotwise does not, and a position size or a liquidation price is a small part of
them. Corrections are welcome: the last section says how to run this page again."""

CHANGED = (
    "The installed source of {peer} no longer reads as it did when this page was laid out ({fact}); the"
    " difference above is measured, its cause is not stated."
)

SIZING = """\
Long BTC at 65,000 in lots of 0.001; 1 % of equity is the budget; taker fee 0.05 % at the entry and at
the stop. The loss is quantity x (stop distance + entry fee + exit fee), in USDT and in percent of the
budget. "Budget / stop distance" is the arithmetic of a plain calculator, cut to the lot."""

BATCH = (
    "`FixedRiskSizer.calculate` was given the lot as `unit_batch_size`. With its default of 1 whole unit it"
    " answers {answers} in each of these rows."
)

MULTIPLIERS = """\
A contract of 0.0001 BTC: long at 65,000, stop 64,350, taker fee 0.02 %. A contract of 10 coins:
long at 1.000, stop 0.900, no fee. What a quantity loses is counted with the contract's size."""

COINS = (
    "`risk_to_qty` of jesse answers in coins and has no argument for a contract's size; its answer is"
    " counted as coins here."
)

ALL_PERPS = """\
Isolated, entry at 100, wallet = stake, notional = stake x leverage, on the tiers that {freqtrade}
ships for dry-run ({perps} perpetuals against USDT; lotwise's catalogue has the same tiers for {same} of
them, other tiers for {different}, and does not list {not_ours}). Each row counts the perpetuals whose tier
of that notional lends that leverage; 10,000, the cap of a tier for many, counts as inside that tier.
Another entry price gives the same percentages.

An answer *differs* where it is off by more than 0.01 % of the distance from the entry to lotwise's
liquidation price; median and largest are over those that differ, in percent of that distance. *Farther*
(+) means that the tool's price is farther from the entry than the formula's: the position would be gone
before; *nearer* (-) means that the tool liquidates first."""

BUFFER = (
    "The bot acts at `get_liquidation_price`, which moves the price toward the entry by `liquidation_buffer`"
    " ({buffer} by default); the last column counts how often that level still lies beyond the formula's"
    " price."
)

EXAMPLES = "The largest error of each long row among perpetuals that lotwise's catalogue lists:"

JESSE = (
    "A backtest of jesse has one maintenance rate for all contracts, and its docstring names Bybit's former"
    " formula as the source. It is set beside Binance's tiers because it is what a user of jesse is shown for"
    " a Binance contract too. The same setups and perpetuals:"
)

CROSS = """\
Long 0.02 BTC at 60,000 in a cross wallet of 1,000 USDT, and one more position; the price is that of
BTC at which the account is liquidated while ETH stays at its mark. freqtrade in dry-run mode, where the
marks of the other positions are read; a price below zero is never reached."""

STEPS = """\
Isolated at 10x: BTCUSDT at 60,000, DOGEUSDT at 0.1, PEOPLEUSDT at 0.02. `LiquidationEngine` says at
a mark whether a position is liquidated; the price was found by halving, with a fresh engine for each mark.
It was given the tiers lotwise uses (of {as_of}; floor and rate, as its tiers take nothing more), and for
BTCUSDT also asked with its own `binance_um_futures()` profile, whose tiers are other ones. Errors as above:
minus is nearer to the entry, an earlier liquidation than by the formula."""

MAINTENANCE = """\
0.1 BTC at 60,000, tier rate 0.4 %: maintenance margin in USDT, by the default margin model of
nautilus_trader with `margin_maint` 0.004, and by the venue's tiers."""

VENUE = """\
In nautilus_trader no function was found that computes a liquidation price from a position. Its simulated
venue liquidates where `liquidation_enabled` is set (it is off by default). A long of 1 BTC at 60,000,
opened with margin = notional / leverage, which is all the account has, while quotes fall by 0.1 at a time;
the price is that of the fill which closes it, `margin_maint` 0.004, no fees:"""

WHY = {
    ("nautilus", "commission_on_risk_money"): (
        "nautilus_trader: `risk/sizing.pyx`, `PositionSizer._calculate_riskable_money`, takes the commission"
        " as a share of the money at risk rather than of the notional."
    ),
    ("nautilus", "multiplier_unread"): (
        "nautilus_trader: `risk/sizing.pyx`, `FixedRiskSizer.calculate`, does not read the instrument's"
        " multiplier."
    ),
    ("nautilus", "maintenance_over_leverage"): (
        "`accounting/margin_models.pyx`, `LeveragedMarginModel.calculate_margin_maint`, divides the notional"
        " by the leverage; `StandardMarginModel` in the same file does not. Neither has tiers."
    ),
    ("nautilus", "leveraged_is_default"): (
        "`accounting/accounts/margin.pyx`, `MarginAccount`, starts with `LeveragedMarginModel`."
    ),
    ("jesse", "size_capped_at_capital"): (
        "jesse: `utils.py`, `risk_to_size`, returns no more than the capital, whatever the leverage, so tight"
        " stops are sized below the budget."
    ),
    ("jesse", "fee_three_times_twice"): (
        "jesse: `utils.py`, `risk_to_qty` and `size_to_qty`, each reduce the size by three times the fee"
        " rate, instead of adding the fees to the loss per coin."
    ),
    ("jesse", "flat_rate"): (
        "jesse: `models/Position.py`, `Position.liquidation_price`, has a fixed 0.004 of the entry price for"
        " every contract and size."
    ),
    ("jesse", "cross_is_nan"): (
        "jesse: `models/Position.py`, `Position.liquidation_price`, answers `nan` for cross margin outside"
        " live trading."
    ),
    ("freqtrade", "tier_by_stake"): (
        "freqtrade: `exchange/binance.py`, `Binance.dry_run_liquidation_price`, looks the tier up by"
        " `stake_amount` (the collateral); `get_maintenance_ratio_and_amt` in `exchange/exchange.py` names"
        " that argument `notional_value`. So the tier found is that of a smaller position."
    ),
    ("freqtrade", "upnl_without_side"): (
        "freqtrade: `exchange/binance.py`, `Binance.dry_run_liquidation_price`, adds up the unrealised profit"
        " of the other positions without their side, so a short counts as a long."
    ),
    ("lrvx", "tier_without_amount"): (
        "lrvx: `LiquidationEngine.add_tier(min_notional, mm_fraction)` takes a rate and no maintenance"
        " amount, so above the first tier the whole notional is charged the tier's rate. The engine is"
        " compiled and its source is not in the package."
    ),
}

NOBODY = "No tool that answers this could be installed; see below."
NO_TIERS = "freqtrade could not be asked, and with it the tier table is missing; see below."

LEFT_OUT = """\
- freqtrade live and jesse live read the venue's own liquidation price; that needs an account and was
  not run.
- freqtrade's backtest mode in cross margin values the other positions at their entry; only dry-run was run.
- Whether a venue fills a liquidation at this price is not part of the comparison; liquidation fees are not
  in any of these prices.
- Tools without a function that takes a stop distance, or without a liquidation price, are not listed."""

AGAIN = """\
## Run it again

```
make parity
```

It makes one environment per tool in `.venv-parity/` from `requirements/parity-*.txt` (exact versions with
hashes), runs `tools/parity/probe_*.py` inside it, computes lotwise's answers, and writes this page and
[parity.json](parity.json), the figures behind it. nautilus_trader's newest releases need Python 3.12 or
newer; where only 3.11 is found, the last release for 3.11 is taken and named above.

`tests/docs/test_parity.py` computes lotwise's answers again in every test run, without network and without
the other tools."""
