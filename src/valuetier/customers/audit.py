"""Looking at lines in an engine before they are used: every one gets a fate."""

from __future__ import annotations

from datetime import date
from typing import Any

import narwhals as nw
import pandas as pd

from valuetier.customers.definition import collected, ordinal
from valuetier.customers.ledger import AFTER, BAD, BEFORE
from valuetier.customers.report import IngestLine

GOOD = "good"


def with_fates(lines: Any, *, as_of: date | None, since: date | None = None) -> Any:
    """Return the lines with a column ``fate``; known finite money in ``money``."""
    there = lines.collect_schema().names()
    amount = nw.col("amount")
    unknown = amount.is_null() | amount.is_nan()
    faults = {
        **{name: nw.col(name).is_null() for name in ("customer", "at", "currency", "rate")},
        "amount": unknown,
        "infinite": ~amount.is_finite(),
        "order": nw.col("order").is_null(),
        **{name: nw.col(name).is_null() | ~nw.col(name).is_finite() for name in ("cost", "margin")},
    }
    fate: Any = nw
    for name in BAD:
        if name in there or name == "infinite":
            fate = fate.when(faults[name]).then(nw.lit(name))
    day = ordinal(nw.col("at"))  # not the time: Spark would compare it in the zone of its session
    if as_of is not None:
        fate = fate.when(day > as_of.toordinal()).then(nw.lit(AFTER))
    if since is not None:
        fate = fate.when(day < since.toordinal()).then(nw.lit(BEFORE))
    money = nw.when(unknown).then(0.0).when(~amount.is_finite()).then(0.0).otherwise(amount)
    return lines.with_columns(fate=fate.otherwise(nw.lit(GOOD)), money=money)


def count_fates(lines: Any) -> tuple[dict[str, IngestLine], date | None]:
    """Return rows, customers and money by fate, and the last day of good lines."""
    table = lines.group_by("fate").agg(
        nw.col("rows").sum(),
        nw.col("money").sum(),
        customers=nw.col("customer").n_unique(),
        last=nw.col("at").max(),
    )
    found: dict[str, IngestLine] = {}
    last_day = None
    for row in collected(table).rows(named=True):
        fate = row["fate"]
        customers = 0 if fate == next(iter(BAD)) else int(row["customers"])
        found[fate] = IngestLine(fate, int(row["rows"]), customers, float(row["money"]))
        if fate == GOOD:
            last_day = row["last"].date()
    return found, last_day


def count_customers(lines: Any) -> int:
    """Return the number of different customer ids in the lines."""
    known = lines.filter(~nw.col("customer").is_null())
    return _whole(collected(known.select(nw.col("customer").n_unique())).rows()[0][0])


def count_lines(lines: Any, reason: str) -> IngestLine:
    """Return rows, customers and money of good lines."""
    totals = lines.select(
        rows=nw.col("rows").sum(), customers=nw.col("customer").n_unique(), money=nw.col("amount").sum()
    )
    row = collected(totals).rows(named=True)[0]
    rows = _whole(row["rows"])
    if not rows:
        return IngestLine(reason, 0, 0, 0.0)
    return IngestLine(reason, rows, _whole(row["customers"]), float(row["money"]))


def _whole(count: Any) -> int:
    """Return a count as an int; engines count nothing as 0 or as missing."""
    return 0 if pd.isna(count) else int(count)
