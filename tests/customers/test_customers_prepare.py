"""Refunds that name their order and the first day; all that is done before rows are judged, against the oracle."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dask.dataframe as dd
import duckdb
import ibis
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import valuetier as vt
from tests.customers.carried import (
    MATCHED,
    UNMATCHED,
    Rate,
    Row,
    assert_is,
    expected,
    rows,
    rules,
    some_rates,
)
from tests.customers.carried_kinds import (
    DAYS,
    ELSEWHERE,
    IN_PANDAS,
    KINDS,
    WAYS,
    as_pandas,
    as_polars,
    log_of,
    notes,
    rates_table,
    refused,
    spends,
)
from tests.customers.kinds import in_memory
from tests.customers.logs import START, as_of_days, records

FAST = (Phase.explicit, Phase.generate)
HIERARCHIES: list[dict[int, int]] = [
    {},
    {1: 2, 2: 3, 4: 9, 5: 6},
    {1: 7, 2: 7, 3: 7},
    {6: 5, 5: 4, 4: 3, 3: 2, 2: 1},
]
first_days = st.sampled_from((None, None, None, -5, 0, 3, 12)).map(
    lambda days: None if days is None else (START + timedelta(days=days)).date()
)
prepared = st.fixed_dictionaries(
    {
        "as_of": as_of_days,
        "since": first_days,
        "parents": st.sampled_from([None, *HIERARCHIES]),
        "rates": st.one_of(st.none(), some_rates, some_rates),
        "refunded": st.booleans(),
        "earned": st.sampled_from(({}, {"cost": "cost"}, {"margin": "cost"})),
    }
)
every_kind = pytest.mark.parametrize("kind", KINDS)


def wishes(chosen: dict[str, Any], ready: dict[str, Any]) -> dict[str, Any]:
    """Return the options of summarize; rates stay a list."""
    options = {**chosen, **ready["earned"], "as_of": ready["as_of"], "since": ready["since"]}
    options["parents"] = ready["parents"]
    if ready["rates"] is not None:
        options |= {"currency": "money", "rates": ready["rates"]}
    if ready["refunded"]:
        options |= {"order_id": "order", "refund_of": "refund_of"}
    return options


def check(source: Any, log: list[Row], **options: Any) -> None:
    """Assert that summarize says what the oracle says, or refuses what it refuses."""
    wanted = expected(log, **options)
    if options.get("rates") is not None:
        options["rates"] = rates_table(options["rates"])
    if options["since"] and options["as_of"] and options["since"] > options["as_of"]:
        with pytest.raises(vt.InvalidParameterError, match=r"^since must not be after as_of, got since="):
            vt.summarize(source, bad_rows="drop", **options)
        return
    if wanted is None:
        with pytest.raises(vt.InvalidDataError, match="order that counts"):
            vt.summarize(source, bad_rows="drop", **options)
        return
    summary = vt.summarize(source, bad_rows="drop", **options)
    assert_is(summary, wanted)


every_way = pytest.mark.parametrize("way", WAYS)

# --- against the oracle -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", IN_PANDAS)
@given(log=rows, chosen=rules, ready=prepared)
@settings(max_examples=8, phases=FAST)
def test_pandas_logs_are_prepared_as_the_oracle_prepares(
    kind: str, tmp_path_factory: pytest.TempPathFactory, log: list[Row], chosen: Any, ready: Any
) -> None:
    """Hierarchies, currencies, refunds and the window in every combination, with bad rows."""
    check(IN_PANDAS[kind](log, tmp_path_factory.getbasetemp()), log, **wishes(chosen, ready))


@pytest.mark.parametrize("kind", ELSEWHERE)
@given(log=rows, chosen=rules, ready=prepared)
@settings(max_examples=3, phases=FAST)
def test_engines_prepare_as_the_oracle_prepares(
    kind: str, tmp_path_factory: pytest.TempPathFactory, log: list[Row], chosen: Any, ready: Any
) -> None:
    """So they are in Polars and DuckDB and from files."""
    check(ELSEWHERE[kind](log, tmp_path_factory.mktemp("log")), log, **wishes(chosen, ready))


@given(log=rows, chosen=rules, ready=prepared)
@settings(max_examples=3, phases=FAST)
def test_ibis_and_dask_prepare_as_the_oracle_prepares(log: list[Row], chosen: Any, ready: Any) -> None:
    """So they are where the log is a query or in partitions."""
    import dask

    options = wishes(chosen, ready)
    wanted = expected(log, **options)
    if wanted is None or (options["since"] and options["as_of"] and options["since"] > options["as_of"]):
        return
    if options.get("rates") is not None:
        options["rates"] = rates_table(options["rates"])
    with dask.config.set(scheduler="synchronous"):
        for source in (
            ibis.memtable(as_polars(log).to_arrow()),
            dd.from_pandas(as_pandas(log), npartitions=2),
        ):
            summary = vt.summarize(source, bad_rows="drop", **options)
            assert_is(replace(summary, customers=in_memory(summary.customers)), wanted)


# --- refunds that name their order ------------------------------------------------------------


@every_way
@pytest.mark.parametrize("ids", [(1, 2, 3), ("a", "b", "c")], ids=str)
def test_a_refund_is_netted_with_its_order(way: str, ids: Any, tmp_path: Path) -> None:
    """In part it lowers the order; in full, or by more, it ends it; another customer's order is not touched."""
    one, two, three = ids
    named = {
        "customer_id": [1, 1, 1, 2],
        "order": [one, two, three, one],
        "refund_of": [None, None, one, None],
    }
    for cents, orders, spend in ((-0.5, 2, 2.5), (-1.0, 2, 2.0), (-1.5, 1, 1.5)):
        log = log_of(way, tmp_path, amount=[1.0, 2.0, cents, 8.0], **named)
        options = {"order_id": "order", "refund_of": "refund_of"}
        table = records(vt.summarize(log, as_="pandas", **options).customers)
        assert [(row["orders"], row["spend"]) for row in table] == [(orders, spend), (1, 8.0)]
        assert notes(log, **options) == [(MATCHED, 1, 1, cents)]
    log = log_of(
        way,
        tmp_path,
        amount=[1.0, 2.0, -1.0, 8.0],
        **{**named, "customer_id": [1, 1, 2, 2], "order": [one, two, three, two]},
    )
    assert notes(log, **options) == [(UNMATCHED, 1, 1, -1.0)]
    assert spends(log, **options) == {1: 3.0, 2: 7.0}


@every_way
def test_a_refund_before_since_has_no_order(way: str, tmp_path: Path) -> None:
    """An order outside the window is not in the log: its refund stays one of its own."""
    log = log_of(
        way,
        tmp_path,
        customer_id=[1] * 4,
        amount=[5.0, 2.0, -1.0, 4.0],
        order=[1, 2, 3, 4],
        refund_of=[None, None, 1, None],
    )
    options = {"order_id": "order", "refund_of": "refund_of", "since": "2024-01-02"}
    assert notes(log, **options) == [(UNMATCHED, 1, 1, -1.0)]
    assert spends(log, **options) == {1: 5.0}
    assert spends(log, **options, refunds="drop") == {1: 6.0}


def test_large_order_ids_are_not_taken_for_each_other() -> None:
    """Where refund_of is a column of floats, because of its gaps, orders keep all their digits."""
    log = log_of(
        "pandas",
        Path(),
        customer_id=[1] * 4,
        order=[2**60 + 1, 2**60 + 2, 5, 6],
        amount=[5.0, 2.0, 4.0, -4.0],
    )
    log["refund_of"] = [np.nan, np.nan, np.nan, 5.0]
    for source in (log, pl.from_pandas(log), duckdb.connect().from_df(log)):
        table = vt.summarize(
            source, order_id="order", refund_of="refund_of", period="D", as_="pandas"
        ).customers
        assert table[["orders", "spend"]].to_numpy().tolist() == [[3, 7.0]]


def test_nothing_refunded_is_no_fault() -> None:
    """A column of gaps names no order, whatever its type."""
    for gaps in ([None] * 4, [np.nan] * 4, pd.Series([pd.NA] * 4, dtype="string")):
        log = log_of("pandas", Path(), order=[1, 2, 3, 4]).assign(refund_of=gaps)
        assert spends(log, order_id="order", refund_of="refund_of") == {1: 3.0, 2: 4.0, 3: 8.0}


@pytest.mark.parametrize("way", ["pandas", "Polars", "relation"])
def test_ids_of_orders_must_be_of_one_type(way: str, tmp_path: Path) -> None:
    """Text never finds the order of a number: that is said, not counted as not found."""
    log = log_of(way, tmp_path, order=[1, 2, 3, 4], refund_of=[None, None, "1", None])
    match = r"^order \(Int64\) and refund_of \(String\) must hold ids of one type\. Convert one of them"
    refused(match, log, order_id="order", refund_of="refund_of")
    refused("^refund_of needs order_id=, the column of", log, vt.InvalidParameterError, refund_of="refund_of")


# --- the first day ----------------------------------------------------------------------------


@every_way
def test_since_is_the_first_day_that_counts(way: str, tmp_path: Path) -> None:
    """A history begins with the first order from that day on; earlier rows are counted."""
    log = log_of(way, tmp_path, customer_id=[1, 1, 1, 2])
    summary = vt.summarize(log, since=date(2024, 1, 2), as_="pandas")
    first = records(summary.customers)[0]
    assert (first["first_order"], first["orders"], first["T"]) == (DAYS[1], 2, 2.0)
    assert [(line.reason, line.rows, line.money) for line in summary.report.dropped] == [
        ("before since", 1, 1.0)
    ]
    both = vt.summarize(log, since="2024-01-02", as_of="2024-01-03").report
    assert {line.reason: line.rows for line in both.lines} == {"used": 2, "after as_of": 1, "before since": 1}
    refused(r"\(before since: 4\)\. Check as_of, since and", log, since="2024-02-01")


@pytest.mark.parametrize("since", ["soon", 20240101, float("nan")])
def test_since_must_be_a_day(since: Any) -> None:
    """The message has the parameter and what was given."""
    refused(
        r"^since must be a date or ISO text", log_of("pandas", Path()), vt.InvalidParameterError, since=since
    )


# --- nothing changes --------------------------------------------------------------------------


@every_kind
def test_the_tables_of_the_caller_are_left_as_they_were(kind: str, tmp_path: Path) -> None:
    """Neither log nor rates nor parents change."""
    log = [Row(1, DAYS[0], 1000, 1, money="USD"), Row(2, DAYS[1], -100, 2, 1), Row(3, DAYS[1], 100, 2)]
    used, before = (KINDS[kind](log, tmp_path) for _ in range(2))
    rates = rates_table([Rate("EUR", DAYS[0].date(), 1.0), Rate("USD", DAYS[0].date(), 0.5)])
    rates_before, parents = rates.copy(), {2: 1, 3: 1}
    vt.summarize(
        used,
        order_id="order",
        refund_of="refund_of",
        currency="money",
        rates=rates,
        parents=parents,
        since=DAYS[0],
    )
    pd.testing.assert_frame_equal(rates, rates_before)
    assert parents == {2: 1, 3: 1}
    if isinstance(used, pd.DataFrame):
        pd.testing.assert_frame_equal(used, before)
    elif isinstance(used, (pl.DataFrame, pa.Table)):
        assert used.equals(before)


def test_tables_of_the_connection_are_not_taken_for_ours() -> None:
    """A connection may have tables called as ours are, and has the same ones afterwards."""
    connection = duckdb.connect()
    for name in ("lines", "small", "customers", "exact", "parsed", "occasions", "found", "repeats"):
        connection.execute(f"CREATE TABLE {name} AS SELECT 9 AS customer, 9 AS child, 9 AS root, 9 AS rate")
    connection.execute(
        "CREATE TABLE orders AS SELECT 1 AS customer_id, DATE '2024-01-01' AS date, 5.0 AS amount"
    )
    before = connection.execute("SHOW ALL TABLES").fetchall()
    log = connection.table("orders").project("*, 'USD' AS money, 1 AS no, NULL::INTEGER AS refund_of")
    summary = vt.summarize(
        log,
        parents={1: 2},
        currency="money",
        rates={"USD": 2},
        order_id="no",
        refund_of="refund_of",
        duplicates="drop",
    )
    assert records(summary.customers)[0]["customer_id"] == 2
    assert records(summary.customers)[0]["spend"] == 10.0
    assert connection.execute("SHOW ALL TABLES").fetchall() == before
    assert connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall() == []
