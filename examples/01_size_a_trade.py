"""How many lots may this account buy, and what does it lose at its stop, all costs in?"""

import lotwise

plan = lotwise.size(
    "binance:ETHUSDT",
    side="long",
    entry="2640",
    stop="1.5%",
    equity="500",
    risk="1%",
    slippage="2bp",
    targets="1R:50%,2R:50%",
)
print(plan.preview)
print(f"loses {plan.loss_at_stop} {plan.settle} of {plan.budget}, {plan.friction.costs} of it in costs")
for target in plan.targets:
    print(f"{target.quantity} ETH at {target.price}: +{target.profit}, which is {target.r} R")
print(f"one lot more would lose {plan.next_lot_loss}")

# It prints:
#   0.116 ETH = 0.116 contracts = 306.24 USDT
#   loses 4.95899246 USDT of 5.00, 0.36539246 of it in costs
#   0.058 ETH at 2679.60: +2.1425316, which is 0.432 R
#   0.058 ETH at 2719.20: +4.4381832, which is 0.8949 R
#   one lot more would lose 5.0017424
