"""The same strategy with and without a trader's own limits: what they keep it from."""

from lotwise.app.backtest_words import allowed_of
from lotwise.backtest.feed import feed_of
from lotwise.backtest.run import Plan, play_columns
from lotwise.contracts.contract import FeeSchedule
from lotwise.market.replay import Feed
from lotwise.market.synthetic import make
from lotwise.strategy.library import LIBRARY
from lotwise.units import Cash, cash_text, parse_cash, parse_rate

made = make("storm", days=5, seed=7, contracts=["BTCUSDT"]).made["BTCUSDT"]
contract = made.contract.replace(fees=FeeSchedule(maker="0.02%", taker="0.05%"))
feed = feed_of([Feed(contract, bars=made.tables["bars"], funding=made.tables["funding"])], 60 * 10**9)

for words in ("", "day_loss=3%", "day_loss=3%,trades=6,cool_down=15min,streak=3:4h"):
    allowed, _ = allowed_of(words)
    plan = Plan(equity_cash=parse_cash("500", "equity"), risk8=parse_rate("1%", "risk"), allowed=allowed)
    played = play_columns([LIBRARY["breakout"]()], [contract], feed, plan)
    result = Cash(int(played.trips["result_cash"].sum()))
    print(f"{words or 'no limits':<50} {len(played.trips):>3} trades {cash_text(result):>13} USDT")

# It prints:
#   no limits                                          134 trades -121.47499419 USDT
#   day_loss=3%                                         71 trades  -62.45630984 USDT
#   day_loss=3%,trades=6,cool_down=15min,streak=3:4h    28 trades    8.08829212 USDT
