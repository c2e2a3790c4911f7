"""Tables on disk: parquet and CSV, read and written by DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from valuetier.errors import InvalidDataError, require_choice

CSV_ENDINGS = (".csv", ".csv.gz", ".csv.zst", ".tsv", ".txt")
FORMATS = ("parquet", "csv")


def is_csv(path: str | Path) -> bool:
    """Return whether the ending of a path, or of a glob, is that of CSV files."""
    return str(path).lower().endswith(CSV_ENDINGS)


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Turn DuckDB's errors about a file into ours.

    Raises
    ------
    InvalidDataError
        If there is no such file or it cannot be read as what its ending says.
    """
    try:
        yield
    except duckdb.Error as error:
        raise InvalidDataError(
            f"{str(path)!r} cannot be read as parquet or CSV: {str(error).splitlines()[0]}"
        ) from None


def read_table(path: str | Path) -> pd.DataFrame:
    """Return a parquet or CSV file as a pandas frame."""
    connection = duckdb.connect()
    with reading(path):
        read = connection.read_csv if is_csv(path) else connection.read_parquet
        return read(str(path)).df()


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
