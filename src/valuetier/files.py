"""Tables on disk: parquet and CSV, read and written by DuckDB."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from valuetier.errors import InvalidDataError, InvalidParameterError, require_choice

CSV_ENDINGS = (".csv", ".csv.gz", ".csv.zst", ".tsv", ".txt")
FORMATS = ("parquet", "csv")
TABLES = ("customers", "tiers", "actions")
NOT_UTF8 = " It is not in UTF-8. Save it again as UTF-8, or pass pandas.read_csv(..., encoding='gb18030') or 'cp1252'."
PACKED = (".gz", ".zst")
BYTES_OF_A_LINE, BYTES_OF_A_PACKED_LINE = 30, 10  # of a CSV file with customer, date and amount


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
            f"{str(path)!r} cannot be read as parquet or CSV: {str(error).splitlines()[0]}.{encoding_help(error)}"
        ) from None


def encoding_help(error: duckdb.Error) -> str:
    """Return the way out if a file is not in UTF-8, else nothing."""
    return NOT_UTF8 if "not utf-8 encoded" in str(error) else ""


def line_of(error: duckdb.Error) -> str:
    """Return the line of a CSV file at which reading ended, if the error says it; nothing of what stands there."""
    found = re.match(r".*CSV Error on Line: (\d+)", str(error))
    return f" at line {found[1]} of a CSV file" if found else ""


def own_engine(memory_limit: str | None = None) -> duckdb.DuckDBPyConnection:
    """Return a new DuckDB engine, which spills into the system's folder for temporary files."""
    connection = duckdb.connect()
    connection.execute("SET temp_directory = ?", [str(Path(tempfile.gettempdir()) / "valuetier")])
    connection.execute("SET preserve_insertion_order = false")
    if memory_limit is not None:
        connection.execute("SET memory_limit = ?", [memory_limit])
    return connection


def rows_of_files(path: str) -> int:
    """Return how many rows files have: from the footers of parquet, of CSV estimated from the size.

    Raises
    ------
    InvalidDataError
        If there is no such file.
    """
    connection = duckdb.connect()
    with reading(path):
        if is_csv(path):
            size = connection.execute("SELECT sum(size) FROM read_blob(?)", [path]).fetchall()[0][0]
            if size is None:
                raise duckdb.IOException(f'No files found that match the pattern "{path}"')
            return int(size) // (BYTES_OF_A_PACKED_LINE if path.lower().endswith(PACKED) else BYTES_OF_A_LINE)
        counts = connection.execute("SELECT sum(num_rows) FROM parquet_file_metadata(?)", [path]).fetchall()
    return int(counts[0][0])


def read_table(path: str | Path, *, as_text: bool = False) -> pd.DataFrame:
    """Return a parquet or CSV file as a pandas frame; all columns of a CSV file ``as_text``, so that 007 is not 7."""
    connection = duckdb.connect()
    with reading(path):
        if not is_csv(path):
            return connection.read_parquet(str(path)).df()
        return connection.read_csv(str(path), all_varchar=True if as_text else None).df()


def output_folder(out: str | Path) -> Path:
    """Return the folder for results, made if it is not there.

    Raises
    ------
    InvalidParameterError
        If it is a file, or may not be made.
    """
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidParameterError(
            f"out must be a folder that can be written to, got {str(folder)!r}: {error.strerror}. Choose another one."
        ) from None
    return folder


def refuse_to_overwrite(orders: Any, folder: Path) -> None:
    """Raise if the log is read from files that the results would take the place of.

    Raises
    ------
    InvalidParameterError
    """
    if not isinstance(orders, (str, PathLike)):
        return
    made = {(folder / f"{name}.{ending}").resolve() for name in TABLES for ending in FORMATS}
    with reading(fspath(orders)):
        found = duckdb.connect().execute("SELECT file FROM glob(?)", [fspath(orders)]).fetchall()
    read = {Path(path).resolve() for (path,) in found}
    if made & read:
        names = sorted(path.name for path in made & read)
        raise InvalidParameterError(
            f"out holds {names}, which orders reads and the results would take the place of. "
            "Choose another folder, or say which files are orders."
        )


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
    return write_relation(relation, folder, name, file_format)


def write_relation(relation: Any, folder: Path, name: str, file_format: str) -> Path:
    """Write a DuckDB relation as ``name.parquet`` or ``name.csv`` into a folder; return the path."""
    path = folder / f"{name}.{file_format}"
    write = relation.write_csv if file_format == "csv" else relation.write_parquet
    write(str(path))
    return path
