"""The plan that ``lotwise plan init`` writes: a small account, from paper to standard contracts."""

from __future__ import annotations

from typing import Final

EXAMPLE: Final = """\
# A scaling plan: what a trade may risk, and what must be shown before it may risk more.
# Every key can be changed; leave one out and it is not asked.

[plan]
name = "micro-first"
coin = "USDT"
time_zone = "UTC"
usual_stop = "2%"            # the ladder of contracts is measured with it

[[phase]]
name = "paper"
where = "paper"              # paper or live; nothing live is opened in a paper phase
capital = "1000"             # money the phase counts on: an amount, or a share like "20%"
risk = "1%"                  # of that capital, at the stop of one trade

[phase.gate]                 # all of these must hold before the next phase begins
trades = 50                  # closed, with a known stop
expectancy = "0R"            # the interval of the mean result lies above it, costs in
level = "90%"                # of that interval
look_every = 25              # looked at after 50 trades, then after each 25 more
breaches = "1 in 25"         # broken rules among the last 25 trades
drawdown = "10%"
notes = "90%"                # of the trades have their note in the journal
days = 14

[[phase]]
name = "live small"
where = "live"
capital = "20%"              # the rest is reserve: it can not be lost by a trade of this plan
risk = "1%"
fall = {drawdown = "8%", pause = "7d", back = true}   # back to paper for a while

[phase.gate]
trades = 50
expectancy = "0R"
breaches = "1 in 25"
drawdown = "8%"
notes = "90%"
days = 30

[[phase]]
name = "gradual"
where = "live"
capital = "50%"
risk = "1%"
steps = {up = "20%", down = "10%"}   # +20 % raises the money at risk by 20 %; a fall of 10 % lowers it
fall = {drawdown = "15%", pause = "7d", back = true}

[phase.gate]
trades = 100
expectancy = "0R"
breaches = "1 in 25"
drawdown = "15%"
days = 60

[[phase]]
name = "full"
where = "live"
capital = "100%"
risk = "1%"
steps = {up = "25%", down = "10%"}
fall = {drawdown = "15%", pause = "14d", back = true}
# contracts = ["bybit:BTCUSDT", "binance:BTCUSDT"]   # smallest first; a larger one is allowed once
#                                                    # its smallest order's loss at usual_stop fits
"""
