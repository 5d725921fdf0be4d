"""The plan as a machine: it is told events, and says what is allowed and what moved.

Everything is a fold over the events: the same events make the same plan, so a restart changes nothing. The
money at risk moves by :mod:`lotwise.kernel.plan`. Up a phase only through its gate; down at a fall of the
phase's peak, or when the trader says so.

A fall is measured on growth, not on money: each change of the capital that is no transfer multiplies an index
(the time-weighted return). Source: CFA Institute, GIPS, time-weighted return.
"""

from __future__ import annotations

from lotwise.errors import InputError
from lotwise.kernel import plan as steps
from lotwise.kernel.arith import mul_div_floor
from lotwise.kernel.layout import RATE
from lotwise.kernel.limit_rows import TRADE_STEPS, PlanStepRow
from lotwise.kernel.limits import NO_BOUND
from lotwise.records.plan import (
    AnyPlanEvent,
    Begun,
    BreachFound,
    EquitySeen,
    GateSeen,
    PlanLimits,
    Priced,
    SteppedBack,
    TradeClosed,
    TradeNoted,
    Transferred,
    Transition,
    Where,
)
from lotwise.scaling import gates
from lotwise.scaling.config import Phase, PlanConfig
from lotwise.units import Cash, Rate8, cash_text, percent_text

INDEX = 10**12
"""The growth index begins here; a step loses less than 1e-12 of it."""


class Plan:
    """One plan at work.

    Examples
    --------
    >>> from lotwise.scaling.example import EXAMPLE
    >>> from lotwise.scaling.config import read_plan
    >>> import tomllib
    >>> plan = Plan(read_plan(tomllib.loads(EXAMPLE)))
    >>> _ = plan.tell(Begun(time_ns=0, equity_cash=Cash(1_000 * 10**8)))
    >>> plan.limits(0).where
    'paper'
    """

    def __init__(self, config: PlanConfig) -> None:
        self.config = config
        self.sequence = 0
        self.last_ns = 0
        self.number = -1
        self.since_ns = 0
        self.row = PlanStepRow()
        self.equity: dict[Where, int] = {"paper": 0, "live": 0}
        self.index, self.peak = INDEX, INDEX
        self.indices: list[tuple[int, int]] = []
        self.marks: list[gates.TradeMark] = []
        self.look: gates.Look | None = None
        self.known: set[str] = set()
        self.losses: dict[str, Cash] = {}
        self.locked_until_ns = 0
        self.most_risk_cash: int | None = None
        """After a way back: what was at risk before it. A step back makes nothing larger."""
        self._found: list[Transition] = []

    def _repr_html_(self) -> str:
        """For a notebook; before it has begun, its name alone."""
        from lotwise.charts.notebook import fragment
        from lotwise.scaling.pictures import shown

        if self.number < 0:
            return fragment(f"Plan: {self.config.name}", [], "it has not begun")
        return shown(self, self.last_ns)

    # -- being told

    def tell(self, event: AnyPlanEvent) -> tuple[Transition, ...]:
        """Take note of an event; what moved.

        Raises
        ------
        InputError
            PLAN-111 a trade that was counted already; PLAN-112 a time before the last event's; PLAN-113 a
            plan that has not begun, or begins twice; PLAN-114 no trade of that name. Nothing is changed.
        """
        self._check(event)
        before = self._standing()
        self.sequence += 1
        self.last_ns = event.time_ns
        self._found = []
        if isinstance(event, Begun):
            self.equity = {"live": event.equity_cash, "paper": event.paper_cash or event.equity_cash}
            self._enter(0)
            self._note("begin", "", self.phase.name, "the plan begins")
        elif isinstance(event, TradeClosed):
            self._closed(event)
        elif isinstance(event, EquitySeen):
            self._see(event.where, event.equity_cash)
            self._step(event.where)
        elif isinstance(event, Transferred):
            self._transferred(event)
        elif isinstance(event, Priced):
            self.losses = dict(event.losses_cash)
        elif isinstance(event, SteppedBack):
            self._back(event.reason or "the trader's own choice")
        else:
            self._mark(event)
        if not isinstance(event, Begun | SteppedBack):
            self._fall()
            self._rise()
        if before and before[0] == self.number:
            self._contracts(before[1])
        return tuple(self._found)

    def _check(self, event: AnyPlanEvent) -> None:
        if isinstance(event, Begun) != (self.sequence == 0):
            told = "has begun already" if self.sequence else "has not begun"
            raise InputError("PLAN-113", f"the plan {told}", "tell it Begun first, and once")
        if event.time_ns < self.last_ns:
            raise InputError(
                "PLAN-112",
                f"an event of {event.time_ns} ns after one of {self.last_ns}",
                "tell events in their order",
            )
        if isinstance(event, TradeClosed) and event.trade_id in self.known:
            raise InputError(
                "PLAN-111", f"trade {event.trade_id} was counted already", "tell each trade once"
            )
        if isinstance(event, TradeNoted | BreachFound) and event.trade_id not in self.known:
            raise InputError("PLAN-114", f"the plan knows no trade {event.trade_id}", "tell its close first")

    def _closed(self, event: TradeClosed) -> None:
        self.known.add(event.trade_id)
        self._see(event.where, event.equity_cash)
        if event.where == self.phase.where:
            result8 = mul_div_floor(event.result_cash, RATE, event.risk_cash) if event.risk_cash > 0 else None
            is_breach = (
                event.is_breach or result8 is None
            )  # a trade without a known stop breaks the first rule
            self.marks.append(gates.TradeMark(event.trade_id, result8, is_breach, event.is_noted))
            is_good = int(event.result_cash > 0 and not is_breach)
            before = self._risk()
            made = steps.count_trade([self.row], Cash(event.equity_cash), is_good=is_good)
            if made:
                self._stepped(before, f"{self.row.step_trades} good trades")
            self._look()
        self._step(event.where)

    def _mark(self, event: TradeNoted | BreachFound) -> None:
        for mark in self.marks:
            if mark.trade_id == event.trade_id:
                mark.is_noted = mark.is_noted or isinstance(event, TradeNoted)
                mark.is_breach = mark.is_breach or isinstance(event, BreachFound)

    def _transferred(self, event: Transferred) -> None:
        self._see(event.where, event.equity_before_cash)
        self._step(event.where)
        before = self.capital(event.where)
        if event.where == self.phase.where:
            steps.transfer_capital(
                [self.row],
                Cash(event.equity_before_cash),
                Cash(event.amount_cash),
                to_reserve=int(event.of_reserve),
            )
        self.equity[event.where] = event.equity_before_cash + event.amount_cash
        after = self.capital(event.where)
        if self.most_risk_cash is not None and event.where == self.phase.where and before > 0:
            self.most_risk_cash = mul_div_floor(self.most_risk_cash, max(0, after), before)

    def _see(self, where: Where, equity_cash: int) -> None:
        """The equity is this now: growth or fall since it was last told."""
        before = self.capital(where)
        self.equity[where] = equity_cash
        if where != self.phase.where:
            return
        after = self.capital(where)
        if before > 0:
            self.index = mul_div_floor(self.index, max(0, after), before)
        elif after > 0:
            self.peak = self.peak or INDEX
            self.index = self.peak  # nothing was there to grow or fall: counting starts afresh
        self.peak = max(self.peak, self.index)
        self.indices.append((len(self.marks), self.index))

    # -- moving

    def _step(self, where: Where) -> None:
        if where != self.phase.where:
            return
        before, base = self._risk(), self.row.base_cash
        made = steps.step_plan([self.row], Cash(self.equity[where]))
        if made:
            lots = f", {self.row.lots} lots" if self.row.kind == TRADE_STEPS else ""
            self._stepped(before, f"base {cash_text(base)} -> {cash_text(self.row.base_cash)}{lots}", made)

    def _stepped(self, before_cash: int, why: str, made: int = 1) -> None:
        self._note(
            "step up" if made > 0 else "step down",
            cash_text(Cash(before_cash)),
            cash_text(Cash(self._risk())),
            why,
        )

    def _fall(self) -> None:
        phase = self.phase
        if not phase.fall8 or self.fall8() < phase.fall8:
            return
        fell, bound = percent_text(Rate8(self.fall8())), percent_text(phase.fall8)
        why = f"the phase fell {fell} from its peak; the plan ends it at {bound}"
        self.peak = self.index
        if phase.pause_ns:
            self.locked_until_ns = max(self.locked_until_ns, self.last_ns + phase.pause_ns)
            self._note("lock", "", f"until {self.locked_until_ns}", why)
        if phase.falls_back:
            self._back(why)

    def _back(self, why: str) -> None:
        """A phase back; in the first, its counts begin anew."""
        before, risk = self.phase.name, self._risk()
        was = self.phase.where
        self._enter(max(0, self.number - 1))
        if self.phase.where == was:
            self.most_risk_cash = risk
        self._note("phase down", before, self.phase.name, why)

    def _rise(self) -> None:
        """Up a phase where every gate is open."""
        if self.number + 1 >= len(self.config.phases) or self.last_ns < self.locked_until_ns:
            return
        if self.phase.gate.expectancy8 is not None and not (self.look and self.look.passed):
            return  # shut, whatever the others say: they need not be counted
        found = self.gates()
        if not all(gate.is_open for gate in found):
            return
        before = self.phase.name
        self._enter(self.number + 1)
        self._note("phase up", before, self.phase.name, "every gate is open", found)

    def _enter(self, number: int) -> None:
        self.number = number
        phase = self.phase
        self.since_ns = self.last_ns
        self.marks, self.look, self.most_risk_cash = [], None, None
        self.index = self.peak = INDEX
        self.indices = [(0, INDEX)]
        self.row = PlanStepRow(
            kind=phase.kind,
            risk_share8=phase.risk8,
            step_share8=phase.step_share8,
            down_share8=phase.down_share8,
            step_trades=phase.step_trades,
            first_lots=phase.lots if phase.kind == TRADE_STEPS else 0,
        )
        equity = self.equity[phase.where]
        share = mul_div_floor(max(0, equity), phase.capital_share8, RATE)
        allocated = min(phase.capital_cash, equity) if phase.capital_cash else share
        steps.begin_plan([self.row], Cash(equity), allocated_cash=Cash(max(1, allocated)))

    def _look(self) -> None:
        gate = self.phase.gate
        known = sum(mark.result8 is not None for mark in self.marks)
        due = gates.looks_due(gate, known)
        if due > (self.look.number if self.look else 0):
            self.look = gates.look_at(gate, self.marks, due)

    def _contracts(self, before: tuple[str, ...]) -> None:
        after = self.contracts()
        if after == before:
            return
        for name in after:
            if name not in before:
                fits = f"{cash_text(self.losses[name])} <= {cash_text(Cash(self._risk()))}"
                self._note("contract", ", ".join(before), ", ".join(after), f"{name} now fits: {fits}")
        for name in before:
            if name not in after:
                self._note("contract", ", ".join(before), ", ".join(after), f"{name} no longer fits")

    def _note(
        self, kind: str, before: str, after: str, why: str, gates_seen: tuple[GateSeen, ...] = ()
    ) -> None:
        self._found.append(
            Transition(
                time_ns=self.last_ns,
                sequence=self.sequence,
                kind=kind,  # type: ignore[arg-type]
                before=before,
                after=after,
                why=why,
                gates=gates_seen,
                equity_cash=Cash(self.equity[self.phase.where]),
                risk_cash=Cash(self._risk()),
            )
        )

    # -- what stands

    @property
    def phase(self) -> Phase:
        """The present one."""
        return self.config.phases[self.number]

    def capital(self, where: Where) -> int:
        """What the plan counts on; of the other account than the phase's, all of it."""
        reserve = self.row.reserve_cash if self.number >= 0 and where == self.phase.where else 0
        return self.equity[where] - reserve

    def fall8(self) -> int:
        """The fall from the phase's peak, in 1e-8."""
        return mul_div_floor(self.peak - self.index, RATE, self.peak) if self.peak else 0

    def gates(self) -> tuple[GateSeen, ...]:
        """Gates of the present phase; none in the last."""
        if self.number + 1 >= len(self.config.phases):
            return ()
        gate = self.phase.gate
        # a gate that asks for no count of trades looks at all of the phase
        since = max(0, len(self.marks) - gate.trades) if gate.trades else 0
        fell8 = gates.worst_fall8(self.indices, since) if gate.drawdown8 else 0
        return gates.seen(gate, self.marks, self.look, fell8, self.last_ns - self.since_ns)

    def _risk(self) -> int:
        """Money at risk, whatever the time."""
        risk = int(steps.plan_risk_cash([self.row], Cash(self.equity[self.phase.where])))
        return risk if self.most_risk_cash is None else min(risk, self.most_risk_cash)

    def contracts(self) -> tuple[str, ...]:
        """The contracts of the ladder that fit; its first always does."""
        ladder = self.phase.contracts
        risk = self._risk()
        return tuple(
            name
            for place, name in enumerate(ladder)
            if place == 0 or (name in self.losses and self.losses[name] <= risk)
        )

    def lots(self) -> int:
        """Most lots of a trade; 0: no bound."""
        return int(steps.plan_lots([self.row])) if self.row.kind == TRADE_STEPS else self.phase.lots

    def limits(self, now_ns: int) -> PlanLimits:
        """What is allowed at a time.

        Raises
        ------
        InputError
            PLAN-113 the plan has not begun.
        """
        if self.number < 0:
            raise InputError(
                "PLAN-113", "the plan has not begun", "lotwise plan check plan.toml --equity 1000 begins it"
            )
        equity = Cash(self.equity[self.phase.where])
        up, down = int(steps.next_step_cash([self.row])), int(steps.next_fall_cash([self.row]))
        return PlanLimits(
            sequence=self.sequence,
            phase=self.phase.name,
            where=self.phase.where,
            capital_cash=Cash(equity - self.row.reserve_cash),
            risk_cash=Cash(0 if now_ns < self.locked_until_ns else self._risk()),
            lots=self.lots(),
            contracts=self.contracts(),
            locked_until_ns=self.locked_until_ns if now_ns < self.locked_until_ns else 0,
            next_step_cash=None if up == NO_BOUND else Cash(up),
            next_fall_cash=Cash(down) if down else None,
        )

    def _standing(self) -> tuple[int, tuple[str, ...]] | None:
        return None if self.number < 0 else (self.number, self.contracts())
