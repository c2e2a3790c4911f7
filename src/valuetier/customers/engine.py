"""Order logs in an engine: audit, then the one definition, as few queries."""

from __future__ import annotations

from datetime import date
from typing import Any

import narwhals as nw

from valuetier.customers import audit
from valuetier.customers.definition import (
    customer_table,
    occasions,
    orders_from_lines,
    with_ages,
)
from valuetier.customers.ledger import DUPLICATE, NO_ORDER, REFUND, Ledger, used_line
from valuetier.customers.report import IngestLine, IngestReport
from valuetier.customers.rules import Columns, Rules
from valuetier.customers.sources import Source, gather, hand_out


def summarize_lines(source: Source, rules: Rules, columns: Columns) -> tuple[Any, IngestReport, date]:
    """Return the customer table, the report and the last day."""
    has_order = columns.order is not None
    lines = audit.with_fates(source.lines, has_order=has_order, as_of=rules.as_of)
    fates, last_day = audit.count_fates(lines)
    rows = sum(line.rows for line in fates.values())
    money = sum(line.money for line in fates.values())
    ledger = Ledger(rules, columns, rows, audit.count_customers(lines), money)
    ledger.enter_bad(fates)
    if last_day is None:
        raise ledger.nothing_left()
    last_day = rules.as_of or last_day
    lines = lines.filter(nw.col("fate") == audit.GOOD)
    lines = _without_duplicates(lines, ledger, list(columns.roles()))
    if has_order:
        lines = orders_from_lines(lines)
    refund = nw.col("amount") < 0
    if ledger.enter_refunds(audit.count_lines(lines.filter(refund), REFUND)):
        lines = lines.filter(~refund)
    table = gather(source, customer_table(occasions(lines, rules.period)))
    report = ledger.close(*_totals(table))
    end = _end_of_observation(table, last_day, rules.period)
    aged = with_ages(table.filter(nw.col("orders") > 0), last_day.toordinal(), end, rules.period)
    return hand_out(source, aged), report, last_day


def _without_duplicates(lines: Any, ledger: Ledger, key: list[str]) -> Any:
    """Return the lines, equal ones as one if they are to be dropped."""
    different = lines.group_by(*key).agg(nw.col("rows").sum())
    again = different.filter(nw.col("rows") > 1).with_columns(rows=nw.col("rows") - 1)
    money = nw.col("amount") * nw.col("rows").cast(nw.Float64)
    if ledger.enter_duplicates(audit.count_lines(again.with_columns(amount=money), DUPLICATE)):
        return different.with_columns(rows=nw.lit(1).cast(nw.Int64))
    return lines


def _totals(table: Any) -> tuple[IngestLine, IngestLine]:
    """Return what customers with orders, and those with refunds only, bring."""
    has_order = nw.when(nw.col("orders") > 0).then(1).otherwise(0)
    totals = table.with_columns(has_order=has_order, one=nw.lit(1)).group_by("has_order")
    sums = totals.agg(nw.col("rows").sum(), nw.col("spend").sum(), nw.col("one").sum())
    found = {
        bool(row["has_order"]): (int(row["rows"]), int(row["one"]), float(row["spend"]))
        for row in audit.collected(sums).rows(named=True)
    }
    used, without = found.get(True, (0, 0, 0.0)), found.get(False, (0, 0, 0.0))
    return used_line(*used), IngestLine(NO_ORDER, *without)


def _end_of_observation(table: Any, last_day: date, period: str) -> int:
    """Return the last day; for hours its first hour, or the last hour in use if that is later."""
    if period != "h":
        return last_day.toordinal()
    latest = audit.collected(table.select(nw.col("last").max())).rows()[0][0]
    return max(last_day.toordinal() * 24, latest.toordinal() * 24 + latest.hour)
