"""The ingest report: every row of the log is used or counted under one reason."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from valuetier.customers.suspicions import Suspicion
from valuetier.store import storable

USED = "used"


@storable
@dataclass(frozen=True, slots=True)
class IngestLine:
    """Rows of the log that share a fate.

    Attributes
    ----------
    reason : str
        ``"used"`` or why they were left out.
    rows, customers : int
    money : float
        Sum of their amounts, as far as they are known and finite.
    """

    reason: str
    rows: int
    customers: int
    money: float


@storable
@dataclass(frozen=True, slots=True)
class IngestReport:
    """What became of the rows, customers and money of an order log.

    Attributes
    ----------
    rows, customers, money
        In the log.
    lines : tuple of IngestLine
        What was used, then what was left out by reason.
    refunds : IngestLine
        Rows with a negative amount among the used ones: in the spend, never an occasion.
    duplicates : int
        Rows that repeat another one in customer, time, amount and order id (before accounts are
        rolled up and amounts converted).
    notes : tuple of IngestLine
        Rows to which something was done before they were used: rolled up to a parent account,
        converted from another currency, netted with the order that they refund.
    warnings : tuple of Suspicion
        What looks wrong although it can be read; nothing is changed for it.
    """

    rows: int
    customers: int
    money: float
    lines: tuple[IngestLine, ...]
    refunds: IngestLine
    duplicates: int
    notes: tuple[IngestLine, ...] = ()
    warnings: tuple[Suspicion, ...] = ()

    @property
    def used(self) -> IngestLine:
        """What the customer table is made of."""
        return next(line for line in self.lines if line.reason == USED)

    @property
    def dropped(self) -> tuple[IngestLine, ...]:
        """What was left out, by reason."""
        return tuple(line for line in self.lines if line.reason != USED)

    @property
    def reconciles(self) -> bool:
        """True if rows and money of all lines add up to those of the log, and no customer is lost."""
        money = math.fsum(line.money for line in self.lines)
        scale = max(1.0, abs(self.money), *(abs(line.money) for line in self.lines))
        return (
            sum(line.rows for line in self.lines) == self.rows
            and abs(money - self.money) <= 1e-9 * scale
            and self.used.customers <= self.customers <= sum(line.customers for line in self.lines)
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the report as a table with a total at the end."""
        rows = [(line.reason, line.rows, line.customers, line.money) for line in self.lines]
        rows.append(("total", self.rows, self.customers, self.money))
        return pd.DataFrame(rows, columns=["reason", "rows", "customers", "money"])

    def __str__(self) -> str:
        table = self.to_frame()
        table["money"] = [f"{money:,.2f}" for money in table["money"]]
        notes = []
        if self.refunds.rows:
            notes.append(f"refunds in the spend: {self.refunds.rows} rows, {self.refunds.money:,.2f}")
        notes += [f"{line.reason}: {line.rows} rows, {line.money:,.2f}" for line in self.notes]
        if self.duplicates:
            notes.append(f"rows that repeat another one: {self.duplicates}")
        notes += [f"warning: {suspicion}" for suspicion in self.warnings]
        return "\n".join([table.to_string(index=False), *notes])
