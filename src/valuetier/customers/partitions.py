"""Order logs in Dask: every partition holds whole customers, the books of all are merged.

After a shuffle by customer the array form summarizes each partition by itself. What the
partitions cannot know is told to them: the last day of the whole log and the end of its observation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from valuetier.customers.arrays import DAY, EPOCH_ORDINAL, HOUR, MISSING, ArrayLog, are_text, summarize_arrays
from valuetier.customers.checks import check_columns
from valuetier.customers.dates import ONE_ZONE, parse_dates
from valuetier.customers.extras import further_columns, wanted
from valuetier.customers.frames import as_arrays, good_lines, read_lines, table_with_further, usable
from valuetier.customers.ledger import (
    AFTER,
    BAD,
    BEFORE,
    DROPPED_REFUND,
    DUPLICATE,
    NO_ORDER,
    REFUND,
    Ledger,
)
from valuetier.customers.prepare import (
    CONVERTED,
    MATCHED,
    ROLLED_UP,
    UNMATCHED,
    Links,
    check_one_currency,
    notes,
    prepared,
)
from valuetier.customers.report import USED, IngestLine, IngestReport
from valuetier.customers.rules import Columns, Rules
from valuetier.customers.sources import converted
from valuetier.customers.suspicions import BLANKS, Accounts, IdCounts, Suspicion, find_suspicions
from valuetier.errors import InvalidDataError

NO_LINKS = Links()


@dataclass(frozen=True, slots=True)
class Book:
    """What one partition tells of its rows.

    Attributes
    ----------
    report : IngestReport
        Of the partition, nothing refused.
    last_day : date or None
        Last day of its good rows; None if it has none.
    end : int
        Its last hour in use, from 1970-01-01.
    days : pandas.DataFrame
        Good rows by day.
    largest, customers : int
        Good rows of the customer who has most, and customers with good rows.
    all_text : bool
        Whether the ids of these are text, all of them.
    zones, currencies : frozenset of str
        Time zones of its dates, and currencies of its money.
    """

    report: IngestReport
    last_day: date | None
    end: int
    days: pd.DataFrame
    largest: int
    customers: int
    all_text: bool
    zones: frozenset[str]
    currencies: frozenset[str]


def summarize_partitions(
    orders: Any, columns: Columns, rules: Rules, as_: str | None = None, links: Links = NO_LINKS
) -> tuple[Any, IngestReport, date]:
    """Return the customer table as a Dask DataFrame, or as asked for, the report and the last day.

    The log is read for the report now, and again for the table when that is computed.
    """
    check_columns(list(orders.columns), columns)
    log = orders[columns.names()]
    read = log.map_partitions(_lines_of, columns, links, meta=_lines_of(log._meta, columns, links))
    whole = read.shuffle(on="customer")
    books = _books(whole, columns, rules, links)
    report, last_day = _merged(books, columns, rules, one_currency=links.rates is None)
    spellings = whole.map_partitions(_spellings, columns, rules, meta=pd.Series(dtype="str"))
    report = replace(report, warnings=_looked_over(spellings, books))
    end = max(hour_of(last_day), *(book.end for book in books))
    settled = replace(_lenient(rules), as_of=last_day)
    empty = _table_of(whole._meta, columns, settled, end)
    table = whole.map_partitions(_table_of, columns, settled, end, meta=empty)
    if as_ is None:
        return table, report, last_day
    rows = table.compute().sort_values("customer_id", ignore_index=True)
    return converted(nw.from_native(rows), as_), report, last_day


def hour_of(day: date) -> int:
    """Return the first hour of a day, counted from 1970-01-01."""
    return (day.toordinal() - EPOCH_ORDINAL) * 24


# --- one partition ----------------------------------------------------------------------------


def _books(whole: Any, columns: Columns, rules: Rules, links: Links) -> Sequence[Book]:
    import dask

    book_of = dask.delayed(_book_of)
    parts = whole.to_delayed()
    books: Sequence[Book] = dask.compute(*(book_of(part, columns, rules, links) for part in parts))
    return books


def _lines_of(part: pd.DataFrame, columns: Columns, links: Links) -> pd.DataFrame:
    """Return the lines of a partition, and the time zone that each date came in if it was text."""
    part = part.reset_index(drop=True)
    at = parse_dates(columns.date, part[columns.date], columns.date_format)
    lines = read_lines(part.assign(**{columns.date: at.array}), columns)
    if links.any or columns.refund_of:
        # that there is one currency only the whole log can tell
        known = replace(columns, currency=None) if links.rates is None else columns
        lines = prepared(nw.from_native(lines), known, links).to_native()
    zone = pd.Series(str(at.dt.tz), index=lines.index, dtype="str")
    return lines.assign(zone=zone.where(at.notna().to_numpy()))


def _book_of(lines: pd.DataFrame, columns: Columns, rules: Rules, links: Links) -> Book:
    """Return the book of a partition; what is refused is refused when all books are there."""
    log, ids = as_arrays(lines, columns)
    times = log.at
    start = _in_window(int(times[times != MISSING].min(initial=0)) // DAY * DAY, rules)
    table, report, _ = summarize_arrays(*_with_witness(log, ids, start), _lenient(rules), columns)
    good = good_lines(lines, log, rules)
    by_day = good.to_native()["at"].dt.normalize().value_counts()
    by_customer = good.to_native()["customer"].value_counts()
    return Book(
        report=replace(_without_witness(report), notes=notes(good, columns, links)),
        last_day=by_day.index.max().date() if len(by_day) else None,
        end=start // HOUR + round(float(table["T"].iloc[-1]) * 24),
        days=pd.DataFrame({"day": by_day.index, "rows": by_day.to_numpy()}),
        largest=int(by_customer.max()) if len(by_day) else 0,
        customers=len(by_customer),
        all_text=are_text(ids.take(by_customer.index)),
        zones=frozenset(lines["zone"].dropna()),
        currencies=frozenset(lines["currency"].dropna()) if columns.currency else frozenset(),
    )


def _table_of(lines: pd.DataFrame, columns: Columns, rules: Rules, end: int) -> pd.DataFrame:
    """Return the customers of a partition, their ages at the end of the whole log."""
    log, ids = as_arrays(lines, columns)
    table, _, _ = summarize_arrays(*_with_witness(log, ids, end * HOUR), rules, columns)
    known = table.iloc[:-1]
    known = known.assign(customer_id=ids.take(known["customer_id"].to_numpy()))
    if wanted(columns):
        further = further_columns(good_lines(lines, log, rules), rules, columns)
        known = table_with_further(known, further, columns)
    return known.reset_index(drop=True)


def _spellings(lines: pd.DataFrame, columns: Columns, rules: Rules) -> pd.Series:
    """Return the ids, text, of customers with good rows, as :func:`count_ids` makes them alike."""
    log, _ = as_arrays(lines, columns)
    known = lines["customer"][usable(log, rules)].drop_duplicates().astype("str")
    return known.str.replace(BLANKS, "", regex=True).str.lower().drop_duplicates()


def _with_witness(log: ArrayLog, ids: Any, at: int) -> tuple[ArrayLog, Any]:
    """Return the log with an order of a customer who does not exist, and positions for ids.

    With it no partition is without order, and its observation lasts until then at least.
    """
    seen = ArrayLog(
        customers=np.append(log.customers, np.int32(len(ids))),
        at=np.append(log.at, np.int64(at)),
        amounts=np.append(log.amounts, 0.0),
        orders=None if log.orders is None else np.append(log.orders, np.int64(0)),
        faults={name: np.append(faulty, False) for name, faulty in log.faults.items()},
        telling=None if log.telling is None else np.append(log.telling, np.int64(0)),
    )
    return seen, np.arange(len(ids) + 1)


def _without_witness(report: IngestReport) -> IngestReport:
    used = report.used
    less = replace(used, rows=used.rows - 1, customers=used.customers - 1)
    return replace(
        report,
        rows=report.rows - 1,
        customers=report.customers - 1,
        lines=tuple(less if line is used else line for line in report.lines),
    )


def _in_window(at: int, rules: Rules) -> int:
    """Return the time, or the nearest day that counts."""
    if rules.since is not None:
        at = max(at, hour_of(rules.since) * HOUR)
    return at if rules.as_of is None else min(at, hour_of(rules.as_of) * HOUR)


def _lenient(rules: Rules) -> Rules:
    """Return rules that count what these refuse."""
    return replace(
        rules,
        bad_rows="drop",
        duplicates="keep" if rules.duplicates == "error" else rules.duplicates,
        refunds="net" if rules.refunds == "error" else rules.refunds,
    )


# --- all partitions ---------------------------------------------------------------------------


def _merged(
    books: Sequence[Book], columns: Columns, rules: Rules, *, one_currency: bool
) -> tuple[IngestReport, date]:
    """Return the report of the whole log and its last day; raise what the rules refuse."""
    if len(frozenset().union(*(book.zones for book in books))) > 1:
        raise InvalidDataError(f"{columns.date} mixes time zones. {ONE_ZONE}")
    if columns.currency is not None and one_currency:
        currencies = sorted(frozenset().union(*(book.currencies for book in books)))
        check_one_currency(nw.from_native(pd.DataFrame({"currency": currencies})), columns.currency)
    reports = [book.report for book in books]
    rows = sum(report.rows for report in reports)
    customers = sum(report.customers for report in reports)
    ledger = Ledger(rules, columns, rows, customers, sum(report.money for report in reports))
    found = {
        reason: _sum(reason, [line for report in reports for line in report.lines if line.reason == reason])
        for reason in (*BAD.values(), AFTER, BEFORE, DUPLICATE, DROPPED_REFUND, NO_ORDER, USED)
    }
    reasons = {**BAD, AFTER: AFTER, BEFORE: BEFORE}
    ledger.enter_bad({key: found[reason] for key, reason in reasons.items() if found[reason].rows})
    days = [book.last_day for book in books if book.last_day is not None]
    if not days:
        raise ledger.nothing_left()
    ledger.enter_duplicates(replace(found[DUPLICATE], rows=sum(report.duplicates for report in reports)))
    ledger.enter_refunds(_refunds(reports, found, rules))
    report = ledger.close(found[USED], found[NO_ORDER])
    return replace(report, notes=_notes(reports)), rules.as_of or max(days)


def _notes(reports: list[IngestReport]) -> tuple[IngestLine, ...]:
    """Return the notes of all reports, one for each reason, in their usual order."""
    lines = [line for report in reports for line in report.notes]
    sums = (
        _sum(reason, [line for line in lines if line.reason == reason])
        for reason in (ROLLED_UP, CONVERTED, MATCHED, UNMATCHED)
    )
    return tuple(line for line in sums if line.rows)


def _looked_over(spellings: Any, books: Sequence[Book]) -> tuple[Suspicion, ...]:
    """Return what looks wrong in the days and the customers of the whole log; ``spellings`` are a query."""
    days = pd.concat([book.days for book in books]).groupby("day")["rows"].sum().reset_index()
    known = [book for book in books if book.last_day is not None]
    accounts = Accounts(
        max(book.largest for book in known),
        sum(book.customers for book in known),
        int(days["rows"].sum()),
    )
    if not all(book.all_text for book in known):
        return find_suspicions(days, accounts)
    alike = len(spellings.drop_duplicates(split_out=spellings.npartitions))
    return find_suspicions(days, accounts, IdCounts(accounts.customers, alike))


def _refunds(reports: list[IngestReport], found: dict[str, IngestLine], rules: Rules) -> IngestLine:
    """Return all refunds, those of customers without order among them."""
    if rules.refunds == "drop":
        return found[DROPPED_REFUND]
    return _sum(REFUND, [*(report.refunds for report in reports), found[NO_ORDER]])


def _sum(reason: str, lines: list[IngestLine]) -> IngestLine:
    """Return the lines as one: no customer is in two partitions."""
    return IngestLine(
        reason,
        sum(line.rows for line in lines),
        sum(line.customers for line in lines),
        sum((line.money for line in lines), start=0.0),
    )
