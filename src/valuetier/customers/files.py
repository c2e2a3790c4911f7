"""Order logs in files: DuckDB reads them, but guesses no dates and no ids."""

from __future__ import annotations

from typing import Any

import duckdb
import narwhals as nw

from valuetier.customers.checks import check_columns
from valuetier.customers.dates import refuse_numbers
from valuetier.customers.relations import is_number, lines_of_relation, quoted
from valuetier.customers.rules import IDS, MONEY, Columns
from valuetier.files import is_csv, own_engine, reading

# What a sample of the file cannot be trusted to show.
CSV: dict[str, Any] = {"header": True, "quotechar": '"', "escapechar": '"', "union_by_name": True}


def lines_of_files(path: str, columns: Columns) -> tuple[Any, duckdb.DuckDBPyConnection]:
    """Return the lines of parquet or CSV files (a path or a glob), and the engine that is theirs alone."""
    connection = own_engine()
    if not is_csv(path):
        with reading(path):
            log = connection.read_parquet(path, union_by_name=True)
        return lines_of_relation(log, columns), connection
    with reading(path):
        log = _from_csv(connection, path, columns)
    lines_of_relation(log, columns).to_native().create("parsed")  # parsed once, not by every query
    return nw.from_native(connection.table("parsed")), connection


def _from_csv(connection: duckdb.DuckDBPyConnection, path: str, columns: Columns) -> duckdb.DuckDBPyRelation:
    """Return the columns in use; only whole numbers written as such are numbers among the ids."""
    guessed = connection.read_csv(path, **CSV)
    check_columns(list(guessed.columns), columns)
    types = dict(zip(guessed.columns, map(str, guessed.types), strict=True))
    if columns.date_format is None and is_number(types[columns.date]):
        raise refuse_numbers(columns.date, types[columns.date])
    log = connection.read_csv(path, all_varchar=True, **CSV)
    roles = columns.roles()
    picked = {name: quoted(name) for name in columns.names()}
    for name in (extra.column for extra in columns.extra):
        if _are_all(log, quoted(name), types[name]):
            picked[name] = f"{quoted(name)}::{types[name]}"
    for name in (column for role, column in roles.items() if role in MONEY):
        picked[name] = f"TRY_CAST({quoted(name)} AS DOUBLE)"
    for name in (column for role, column in roles.items() if role in IDS or role == "at"):
        picked[name] = quoted(name)
    if types[columns.customer] == "BIGINT" and _are_whole_numbers(log, quoted(columns.customer)):
        picked[columns.customer] = f"{quoted(columns.customer)}::BIGINT"
    return log.project(", ".join(f"{sql} AS {quoted(name)}" for name, sql in picked.items()))


def _are_all(log: duckdb.DuckDBPyRelation, name: str, dtype: str) -> bool:
    """Return whether all text can be read as what a sample of it, or a guessed way to write dates, looks like."""
    found = log.aggregate(f"bool_and({name} IS NULL OR TRY_CAST({name} AS {dtype}) IS NOT NULL)")
    return bool(found.fetchall()[0][0])


def _are_whole_numbers(log: duckdb.DuckDBPyRelation, name: str) -> bool:
    """Return whether all text is that of an integer: 7, not 007, which is another customer."""
    found = log.aggregate(f"bool_and(TRY_CAST({name} AS BIGINT)::VARCHAR IS NOT DISTINCT FROM {name})")
    return bool(found.fetchall()[0][0])
