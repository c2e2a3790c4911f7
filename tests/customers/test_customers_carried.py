"""Costs, margins and further columns are what a plain reading of each aggregate gives, from every kind of log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import ibis
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import valuetier as vt
from tests.customers.carried import EXTRA, Row, assert_is, expected, rows, rules
from tests.customers.carried_kinds import (
    ELSEWHERE,
    IN_PANDAS,
    KINDS,
    WAYS,
    as_pandas,
    as_polars,
    carried,
    simple,
    sources,
)
from tests.customers.carried_kinds import TIMES as DAYS
from tests.customers.logs import records

FAST = (Phase.explicit, Phase.generate)
earnings = st.sampled_from(({}, {"cost": "cost"}, {"margin": "cost"}))
extras = st.lists(st.sampled_from(sorted(EXTRA)), min_size=4, max_size=8, unique=True).map(
    lambda names: {name: EXTRA[name] for name in names}
)
every_kind = pytest.mark.parametrize("kind", KINDS)

every_way = pytest.mark.parametrize("way", WAYS)


def check(source: Any, log: list[Row], **chosen: Any) -> None:
    """Assert that summarize says what the oracle says, or refuses what it refuses."""
    wanted = expected(log, **chosen)
    if wanted is None:
        with pytest.raises(vt.InvalidDataError, match="order that counts"):
            vt.summarize(source, bad_rows="drop", **chosen)
    else:
        assert_is(vt.summarize(source, bad_rows="drop", **chosen), wanted)


# --- against the oracle -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", IN_PANDAS)
@given(log=rows, chosen=rules, earned=earnings, extra=extras)
@settings(max_examples=6, phases=FAST)
def test_pandas_logs_carry_what_the_oracle_carries(
    kind: str,
    tmp_path_factory: pytest.TempPathFactory,
    log: list[Row],
    chosen: dict[str, Any],
    earned: dict[str, str],
    extra: dict[str, Any],
) -> None:
    """Aggregates of text, integers, floats and booleans, with gaps and NaN, with all rules of the log."""
    source = IN_PANDAS[kind](log, tmp_path_factory.getbasetemp())
    check(source, log, extra=extra, **chosen, **earned)


@pytest.mark.parametrize("kind", ELSEWHERE)
@given(log=rows, chosen=rules, earned=earnings, extra=extras)
@settings(max_examples=3, phases=FAST)
def test_engines_carry_what_the_oracle_carries(
    kind: str,
    tmp_path_factory: pytest.TempPathFactory,
    log: list[Row],
    chosen: dict[str, Any],
    earned: dict[str, str],
    extra: dict[str, Any],
) -> None:
    """So they are in Polars and DuckDB and from files."""
    source = ELSEWHERE[kind](log, tmp_path_factory.mktemp("log"))
    check(source, log, extra=extra, **chosen, **earned)


# --- columns and types ------------------------------------------------------------------------

TYPES: dict[str, Any] = {
    "sum": pl.Float64,
    "mean": pl.Float64,
    "n_unique": pl.Int64,
}


@every_kind
def test_columns_have_the_same_names_order_and_types_everywhere(kind: str, tmp_path: Path) -> None:
    """Earnings come after the plain columns, then the further ones as they were asked for."""
    log = [Row(1, DAYS[0], 1000, 1, 1, "EUR", 500, "web", 2, 0.5, True)]
    table = vt.summarize(KINDS[kind](log, tmp_path), cost="cost", extra=EXTRA, as_="polars").customers
    assert table.columns[10:] == ["cost", "profit", "margin", *EXTRA]
    own = {"channel": pl.String, "units": pl.Int64, "score": pl.Float64, "vip": pl.Boolean}
    for name, (column, how) in EXTRA.items():
        assert table.schema[name] == TYPES.get(how, own[column]), name
    assert table.select("cost", "profit", "margin").dtypes == [pl.Float64] * 3


def test_margin_alone_brings_profit_and_margin() -> None:
    """Where the log has what is earned, there is no cost to show."""
    table = vt.summarize(pd.DataFrame(simple(earned=[1.0, 1.0, 1.5, 6.0, 6.0])), margin="earned").customers
    assert table.columns.tolist()[10:] == ["profit", "margin"]
    assert table[["profit", "margin"]].to_numpy().tolist() == [[3.5, 0.5], [12.0, 0.5]]


@pytest.mark.parametrize("as_", ["pandas", "polars", "arrow", "relation"])
@every_way
def test_further_columns_come_in_the_kind_of_table_asked_for(way: str, as_: str, tmp_path: Path) -> None:
    """as_= hands the further columns on."""
    log = sources(simple(channel=["a", "b", "b", None, None]), tmp_path)[way]
    found = records(vt.summarize(log, extra={"channels": ("channel", "n_unique")}, as_=as_).customers)
    assert [row["channels"] for row in found] == [2, 0]


@pytest.mark.parametrize("as_", [None, "pandas"])
def test_an_ibis_table_carries_them_too(as_: str | None) -> None:
    """Ibis computes the further columns in its engine."""
    frame = pl.DataFrame(simple(channel=["a", "b", "b", None, None], cost=[0.5, 1.0, 2.0, 2.0, 10.0]))
    extra = {"channels": ("channel", "n_unique"), "last": ("channel", "last"), "paid": ("cost", "sum")}
    found = vt.summarize(ibis.memtable(frame.to_arrow()), cost="cost", extra=extra, as_=as_).customers
    table = found if as_ else found.to_pyarrow().to_pandas()
    assert table["channels"].tolist() == [2, 0]
    assert table["last"].tolist()[0] == "b"
    assert table["paid"].tolist() == table["cost"].tolist() == [3.5, 12.0]
    assert table["profit"].tolist() == [3.5, 12.0]


# --- what each aggregate means ----------------------------------------------------------------


@every_way
def test_missing_values_do_not_count(way: str, tmp_path: Path) -> None:
    """NaN and null are skipped; of nothing the sum is 0, the count 0 and all else missing."""
    log = sources(simple(score=[None, 3.0, float("nan"), None, float("nan")]), tmp_path)[way]
    extra = {how: ("score", how) for how in ("sum", "mean", "min", "max", "first", "last")}
    assert carried(log, extra) == [[3.0, 0.0], *[[3.0, None]] * 5]
    assert carried(log, {"scores": ("score", "n_unique")}) == [[1, 0]]


@every_way
def test_of_several_values_at_one_time_the_smallest_is_taken(way: str, tmp_path: Path) -> None:
    """First and last do not depend on the order of the rows."""
    log = sources(simple(channel=["b", "z", "y", "d", "c"], date=[DAYS[0], *DAYS[1:3] * 2]), tmp_path)[way]
    assert carried(log, {"head": ("channel", "first"), "end": ("channel", "last")}) == [
        ["b", "c"],
        ["y", "c"],
    ]


@every_way
def test_first_and_last_are_the_first_and_last_known(way: str, tmp_path: Path) -> None:
    """A gap at either end is passed over."""
    log = sources(simple(channel=[None, "b", None, "d", None]), tmp_path)[way]
    assert carried(log, {"head": ("channel", "first"), "end": ("channel", "last")}) == [
        ["b", "d"],
        ["b", "d"],
    ]


@every_way
@pytest.mark.parametrize("drop", [{"refunds": "drop"}, {"duplicates": "drop"}, {"as_of": "2024-01-03"}])
def test_rows_that_are_left_out_bring_nothing(way: str, drop: dict[str, str], tmp_path: Path) -> None:
    """What is dropped as refund, as repeated or as too late has no cost and no channel."""
    columns = simple(
        amount=[1.0, 2.0, 2.0, 8.0, -3.0], channel=["a", "b", "c", "d", "e"], cost=[1.0, 1.0, 2.0, 3.0, 5.0]
    )
    log = sources(columns, tmp_path)[way]
    extra = {"channels": ("channel", "n_unique"), "paid": ("cost", "sum")}
    wanted = {
        "refunds": [[3, 1], [4.0, 3.0]],
        "duplicates": [[2, 2], [2.0, 8.0]],
        "as_of": [[3, 1], [4.0, 3.0]],
    }
    assert carried(log, extra, **drop) == wanted[next(iter(drop))]


@every_way
def test_an_order_that_is_refunded_takes_its_lines_along(way: str, tmp_path: Path) -> None:
    """With order ids a refund is a whole order: none of its lines counts if it is dropped."""
    columns = simple(
        amount=[1.0, 2.0, -4.0, 8.0, 16.0], order=[1, 2, 2, 3, 4], channel=["a", "b", "c", "d", "d"]
    )
    log = sources(columns, tmp_path)[way]
    extra = {"channels": ("channel", "n_unique")}
    assert carried(log, extra, order_id="order", refunds="drop") == [[1, 1]]
    assert carried(log, extra, refunds="drop") == [[2, 1]]


@every_way
def test_the_share_of_nothing_is_missing(way: str, tmp_path: Path) -> None:
    """Where purchases and refunds cancel out but for rounding, or less than nothing is spent, there is no margin."""
    columns = simple(amount=[0.1, 0.2, -0.3, 8.0, -9.0], cost=[1.0, 1.0, 1.0, 2.0, 0.0])
    columns["customer_id"] = [1, 1, 1, 2, 2]
    table = records(vt.summarize(sources(columns, tmp_path)[way], cost="cost", as_="polars").customers)
    assert [row["margin"] for row in table] == [None, None]
    assert [row["profit"] for row in table] == pytest.approx([-3.0, -3.0])


def test_the_order_of_the_rows_changes_nothing() -> None:
    """Shuffled, the log gives the same further columns."""
    log = [
        Row(who % 3, DAYS[who % 5], 100, 1, None, "EUR", 50, "abc"[who % 2], who % 4, 0.5, who % 2 == 0)
        for who in range(30)
    ]
    frame = as_pandas(log)
    wanted = vt.summarize(frame, cost="cost", extra=EXTRA).customers
    found = vt.summarize(frame.sample(frac=1, random_state=3), cost="cost", extra=EXTRA).customers
    pd.testing.assert_frame_equal(found, wanted)


@every_way
def test_numbers_of_a_csv_are_not_lost_where_text_comes_late(way: str, tmp_path: Path) -> None:
    """A column that looks like numbers or dates at its beginning keeps every value."""
    n = 30_000
    texts = [*["7"] * n, "seven"]
    columns = {
        "customer_id": [1] * (n + 1), "date": [DAYS[0]] * n + [DAYS[1]], "amount": [1.0] * (n + 1),
        "code": texts, "born": ["31/12/1990"] * (n + 1),
    }  # fmt: skip
    log = sources(columns, tmp_path)[way]
    extra = {"codes": ("code", "n_unique"), "code": "last", "born": "first"}
    assert carried(log, extra) == [[2], ["seven"], ["31/12/1990"]]
    with pytest.raises(vt.InvalidDataError, match=r"^code must hold numbers, got values of type (S|s)tring"):
        vt.summarize(log, extra={"total": ("code", "sum")})


@pytest.mark.parametrize("kind", ["pandas", "pandas objects", "pandas categories", "Polars", "PyArrow"])
def test_the_log_is_left_as_it_was(kind: str, tmp_path: Path) -> None:
    """Neither values nor types of the user's frame change."""
    log = [Row(1, DAYS[0], 1000, 1, None, "EUR", 500, "web", 2, 0.5, True), Row(2, DAYS[1], 100, 2)]
    used, before = (KINDS[kind](log, tmp_path) for _ in range(2))
    vt.summarize(used, cost="cost", extra=EXTRA, duplicates="drop", refunds="drop", order_id="order")
    if isinstance(used, pd.DataFrame):
        pd.testing.assert_frame_equal(used, before)
    else:
        assert used.equals(before)


def test_large_integers_keep_their_last_digits() -> None:
    """Aggregates that pick a value do not turn it into a float."""
    log = [Row(1, DAYS[0], 100, 1, units=2**60 + 1), Row(1, DAYS[1], 100, 1, units=2**60 + 3)]
    extra = {how: ("units", how) for how in ("min", "max", "first", "last")}
    for source in (as_pandas(log), as_polars(log), duckdb.connect().from_arrow(as_polars(log).to_arrow())):
        assert carried(nw.to_native(source, pass_through=True), extra) == [
            [2**60 + 1], [2**60 + 3], [2**60 + 1], [2**60 + 3],
        ]  # fmt: skip


def test_nothing_is_carried_unless_asked_for() -> None:
    """extra={} is no wish."""
    log = pd.DataFrame(simple())
    pd.testing.assert_frame_equal(vt.summarize(log, extra={}).customers, vt.summarize(log).customers)
    assert np.array_equal(
        vt.summarize(log, extra=None).customers.columns, vt.summarize(log).customers.columns
    )
