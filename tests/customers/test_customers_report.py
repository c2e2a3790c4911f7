"""The ingest report accounts for every row, every customer and all money of a log."""

from __future__ import annotations

import dataclasses
import math
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

import valuetier as vt
from tests.customers.kinds import IN_DUCKDB, IN_ENGINES, IN_PANDAS, as_pandas
from tests.customers.logs import Order, any_orders, assert_report_is, expected, options

A, B, C, D = 1, 2, 3, 4


def on(day: int) -> datetime:
    return datetime(2024, 1, day, 10)


DIRTY = [
    Order(A, on(1), 1000, 1),
    Order(A, on(5), 2500, 2),
    Order(A, on(5), 2500, 2),
    Order(A, on(6), -500, 3),
    Order(B, on(2), 700, 4),
    Order(C, on(3), -200, 5),
    Order(C, on(4), -300, 6),
    Order(None, on(3), 5000, 7),
    Order(None, None, 100, 7),
    Order(D, None, 900, 8),
    Order(D, on(3), None, 9),
    Order(D, on(3), math.inf, 10),
    Order(D, on(3), -math.inf, 10),
    Order(B, on(3), 400, None),
    Order(B, on(20), 800, 11),
    Order(D, on(21), 600, 12),
]
BAD_LINES = {
    "customer missing": (2, 0, 51.0),
    "date missing or unreadable": (1, 1, 9.0),
    "amount missing or unreadable": (1, 1, 0.0),
    "amount infinite": (2, 1, 0.0),
    "order id missing": (1, 1, 4.0),
    "after as_of": (2, 2, 14.0),
}
RULES: dict[str, Any] = {"bad_rows": "drop", "order_id": "order", "as_of": "2024-01-10"}


def dirty(kind: str, folder: Path) -> Any:
    """Return the log with a row of every fate as a kind of input."""
    if kind in IN_DUCKDB:
        return IN_DUCKDB[kind](DIRTY, folder)
    return {**IN_PANDAS, **IN_ENGINES}[kind](DIRTY)


every_kind = pytest.mark.parametrize("kind", [*IN_PANDAS, *IN_ENGINES, *IN_DUCKDB])


def lines(report: vt.IngestReport) -> dict[str, tuple[int, int, float]]:
    """Return rows, customers and money by reason."""
    return {line.reason: (line.rows, line.customers, round(line.money, 9)) for line in report.lines}


@every_kind
def test_every_reason_has_its_count(kind: str, tmp_path: Path) -> None:
    """Rows, customers and money are counted under the first fault that a row has, in every engine."""
    report = vt.summarize(dirty(kind, tmp_path), **RULES).report
    assert lines(report) == {
        "used": (5, 2, 62.0),
        "refund of a customer without order": (2, 1, -5.0),
        **BAD_LINES,
    }
    assert (report.rows, report.customers, round(report.money, 9)) == (16, 4, 135.0)
    assert dataclasses.astuple(report.refunds) == ("refund", 1, 1, -5.0)
    assert report.duplicates == 1
    assert report.reconciles


@every_kind
def test_dropped_refunds_and_duplicates_are_lines(kind: str, tmp_path: Path) -> None:
    """What refunds='drop' and duplicates='drop' leave out is counted, and no refund is left in the spend."""
    report = vt.summarize(dirty(kind, tmp_path), refunds="drop", duplicates="drop", **RULES).report
    assert lines(report) == {
        "used": (3, 2, 42.0),
        "duplicate": (1, 1, 25.0),
        "refund dropped": (3, 2, -10.0),
        **BAD_LINES,
    }
    assert report.refunds.rows == 0
    assert report.reconciles


@pytest.mark.parametrize("kind", ["pandas", "Polars", "relation"])
def test_refunds_and_duplicates_may_be_errors(kind: str, tmp_path: Path) -> None:
    """Errors count the rows of the log that are refunds, or repeat another one."""
    with pytest.raises(vt.InvalidDataError, match=r"^amount: 3 of 16 rows are negative.*refunds='net'"):
        vt.summarize(dirty(kind, tmp_path), refunds="error", **RULES)
    with pytest.raises(
        vt.InvalidDataError, match=r"^1 of 16 rows repeat another one in \['customer_id', 'date'"
    ):
        vt.summarize(dirty(kind, tmp_path), duplicates="error", **RULES)


@given(orders=any_orders, chosen=options)
@settings(max_examples=100)
def test_the_report_always_reconciles(orders: list[Order], chosen: dict[str, Any]) -> None:
    """Used and dropped rows add up to those that came in, and the table holds what was used."""
    if expected(orders, **chosen) is None:
        return
    summary = vt.summarize(as_pandas(orders), bad_rows="drop", **chosen)
    report, table = summary.report, summary.customers
    assert report.reconciles
    assert report.used.rows + sum(line.rows for line in report.dropped) == len(orders)
    assert report.used.customers == len(table)
    assert math.isclose(report.used.money, table["spend"].sum(), abs_tol=1e-9)
    assert report.customers == len({order.customer for order in orders} - {None})
    assert all(line.rows > 0 for line in report.lines)


@given(orders=any_orders, chosen=options)
@settings(max_examples=60)
def test_the_report_does_not_depend_on_the_row_order(orders: list[Order], chosen: dict[str, Any]) -> None:
    """Reversed, a log gives the same report."""
    wanted = expected(orders, **chosen)
    if wanted is not None:
        assert_report_is(vt.summarize(as_pandas(orders[::-1]), bad_rows="drop", **chosen).report, wanted)


def test_refunds_of_customers_without_order_are_not_among_the_used() -> None:
    """Someone who only returned things is no customer, and his refund is in no spend."""
    report = vt.summarize(as_pandas([Order(A, on(1), 1000, 1), Order(B, on(1), -300, 2)])).report
    assert report.used.money == 10.0
    assert report.refunds == vt.customers.report.IngestLine("refund", 0, 0, 0.0)
    assert "refunds in the spend" not in str(report)


def test_duplicates_are_counted_although_they_are_kept() -> None:
    """A log loaded twice is not corrected in silence, and not unnoticed either."""
    twice = as_pandas([Order(A, on(1), 1000, 1), Order(B, on(2), 500, 2)] * 2)
    kept, dropped = vt.summarize(twice), vt.summarize(twice, duplicates="drop")
    assert (kept.report.duplicates, kept.customers["spend"].tolist()) == (2, [20.0, 10.0])
    assert (dropped.report.duplicates, dropped.customers["spend"].tolist()) == (2, [10.0, 5.0])
    assert "rows that repeat another one: 2" in str(kept.report)


def test_rows_are_duplicates_only_if_time_and_order_id_agree() -> None:
    """Two orders of the same amount on one day are two orders."""
    same_day = [Order(A, on(1), 1000, 1), Order(A, on(1).replace(minute=1), 1000, 1)]
    assert vt.summarize(as_pandas(same_day)).report.duplicates == 0
    same_time = [Order(A, on(1), 1000, 1), Order(A, on(1), 1000, 2)]
    assert vt.summarize(as_pandas(same_time)).report.duplicates == 1
    assert vt.summarize(as_pandas(same_time), order_id="order").report.duplicates == 0


def test_it_prints_as_a_table() -> None:
    """The printed report is a table with a total, and notes below it."""
    report = vt.summarize(as_pandas(DIRTY), **RULES).report
    assert str(report).splitlines() == [
        "                            reason  rows  customers  money",
        "                              used     5          2  62.00",
        "refund of a customer without order     2          1  -5.00",
        "                  customer missing     2          0  51.00",
        "        date missing or unreadable     1          1   9.00",
        "      amount missing or unreadable     1          1   0.00",
        "                   amount infinite     2          1   0.00",
        "                  order id missing     1          1   4.00",
        "                       after as_of     2          2  14.00",
        "                             total    16          4 135.00",
        "refunds in the spend: 1 rows, -5.00",
        "rows that repeat another one: 1",
    ]


def test_it_becomes_a_frame() -> None:
    """As a frame it has a row for each reason and a total that is the log."""
    report = vt.summarize(as_pandas(DIRTY), **RULES).report
    frame = report.to_frame()
    assert frame["reason"].tolist() == [*(line.reason for line in report.lines), "total"]
    assert frame["rows"].iloc[:-1].sum() == frame["rows"].iloc[-1] == report.rows
    assert math.isclose(frame["money"].iloc[:-1].sum(), frame["money"].iloc[-1])


@pytest.mark.parametrize(
    "wrong", [{"rows": 17}, {"money": 135.01}, {"customers": 1}, {"customers": 10}, {"lines": None}]
)
def test_wrong_books_do_not_reconcile(wrong: dict[str, Any]) -> None:
    """A row, a cent or a customer too many is noticed."""
    report = vt.summarize(as_pandas(DIRTY), **RULES).report
    if "lines" in wrong:
        wrong = {"lines": report.lines[:-1]}
    assert not dataclasses.replace(report, **wrong).reconciles


def test_a_summary_shows_counts_and_the_last_day() -> None:
    """The repr has what one looks for first, and no customer."""
    summary = vt.summarize(as_pandas(DIRTY), **RULES)
    assert repr(summary) == "Summary(as_of=2024-01-10, customers=2, rows used=5 of 16)"
