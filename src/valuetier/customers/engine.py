"""Order logs in an engine: audit, then the one definition, as few queries."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import narwhals as nw
import pandas as pd

from valuetier.customers import audit, extras
from valuetier.customers.definition import (
    collected,
    customer_table,
    occasions,
    orders_from_lines,
    ordinal,
    with_ages,
)
from valuetier.customers.ledger import DUPLICATE, NO_ORDER, REFUND, Ledger, used_line
from valuetier.customers.prepare import Links, notes
from valuetier.customers.report import IngestLine, IngestReport
from valuetier.customers.rules import Columns, Rules
from valuetier.customers.sources import Source, gather, hand_out
from valuetier.customers.suspicions import Accounts, Suspicion, count_ids, find_suspicions


def summarize_lines(
    source: Source, rules: Rules, columns: Columns, links: Links
) -> tuple[Any, IngestReport, date]:
    """Return the customer table, the report and the last day."""
    lines = audit.with_fates(source.lines, as_of=rules.as_of, since=rules.since)
    fates, last_day = audit.count_fates(lines)
    rows = sum(line.rows for line in fates.values())
    money = sum(line.money for line in fates.values())
    ledger = Ledger(rules, columns, rows, audit.count_customers(lines), money)
    ledger.enter_bad(fates)
    if last_day is None:
        raise ledger.nothing_left()
    last_day = rules.as_of or last_day
    good = lines.filter(nw.col("fate") == audit.GOOD)
    lines = _without_duplicates(good, ledger, columns.key(good.collect_schema().names()))
    if columns.order is not None:
        lines = orders_from_lines(lines)
    refund = nw.col("amount") < 0
    if ledger.enter_refunds(audit.count_lines(lines.filter(refund), REFUND)):
        lines = lines.filter(~refund)
    table = gather(source, customer_table(occasions(lines, rules.period)))
    report = ledger.close(*totals(table))
    end = end_of_observation(table, last_day, rules.period)
    used = table.filter(nw.col("orders") > 0)
    if extras.wanted(columns):
        further = gather(source, extras.further_columns(good, rules, columns))
        used = extras.with_further(used, further, columns)
    also = extras.further_roles(columns)
    aged = extras.named(with_ages(used, last_day.toordinal(), end, rules.period, also), columns)
    report = replace(
        report, notes=notes(good, columns, links), warnings=looked_over(_days(good), good, table, rules)
    )
    return hand_out(source, aged), report, last_day


def _without_duplicates(lines: Any, ledger: Ledger, key: list[str]) -> Any:
    """Return the lines, equal ones as one if they are to be dropped."""
    different = lines.group_by(*key).agg(nw.col("rows").sum())
    again = different.filter(nw.col("rows") > 1).with_columns(rows=nw.col("rows") - 1)
    money = nw.col("amount") * nw.col("rows").cast(nw.Float64)
    if ledger.enter_duplicates(audit.count_lines(again.with_columns(amount=money), DUPLICATE)):
        return different.with_columns(rows=nw.lit(1).cast(nw.Int64))
    return lines


def looked_over(days: pd.DataFrame, good: Any, table: Any, rules: Rules) -> tuple[Suspicion, ...]:
    """Return what looks wrong in the days of a log (``day``, ``rows``) and in the customers of its good lines."""
    if "drop" in (rules.duplicates, rules.refunds):  # the table knows nothing of what was dropped
        table = good.group_by("customer").agg(nw.col("rows").sum())
    largest = table.select(largest=nw.col("rows").max(), customers=nw.len(), rows=nw.col("rows").sum())
    accounts = Accounts(*(int(count) for count in collected(largest).rows()[0]))
    is_text = isinstance(table.collect_schema()["customer"], (nw.String, nw.Categorical, nw.Enum))
    ids = table.select(nw.col("customer").cast(nw.String)) if is_text else None
    return find_suspicions(days, accounts, None if ids is None else count_ids(ids))


def _days(good: Any) -> pd.DataFrame:
    """Return the rows of each calendar day."""
    found = collected(
        good.with_columns(day=ordinal(nw.col("at"))).group_by("day").agg(nw.col("rows").sum())
    ).rows()
    return pd.DataFrame(
        {"day": [date.fromordinal(day) for day, _ in found], "rows": [rows for _, rows in found]}
    )


def totals(table: Any) -> tuple[IngestLine, IngestLine]:
    """Return what customers with orders, and those with refunds only, bring."""
    has_order = nw.when(nw.col("orders") > 0).then(1).otherwise(0)
    totals = table.with_columns(has_order=has_order, one=nw.lit(1)).group_by("has_order")
    sums = totals.agg(nw.col("rows").sum(), nw.col("spend").sum(), nw.col("one").sum())
    found = {
        bool(row["has_order"]): (int(row["rows"]), int(row["one"]), float(row["spend"]))
        for row in collected(sums).rows(named=True)
    }
    used, without = found.get(True, (0, 0, 0.0)), found.get(False, (0, 0, 0.0))
    return used_line(*used), IngestLine(NO_ORDER, *without)


def end_of_observation(table: Any, last_day: date, period: str) -> int:
    """Return the last day; for hours its first hour, or the last hour in use if that is later."""
    if period != "h":
        return last_day.toordinal()
    latest = collected(table.select(nw.col("last").max())).rows()[0][0]
    return max(last_day.toordinal() * 24, latest.toordinal() * 24 + latest.hour)
