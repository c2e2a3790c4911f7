"""Tables on disk: parquet and CSV, read and written by DuckDB."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from valuetier.errors import InvalidDataError, require_choice

CSV_ENDINGS = (".csv", ".csv.gz", ".tsv", ".txt")
FORMATS = ("parquet", "csv")


def open_file(path: str | Path) -> duckdb.DuckDBPyRelation:
    """Return a parquet or CSV file, or a glob of them, as a query that reads it.

    Raises
    ------
    InvalidDataError
        If there is no such file or it cannot be read as what its ending says.
    """
    connection = duckdb.connect()
    try:
        if str(path).lower().endswith(CSV_ENDINGS):
            return connection.read_csv(str(path))
        return connection.read_parquet(str(path))
    except duckdb.Error as error:
        raise InvalidDataError(
            f"{Path(path).name!r} cannot be read as parquet or CSV: {str(error).splitlines()[0]}"
        ) from None


def read_table(path: str | Path) -> pd.DataFrame:
    """Return a parquet or CSV file as a pandas frame."""
    return open_file(path).df()


def write_table(frame: pd.DataFrame, folder: Path, name: str, file_format: str) -> Path:
    """Write a frame as ``name.parquet`` or ``name.csv`` into a folder; return the path."""
    require_choice("file_format", file_format, FORMATS)
    path = folder / f"{name}.{file_format}"
    plain = frame.astype(
        {c: "object" for c in frame.columns if isinstance(frame[c].dtype, pd.CategoricalDtype)}
    )
    if file_format == "csv":
        plain.to_csv(path, index=False)
        return path
    relation: Any = duckdb.connect().from_df(plain)
    relation.write_parquet(str(path))
    return path
