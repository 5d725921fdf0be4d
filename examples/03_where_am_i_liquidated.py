"""The exact liquidation price, isolated and cross, and what money added by hand does to it."""

import lotwise

position = {"side": "long", "quantity": "0.02", "entry": "60000"}
for leverage in ("3", "10", "20"):
    found = lotwise.liquidation("binance:BTCUSDT", leverage=leverage, **position)
    print(f"isolated {leverage:>2}x: liquidated at {found.liquidation_price}, margin {found.wallet}")
more = lotwise.liquidation("binance:BTCUSDT", leverage="20", extra_margin="60", **position)
print(f"with 60 USDT more: {more.liquidation_price}")

short = lotwise.Position(contract="binance:ETHUSDT", side="short", quantity="1", entry="3000", mark="3300")
crossed = lotwise.liquidation("binance:BTCUSDT", margin="cross", wallet="1000", others=[short], **position)
print(f"cross, beside a losing short: {crossed.liquidation_price}")

# It prints:
#   isolated  3x: liquidated at 40160.64257029, margin 400.00
#   isolated 10x: liquidated at 54216.86746988, margin 120.00
#   isolated 20x: liquidated at 57228.91566266, margin 60.00
#   with 60 USDT more: 54216.86746988
#   cross, beside a losing short: 25763.05220884
