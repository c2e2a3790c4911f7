"""The books of one reading of a log: what came in, what left, what is used."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from valuetier.customers.report import USED, IngestLine, IngestReport
from valuetier.customers.rules import Columns, Rules
from valuetier.errors import InvalidDataError

# Fates of a row, in the order in which they are looked for.
BAD: Mapping[str, str] = {
    "customer": "customer missing",
    "at": "date missing or unreadable",
    "currency": "currency missing",
    "rate": "exchange rate missing",
    "amount": "amount missing or unreadable",
    "infinite": "amount infinite",
    "order": "order id missing",
    "cost": "cost missing or unreadable",
    "margin": "margin missing or unreadable",
}
AFTER = "after as_of"
BEFORE = "before since"
DUPLICATE = "duplicate"
REFUND = "refund"
DROPPED_REFUND = "refund dropped"
NO_ORDER = "refund of a customer without order"

DATE_HELP = (
    " Text must be ISO 8601 (with timezone= where files or relations hold an offset such as +08:00), "
    "or date_format= must say how it is written."
)

NO_REFUNDS = IngestLine(REFUND, 0, 0, 0.0)


@dataclass(slots=True)
class Ledger:
    """Keeps count while the rows of a log are judged; ``close`` makes the report."""

    rules: Rules
    columns: Columns
    rows: int
    customers: int
    money: float
    dropped: list[IngestLine] = field(default_factory=list)
    refunds: IngestLine = NO_REFUNDS
    duplicates: int = 0

    def __post_init__(self) -> None:
        if not math.isfinite(self.money):
            raise InvalidDataError(
                f"{self.columns.amount}: the {self.rows} amounts add up to more than a number can hold, 1.8e308. "
                "Correct the largest."
            )

    def enter_bad(self, found: Mapping[str, IngestLine]) -> None:
        """Enter bad rows and those outside the window; raise if bad ones may not be dropped."""
        names = {**self.columns.roles(), "infinite": self.columns.amount, "rate": self.columns.currency}
        problems = [
            f"{names[key]}: {found[key].rows} of {self.rows} rows have the {text}."
            + (DATE_HELP if key == "at" else "")
            for key, text in BAD.items()
            if key in found
        ]
        if problems and self.rules.bad_rows == "raise":
            raise InvalidDataError(
                " ".join(problems) + " Correct them, or pass bad_rows='drop' to count and leave them out."
            )
        for key in (*BAD, AFTER, BEFORE):
            if key in found:
                line = found[key]
                reason = BAD.get(key, key)
                self.dropped.append(IngestLine(reason, line.rows, line.customers, line.money))

    def enter_duplicates(self, found: IngestLine) -> bool:
        """Enter repeated rows; return whether they are to be dropped."""
        self.duplicates = found.rows
        if found.rows and self.rules.duplicates == "error":
            roles = self.columns.roles()
            raise InvalidDataError(
                f"{found.rows} of {self.rows} rows repeat another one in {[roles[role] for role in self.columns.key()]}. "
                "Pass duplicates='keep' if they are real, or duplicates='drop'."
            )
        drop = self.rules.duplicates == "drop" and found.rows > 0
        if drop:
            self.dropped.append(found)
        return drop

    def enter_refunds(self, found: IngestLine) -> bool:
        """Enter refunds; return whether they are to be dropped."""
        if found.rows and self.rules.refunds == "error":
            raise InvalidDataError(
                f"{self.columns.amount}: {found.rows} of {self.rows} rows are negative. "
                "Pass refunds='net' to deduct them, or refunds='drop'."
            )
        drop = self.rules.refunds == "drop" and found.rows > 0
        if drop:
            self.dropped.append(IngestLine(DROPPED_REFUND, found.rows, found.customers, found.money))
        else:
            self.refunds = found
        return drop

    def nothing_left(self) -> InvalidDataError:
        """Return the error for a log without a single order that counts."""
        if not self.rows:
            return InvalidDataError("The order log is empty: 0 rows. Pass at least one order.")
        reasons = ", ".join(f"{line.reason}: {line.rows}" for line in self.dropped) or "refunds only"
        return InvalidDataError(
            f"None of the {self.rows} rows of the order log is an order that counts ({reasons}). "
            "Check as_of, since and the columns named by customer=, date= and amount=."
        )

    def close(self, used: IngestLine, without_order: IngestLine) -> IngestReport:
        """Return the report; raise if nothing is used."""
        if not used.rows:
            raise self.nothing_left()
        extra = [without_order] if without_order.rows else []
        return IngestReport(
            self.rows,
            self.customers,
            self.money,
            (used, *extra, *self.dropped),
            self._used_refunds(without_order),
            self.duplicates,
        )

    def _used_refunds(self, without_order: IngestLine) -> IngestLine:
        """Return the refunds less those of customers without order, who are not used."""
        rows = self.refunds.rows - without_order.rows
        if not rows:
            return NO_REFUNDS
        customers = self.refunds.customers - without_order.customers
        return IngestLine(REFUND, rows, customers, self.refunds.money - without_order.money)


def used_line(rows: int, customers: int, money: float) -> IngestLine:
    """Return the line of what the customer table is made of."""
    return IngestLine(USED, rows, customers, money)
