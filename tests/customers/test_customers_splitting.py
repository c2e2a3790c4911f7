"""``split`` cuts a log in two: the calibration as if the rest had not happened, and what followed."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

import valuetier as vt
from tests.customers.kinds import (
    IN_DUCKDB,
    IN_ENGINES,
    IN_PANDAS,
    as_objects,
    as_pandas,
    as_polars,
    as_relation,
)
from tests.customers.logs import (
    START,
    Expected,
    Order,
    Total,
    any_orders,
    assert_is,
    expected,
    good_orders,
    options,
    records,
)
from valuetier.customers.dates import as_day

FAST = (Phase.explicit, Phase.generate)  # shrinking takes minutes where every trial is many queries
DAY = timedelta(days=1)

cutoffs = st.integers(0, 24).map(lambda days: (START + timedelta(days=days)).date())
horizons = st.one_of(st.none(), st.integers(1, 12))
chosen = options.map(lambda found: {key: value for key, value in found.items() if key != "as_of"})


# --- the oracle -------------------------------------------------------------------------------


def parts(orders: list[Order], cutoff: date, horizon: int | None, **options: Any) -> Any:
    """Return what the oracle says of calibration and holdout, and the horizon; None for a log to refuse."""
    whole = expected(orders, **options)
    if whole is None or cutoff >= whole.as_of:
        return None
    days = (whole.as_of - cutoff).days if horizon is None else horizon
    if cutoff + days * DAY > whole.as_of:
        return None
    later = [order for order in orders if order.at is not None and order.at.date() > cutoff]
    calibration = expected(orders, as_of=cutoff, **options)
    holdout = expected(later, as_of=cutoff + days * DAY, **options)
    return None if calibration is None or holdout is None else (calibration, holdout, days)


def check(orders: list[Order], source: Any, cutoff: date, horizon: int | None, **options: Any) -> None:
    """Assert that split says what the oracle says, or refuses what it refuses."""
    whole = {key: value for key, value in options.items() if key != "bad_rows"}
    wanted = parts(orders, cutoff, horizon, **whole)
    if wanted is None:
        with pytest.raises((vt.InvalidDataError, vt.InvalidParameterError)):
            vt.split(source, cutoff, horizon, **options)
        return
    calibration, holdout, days = wanted
    found = vt.split(source, cutoff, horizon, **options)
    assert (found.cutoff, found.horizon_days) == (cutoff, days)
    assert_is(found.calibration, calibration)
    assert_holdout(found, calibration, holdout)
    assert_report(found, orders, holdout)


def assert_holdout(found: vt.Split, calibration: Expected, holdout: Expected) -> None:
    """Assert the tables of the holdout, row by row, and the customers who are new."""
    known = records(found.calibration.customers)
    table = records(found.customers)
    for row, before, after in zip(table, known, records(found.holdout), strict=True):
        later = holdout.table.get(row["customer_id"], {"orders": 0, "spend": 0.0})
        assert {
            **before,
            "holdout_orders": row["holdout_orders"],
            "holdout_spend": row["holdout_spend"],
        } == row
        assert row["holdout_orders"] == later["orders"]
        assert math.isclose(row["holdout_spend"], later["spend"], abs_tol=1e-9)
        assert list(after.items()) == [
            ("customer_id", row["customer_id"]),
            ("orders", row["holdout_orders"]),
            ("spend", row["holdout_spend"]),
        ]
    new = [row for who, row in holdout.table.items() if who not in calibration.table]
    assert found.new_customers.customers == len(new)
    assert found.new_customers.orders == sum(row["orders"] for row in new)
    assert math.isclose(found.new_customers.spend, sum(row["spend"] for row in new), abs_tol=1e-9)


def assert_report(found: vt.Split, orders: list[Order], holdout: Expected) -> None:
    """Assert that every row of the log is in the report, and that used money is that of the customers."""
    report = found.report
    assert report.reconciles
    assert report.rows == len(orders)
    assert report.used.rows == holdout.lines["used"].rows
    spent = sum(row["holdout_spend"] for row in records(found.customers))
    assert math.isclose(report.used.money, spent + found.new_customers.spend, abs_tol=1e-6)
    later = holdout.lines.get("after as_of", Total(0, 0, 0))
    assert (found.after_horizon.rows, found.after_horizon.customers) == (later.rows, later.customers)
    assert math.isclose(found.after_horizon.money, later.cents / 100, abs_tol=1e-6)


@pytest.mark.parametrize("kind", IN_PANDAS)
@given(orders=any_orders, cutoff=cutoffs, horizon=horizons, chosen=chosen)
@settings(max_examples=60)
def test_pandas_logs_equal_the_oracle(
    kind: str, orders: list[Order], cutoff: date, horizon: int | None, chosen: dict[str, Any]
) -> None:
    """Both tables, new customers and report of any pandas log are those worked out on plain lists."""
    check(orders, IN_PANDAS[kind](orders), cutoff, horizon, bad_rows="drop", **chosen)


@pytest.mark.parametrize("kind", IN_ENGINES)
@given(orders=any_orders, cutoff=cutoffs, horizon=horizons, chosen=chosen)
@settings(max_examples=15)
def test_engine_logs_equal_the_oracle(
    kind: str, orders: list[Order], cutoff: date, horizon: int | None, chosen: dict[str, Any]
) -> None:
    """So are those of Polars logs and of the Narwhals definition on pandas."""
    check(orders, IN_ENGINES[kind](orders), cutoff, horizon, bad_rows="drop", **chosen)


@pytest.mark.parametrize("kind", IN_DUCKDB)
@given(orders=any_orders, cutoff=cutoffs, horizon=horizons, chosen=chosen)
@settings(max_examples=5, phases=FAST, deadline=None)
def test_duckdb_logs_equal_the_oracle(
    kind: str,
    tmp_path_factory: pytest.TempPathFactory,
    orders: list[Order],
    cutoff: date,
    horizon: int | None,
    chosen: dict[str, Any],
) -> None:
    """So are those of PyArrow tables, relations and files."""
    source = IN_DUCKDB[kind](orders, tmp_path_factory.mktemp("log"))
    check(orders, source, cutoff, horizon, bad_rows="drop", **chosen)


# --- laws -------------------------------------------------------------------------------------


@given(orders=good_orders, others=good_orders, cutoff=cutoffs, chosen=chosen)
@settings(max_examples=60)
def test_nothing_of_the_holdout_leaks_into_the_calibration(
    orders: list[Order], others: list[Order], cutoff: date, chosen: dict[str, Any]
) -> None:
    """Other rows after the cutoff change nothing in the calibration table, nor in what it is made of."""
    known = [order for order in orders if order.at.date() <= cutoff]
    other = known + [order for order in others if order.at.date() > cutoff]
    assume(parts(orders, cutoff, None, **chosen) and parts(other, cutoff, None, **chosen))
    found = vt.split(as_pandas(orders), cutoff, **chosen).calibration
    again = vt.split(as_pandas(other), cutoff, **chosen).calibration
    pd.testing.assert_frame_equal(found.customers, again.customers)
    assert found.report.used == again.report.used
    assert found.report.refunds == again.report.refunds


@given(orders=good_orders, cutoff=cutoffs, horizon=horizons, seed=st.integers(0, 99))
@settings(max_examples=60)
def test_the_order_of_rows_is_of_no_consequence(
    orders: list[Order], cutoff: date, horizon: int | None, seed: int
) -> None:
    """Shuffled rows give the same tables."""
    assume(parts(orders, cutoff, horizon))
    found = vt.split(as_pandas(orders), cutoff, horizon)
    shuffled = as_pandas(orders).sample(frac=1, random_state=seed, ignore_index=True)
    again = vt.split(shuffled, cutoff, horizon)
    pd.testing.assert_frame_equal(found.customers, again.customers, rtol=1e-12)
    assert found.new_customers.orders == again.new_customers.orders


@given(orders=good_orders, days=st.integers(8, 11))
@settings(max_examples=60)
def test_two_horizons_make_up_a_long_one(orders: list[Order], days: int) -> None:
    """By days, orders and spend of the whole holdout are those of a cut later plus those in between."""
    log = as_pandas([*orders, *(Order(1, START + day * DAY, 500, 1) for day in (0, 12, 24))])
    cutoff = (START + days * DAY).date()
    early = vt.split(log, cutoff, 4, refunds="drop").customers.set_index("customer_id")
    late = vt.split(log, cutoff + 4 * DAY, refunds="drop").customers.set_index("customer_id")
    both = vt.split(log, cutoff, refunds="drop").customers.set_index("customer_id")
    for name in ("holdout_orders", "holdout_spend"):
        np.testing.assert_allclose(both[name], early[name] + late[name].reindex(both.index), atol=1e-9)


# --- worked by hand ---------------------------------------------------------------------------

LOG = [
    Order("A", datetime(2024, 1, 1), 1000, 1),
    Order("A", datetime(2024, 1, 31, 23, 59), 3000, 2),
    Order("A", datetime(2024, 2, 1, 0, 0), 500, 3),
    Order("A", datetime(2024, 2, 1, 18, 0), 200, 4),
    Order("A", datetime(2024, 2, 9), -100, 5),
    Order("B", datetime(2024, 1, 20), 700, 6),
    Order("B", datetime(2024, 2, 3), -700, 7),
    Order("C", datetime(2024, 2, 10, 23, 59), 400, 8),
    Order("A", datetime(2024, 2, 11), 9900, 9),
    Order("D", datetime(2024, 2, 12), 800, 10),
]


def test_a_log_by_hand() -> None:
    """Cutoff day and last day of the horizon are included; what is outside is counted."""
    found = vt.split(as_pandas(LOG), "2024-01-31", 10)
    assert found.cutoff == date(2024, 1, 31)
    rows = [
        (r["customer_id"], r["x"], r["holdout_orders"], r["holdout_spend"]) for r in records(found.customers)
    ]
    assert rows == [("A", 1, 1, 6.0), ("B", 0, 0, 0.0)]
    assert found.new_customers.customers == found.new_customers.orders == 1
    assert found.new_customers.spend == 4.0
    assert (found.after_horizon.rows, found.after_horizon.money) == (2, 107.0)
    lines = {line.reason: (line.rows, line.money) for line in found.report.lines}
    assert lines == {
        "used": (4, 10.0),
        "refund of a customer without order": (1, -7.0),
        "after as_of": (2, 107.0),
        "before since": (3, 47.0),
    }
    assert repr(found) == "Split(cutoff=2024-01-31, horizon_days=10, customers=2, new customers=1)"


def test_without_a_horizon_the_log_is_used_to_its_end() -> None:
    """The holdout then ends on the last day of the log, and nothing is after it."""
    found = vt.split(as_pandas(LOG), date(2024, 1, 31))
    assert found.horizon_days == 12
    assert (found.after_horizon.reason, found.after_horizon.rows) == ("after as_of", 0)
    assert found.customers["holdout_orders"].tolist() == [2, 0]
    assert found.new_customers.customers == 2


def test_a_week_and_an_order_may_lie_on_both_sides() -> None:
    """Each part counts for itself: the week of the cutoff is an occasion of both, an order id likewise."""
    days = [datetime(2024, 1, day) for day in (8, 9, 11, 12)]  # Monday to Friday of one week
    orders = [Order("A", day, 100, 1) for day in days]
    for how in ({"period": "W"}, {"order_id": "order"}):
        (row,) = records(vt.split(as_pandas(orders), "2024-01-10", **how).customers)
        assert (row["orders"], row["spend"]) == (1, 2.0)
        assert (row["holdout_orders"], row["holdout_spend"]) == (1, 2.0)


def test_columns_may_have_any_name() -> None:
    """Columns are named as for summarize."""
    log = as_pandas(LOG).rename(columns={"customer_id": "who", "date": "when", "amount": "_place"})
    found = vt.split(log, "2024-01-31", customer="who", date="when", amount="_place")
    pd.testing.assert_frame_equal(found.customers, vt.split(as_pandas(LOG), "2024-01-31").customers)


# --- kinds of frames and ids ------------------------------------------------------------------

KINDS = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "arrow": "Table", "relation": "DuckDBPyRelation"}
NUMBERED = [order._replace(customer=ord(order.customer)) for order in LOG]


@pytest.mark.parametrize("source", [as_pandas, as_polars, as_relation, lambda o: as_polars(o).to_arrow()])
@pytest.mark.parametrize("as_", KINDS)
def test_every_table_is_of_the_kind_asked_for(source: Any, as_: str) -> None:
    """Calibration, holdout and the two together are of one kind, with the same rows whatever it is."""
    found = vt.split(source(NUMBERED), "2024-01-31", 10, as_=as_)
    for table in (found.calibration.customers, found.customers, found.holdout):
        assert KINDS[as_] in (type(table), type(table).__name__)
    assert [(r["customer_id"], r["orders"], r["spend"]) for r in records(found.holdout)] == [
        (ord("A"), 1, 6.0),
        (ord("B"), 0, 0.0),
    ]
    types = nw.from_native(found.holdout).collect_schema()
    assert (types["orders"], types["spend"]) == (nw.Int64, nw.Float64)


def test_without_being_asked_the_kind_is_that_of_the_log(tmp_path: Path) -> None:
    """pandas gives pandas, Polars Polars, a relation stays one in its connection, a file gives pandas."""
    path = tmp_path / "orders.parquet"
    as_polars(NUMBERED).write_parquet(path)
    for source, kind in (
        (as_pandas(NUMBERED), pd.DataFrame),
        (as_polars(NUMBERED), pl.DataFrame),
        (as_polars(NUMBERED).lazy(), pl.DataFrame),
        (path, pd.DataFrame),
    ):
        found = vt.split(source, "2024-01-31")
        assert type(found.customers) is type(found.holdout) is type(found.calibration.customers) is kind
    relation = as_relation(NUMBERED)
    found = vt.split(relation, "2024-01-31")
    joined = found.customers.set_alias("known").join(
        relation, "customer_id"
    )  # as only relations of one connection can be
    assert len(joined.fetchall()) == 8


IDS = {
    "text": ["b", "a", "c"],
    "text in capitals": ["b", "B", "a"],
    "mixed": [7, "a", 2.5],
    "decimals": [Decimal("7.10"), Decimal("7.2"), Decimal("1")],
    "days": [date(2024, 1, 2), date(2023, 1, 2), date(2025, 1, 2)],
}


@pytest.mark.parametrize("ids", IDS)
def test_ids_keep_order_and_type(ids: str) -> None:
    """Both tables have the ids of the calibration as they are and where they are."""
    names = IDS[ids]
    log = [Order(names[n], datetime(2024, 1, 2 + n), 100, 1) for n in range(3)]
    log += [Order(names[n], datetime(2024, 2, 2 + n), 100 * n, 1) for n in range(3)]
    found = vt.split(as_objects(log), "2024-01-31")
    known = found.calibration.customers["customer_id"]
    for table in (found.customers, found.holdout):
        pd.testing.assert_series_equal(table["customer_id"], known)
    assert dict(zip(known, found.holdout["spend"], strict=True)) == {names[n]: float(n) for n in range(3)}


@pytest.mark.parametrize("dtype", ["category", "string", "str", "uint8", "Int64", "int32", "string[pyarrow]"])
def test_ids_of_every_dtype_keep_it(dtype: str) -> None:
    """The join changes no dtype of ids, categories included, and leaves the index plain."""
    log = as_pandas([order._replace(customer=str(ord(order.customer))) for order in LOG])
    if dtype[:3] in ("uin", "Int", "int"):
        log["customer_id"] = log["customer_id"].astype("int64")
    found = vt.split(log.astype({"customer_id": dtype}), "2024-01-31")
    known = found.calibration.customers["customer_id"]
    for table in (found.customers, found.holdout):
        pd.testing.assert_series_equal(table["customer_id"], known)
        assert table.index.equals(pd.RangeIndex(2))


# --- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [as_pandas, as_polars, as_relation])
@pytest.mark.parametrize(
    ("cutoff", "horizon", "error", "message"),
    [
        ("2023-12-31", None, vt.InvalidDataError, r"No order that counts is up to the cutoff, 2023-12-31\."),
        ("2024-02-12", None, vt.InvalidParameterError, "before the last day of the log, 2024-02-12, got 2024-02-12"),
        ("2025-01-01", 3, vt.InvalidParameterError, "cutoff must be before the last day of the log"),
        ("2024-01-31", 13, vt.InvalidParameterError, "must be at most 12, for the log ends on 2024-02-12; got 13"),
        ("2024-01-20", 5, vt.InvalidDataError, "No order that counts is in the 5 days after the cutoff, 2024-01-20"),
    ],
)  # fmt: skip
def test_a_cut_that_leaves_nothing_is_refused(
    source: Any, cutoff: str, horizon: int | None, error: type[Exception], message: str
) -> None:
    """Before the first order, after the last, beyond the log, or where nobody orders: with the way out."""
    with pytest.raises(error, match=message) as caught:
        vt.split(source(NUMBERED), cutoff, horizon)
    assert "Choose" in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("horizon", [0, -3, 2.5, True, "7"])
def test_a_horizon_is_a_number_of_days(horizon: Any) -> None:
    """Zero, negative, fractional numbers and what is no number are refused."""
    with pytest.raises(vt.InvalidParameterError, match="horizon_days must be a whole number ≥ 1, got"):
        vt.split(as_pandas(LOG), "2024-01-31", horizon)


@pytest.mark.parametrize("cutoff", [None, "January", 20240131])
def test_a_cutoff_is_a_day(cutoff: Any) -> None:
    """What is no day is refused by the name of the argument."""
    with pytest.raises(
        vt.InvalidParameterError, match="cutoff must be a date or ISO text such as '2024-06-30', got"
    ):
        vt.split(as_pandas(LOG), cutoff)


@pytest.mark.parametrize("name", ["as_of", "since"])
def test_the_window_is_said_once(name: str) -> None:
    """Cutoff and horizon are the window; another one would contradict them."""
    with pytest.raises(vt.InvalidParameterError, match=f"split takes no {name}: cutoff and horizon_days say"):
        vt.split(as_pandas(LOG), "2024-01-31", **{name: "2024-02-01"})


def test_what_summarize_refuses_is_refused_in_its_words() -> None:
    """Bad rows, refunds and duplicates anywhere in the log raise the error of the whole log."""
    bad = [*LOG, LOG[-1]._replace(at=None)]
    with pytest.raises(vt.InvalidDataError, match="date: 1 of 11 rows have the date missing"):
        vt.split(as_pandas(bad), "2024-01-31")
    with pytest.raises(vt.InvalidDataError, match="amount: 2 of 10 rows are negative"):
        vt.split(as_pandas(LOG), "2024-01-31", refunds="error")
    with pytest.raises(vt.InvalidDataError, match="1 of 11 rows repeat another one"):
        vt.split(as_pandas([*LOG, LOG[-1]]), "2024-01-31", duplicates="error")
    with pytest.raises(vt.MissingColumnsError, match=r"lacks \['when'\]"):
        vt.split(as_pandas(LOG), "2024-01-31", date="when")


@pytest.mark.parametrize("day", [np.datetime64("1997-10-01"), np.datetime64("1997-10-01T00:00", "ns")])
def test_a_cutoff_of_numpy_is_a_day(day: np.datetime64) -> None:
    """Days are often taken from a column, where they are numpy's."""
    assert as_day(day) == as_day("1997-10-01")
    with pytest.raises(vt.InvalidParameterError, match="cutoff must be a date"):
        as_day(np.datetime64("NaT"), "cutoff")
