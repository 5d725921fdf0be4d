"""The dialect of Binance USD-M futures: paths, fields, codes and streams.

It may not decide what an order does or what money is: it reads what a client sends, hands it to the venue,
and writes the answer as Binance does.
"""
