"""Looking at lines in an engine before they are used: every one gets a fate."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

import narwhals as nw
import pandas as pd

from valuetier.customers.ledger import AFTER, BAD
from valuetier.customers.report import IngestLine

GOOD = "good"


def with_fates(lines: Any, *, has_order: bool, as_of: date | None) -> Any:
    """Return the lines with a column ``fate``; known finite money in ``money``."""
    amount = nw.col("amount")
    unknown = amount.is_null() | amount.is_nan()
    fate = nw.when(nw.col("customer").is_null()).then(nw.lit("customer"))
    fate = fate.when(nw.col("at").is_null()).then(nw.lit("at"))
    fate = fate.when(unknown).then(nw.lit("amount"))
    fate = fate.when(~amount.is_finite()).then(nw.lit("infinite"))
    if has_order:
        fate = fate.when(nw.col("order").is_null()).then(nw.lit("order"))
    if as_of is not None:
        fate = fate.when(nw.col("at") > nw.lit(datetime.combine(as_of, time.max))).then(nw.lit(AFTER))
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


def collected(frame: Any) -> nw.DataFrame[Any]:
    """Return a frame with its rows, those of a DuckDB query in pandas."""
    if not isinstance(frame, nw.LazyFrame):
        return frame
    return frame.collect("pandas") if frame.implementation.is_duckdb() else frame.collect()
