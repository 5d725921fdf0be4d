"""Five real venues behind one port: Binance USD-M, Bybit, BingX, MEXC and WEEX, through ccxt.

Of ccxt it takes what is dull and must be right: signatures, transport, throttle. Requests are made here, each
by a row of the allow-list (:mod:`.allowed`), and answers are read here as the venue wrote them (:mod:`.raw`).
ccxt's one call for all venues is not used: it sends market orders where a stop was meant (docs/venues.md).

It may not send what the allow-list does not name, may not count an answer's number as a float, and may not
take an order for placed before it has read it back.
"""
