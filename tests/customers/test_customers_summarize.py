"""``summarize`` computes what a plain reading of its definition computes, from every kind of log."""

from __future__ import annotations

import math
import random
import warnings
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings

import valuetier as vt
from tests.customers.kinds import IN_DUCKDB, IN_ENGINES, IN_PANDAS, as_pandas, as_polars, as_relation
from tests.customers.logs import START, Order, any_orders, assert_is, expected, good_orders, options, records

# Shrinking a log takes minutes where every trial is a dozen queries.
FAST = (Phase.explicit, Phase.generate)


def check(orders: list[Order], source: Any, bad_rows: str = "raise", **chosen: Any) -> None:
    """Assert that summarize says what the oracle says, or refuses what it refuses."""
    wanted = expected(orders, **chosen)
    if wanted is None:
        with pytest.raises(vt.InvalidDataError, match="order that counts"):
            vt.summarize(source, bad_rows=bad_rows, **chosen)
    else:
        assert_is(vt.summarize(source, bad_rows=bad_rows, **chosen), wanted)


@pytest.mark.parametrize("kind", IN_PANDAS)
@given(orders=good_orders, chosen=options)
@settings(max_examples=80)
def test_pandas_logs_equal_the_oracle(kind: str, orders: list[Order], chosen: dict[str, Any]) -> None:
    """Every pandas log of good rows gives the oracle's table, whatever its dtypes."""
    check(orders, IN_PANDAS[kind](orders), **chosen)


@pytest.mark.parametrize("kind", IN_PANDAS)
@given(orders=any_orders, chosen=options)
@settings(max_examples=80)
def test_pandas_logs_with_bad_rows_equal_the_oracle(
    kind: str, orders: list[Order], chosen: dict[str, Any]
) -> None:
    """Bad rows are left out and counted, and change nothing else."""
    check(orders, IN_PANDAS[kind](orders), bad_rows="drop", **chosen)


@pytest.mark.parametrize("kind", IN_ENGINES)
@given(orders=any_orders, chosen=options)
@settings(max_examples=20)
def test_engine_logs_equal_the_oracle(kind: str, orders: list[Order], chosen: dict[str, Any]) -> None:
    """Polars logs, and the Narwhals definition on eager pandas, give the oracle's table and report."""
    check(orders, IN_ENGINES[kind](orders), bad_rows="drop", **chosen)


@pytest.mark.parametrize("kind", IN_DUCKDB)
@given(orders=any_orders, chosen=options)
@settings(max_examples=12, phases=FAST)
def test_duckdb_logs_equal_the_oracle(
    kind: str, tmp_path_factory: pytest.TempPathFactory, orders: list[Order], chosen: dict[str, Any]
) -> None:
    """PyArrow tables, relations and files give the oracle's table and report."""
    check(orders, IN_DUCKDB[kind](orders, tmp_path_factory.mktemp("log")), bad_rows="drop", **chosen)


@pytest.mark.parametrize("order_id", [None, "order"])
@pytest.mark.parametrize("period", ["D", "h", "W"])
def test_a_longer_log_equals_the_oracle_in_every_engine(period: str, order_id: str | None) -> None:
    """Over two years, with leap day and years' ends, all engines count the same periods."""
    draw = random.Random(7)
    orders = [
        Order(
            draw.randrange(60),
            START + timedelta(minutes=draw.randrange(800 * 1440)),
            cents,
            draw.randrange(9),
        )
        for cents in draw.choices([0, 999, 12_345, -999, -500], k=1_500)
    ]
    chosen = {"period": period, "order_id": order_id, "as_of": date(2026, 1, 1)}
    for source in (as_pandas(orders), as_polars(orders), as_relation(orders)):
        check(orders, source, **chosen)


# --- worked by hand ---------------------------------------------------------------------------

THREE = [
    Order("A", datetime(2024, 1, 1), 1000, 1),
    Order("A", datetime(2024, 1, 11), 2000, 2),
    Order("B", datetime(2024, 1, 3), 500, 3),
    Order("B", datetime(2024, 1, 20), 1000, 4),
    Order("B", datetime(2024, 1, 24), 2000, 5),
    Order("C", datetime(2024, 1, 15), 700, 6),
]


def test_three_customers_by_hand() -> None:
    """Frequency, recency, age and mean value are those worked out by hand."""
    table = records(vt.summarize(as_pandas(THREE), as_of="2024-01-31").customers)
    assert [(r["customer_id"], r["x"], r["t_x"], r["T"], r["m_x"], r["recency_days"]) for r in table] == [
        ("A", 1, 10.0, 30.0, 20.0, 20),
        ("B", 2, 21.0, 28.0, 15.0, 7),
        ("C", 0, 0.0, 16.0, None, 16),
    ]


def test_the_columns_are_those_of_the_contract() -> None:
    """The customer table has exactly the promised columns, in their order."""
    assert list(vt.summarize(as_pandas(THREE)).customers.columns) == [
        "customer_id", "first_order", "last_order", "orders", "spend", "recency_days", "x", "t_x", "T", "m_x",
    ]  # fmt: skip


def test_a_refund_on_the_day_of_an_order_leaves_the_occasion() -> None:
    """A repeat order refunded the same day stays an occasion, and its money goes from the spend only."""
    orders = [*THREE[:2], Order("A", datetime(2024, 1, 11), -2000, 7)]
    (row,) = records(vt.summarize(as_pandas(orders)).customers)
    assert (row["x"], row["m_x"], row["spend"]) == (1, 20.0, 10.0)


def test_an_order_of_nothing_is_an_occasion() -> None:
    """An amount of 0 counts as an occasion and lowers the mean."""
    orders = [*THREE[:2], Order("A", datetime(2024, 1, 21), 0, 7)]
    (row,) = records(vt.summarize(as_pandas(orders)).customers)
    assert (row["orders"], row["x"], row["m_x"]) == (3, 2, 10.0)


@pytest.mark.parametrize("source", [as_pandas, as_polars, as_relation])
@pytest.mark.parametrize("cents", [(1010, 2020, -3030), (-3030, 2020, 1010), (2020, -3030, 1010)])
def test_an_order_whose_lines_cancel_out_is_an_order_of_nothing(source: Any, cents: tuple[int, ...]) -> None:
    """Lines that cancel are 0 in any order of the rows, although their floating-point sum is not."""
    orders = [Order(1, datetime(2024, 1, 1), part, 1) for part in cents]
    (row,) = records(vt.summarize(source(orders), order_id="order").customers)
    assert (row["orders"], row["spend"]) == (1, 0.0)


def test_lines_of_one_order_id_of_two_customers_stay_two_orders() -> None:
    """An order id is looked at within its customer."""
    orders = [Order("A", datetime(2024, 1, 1), 100, 1), Order("B", datetime(2024, 1, 2), 200, 1)]
    assert [r["spend"] for r in records(vt.summarize(as_pandas(orders), order_id="order").customers)] == [
        1.0,
        2.0,
    ]


def test_an_order_over_midnight_is_one_occasion_at_its_first_line() -> None:
    """The lines of an order count on the day of the earliest."""
    orders = [Order("A", datetime(2024, 1, 1, 23, 59), 100, 1), Order("A", datetime(2024, 1, 2), 200, 1)]
    (row,) = records(vt.summarize(as_pandas(orders), order_id="order").customers)
    assert (row["orders"], row["last_order"], row["recency_days"]) == (1, datetime(2024, 1, 1), 1)


def test_weeks_begin_on_monday_and_times_stay_in_days() -> None:
    """Sunday and Monday are two weekly occasions; their distance is one day."""
    sunday, monday, friday = (Order("A", datetime(2024, 1, day), 100, day) for day in (7, 8, 12))
    (row,) = records(vt.summarize(as_pandas([sunday, monday, friday]), period="W").customers)
    assert (row["orders"], row["t_x"], row["T"], row["m_x"]) == (2, 1.0, 5.0, 2.0)


def test_hours_are_occasions_and_parts_of_a_day() -> None:
    """With period='h' the age runs to the last hour in use."""
    orders = [
        Order("A", datetime(2024, 1, 1, hour, minute), 100, 1) for hour, minute in ((6, 0), (6, 59), (18, 0))
    ]
    (row,) = records(vt.summarize(as_pandas(orders), period="h").customers)
    assert (row["orders"], row["t_x"], row["T"]) == (2, 0.5, 0.5)


def test_as_of_is_the_last_day_that_counts() -> None:
    """Orders late on the day of as_of count; those of the next day are cut and counted."""
    orders = [Order("A", datetime(2024, 1, day, 23, 59), 100, day) for day in (1, 2, 3)]
    summary = vt.summarize(as_pandas(orders), as_of=date(2024, 1, 2))
    assert summary.as_of == date(2024, 1, 2)
    assert summary.customers["orders"].tolist() == [2]
    assert [(line.reason, line.rows) for line in summary.report.dropped] == [("after as_of", 1)]


@pytest.mark.parametrize(
    "as_of",
    [
        "2024-01-31",
        date(2024, 1, 31),
        datetime(2024, 1, 31, 15),
        pd.Timestamp("2024-01-31 23:59", tz="Asia/Tokyo"),
    ],
)
def test_as_of_is_a_day_in_every_spelling(as_of: Any) -> None:
    """Text, dates and datetimes name a day; the time of day is of no consequence."""
    assert vt.summarize(as_pandas(THREE), as_of=as_of).as_of == date(2024, 1, 31)


@pytest.mark.parametrize("source", [as_pandas, as_polars, as_relation])
def test_a_sentinel_date_is_counted_when_as_of_cuts_it(source: Any) -> None:
    """A date of 9999-12-31 is the last day unless as_of is given; then it is counted as cut."""
    orders = [*[o._replace(customer=1) for o in THREE[:2]], Order(1, datetime(9999, 12, 31), 300, 9)]
    assert vt.summarize(source(orders)).as_of == date(9999, 12, 31)
    assert vt.summarize(source(orders), as_of="9999-12-31").report.used.rows == 3
    cut = vt.summarize(source(orders), as_of="2024-01-31").report
    assert [(line.reason, line.rows, line.money) for line in cut.dropped] == [("after as_of", 1, 3.0)]


def test_columns_may_have_any_name() -> None:
    """The log's columns may be called what the definition calls its own."""
    names = {"customer_id": "rows", "date": "first", "amount": "customer", "order": "at"}
    plain = vt.summarize(as_pandas(THREE), order_id="order").customers
    for source in (as_pandas, as_relation):
        frame = source([o._replace(customer=ord(o.customer)) for o in THREE])
        frame = (
            frame.rename(columns=names)
            if source is as_pandas
            else frame.project(", ".join(f'"{old}" AS "{new}"' for old, new in names.items()))
        )
        found = records(vt.summarize(frame, "rows", "first", "customer", order_id="at").customers)
        assert [row["spend"] for row in found] == plain["spend"].tolist()


def test_column_labels_may_be_numbers() -> None:
    """A frame without names is read by the numbers of its columns."""
    frame = as_pandas(THREE).set_axis(range(4), axis=1)
    assert len(vt.summarize(frame, 0, 1, 2).customers) == 3  # type: ignore[arg-type]


def test_other_columns_are_ignored() -> None:
    """Columns that nobody names play no part, even twice of one name or full of gaps."""
    frame = as_pandas(THREE).assign(note=np.nan)
    frame = pd.concat([frame, frame[["note"]]], axis=1)
    pd.testing.assert_frame_equal(vt.summarize(frame).customers, vt.summarize(as_pandas(THREE)).customers)


# --- lifetimes --------------------------------------------------------------------------------


@pytest.mark.parametrize("as_of", [None, "1997-09-30"])
def test_cdnow_equals_lifetimes(as_of: str | None) -> None:
    """On the whole CDNOW log every column of every customer equals what lifetimes computes."""
    orders = vt.datasets.load_cdnow_orders()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lifetimes is archived and warns on import and in pandas
        from lifetimes.utils import summary_data_from_transaction_data

        theirs = summary_data_from_transaction_data(
            orders, "customer_id", "date", "amount", observation_period_end=as_of
        )
    ours = vt.to_lifetimes(vt.summarize(orders, as_of=as_of).customers).set_index("customer_id")
    assert ours.index.tolist() == theirs.index.tolist()
    for name in ("frequency", "recency", "T"):
        np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)
    mean = ours["monetary_value"].fillna(0.0)
    np.testing.assert_allclose(mean, theirs["monetary_value"], rtol=1e-12, atol=0)


def test_cdnow_reconciles_to_the_published_numbers() -> None:
    """The log has 69,659 orders of 23,570 customers, all of them used."""
    orders = vt.datasets.load_cdnow_orders()
    report = vt.summarize(orders).report
    assert (report.used.rows, report.used.customers, report.rows) == (69_659, 23_570, 69_659)
    assert math.isclose(report.used.money, math.fsum(orders["amount"]), rel_tol=1e-12)
    assert report.reconciles
