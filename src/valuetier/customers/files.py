"""Order logs in files: DuckDB reads them, but guesses no dates and no ids."""

from __future__ import annotations

from typing import Any

import duckdb
import narwhals as nw

from valuetier.customers.checks import check_columns
from valuetier.customers.dates import refuse_numbers
from valuetier.customers.relations import is_number, lines_of_relation, quoted
from valuetier.customers.rules import Columns
from valuetier.files import is_csv, reading

# What a sample of the file cannot be trusted to show.
CSV: dict[str, Any] = {"header": True, "quotechar": '"', "escapechar": '"', "union_by_name": True}


def lines_of_files(path: str, columns: Columns) -> Any:
    """Return the lines of parquet or CSV files (a path or a glob), in an engine of their own."""
    connection = duckdb.connect()
    if not is_csv(path):
        with reading(path):
            log = connection.read_parquet(path, union_by_name=True)
        return lines_of_relation(log, columns)
    with reading(path):
        log = _from_csv(connection, path, columns)
    lines_of_relation(log, columns).to_native().create("lines")  # parsed once, not by every query
    return nw.from_native(connection.table("lines"))


def _from_csv(connection: duckdb.DuckDBPyConnection, path: str, columns: Columns) -> duckdb.DuckDBPyRelation:
    """Return the columns in use; only whole numbers written as such are numbers among the ids."""
    guessed = connection.read_csv(path, **CSV)
    check_columns(list(guessed.columns), columns)
    types = dict(zip(guessed.columns, map(str, guessed.types), strict=True))
    if columns.date_format is None and is_number(types[columns.date]):
        raise refuse_numbers(columns.date, types[columns.date])
    log = connection.read_csv(path, all_varchar=True, **CSV)
    customer, amount = quoted(columns.customer), quoted(columns.amount)
    if types[columns.customer] == "BIGINT" and _are_whole_numbers(log, customer):
        customer = f"{customer}::BIGINT AS {customer}"
    picked = [customer, quoted(columns.date), f"TRY_CAST({amount} AS DOUBLE) AS {amount}"]
    return log.project(", ".join(picked + ([quoted(columns.order)] if columns.order is not None else [])))


def _are_whole_numbers(log: duckdb.DuckDBPyRelation, name: str) -> bool:
    """Return whether all text is that of an integer: 7, not 007, which is another customer."""
    found = log.aggregate(f"bool_and(TRY_CAST({name} AS BIGINT)::VARCHAR IS NOT DISTINCT FROM {name})")
    return bool(found.fetchall()[0][0])
