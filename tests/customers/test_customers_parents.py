"""Rows of an account with a parent count for the topmost account, whatever ids and tables are."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import valuetier as vt
from tests.customers.carried import (
    ROLLED_UP,
)
from tests.customers.carried_kinds import (
    DAYS,
    WAYS,
    log_of,
    notes,
    refused,
    spends,
)

every_way = pytest.mark.parametrize("way", WAYS)

# --- parents ----------------------------------------------------------------------------------


@every_way
def test_rows_count_for_the_topmost_account(way: str, tmp_path: Path) -> None:
    """Over several levels, also for a parent who never orders; the note counts rows and children."""
    log = log_of(way, tmp_path)
    assert spends(log, parents={1: 2, 2: 9}) == {3: 8.0, 9: 7.0}
    assert notes(log, parents={1: 2, 2: 9}) == [(ROLLED_UP, 3, 2, 7.0)]
    assert "rolled up to a parent account: 3 rows, 7.00" in str(
        vt.summarize(log, parents={1: 2, 2: 9}).report
    )
    assert spends(log, parents={77: 78}) == spends(log) == spends(log, parents={})
    assert notes(log, parents={77: 78}) == []


@pytest.mark.parametrize("kind", ["pandas", "Polars", "PyArrow", "relation"])
def test_equal_rows_of_two_accounts_are_not_repeated_ones(kind: str) -> None:
    """Two branches that buy for the same sum on one day both did, also when repeated rows are dropped."""
    orders = pd.DataFrame(
        {"customer_id": [1, 2, 1], "date": pd.to_datetime(["2024-01-01"] * 3), "amount": [10.0] * 3}
    )
    log = {
        "pandas": lambda: orders,
        "Polars": lambda: pl.from_pandas(orders),
        "PyArrow": lambda: pa.Table.from_pandas(orders),
        "relation": lambda: duckdb.connect().from_df(orders),
    }[kind]()
    assert vt.summarize(log, parents={1: 9, 2: 9}).report.duplicates == 1
    assert spends(log, parents={1: 9, 2: 9}, duplicates="drop") == {9: 20.0}
    assert spends(log, duplicates="drop") == {1: 10.0, 2: 10.0}


def test_a_chain_of_a_thousand_accounts_ends_at_its_top() -> None:
    """However long the chain and in whatever order it is told."""
    chain = {place: place + 1 for place in range(1, 1000)}
    shuffled = {child: chain[child] for child in sorted(chain, key=lambda child: child * 7919 % 1009)}
    assert spends(log_of("pandas", Path()), parents=shuffled) == {1000: 15.0}


@pytest.mark.parametrize("as_table", [dict, "pandas", "polars", "lazy", "arrow", "relation"], ids=str)
@pytest.mark.parametrize("way", ["pandas", "relation"])
def test_parents_may_be_a_table_of_any_kind(way: str, as_table: Any, tmp_path: Path) -> None:
    """Accounts without parent may be listed with a gap; other columns are ignored."""
    table = pd.DataFrame({"name": list("abc"), "customer_id": [1, 3, 5], "parent_id": [3, None, 6]})
    made = {
        dict: lambda: {1: 3, 3: None, 5: 6},
        "pandas": lambda: table,
        "polars": lambda: pl.from_pandas(table),
        "lazy": lambda: pl.from_pandas(table).lazy(),
        "arrow": lambda: pa.Table.from_pandas(table),
        "relation": lambda: duckdb.connect().from_df(table),
    }[as_table]()
    assert spends(log_of(way, tmp_path), parents=made) == {2: 4.0, 3: 11.0}


LARGE = 2**60 + 1
IDS: dict[str, list[Any]] = {
    "large integers": [LARGE, LARGE, LARGE + 1, LARGE + 2],
    "text": ["a", "a", "b", "c"],
    "text of digits": ["007", "007", "7", "8"],
    "floats": [1.5, 1.5, 2.5, 3.5],
    "days": [date(2020, 1, day) for day in (1, 1, 2, 3)],
}


@pytest.mark.parametrize("way", [*WAYS, "pandas objects", "pandas nullable", "pandas Arrow"])
@pytest.mark.parametrize("what", IDS)
def test_ids_of_every_type_keep_type_and_value(way: str, what: str, tmp_path: Path) -> None:
    """Rolling up turns no id into another: 19 digits stay 19 digits, 007 stays 007."""
    ids = IDS[what]
    log = log_of(way if way in WAYS else "pandas", tmp_path, customer_id=ids)
    if way == "pandas objects":
        log["customer_id"] = pd.Series(ids, dtype=object)
    if way == "pandas nullable":
        log = log.convert_dtypes()
    if way == "pandas Arrow":
        log = log.convert_dtypes(dtype_backend="pyarrow")
    plain = vt.summarize(log, as_="pandas").customers["customer_id"]
    found = vt.summarize(log, as_="pandas", parents={ids[0]: ids[3]})
    if way == "CSV" and what in ("floats", "days"):
        return  # ids of a CSV file are whole numbers or text
    assert found.customers["customer_id"].dtype == plain.dtype
    assert found.customers["customer_id"].tolist() == plain.tolist()[1:]
    assert found.customers["spend"].tolist() == [4.0, 11.0]


OBJECTS: dict[str, list[Any]] = {
    "UUID": [UUID(int=1), UUID(int=1), UUID(int=2), UUID(int=3)],
    "bytes": [b"a", b"a", b"b", b"c"],
    "tuples": [("a", 1), ("a", 1), ("b", 2), ("c", 3)],
    "mixed": [1, 1, "1", "a"],
}


@pytest.mark.parametrize("what", OBJECTS)
def test_ids_that_are_objects_are_found_as_they_are(what: str) -> None:
    """Among objects 1 and '1' are two accounts."""
    ids = OBJECTS[what]
    log = log_of("pandas", Path(), customer_id=pd.Series(ids, dtype=object))
    assert spends(log, parents={ids[0]: ids[3]}) == {ids[2]: 4.0, ids[3]: 11.0}


def test_a_relation_of_uuids_is_rolled_up() -> None:
    """DuckDB's own types are kept, told as text or as objects."""
    texts = [str(UUID(int=number)) for number in (1, 1, 2, 3)]
    log = duckdb.connect().from_df(log_of("pandas", Path(), customer_id=texts))
    log = log.project("* REPLACE (customer_id::UUID AS customer_id)")
    for parents in ({texts[0]: texts[3]}, {UUID(texts[0]): UUID(texts[3])}):
        assert spends(log, parents=parents) == {UUID(int=2): 4.0, UUID(int=3): 11.0}
        assert str(vt.summarize(log, parents=parents).customers.types[0]) == "UUID"


def test_categories_become_what_they_are() -> None:
    """A parent need not be one of the categories."""
    log = log_of("pandas", Path(), customer_id=pd.Categorical(["a", "a", "b", "c"]))
    assert spends(log, parents={"a": "z"}) == {"b": 4.0, "c": 8.0, "z": 3.0}


def test_missing_ids_stay_missing() -> None:
    """A gap is nobody's child."""
    log = log_of("pandas", Path(), customer_id=[1.0, None, 2.0, 3.0])
    summary = vt.summarize(log, parents={1: 3}, bad_rows="drop")
    assert summary.customers["spend"].tolist() == [4.0, 9.0]
    assert [(line.reason, line.rows) for line in summary.report.dropped] == [("customer missing", 1)]


@pytest.mark.parametrize(
    ("parents", "match"),
    [
        ({1: 1}, r"^parents: 1 of 1 accounts are among their own parents\. Let every chain end"),
        ({1: 2, 2: 1, 4711: 3}, r"^parents: 2 of 4 accounts are among their own parents"),
        ({1: 2, 2: 3, 3: 1, 4711: 1}, r"^parents: 3 of 4 accounts are among their own parents"),
        ({1: 2, 2: 2, 3: 4, 4: 5, 5: 3}, r"^parents: 4 of 5 accounts are among their own parents"),
        (pd.DataFrame({"customer_id": [1, 1], "parent_id": [2, 4711]}), r"^parents: 1 of 2 rows name an account a second time"),
        (pd.DataFrame({"customer_id": [1, 1], "parent_id": [2, 2]}), r"^parents: 1 of 2 rows name an account a second time"),
        ({1: 2, "1": 4711}, r"^parents: 1 of 2 rows name an account a second time\..*drop the others"),
        ({1: [4711]}, r"^parents must hold ids such as integers or text"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("way", ["pandas", "Polars"])
def test_hierarchies_that_are_none_are_refused(way: str, parents: Any, match: str, tmp_path: Path) -> None:
    """Circles are counted by the accounts on them, not by those that lead there; no account is named."""
    refused(match, log_of(way, tmp_path), parents=parents)


@every_way
def test_accounts_of_another_type_are_refused(way: str, tmp_path: Path) -> None:
    """Text is no parent of a number; a number is none that does not fit the type of the ids."""
    match = r"^parents: accounts must be ids of the same type as in the log, which is U?Int"
    refused(match, log_of(way, tmp_path), parents={1: "group 4711"})
    refused(match, log_of(way, tmp_path), parents={1: 2.5})
    if way in ("pandas", "Polars"):
        small = log_of(way, tmp_path, customer_id=np.array([1, 1, 2, 3], dtype="uint8"))
        refused(match, small, parents={1: 4711})
        refused(match, small, parents={1: -1})
    enum = pl.DataFrame({"customer_id": ["4711"], "date": DAYS[:1], "amount": [1.0]})
    enum = enum.cast({"customer_id": pl.Enum(["4711"])})
    refused(r"^parents: accounts must be ids of the same type.*which is Enum\.", enum, parents={"4711": "z"})


@pytest.mark.parametrize("parents", [[(1, 2)], pd.Series({1: 2}), 7, "1"], ids=str)
def test_what_is_no_hierarchy_is_refused(parents: Any) -> None:
    """The message has the columns that are needed and the type that was given."""
    match = r"^parents must be a table with the columns \['customer_id', 'parent_id'\] or a mapping, got"
    refused(match, log_of("pandas", Path()), vt.InvalidParameterError, parents=parents)
    lacking = pd.DataFrame({"customer_id": [1]})
    refused(r"^parents lacks \['parent_id'\]\. It has", log_of("pandas", Path()), parents=lacking)
