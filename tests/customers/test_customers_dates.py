"""Dates are read only when it is certain how, and days are those of one calendar."""

from __future__ import annotations

from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

import valuetier as vt
from tests.customers.kinds import DATE_KINDS, in_objects, in_pandas

every_kind = pytest.mark.parametrize("kind", DATE_KINDS)


def days(source: Any, **options: Any) -> list[str]:
    """Return the day of each customer's first order."""
    table = vt.summarize(source, as_="pandas", **options).customers
    return [f"{day:%Y-%m-%d}" for day in table["first_order"]]


def days_or_refused(source: Any, n_rows: int, **options: Any) -> list[str | None]:
    """Return the day of each customer, None for those whose date is missing or unreadable."""
    try:
        summary = vt.summarize(source, as_="pandas", bad_rows="drop", **options)
    except vt.InvalidDataError as error:
        assert f"date missing or unreadable: {n_rows}" in str(error)  # noqa: PT017
        return [None] * n_rows
    lost = {line.reason: line.rows for line in summary.report.dropped}
    found = dict(zip(summary.customers["customer_id"], summary.customers["first_order"], strict=True))
    assert lost.get("date missing or unreadable", 0) == n_rows - len(found)
    return [f"{found[row]:%Y-%m-%d}" if row in found else None for row in range(n_rows)]


# --- text -------------------------------------------------------------------------------------

ISO = {
    "2024-01-31": "2024-01-31",
    "2024-01-31T23:59:59": "2024-01-31",
    "2024-01-31 23:59": "2024-01-31",
    "2024-01-31 23:59:59.999999": "2024-01-31",
    "1969-12-31 23:59:59": "1969-12-31",
    "2024-02-29": "2024-02-29",
}
NOT_ISO = [
    "31.01.2024",
    "01/31/2024",
    "2024",
    "2024-01",
    "20240131",
    "1706659200",
    "2023-02-29",
    "2024-01-31T24:00:00",
    "Jan 31 2024",
    "soon",
    "infinity",
    "epoch",
    "",
]


@every_kind
def test_iso_text_is_read(kind: str, tmp_path: Path) -> None:
    """ISO 8601 text, with or without time, needs no date_format in any kind of log."""
    assert days(DATE_KINDS[kind](list(ISO), tmp_path)) == list(ISO.values())


@every_kind
def test_other_text_is_unreadable_and_counted(kind: str, tmp_path: Path) -> None:
    """Text that is not ISO 8601 is never guessed at: every such row is counted."""
    texts = ["2024-01-31", *NOT_ISO]
    assert days_or_refused(DATE_KINDS[kind](texts, tmp_path), len(texts)) == ["2024-01-31"] + [None] * len(
        NOT_ISO
    )


@every_kind
def test_other_text_is_refused_with_count_and_fix(kind: str, tmp_path: Path) -> None:
    """By default unreadable dates stop everything; the message has column, count and way out."""
    with pytest.raises(
        vt.InvalidDataError, match=r"^date: 2 of 3 rows have the date missing or unreadable.*date_format="
    ):
        vt.summarize(DATE_KINDS[kind](["31/01/2024", "02/01/2024", "2024-01-31"], tmp_path))


@every_kind
def test_text_is_read_as_date_format_says(kind: str, tmp_path: Path) -> None:
    """With a date_format day and month are in the order it says; what does not fit is counted."""
    texts = ["02/01/2024", "31/01/2024", "01/31/2024", "2024-01-31", "31/01/24"]
    found = days_or_refused(DATE_KINDS[kind](texts, tmp_path), len(texts), date_format="%d/%m/%Y")
    assert found == ["2024-01-02", "2024-01-31", None, None, None]


@every_kind
def test_a_year_of_two_digits_needs_its_own_directive(kind: str, tmp_path: Path) -> None:
    """%y reads two digits as of this century or the last."""
    assert days(DATE_KINDS[kind](["31/01/24", "31/12/99"], tmp_path), date_format="%d/%m/%y") == [
        "2024-01-31",
        "1999-12-31",
    ]


# --- numbers ----------------------------------------------------------------------------------


@every_kind
@pytest.mark.parametrize("number", [20240131, 1706659200])
def test_integers_are_refused(kind: str, number: int, tmp_path: Path) -> None:
    """20240131 and 1706659200 are no dates until date_format says what they are."""
    with pytest.raises(
        vt.InvalidDataError, match=r"^date must hold dates, got numbers.*'%Y%m%d'.*'epoch_s'"
    ) as error:
        vt.summarize(DATE_KINDS[kind]([number, number + 1], tmp_path))
    assert str(number) not in str(error.value)


@every_kind
@pytest.mark.parametrize(
    ("numbers", "date_format"),
    [
        ([20240131, 20231231], "%Y%m%d"),
        ([1706745599, 1704067199], "epoch_s"),
        ([1706745599999, 1704067199999], "epoch_ms"),
        ([1706745599.9999998, 1704067199.5], "epoch_s"),
    ],
)
def test_integers_are_read_as_date_format_says(
    kind: str, numbers: list[float], date_format: str, tmp_path: Path
) -> None:
    """Numbers are days or seconds since 1970 as told; the last moment of a day belongs to it."""
    assert days(DATE_KINDS[kind](numbers, tmp_path), date_format=date_format) == ["2024-01-31", "2023-12-31"]


@every_kind
def test_numbers_that_are_no_day_are_counted(kind: str, tmp_path: Path) -> None:
    """Fractions, too few digits, impossible days, NaN and infinity are unreadable, not rounded."""
    numbers = [20240131.0, 20240131.5, 240131.0, 2024131.0, 20240230.0, np.nan, np.inf, -20240131.0, 1e300]
    found = days_or_refused(DATE_KINDS[kind](numbers, tmp_path), len(numbers), date_format="%Y%m%d")
    assert found[:1] == (["2024-01-31"] if kind != "CSV" else [None])  # its text is 20240131.0
    assert found[1:] == [None] * 8


@every_kind
def test_numbers_that_are_no_time_are_counted(kind: str, tmp_path: Path) -> None:
    """Seconds beyond the year 9999, NaN and infinity are unreadable."""
    numbers = [1706659200.0, np.nan, np.inf, -np.inf, 1e300, 253402300800.0]
    found = days_or_refused(DATE_KINDS[kind](numbers, tmp_path), len(numbers), date_format="epoch_s")
    assert found == ["2024-01-31", None, None, None, None, None]


@pytest.mark.parametrize(
    "dtype", ["int64", "int32", "Int64", "float64", "int64[pyarrow]", "category", object]
)
def test_every_dtype_of_numbers_is_refused_and_read(dtype: Any, tmp_path: Path) -> None:
    """Numbers hide in many dtypes of pandas; none of them is taken for dates."""
    frame = in_pandas([20240131, 20231231], tmp_path).astype({"date": dtype})
    with pytest.raises(vt.InvalidDataError, match="got numbers of type"):
        vt.summarize(frame)
    assert days(frame, date_format="%Y%m%d") == ["2024-01-31", "2023-12-31"]


# --- dates ------------------------------------------------------------------------------------

TWO_DAYS = [date(2024, 1, 31), date(2023, 12, 31)]


@every_kind
def test_date_objects_are_dates(kind: str, tmp_path: Path) -> None:
    """Dates without time are read in every kind of log."""
    assert days(DATE_KINDS[kind](TWO_DAYS, tmp_path)) == ["2024-01-31", "2023-12-31"]


@pytest.mark.parametrize(
    "dtype",
    [
        "datetime64[s]",
        "datetime64[ns]",
        "date32[pyarrow]",
        "timestamp[ns][pyarrow]",
        "timestamp[us][pyarrow]",
        "category",
    ],
)
def test_every_dtype_of_dates_is_read(dtype: str, tmp_path: Path) -> None:
    """The unit and the storage of dates are of no consequence."""
    frame = in_pandas(pd.to_datetime(TWO_DAYS).tolist(), tmp_path)
    assert days(frame.astype({"date": dtype})) == ["2024-01-31", "2023-12-31"]


@every_kind
def test_missing_dates_are_counted(kind: str, tmp_path: Path) -> None:
    """NaT, None and NULL among dates are missing."""
    assert days_or_refused(DATE_KINDS[kind]([None, *TWO_DAYS], tmp_path), 3) == [
        None,
        "2024-01-31",
        "2023-12-31",
    ]


def test_dates_outside_the_calendar_are_unreadable() -> None:
    """Infinite dates and those before the year 1 of a DuckDB relation are counted."""
    dates = "('infinity'::DATE), ('-infinity'::DATE), ('0044-03-15 (BC)'::DATE), ('2024-01-31'::DATE), ('5000000-01-01'::DATE)"
    log = duckdb.connect().sql(
        f"SELECT row_number() OVER () - 1 AS customer_id, col0 AS date, 1.0 AS amount FROM (VALUES {dates})"
    )
    assert days_or_refused(log, 5) == [None, None, None, "2024-01-31", None]


NO_DATES = {
    "booleans": [True, False],
    "durations": [timedelta(days=1), timedelta(days=2)],
    "times of day": [time(1), time(2)],
    "bytes": [b"2024-01-31", b"2024-02-01"],
}


@pytest.mark.parametrize("what", NO_DATES)
@pytest.mark.parametrize("kind", ["pandas", "pandas objects", "Polars", "PyArrow", "relation", "parquet"])
def test_what_is_no_date_is_refused(kind: str, what: str, tmp_path: Path) -> None:
    """Booleans, durations, times of day and bytes are not taken for dates."""
    with pytest.raises(vt.InvalidDataError, match=r"^date must hold dates, got"):
        vt.summarize(DATE_KINDS[kind](NO_DATES[what], tmp_path))


def test_a_mixture_of_kinds_is_refused(tmp_path: Path) -> None:
    """Text and numbers, or text and dates, in one column are refused."""
    for mixture in (
        ["2024-01-31", 20240131],
        ["2024-01-31", date(2024, 1, 31)],
        [20240131, date(2024, 1, 31)],
    ):
        with pytest.raises(vt.InvalidDataError, match=r"^date must hold dates"):
            vt.summarize(in_objects(mixture, tmp_path))


# --- parameters -------------------------------------------------------------------------------


@pytest.mark.parametrize("timezone", ["Mars/Olympus", "", "../etc", 8])
def test_an_unknown_timezone_is_refused(timezone: Any, tmp_path: Path) -> None:
    """A name that is no time zone is refused even where no date has a zone."""
    with pytest.raises(vt.InvalidParameterError, match=r"^timezone must be the name of a time zone"):
        vt.summarize(in_pandas(TWO_DAYS, tmp_path), timezone=timezone)


@pytest.mark.parametrize("date_format", ["%Q", "epoch", "epoch_us", "", "YYYY-MM-DD", "%Y-%", 8])
def test_an_unknown_date_format_is_refused(date_format: Any, tmp_path: Path) -> None:
    """What is neither a strptime format nor an epoch is refused."""
    with pytest.raises(vt.InvalidParameterError, match=r"^date_format must be a strptime format"):
        vt.summarize(in_pandas(["2024-01-31"], tmp_path), date_format=date_format)


@pytest.mark.parametrize("as_of", ["31/01/2024", "soon", 20240131, 1.5, pd.NaT, np.datetime64("NaT")])
def test_as_of_must_be_a_day(as_of: Any, tmp_path: Path) -> None:
    """as_of is a date, a datetime or ISO text."""
    with pytest.raises(vt.InvalidParameterError, match=r"^as_of must be a date or ISO text"):
        vt.summarize(in_pandas(TWO_DAYS, tmp_path), as_of=as_of)
