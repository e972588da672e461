"""Backtest: a program definition run over past events, with the very code that runs it live."""

from guerdon.insight.backtest.files import write_report
from guerdon.insight.backtest.history import History, open_history
from guerdon.insight.backtest.run import (
    Backtest,
    Reject,
    Request,
    Timings,
    run_backtest,
    shares_between_accounts,
)

__all__ = [
    "Backtest",
    "History",
    "Reject",
    "Request",
    "Timings",
    "open_history",
    "run_backtest",
    "shares_between_accounts",
    "write_report",
]
