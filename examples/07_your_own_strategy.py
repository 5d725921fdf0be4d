"""A strategy of a few lines, played over a market: what it made, and what its costs took."""

from lotwise import FeeSchedule
from lotwise.backtest.feed import feed_of
from lotwise.backtest.run import Plan, play_asked
from lotwise.market.replay import Feed
from lotwise.market.synthetic import make
from lotwise.records.signal import Signal
from lotwise.strategy.api import Strategy
from lotwise.strategy.parts import MILLION, Average
from lotwise.units import Cash, cash_text, parse_cash, parse_rate


class Pullback(Strategy):
    """Buy a dip below the mean that is bought back; the stop below the dip."""

    def begin(self, contract):
        self.slow = Average(240)

    def on_bar(self, bar, view):
        mean = self.slow.update(bar.close_ticks)
        if mean is None or not bar.low_ticks * MILLION < mean < bar.close_ticks * MILLION:
            return None
        stop = bar.low_ticks - 2 * (bar.high_ticks - bar.low_ticks)
        return Signal(side=1, stop_ticks=stop, hold_ns=4 * 3_600 * 10**9, reason="pullback")


made = make("demo", days=10, seed=7, contracts=["BTCUSDT"]).made["BTCUSDT"]
contract = made.contract.replace(fees=FeeSchedule(maker="0.02%", taker="0.05%"))
feed = feed_of([Feed(contract, bars=made.tables["bars"], funding=made.tables["funding"])], 60 * 10**9)
plan = Plan(equity_cash=parse_cash("500", "equity"), risk8=parse_rate("1%", "risk"))

played = play_asked([Pullback()], [contract], feed, plan)
result = Cash(int(played.trips["result_cash"].sum()))
fees = Cash(int(played.trips["fees_cash"].sum()))
print(f"{len(played.trips)} trades made {cash_text(result)} USDT; fees took {cash_text(fees)}")
print(f"{(played.trips['result_cash'] > 0).sum()} of them won")

# It prints:
#   55 trades made -44.15776319 USDT; fees took 104.14619025
#   11 of them won
