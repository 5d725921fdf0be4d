"""A trade that does not fit is refused with ways out; each of them can be passed back."""

import lotwise

asked = {"side": "long", "entry": "60000", "stop": "2%", "equity": "200", "risk": "1%"}
plan = lotwise.size("binance:BTCUSDT", **asked)
print(f"{plan.blocked_by.code}: the smallest order would lose {plan.next_lot_loss} of {plan.budget}")
for way in plan.ways_out[:4]:
    other = way.value if way.kind == "contract" else "binance:BTCUSDT"
    words = asked if way.kind == "contract" else asked | {way.kind: way.value}
    found = lotwise.size(other, **words).require()  # raises where it does not fit
    print(f"{way.kind} {way.value}: {found.quantity} BTC loses {found.loss_at_stop} of {found.budget}")

# It prints:
#   SIZE-111: the smallest order would lose 2.5188 of 2.00
#   stop 59059.6: 0.002 BTC loses 1.9998596 of 2.00
#   equity 251.88: 0.002 BTC loses 2.5188 of 2.5188
#   risk 1.2594%: 0.002 BTC loses 2.5188 of 2.5188
#   contract bybit:BTCUSDT: 0.001 BTC loses 1.26534 of 2.00
