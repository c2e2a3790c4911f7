"""Order logs in DuckDB: relations, files and Arrow tables. One scan to look, one to build."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import duckdb
import narwhals as nw
import pandas as pd

from valuetier.customers import sql
from valuetier.customers.definition import collected, with_ages
from valuetier.customers.engine import end_of_observation, looked_over, totals
from valuetier.customers.extras import further_columns, further_roles, named, wanted, with_further
from valuetier.customers.ledger import DUPLICATE, REFUND, Ledger
from valuetier.customers.prepare import Links, notes
from valuetier.customers.report import IngestLine, IngestReport
from valuetier.customers.rules import TELLING, Columns, Rules
from valuetier.customers.sources import GATHERED, converted

# So many rows of a log are aggregated at a time, by customers: about 1 GB of memory.
PART_ROWS = 12_500_000
MEMORY_LIMIT = "2.5GB"  # of the engine, for logs of several parts

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class DuckLog:
    """The lines of a log in DuckDB.

    Attributes
    ----------
    lines : DuckDBPyRelation
        customer, at, amount and what else the rules need.
    own : DuckDBPyConnection or None
        The engine, if it is ours to make tables in.
    """

    lines: duckdb.DuckDBPyRelation
    own: duckdb.DuckDBPyConnection | None

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query about :data:`~valuetier.customers.sql.LINES`."""
        return self.query(query).fetchall()

    def query(self, query: str) -> duckdb.DuckDBPyRelation:
        """Return a query about :data:`~valuetier.customers.sql.LINES`."""
        relation: Any = self.lines.query(sql.LINES, query)
        return relation


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look at the lines shows.

    Attributes
    ----------
    rows : int
        Good lines.
    refunds : int
        Good lines with a negative amount.
    last : date or None
        The last day of a good line.
    all_good : bool
    days : DataFrame
        Good lines by day: ``day``, ``rows``.
    """

    rows: int
    refunds: int
    last: date | None
    all_good: bool
    days: pd.DataFrame


def summarize_relation(
    log: DuckLog, rules: Rules, columns: Columns, links: Links, as_: str, progress: Progress
) -> tuple[Any, IngestReport, date]:
    """Return the customer table, the report and the last day."""
    judged = sql.judgement(log.lines.columns, rules)
    progress("looking at the order log")
    ledger, seen = _audited(log, judged, rules, columns)
    if seen.last is None:
        raise ledger.nothing_left()
    baskets = _baskets(log, judged, seen, ledger)
    table = _built(log, baskets, rules.period, seen, as_, progress)
    progress("counting what was used")
    _enter_from_table(log, table, ledger, baskets)
    good = nw.from_native(log.lines.filter(judged.is_good))
    report = ledger.close(*totals(table))
    report = replace(
        report, notes=notes(good, columns, links), warnings=looked_over(seen.days, good, table, rules)
    )
    last_day = rules.as_of or seen.last
    used = table.filter(nw.col("orders") > 0)
    if wanted(columns):
        further = further_columns(good, rules, columns)
        further = further if isinstance(used, nw.LazyFrame) else further.collect("pandas")
        used = with_further(used, further, columns)
    end = end_of_observation(table, last_day, rules.period)
    aged = with_ages(used, last_day.toordinal(), end, rules.period, further_roles(columns))
    return _handed_out(named(aged, columns), as_), report, last_day


def _baskets(log: DuckLog, judged: sql.Judgement, seen: Seen, ledger: Ledger) -> sql.Baskets:
    """Return what counts as a purchase or refund, after what the rules drop or refuse is entered."""
    rules = ledger.rules
    telling = tuple(name for name in TELLING if name in log.lines.columns)
    has_order = ledger.columns.order is not None
    baskets = sql.Baskets(None if seen.all_good else judged, has_order, telling=telling)
    if rules.duplicates != "keep":
        repeated = _counted(log, DUPLICATE, sql.repeated_query(baskets))
        baskets = replace(baskets, different=ledger.enter_duplicates(repeated))
    if seen.refunds and rules.refunds != "net":
        refunds = _counted(log, REFUND, sql.refunds_query(baskets))
        baskets = replace(baskets, without_refunds=ledger.enter_refunds(refunds))
    return baskets


def _audited(log: DuckLog, judged: sql.Judgement, rules: Rules, columns: Columns) -> tuple[Ledger, Seen]:
    """Return the books with the bad rows entered, and what else the look at the lines shows."""
    found = log.ask(sql.audit_query(judged))
    fates = {judged.fates[row[0]] for row in found}
    customers: dict[str, int] = {}
    if fates - {sql.GOOD}:
        bad = f"SELECT {judged.sql}, count(DISTINCT customer) FROM {sql.LINES} WHERE NOT {judged.is_good} GROUP BY 1"
        customers = {judged.fates[place]: who for place, who in log.ask(bad)}
    lines = {}
    for fate in judged.fates:
        rows = [row for row in found if judged.fates[row[0]] == fate]
        if rows:
            money = _total([row[3] for row in rows])
            lines[fate] = IngestLine(fate, sum(row[2] for row in rows), customers.get(fate, 0), money)
    ledger = Ledger(
        rules,
        columns,
        sum(line.rows for line in lines.values()),
        0,
        _total([line.money for line in lines.values()]),
    )
    ledger.enter_bad(lines)
    good = [row for row in found if judged.fates[row[0]] == sql.GOOD]
    days = pd.DataFrame({"day": [row[1] for row in good], "rows": [row[2] for row in good]})
    return ledger, Seen(
        rows=int(days["rows"].sum()),
        refunds=sum(row[4] for row in good),
        last=max(days["day"], default=None),
        all_good=fates == {sql.GOOD},
        days=days,
    )


def _total(money: list[float]) -> float:
    try:
        return math.fsum(money)
    except OverflowError:
        return math.inf


def _counted(log: DuckLog, reason: str, query: str) -> IngestLine:
    rows, customers, money = log.ask(query)[0]
    return IngestLine(reason, int(rows), int(customers), float(money))


def _built(log: DuckLog, baskets: sql.Baskets, period: str, seen: Seen, as_: str, progress: Progress) -> Any:
    """Return the customer table: made in our own engine, in parts if it is long; else a query, or its rows."""
    if log.own is None:
        query = sql.customers_query(baskets, period, has_refunds=seen.refunds > 0)
        table = nw.from_native(log.query(query))
        return table if as_ == "relation" else table.collect("pandas")
    parts = math.ceil(seen.rows / PART_ROWS)
    if parts > 1:
        log.own.execute("SET memory_limit = ?", [MEMORY_LIMIT])
    for part in range(parts):
        progress(f"building the customer table, part {part + 1} of {parts}")
        some = replace(baskets, part=f"hash(customer) % {parts} = {part}" if parts > 1 else None)
        query = sql.customers_query(some, period, has_refunds=seen.refunds > 0, exact=False)
        made = log.query(query)
        made.insert_into("customers") if part else made.create("customers")
    doubtful = replace(baskets, part="customer IN (SELECT customer FROM customers WHERE doubtful)")
    if log.ask("SELECT bool_or(doubtful) FROM customers")[0][0]:
        log.query(sql.customers_query(doubtful, period, has_refunds=seen.refunds > 0)).create("exact")
        log.own.execute(
            "UPDATE customers SET repeat_purchases = exact.repeat_purchases "
            "FROM exact WHERE exact.customer = customers.customer"
        )
    return nw.from_native(log.own.table("customers"))


def _enter_from_table(log: DuckLog, table: Any, ledger: Ledger, baskets: sql.Baskets) -> None:
    """Enter what only the customer table shows: all customers, refunds that are netted, repeated rows."""
    is_refunded = nw.when(nw.col("refund_rows") > 0).then(1).otherwise(0)
    row = collected(
        table.select(
            nw.col("refund_rows", "refund_money", "crowded").sum(),
            refunded=is_refunded.sum(),
            customers=nw.len(),
        )
    ).rows(named=True)[0]
    if row["refund_rows"]:
        ledger.enter_refunds(
            IngestLine(REFUND, int(row["refund_rows"]), int(row["refunded"]), float(row["refund_money"]))
        )
    everybody = f"SELECT count(DISTINCT customer) FROM {sql.LINES}"
    if log.own is None:
        ledger.customers = log.ask(everybody)[0][0]
    else:
        complete = baskets.judged is None and not baskets.without_refunds
        others = 0 if complete else log.ask(f"{everybody} ANTI JOIN customers USING (customer)")[0][0]
        ledger.customers = int(row["customers"]) + others
    complete = not baskets.without_refunds  # of dropped refunds the table knows nothing
    if ledger.rules.duplicates == "keep" and (row["crowded"] or not complete):
        crowded = "customer IN (SELECT customer FROM customers WHERE crowded > 0)"
        query = sql.repeated_query(baskets, crowded if log.own and complete else None)
        ledger.enter_duplicates(_counted(log, DUPLICATE, query))


def _handed_out(table: Any, as_: str) -> Any:
    """Return the finished customer table as the kind of frame asked for, sorted by id."""
    table = table.sort("customer_id")
    if not isinstance(table, nw.LazyFrame):
        return converted(table, as_)
    return table.to_native() if as_ == "relation" else converted(table.collect(GATHERED[as_]), as_)
