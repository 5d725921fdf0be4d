"""Two sizes of contract fill a budget more closely than one, and a slip of ten is seen before it is sent."""

import lotwise

EQUITY, TREND = "2000", {"entry": "60000", "stop": "58800"}

small = lotwise.contract("bybit:BTCUSDT")
large = small.replace(symbol="BTC-LARGE", lot_size="0.01", min_quantity="0.01")
mixed = lotwise.mix([large, small], side="long", equity=EQUITY, **TREND)
for part in mixed.parts:
    print(part.lots, "x", part.contract)
print(f"loses {mixed.loss_at_stop} of {mixed.budget}")

typed = lotwise.preview("mexc:BTC_USDT", quantity="0.1 BTC", price="60000", stop="2%", equity=EQUITY)
print(f"{typed.preview}; the venue is sent {typed.wire_quantity} contracts")
print(typed.warnings[0])

# It prints:
#   1 x bybit:BTC-LARGE
#   5 x bybit:BTCUSDT
#   loses 18.9801 of 20.00
#   0.1 BTC = 1,000 contracts = 6,000.00 USDT; the venue is sent 1000 contracts
#   6.13 times the largest size that fits, 0.0163 BTC
