"""Which contract suits this account? Prices of your own, every contract by the same rules."""

import lotwise

prices = {"BTC": "95000", "ETH": "2640", "SOL": "162", "XRP": "2.25"}
quotes = {
    coin: lotwise.Quote(price=price, at="2026-11-22", source="by hand") for coin, price in prices.items()
}
found = lotwise.scan(
    equity="300", risk="1%", stop="3%", quotes=quotes, venues=["binance", "bybit"], coins=list(prices)
)
for row in found.rows:
    if row.price is not None:
        told = "fits" if row.fits else f"does not fit: {row.reason}"
        print(f"{row.contract:<16} {row.quantity:>6} {row.base:<4} loses {row.loss_at_stop:<12} {told}")

# It prints:
#   binance:XRPUSDT      43 XRP  loses 2.99779875   fits
#   bybit:XRPPERP      42.8 XRP  loses 2.99334105   fits
#   bybit:XRPUSDT      42.8 XRP  loses 2.99334105   fits
#   binance:SOLUSDT    0.59 SOL  loses 2.9615463    fits
#   bybit:BTCPERP     0.001 BTC  loses 2.9529325    fits
#   bybit:BTCUSDT     0.001 BTC  loses 2.9529325    fits
#   binance:ETHUSDT   0.036 ETH  loses 2.9448144    fits
#   bybit:SOLPERP       0.5 SOL  loses 2.5177635    fits
#   bybit:SOLUSDT       0.5 SOL  loses 2.5177635    fits
#   bybit:ETHPERP      0.03 ETH  loses 2.4618132    fits
#   bybit:ETHUSDT      0.03 ETH  loses 2.4618132    fits
#   binance:BTCUSDT   0.002 BTC  loses 5.88715      does not fit: min_notional
