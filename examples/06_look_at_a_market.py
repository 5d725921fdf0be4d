"""A made-up market: where the volume traded, how far one coin moves with another, what funding took."""

from lotwise.analysis.beta import rolling_beta
from lotwise.analysis.carry import funding_of
from lotwise.analysis.correlation import aligned, log_returns
from lotwise.analysis.profile import of_bars
from lotwise.market.synthetic import make

NAMES = ["BTCUSDT", "ETHUSDT"]
market = make("storm", days=3, seed=7, contracts=NAMES)
bars = {name: market.made[name].tables["bars"].frame for name in NAMES}

eth = bars["ETHUSDT"]
profile = of_bars(eth["low"].to_numpy(), eth["high"].to_numpy(), eth["volume"].to_numpy(), row_ticks=100)
low, most, high = (
    profile.price_ticks(row) / 100 for row in (profile.value_low, profile.control, profile.value_high)
)
print(f"ETH: 70 % of the volume traded from {low:.2f} to {high:.2f}, most of it at {most:.2f}")

both = aligned(
    {name: (frame["time_ns"].to_numpy(), frame["close"].to_numpy()) for name, frame in bars.items()}
)
returns = log_returns(both.closes)
beta = rolling_beta(returns, NAMES, window=1_440, market="BTCUSDT").of("ETHUSDT")[-1]
print(f"ETH moved {beta:.2f} times as far as BTC in the last day")

paid = market.made["ETHUSDT"].tables["funding"].frame
carry = funding_of(paid["time_ns"].to_numpy(), paid["rate"].to_numpy(), paid["interval_ns"].to_numpy()).over()
print(f"{carry.payments} fundings: a long paid {-carry.long8 / 10**6:.4f} % of its worth")

# It prints:
#   ETH: 70 % of the volume traded from 1763.00 to 2035.00, most of it at 1921.00
#   ETH moved 1.53 times as far as BTC in the last day
#   50 fundings: a long paid 0.9571 % of its worth
