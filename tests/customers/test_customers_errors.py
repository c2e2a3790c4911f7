"""What cannot be right is refused with column, count and way out, and without a customer's data."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import valuetier as vt

# Nothing of this may show in a message.
SECRETS = ("Lovelace", "Babbage", "4711", "1815")
NAMES = ["Ada Lovelace", "Ada Lovelace", "Charles Babbage"]
DATES = [datetime(1815, 12, 10), datetime(1815, 12, 11), datetime(1815, 12, 26)]
AMOUNTS = [4711.25, 20.5, 30.0]


def log_of(**columns: Any) -> pd.DataFrame:
    """Return a good log with some columns replaced."""
    return pd.DataFrame({"customer_id": NAMES, "date": DATES, "amount": AMOUNTS}).assign(**columns)


def in_polars(log: pd.DataFrame) -> pl.DataFrame:
    objects = log.astype(object).where(log.notna() | (log.dtypes == "float64"), None)
    plain = {name: [_plain(value) for value in objects[name]] for name in objects}
    return pl.DataFrame(plain, strict=False)


def _plain(value: Any) -> Any:
    return value.to_pytimedelta() if isinstance(value, pd.Timedelta) else value


def as_kind(kind: str, log: pd.DataFrame, folder: Path) -> Any:
    """Return a pandas log as another kind of input."""
    if kind == "pandas":
        return log
    frame = in_polars(log)
    if kind == "parquet":
        frame.write_parquet(folder / "orders.parquet")
        return folder / "orders.parquet"
    if kind == "CSV":
        frame.write_csv(folder / "orders.csv")
        return folder / "orders.csv"
    if kind == "relation":
        return duckdb.connect().from_arrow(frame.to_arrow())
    return {"Polars": frame, "Polars lazy": frame.lazy(), "PyArrow": frame.to_arrow()}[kind]


KINDS = ["pandas", "Polars", "Polars lazy", "PyArrow", "relation", "parquet", "CSV"]
TYPED_KINDS = [kind for kind in KINDS if kind != "CSV"]  # in CSV files everything is text
every_kind = pytest.mark.parametrize("kind", KINDS)
every_typed_kind = pytest.mark.parametrize("kind", TYPED_KINDS)


def refused(
    source: Any, match: str, error: type[vt.ValueTierError] = vt.InvalidDataError, **options: Any
) -> None:
    """Assert that a log is refused with such a message, which gives no customer away."""
    with pytest.raises(error, match=match) as caught:
        vt.summarize(source, **options)
    assert isinstance(caught.value, vt.ValueTierError)
    assert isinstance(caught.value, ValueError)
    assert not [secret for secret in SECRETS if secret in str(caught.value)]
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


# --- columns ----------------------------------------------------------------------------------


@every_kind
def test_a_missing_column_is_named_with_a_suggestion(kind: str, tmp_path: Path) -> None:
    """The message lists what is missing, what is there and what was probably meant."""
    log = as_kind(kind, log_of().rename(columns={"amount": "amuont"}), tmp_path)
    refused(log, r"lacks \['amount'\].*'amuont'.*Did you mean 'amuont'\?.*amount=", vt.MissingColumnsError)
    refused(log, r"lacks \['order'\]", vt.MissingColumnsError, amount="amuont", order_id="order")


def test_column_labels_that_are_no_text_are_listed() -> None:
    """A frame whose columns are numbers is refused by name, not by accident."""
    refused(log_of().set_axis([0, 1, 2], axis=1), r"lacks.*It has \[0, 1, 2\]", vt.MissingColumnsError)


def test_columns_of_the_same_name_are_refused() -> None:
    """Which of two columns is meant is not guessed."""
    log = log_of()
    refused(pd.concat([log, log[["amount"]]], axis=1), r"2 columns called 'amount'\. Rename all but one")
    twice = pa.table([pa.array(NAMES)] * 2, names=["customer_id", "customer_id"])
    refused(twice, r"several columns of the same name\. Rename all but one")


@every_typed_kind
@pytest.mark.parametrize(
    "amounts", [["4711", "20", "30"], [True, False, True], [timedelta(days=4711)] * 3, DATES], ids=str
)
def test_amounts_that_are_no_numbers_are_refused(kind: str, amounts: list[Any], tmp_path: Path) -> None:
    """Text, even of digits, booleans, durations and dates are no money."""
    if kind == "parquet" and isinstance(amounts[0], timedelta):
        amounts = ["P4711D"] * 3  # a parquet file of Polars has integers for durations
    log = as_kind(kind, log_of(amount=amounts), tmp_path)
    refused(log, r"^amount must hold numbers, got values of type .*Convert the column first")


@pytest.mark.parametrize(
    "amounts",
    [
        pd.Series(["4711", "20", "30"], dtype="string"),
        pd.Series(["4711", "20", "30"], dtype=object),
        pd.Series(["4711", "20", "30"], dtype="string[pyarrow]"),
        pd.Series(["4711", 20, 30], dtype=object),
        pd.Series([True, None, False], dtype=object),
        pd.Series([True, None, False], dtype="boolean"),
        pd.Series([True, None, False], dtype="bool[pyarrow]"),
        pd.Series([4711, 20, 30], dtype="category"),
        pd.Series([4711j, 20, 30]),
    ],
    ids=lambda amounts: str(amounts.dtype),
)
def test_no_dtype_of_pandas_hides_what_is_no_number(amounts: pd.Series) -> None:
    """Text and booleans are refused whatever they are stored as."""
    refused(log_of(amount=amounts), "^amount must hold numbers", bad_rows="drop")


@pytest.mark.parametrize("dtype", ["float32", "int32", "Float64", "Int64", "float[pyarrow]", object])
def test_every_dtype_of_numbers_is_money(dtype: Any) -> None:
    """Numbers are read from every numeric dtype, and from objects."""
    table = vt.summarize(log_of(amount=pd.Series([10, 20, 30], dtype=dtype))).customers
    assert table["spend"].tolist() == [30.0, 30.0]


@every_typed_kind
def test_decimals_are_money(kind: str, tmp_path: Path) -> None:
    """Exact decimals are read as numbers by every engine."""
    log = as_kind(kind, log_of(amount=[Decimal("10.10"), Decimal("20.20"), Decimal("30.30")]), tmp_path)
    table = vt.summarize(log, as_="pandas").customers
    assert table["spend"].tolist() == pytest.approx([30.3, 30.3], rel=1e-12)


def test_ids_that_cannot_be_compared_are_refused() -> None:
    """Dicts and lists are no ids, neither of customers nor of orders."""
    nested = pd.Series([{"name": "Lovelace"}] * 3)
    refused(log_of(customer_id=nested), "^customer_id must hold ids such as integers or text")
    refused(log_of(order=nested), "^order must hold ids such as integers or text", order_id="order")
    objects = pl.DataFrame(
        {"customer_id": pl.Series([object()], dtype=pl.Object), "date": DATES[:1], "amount": [1.0]}
    )
    refused(objects, "^customer_id must hold ids such as integers or text")


# --- rows -------------------------------------------------------------------------------------


@every_kind
def test_an_empty_log_is_refused(kind: str, tmp_path: Path) -> None:
    """A log without rows is an error of its own."""
    if kind in ("pandas", "CSV"):
        empty = as_kind(kind, log_of().head(0), tmp_path)
    else:
        frame = in_polars(log_of()).head(0)
        frame.write_parquet(tmp_path / "empty.parquet")
        empty = {
            "Polars": frame,
            "Polars lazy": frame.lazy(),
            "PyArrow": frame.to_arrow(),
            "relation": duckdb.connect().from_arrow(frame.to_arrow()),
            "parquet": tmp_path / "empty.parquet",
        }[kind]
    refused(empty, r"^The order log is empty: 0 rows\. Pass at least one order\.$")


def test_a_frame_of_nothing_but_names_is_empty() -> None:
    """An empty frame without types is empty, too."""
    refused(pd.DataFrame(columns=["customer_id", "date", "amount"]), "^The order log is empty")


@every_kind
def test_missing_ids_are_refused_with_their_count(kind: str, tmp_path: Path) -> None:
    """No row vanishes because nobody knows whose it is."""
    log = as_kind(kind, log_of(customer_id=["Ada Lovelace", None, None]), tmp_path)
    refused(log, r"^customer_id: 2 of 3 rows have the customer missing\..*bad_rows='drop'")


@every_kind
def test_ids_that_a_join_turned_into_floats_are_counted(kind: str, tmp_path: Path) -> None:
    """NaN among float ids is a missing id in every engine, not a customer."""
    log = as_kind(kind, log_of(customer_id=[1.0, np.nan, 2.0]), tmp_path)
    if kind == "CSV":
        return  # NaN is a word there, like any other id
    refused(log, "^customer_id: 1 of 3 rows have the customer missing")
    report = vt.summarize(log, bad_rows="drop").report
    assert [(line.reason, line.rows) for line in report.dropped] == [("customer missing", 1)]


@every_kind
def test_missing_and_infinite_amounts_are_refused_with_their_counts(kind: str, tmp_path: Path) -> None:
    """NaN and infinity are two problems; both are named at once."""
    log = as_kind(kind, log_of(amount=[np.nan, np.inf, -np.inf]), tmp_path)
    refused(
        log,
        r"^amount: 1 of 3 rows have the amount missing or unreadable\. amount: 2 of 3 rows have the amount infinite\.",
    )


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    """One message names every column that has bad rows, each row under its first fault."""
    log = log_of(
        customer_id=[None, *NAMES[1:]],
        date=[None, None, DATES[0]],
        amount=[np.nan] * 3,
        order=[None, "x", None],
    )
    for kind in ("pandas", "Polars", "relation"):
        refused(
            as_kind(kind, log, tmp_path),
            r"^customer_id: 1 of 3 .* date: 1 of 3 .* amount: 1 of 3 .* Correct them, or pass bad_rows='drop'",
            order_id="order",
        )


def test_a_missing_order_id_is_refused(tmp_path: Path) -> None:
    """Lines of an unknown order are not thrown into one."""
    for kind in ("pandas", "Polars", "relation", "CSV"):
        log = as_kind(kind, log_of(order=["x", None, "x"]), tmp_path)
        refused(log, "^order: 1 of 3 rows have the order id missing", order_id="order")


@every_kind
def test_negative_amounts_may_be_refused(kind: str, tmp_path: Path) -> None:
    """With refunds='error' negative amounts are counted and the choices named."""
    log = as_kind(kind, log_of(amount=[10.0, -4711.0, -1.0]), tmp_path)
    refused(log, r"^amount: 2 of 3 rows are negative\..*refunds='net'.*refunds='drop'", refunds="error")


@every_kind
def test_repeated_rows_may_be_refused(kind: str, tmp_path: Path) -> None:
    """With duplicates='error' repeated rows are counted and the choices named."""
    log = as_kind(kind, pd.concat([log_of(), log_of().head(2)]), tmp_path)
    refused(log, r"^2 of 5 rows repeat another one.*duplicates='keep'.*duplicates='drop'", duplicates="error")


@every_kind
def test_as_of_before_every_order_is_refused(kind: str, tmp_path: Path) -> None:
    """A day before the log leaves nothing, and the message says how many rows were after it."""
    log = as_kind(kind, log_of(), tmp_path)
    refused(log, r"^None of the 3 rows .*\(after as_of: 3\)\. Check as_of", as_of="1700-01-01")


@every_kind
def test_refunds_alone_are_no_log(kind: str, tmp_path: Path) -> None:
    """Where nobody ordered there is no customer table."""
    log = as_kind(kind, log_of(amount=[-4711.0, -1.0, -2.0]), tmp_path)
    refused(log, r"^None of the 3 rows of the order log is an order that counts \(refunds only\)")
    refused(log, r"\(refund dropped: 3\)", refunds="drop")


@pytest.mark.parametrize("kind", ["pandas", "Polars", "relation"])
def test_nothing_but_bad_rows_is_refused(kind: str, tmp_path: Path) -> None:
    """Leaving out bad rows must leave something."""
    log = as_kind(kind, log_of(amount=[np.nan, np.nan, np.inf]), tmp_path)
    refused(log, r"\(amount missing or unreadable: 2, amount infinite: 1\)", bad_rows="drop")


# --- options ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value", "hint"),
    [
        ("period", "M", ""),
        ("period", "d", ""),
        ("refunds", "dropp", r" Did you mean 'drop'\?"),
        ("refunds", None, ""),
        ("duplicates", "keeep", r" Did you mean 'keep'\?"),
        ("bad_rows", "ignore", ""),
        ("bad_rows", ["drop"], ""),
        ("as_", "pola", r" Did you mean 'polars'\?"),
    ],
)
def test_unknown_options_are_refused(option: str, value: Any, hint: str) -> None:
    """The message has the parameter, what is allowed, what was given and a guess."""
    refused(
        log_of(),
        rf"^{option} must be one of \[.*\], got .*\.{hint}",
        vt.InvalidParameterError,
        **{option: value},
    )


@pytest.mark.parametrize(
    "orders",
    [None, 7, NAMES, {"customer_id": NAMES}, np.zeros((3, 3)), pd.Series(NAMES), pl.Series(NAMES)],
    ids=str,
)
def test_what_is_no_log_is_refused(orders: Any) -> None:
    """The message has the type that was given and those that are taken."""
    refused(orders, rf"^orders must be a pandas, Polars or PyArrow frame.*got {type(orders).__name__}\.$")


# --- files ------------------------------------------------------------------------------------


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(["customer_id,date,amount", *lines, ""]), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["none.parquet", "none.csv", "none-*.parquet", "none-*.csv", "none"])
def test_a_path_without_file_is_refused(name: str, tmp_path: Path) -> None:
    """A path or glob that finds nothing is named."""
    refused(str(tmp_path / name), r"none.*cannot be read as parquet or CSV: .*No files found")
    refused(tmp_path / name, "cannot be read as parquet or CSV")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    """What is neither parquet nor CSV is refused."""
    (tmp_path / "orders.parquet").write_text("Ada Lovelace, 4711", encoding="utf-8")
    refused(tmp_path / "orders.parquet", "cannot be read as parquet or CSV")
    (tmp_path / "orders.csv").write_bytes(
        "customer_id,date,amount\nJürgen Lovelace,1815-12-10,1".encode("latin-1")
    )
    refused(tmp_path / "orders.csv", "cannot be read as parquet or CSV|could not read the order log")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    """A CSV file without a header has no columns."""
    (tmp_path / "orders.csv").write_text("", encoding="utf-8")
    refused(tmp_path / "orders.csv", "lacks", vt.MissingColumnsError)


@pytest.mark.parametrize("rows_before", [1, 30_000])
def test_amounts_in_a_csv_that_are_no_numbers_are_counted(rows_before: int, tmp_path: Path) -> None:
    """Words among the amounts are counted, however late they come; the rest is read."""
    path = write(
        tmp_path / "orders.csv",
        *["Ada,1815-12-10,1.5"] * rows_before,
        "Ada Lovelace,1815-12-11,true",
        'Ada,1815-12-12,"4711,5"',
    )
    refused(path, rf"^amount: 2 of {rows_before + 2} rows have the amount missing or unreadable")
    assert vt.summarize(path, bad_rows="drop").report.used.rows == rows_before


@pytest.mark.parametrize("customer", ["Ada Lovelace", ""])
def test_a_broken_row_of_a_csv_is_refused_without_its_text(customer: str, tmp_path: Path) -> None:
    """A row with too many columns stops the reading; the message does not repeat it."""
    rows = [f"{number},1815-12-10,1.5" for number in range(30_000)]
    path = write(tmp_path / "orders.csv", *rows, f"{customer},1815-12-10,1.5,4711,4711")
    refused(path, "cannot be read as parquet or CSV|could not read the order log to its end")


def test_a_relation_that_fails_is_refused_without_its_text() -> None:
    """An error of DuckDB while it reads shows the row; ours does not."""
    log = duckdb.connect().sql(
        "SELECT 'Lovelace' AS customer_id, DATE '1815-12-10' AS date, "
        "(CASE WHEN range > 2 THEN 'Babbage' ELSE '1' END)::DOUBLE AS amount FROM range(4)"
    )
    refused(log, r"^DuckDB could not read the order log to its end \(ConversionException\)")


def test_files_that_lack_a_column_have_gaps(tmp_path: Path) -> None:
    """In a glob every file has the columns of all; what one lacks is missing there."""
    in_polars(log_of()).write_parquet(tmp_path / "a.parquet")
    in_polars(log_of()).drop("amount").write_parquet(tmp_path / "b.parquet")
    refused(str(tmp_path / "*.parquet"), "^amount: 3 of 6 rows have the amount missing")


def test_names_and_paths_with_quotes_are_safe(tmp_path: Path) -> None:
    """Quotes in column names, time zones and formats never become SQL."""
    name = 'the "amount"; it\'s'
    log = log_of().rename(columns={"amount": name}).assign(date=["10.12.'1815"] * 3)
    relation = duckdb.connect().from_arrow(in_polars(log).to_arrow())
    table = vt.summarize(relation, amount=name, date_format="%d.%m.'%Y").customers.df()
    assert table["spend"].tolist() == [4731.75, 30.0]
