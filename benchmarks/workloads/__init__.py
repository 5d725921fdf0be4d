"""The workloads, in the order they run. A workload may not know another, or how it is reported."""

from __future__ import annotations

from benchmarks.workload import Workload
from benchmarks.workloads import (
    backtest_class,
    backtest_report,
    cli_cold,
    correlation,
    exchange_calls,
    exchange_fanout,
    exchange_replay,
    exchange_rest,
    flow_trades,
    indicators,
    journal_pages,
    kernel_compiled,
    kernel_first_call,
    kernel_strategy_compiled,
    kernel_sweep_compiled,
    kernel_trades_compiled,
    liquidation_compiled,
    load,
    profile_days,
    review,
    ruin_paths,
    rule_compiled,
    rule_interpreted,
    scan_catalogue,
    session_latency,
    size_explained,
    sweep_grid,
    wide_arithmetic,
)

ALL: dict[str, Workload] = {
    module.WORKLOAD.name: module.WORKLOAD
    for module in (
        cli_cold,
        rule_interpreted,
        size_explained,
        rule_compiled,
        liquidation_compiled,
        wide_arithmetic,
        scan_catalogue,
        kernel_compiled,
        kernel_trades_compiled,
        kernel_sweep_compiled,
        kernel_strategy_compiled,
        kernel_first_call,
        load,
        profile_days,
        flow_trades,
        indicators,
        correlation,
        ruin_paths,
        backtest_class,
        backtest_report,
        review,
        journal_pages,
        sweep_grid,
        exchange_rest,
        exchange_calls,
        exchange_fanout,
        exchange_replay,
        session_latency,
    )
}
"""Workload by name."""
