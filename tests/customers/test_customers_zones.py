"""A day is a day of one calendar: the column's own, or that of the time zone asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import valuetier as vt
from tests.customers.kinds import DATE_KINDS, DUCKDB_KINDS, in_objects, in_pandas

NEW_YORK = "America/New_York"
every_kind = pytest.mark.parametrize("kind", DATE_KINDS)

# Every half hour over the two changes of the clocks of 2024 in New York
INSTANTS = [
    start + timedelta(minutes=30 * step)
    for start in (datetime(2024, 3, 9, 12, tzinfo=UTC), datetime(2024, 11, 2, 12, tzinfo=UTC))
    for step in range(96)
]
ZONED_KINDS = ["pandas", "pandas objects", "Polars", "PyArrow", "relation", "parquet"]


def days(source: Any, **options: Any) -> list[str]:
    """Return the day of each customer's first order."""
    table = vt.summarize(source, as_="pandas", **options).customers
    return [f"{day:%Y-%m-%d}" for day in table["first_order"]]


def in_zone(kind: str, zone: str) -> Any:
    """Return the instants as a column of a time zone."""
    log = pd.DataFrame({"customer_id": range(len(INSTANTS)), "date": pd.to_datetime(INSTANTS), "amount": 1.0})
    log["date"] = log["date"].dt.tz_convert(zone)
    if kind == "pandas objects":
        return log.assign(date=pd.Series([at.astimezone(ZoneInfo(zone)) for at in INSTANTS], dtype=object))
    return {"pandas": log, "Polars": pl.from_pandas(log), "PyArrow": pa.Table.from_pandas(log)}[kind]


@pytest.mark.parametrize("kind", ["pandas", "pandas objects", "Polars", "PyArrow"])
@pytest.mark.parametrize("zone", [NEW_YORK, "UTC", "Asia/Kolkata"])
def test_dates_with_a_zone_keep_its_calendar(kind: str, zone: str) -> None:
    """Without timezone= the day is the one that the column's own zone showed."""
    assert days(in_zone(kind, zone)) == [f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d}" for at in INSTANTS]


@pytest.mark.parametrize("kind", ["pandas", "pandas objects", "Polars", "PyArrow"])
def test_timezone_converts_from_any_zone(kind: str) -> None:
    """timezone= gives the same days whatever zone the column is in."""
    wanted = [f"{at.astimezone(ZoneInfo('Asia/Tokyo')):%Y-%m-%d}" for at in INSTANTS]
    assert days(in_zone(kind, NEW_YORK), timezone="Asia/Tokyo") == wanted


@pytest.mark.parametrize("kind", ZONED_KINDS)
@pytest.mark.parametrize("zone", [NEW_YORK, "UTC", "Asia/Kolkata"])
def test_timezone_converts(kind: str, zone: str, tmp_path: Path) -> None:
    """With timezone= the day is the one that zone showed, also where its clocks change."""
    expected = [f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d}" for at in INSTANTS]
    assert days(DATE_KINDS[kind](INSTANTS, tmp_path), timezone=zone) == expected


@every_kind
def test_text_with_an_offset_is_converted(kind: str, tmp_path: Path) -> None:
    """ISO text with an offset names an instant; timezone= says whose day it is."""
    texts = ["2024-01-31T23:30:00-05:00", "2024-02-01T00:10:00.5-05:00"]
    assert days(DATE_KINDS[kind](texts, tmp_path), timezone="Asia/Shanghai") == ["2024-02-01", "2024-02-01"]
    assert days(DATE_KINDS[kind](texts, tmp_path), timezone=NEW_YORK) == ["2024-01-31", "2024-02-01"]


@pytest.mark.parametrize("kind", [kind for kind in DATE_KINDS if kind not in DUCKDB_KINDS])
def test_text_with_an_offset_keeps_its_calendar(kind: str, tmp_path: Path) -> None:
    """Without timezone= the day is the one written, where the kind of log can keep the offset."""
    assert days(DATE_KINDS[kind](["2024-01-31T23:30:00-05:00"], tmp_path)) == ["2024-01-31"]


@pytest.mark.parametrize("kind", DUCKDB_KINDS)
def test_text_with_an_offset_needs_timezone_in_duckdb(kind: str, tmp_path: Path) -> None:
    """A relation or file with offsets is refused without timezone=, and the message says so."""
    with pytest.raises(vt.InvalidDataError, match=r"^date: 1 of 1 rows.*timezone="):
        vt.summarize(DATE_KINDS[kind](["2024-01-31T23:30:00-05:00"], tmp_path))


@every_kind
def test_a_format_with_an_offset_is_converted(kind: str, tmp_path: Path) -> None:
    """%z in a date_format is an instant like any other."""
    source = DATE_KINDS[kind](["31/01/2024 23:30 -0500"], tmp_path)
    assert days(source, date_format="%d/%m/%Y %H:%M %z", timezone="UTC") == ["2024-02-01"]


@pytest.mark.parametrize("kind", ["relation", "parquet"])
def test_duckdb_needs_timezone(kind: str, tmp_path: Path) -> None:
    """TIMESTAMPTZ does not say whose calendar counts: without timezone= it is refused."""
    with pytest.raises(vt.InvalidParameterError, match=r"^date has a time zone.*Pass timezone="):
        vt.summarize(DATE_KINDS[kind](INSTANTS, tmp_path))


def test_the_zone_of_the_session_does_not_matter() -> None:
    """A DuckDB connection set to Tokyo counts the same days of New York."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'Asia/Tokyo'")
    log = connection.sql(
        "SELECT 0 AS customer_id, TIMESTAMPTZ '2024-01-31 23:30:00-05' AS date, 1.0 AS amount"
    )
    assert days(log, timezone=NEW_YORK) == ["2024-01-31"]
    text = connection.sql("SELECT 0 AS customer_id, '2024-01-31T23:30:00-05:00' AS date, 1.0 AS amount")
    assert days(text, timezone=NEW_YORK) == ["2024-01-31"]


@every_kind
def test_dates_without_zone_stay_as_written(kind: str, tmp_path: Path) -> None:
    """timezone= does not move dates that have no zone."""
    moments = [datetime(2024, 1, 31, 23, 30), datetime(2024, 1, 31, 0, 30)]
    assert days(DATE_KINDS[kind](moments, tmp_path), timezone="Asia/Tokyo") == ["2024-01-31", "2024-01-31"]


def test_ages_are_calendar_days_where_the_clocks_change(tmp_path: Path) -> None:
    """From noon to noon over a change of the clocks is one day, not 23 hours."""
    noons = [datetime(2024, 3, day, 12, tzinfo=ZoneInfo(NEW_YORK)) for day in (9, 10)]
    log = in_pandas(noons, tmp_path).assign(customer_id=1)
    assert vt.summarize(log).customers[["t_x", "T"]].to_numpy().tolist() == [[1.0, 1.0]]


@pytest.mark.parametrize("kind", ["pandas", "pandas objects", "Polars", "PyArrow"])
@pytest.mark.parametrize(
    "texts",
    [
        ["2024-01-01T00:00:00+00:00", "2024-01-01T00:00:00+08:00"],
        ["2024-01-01T00:00:00", "2024-01-01T00:00:00+08:00"],
    ],
)
def test_text_of_several_offsets_is_refused(kind: str, texts: list[str], tmp_path: Path) -> None:
    """Without a common zone there is no common calendar."""
    with pytest.raises(vt.InvalidDataError, match=r"^date .*mix(ed|es) time zones.*one time zone first"):
        vt.summarize(DATE_KINDS[kind](texts, tmp_path))


@pytest.mark.parametrize("other", [None, ZoneInfo("Asia/Tokyo")])
def test_objects_of_several_zones_are_refused(other: ZoneInfo | None, tmp_path: Path) -> None:
    """Datetime objects of two zones, or with and without, are refused, not turned into gaps."""
    moments = [datetime(2024, 1, 1, tzinfo=ZoneInfo(NEW_YORK)), datetime(2024, 1, 2, tzinfo=other)]
    with pytest.raises(vt.InvalidDataError, match=r"^date mixes time zones"):
        vt.summarize(in_objects(moments, tmp_path), bad_rows="drop")
