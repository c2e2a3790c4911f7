"""What the caller decided about the log, and the columns it is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

PERIODS = ("h", "D", "W")
REFUNDS = ("net", "drop", "error")
DUPLICATES = ("keep", "drop", "error")
BAD_ROWS = ("raise", "drop")


@dataclass(frozen=True, slots=True)
class Rules:
    """How rows are judged; see :func:`valuetier.summarize`."""

    as_of: date | None
    period: str
    refunds: str
    duplicates: str
    bad_rows: str


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of the log is what, and how its dates are to be read."""

    customer: str
    date: str
    amount: str
    order: str | None
    timezone: str | None
    date_format: str | None

    def roles(self) -> dict[str, str]:
        """Return the column of each role."""
        roles = {"customer": self.customer, "at": self.date, "amount": self.amount}
        return roles if self.order is None else {**roles, "order": self.order}
