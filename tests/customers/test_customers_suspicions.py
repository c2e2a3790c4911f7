"""What looks wrong in a log is found; what is merely rare, sparse or regular is not."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from valuetier import store
from valuetier.customers import suspicions, swaps
from valuetier.customers.suspicions import (
    ACCOUNT,
    FIRST,
    IDS,
    LAST,
    SENTINEL,
    SENTINELS,
    SWAPPED,
    Accounts,
    IdCounts,
    count_ids,
    find_suspicions,
    suspicious_account,
    suspicious_days,
    suspicious_ids,
)

DAY = timedelta(days=1)


def log_of(*days: date, rows: int = 1) -> pd.DataFrame:
    """Return one line per day with the rows of it."""
    counts = Counter(days)
    return pd.DataFrame({"day": list(counts), "rows": [rows * n for n in counts.values()]})


def every_day(start: date, end: date) -> list[date]:
    return [start + n * timedelta(days=1) for n in range((end - start).days + 1)]


YEAR = every_day(date(2023, 1, 1), date(2023, 12, 31))


def codes(days: list[date], rows: int = 1) -> list[str]:
    return [found.code for found in suspicious_days(log_of(*days, rows=rows))]


# --- sentinels --------------------------------------------------------------------------------


@pytest.mark.parametrize("day", SENTINELS, ids=str)
def test_a_sentinel_is_found_with_its_rows(day: date) -> None:
    """Each of the days stands for none, unless the log is of that time; its rows are counted."""
    (found,) = suspicious_days(log_of(*YEAR, *[day] * 7))
    assert (found.code, found.rows, found.days) == (SENTINEL, 7, (day.isoformat(),))
    assert found.text.startswith(
        f"7 rows are dated {day}, {SENTINELS[day]}: probably dates that were not known."
    )
    window = "pass since='2023-01-01'" if day < YEAR[0] else "pass as_of='2023-12-31'"
    assert window in found.text
    assert window[5:] in found.text_zh
    assert f"有 7 行的日期是 {day}" in found.text_zh


def test_every_sentinel_is_one_suspicion_of_its_own() -> None:
    """Several are told apart, and never mistaken for isolated days or months."""
    found = suspicious_days(log_of(*YEAR, *SENTINELS))
    assert [one.code for one in found] == [SENTINEL] * len(SENTINELS)
    assert [one.days[0] for one in found] == sorted(day.isoformat() for day in SENTINELS)


@pytest.mark.parametrize("day", [day for day in SENTINELS if 1753 < day.year < 9999], ids=str)
def test_an_ordinary_day_nearby_makes_it_ordinary(day: date) -> None:
    """A log of that time may have orders on that day."""
    assert codes(every_day(day - 200 * DAY, day + 200 * DAY)) == []
    assert codes([day, *every_day(day + 31 * DAY, day + 400 * DAY)]) == []
    assert codes([day, *every_day(day + 32 * DAY, day + 400 * DAY)]) == [SENTINEL]


def test_amid_the_log_no_window_helps() -> None:
    """Where ordinary days are on both sides, only making it missing does."""
    old = every_day(date(1965, 1, 1), date(1968, 12, 31))
    (found,) = suspicious_days(log_of(*old, date(1970, 1, 1), *every_day(date(1971, 1, 1), date(1974, 1, 1))))
    assert found.text.endswith("not known. Make them missing.")
    (alone,) = suspicious_days(log_of(date(1970, 1, 1), rows=400))
    assert alone.text.endswith("not known. Make them missing.")


# --- isolated days ----------------------------------------------------------------------------


def test_a_year_of_the_future_is_found() -> None:
    """2203 for 2023 would become as_of; the text says which day to pass instead."""
    (found,) = suspicious_days(log_of(*YEAR, *[date(2203, 5, 1)] * 3))
    assert (found.code, found.rows, found.days) == (LAST, 3, ("2203-05-01", "2203-05-01"))
    assert found.text == (
        "3 rows lie 65499 days and more after all others, the last on 2203-05-01, which is as_of unless you say "
        "otherwise. Correct them if they are typos, or pass as_of='2023-12-31'."
    )
    assert "as_of='2023-12-31'" in found.text_zh
    assert "有 3 行比其余各行晚 65499 天以上" in found.text_zh


def test_a_year_of_the_past_is_found() -> None:
    """So is a typo at the other end."""
    (found,) = suspicious_days(log_of(*YEAR, date(1923, 5, 1), date(2021, 5, 1)))
    assert (found.code, found.rows, found.days) == (FIRST, 2, ("1923-05-01", "2021-05-01"))
    assert "2 rows lie 610 days and more before all others, the first on 1923-05-01." in found.text
    assert "pass since='2023-01-01'" in found.text
    assert "since='2023-01-01'" in found.text_zh


def test_both_ends_and_several_days_are_found() -> None:
    """Days that are far from each other too do not hide each other."""
    strange = [date(1223, 1, 1), date(2203, 5, 1), date(2302, 5, 1), date(2302, 5, 2)]
    found = suspicious_days(log_of(*YEAR, *YEAR, *strange))
    assert [(one.code, one.rows) for one in found] == [(FIRST, 1), (LAST, 3)]
    assert found[1].days == ("2203-05-01", "2302-05-02")


def test_in_a_large_log_a_hundred_rows_are_a_handful() -> None:
    """One row in ten thousand; two are too many."""
    typo = date(2203, 5, 1)
    for rows, wanted in ((100, [LAST]), (200, [])):
        log = pd.concat([log_of(*YEAR, rows=3_000), log_of(typo, rows=rows)], ignore_index=True)
        assert [one.code for one in suspicious_days(log)] == wanted


@pytest.mark.parametrize(
    ("days", "why"),
    [
        ([*YEAR, date(2024, 3, 29)], "89 days are less than a quarter of a year"),
        ([*YEAR, *[date(2203, 5, 1)] * 6], "6 rows are more than a handful"),
        ([*YEAR[:99], date(2203, 5, 1)][1:], "of 99 rows, one is more than one in a hundred"),
        ([*YEAR[:100], *YEAR[200:], date(2024, 12, 31)], "a gap of 101 days elsewhere makes one of 366 days common"),
        (YEAR[:3], "three rows say nothing"),
        ([], "neither does none"),
    ],
)  # fmt: skip
def test_ends_that_are_not_isolated(days: list[date], why: str) -> None:
    """Near misses of each threshold raise nothing."""
    assert codes(days) == [], why


def test_a_little_more_is_isolated() -> None:
    """The near misses above, one step on."""
    assert codes([*YEAR, date(2024, 3, 30)]) == [LAST]
    assert codes([*YEAR[:99], date(2203, 5, 1)]) == [LAST]
    assert codes([*YEAR[:100], *YEAR[200:], date(2025, 5, 20)]) == [LAST]


def test_seasons_are_not_isolated() -> None:
    """A shop that sells in December only, and whose next season has just begun."""
    seasons = [day for year in (2020, 2021, 2022) for day in every_day(date(year, 12, 1), date(year, 12, 24))]
    assert codes([*seasons * 3, date(2023, 12, 1)]) == []


# --- day and month swapped --------------------------------------------------------------------


def swap(day: date) -> date:
    """Return the day as the wrong reading has it: possible up to the 12th only."""
    return date(day.year, day.day, day.month) if day.day <= 12 else day


def test_a_quarter_read_both_ways_is_found() -> None:
    """January to March with the first twelve days of each month swapped: from April on only days 1 to 3."""
    quarter = every_day(date(2023, 1, 1), date(2023, 3, 31))
    (found,) = suspicious_days(log_of(*map(swap, quarter), rows=4))
    assert found.code == SWAPPED
    assert found.days == tuple(f"2023-{month:02}-01" for month in range(4, 12))
    assert found.rows == 4 * 8 * 3
    assert found.text.startswith(
        "8 of 10 whole months, 2023-04 to 2023-11, have orders on several days but on none after the 12th (96 rows): "
        "day and month are probably swapped"
    )
    assert "date_format=" in found.text
    assert "10 个完整月份中有 8 个（2023-04 至 2023-11，共 96 行）" in found.text_zh


def test_a_file_of_later_days_is_found_behind_good_years() -> None:
    """Two good years and then such a quarter; the log may break off within a month."""
    good = every_day(date(2021, 1, 1), date(2022, 12, 31))
    for end in (date(2023, 3, 31), date(2023, 4, 6), date(2023, 6, 30)):
        bad = map(swap, every_day(date(2023, 1, 1), end))
        assert codes([*good, *bad]) == [SWAPPED]


def test_a_log_that_lost_its_later_days_is_found() -> None:
    """Where dates after the 12th could not be read and were dropped, all months end on the 12th."""
    assert codes([swap(day) for day in YEAR if day.day <= 12]) == [SWAPPED]


@pytest.mark.parametrize(
    ("days", "why"),
    [
        (YEAR, "an ordinary year"),
        ([day for day in YEAR if day.day == 1], "bills on the first"),
        ([day for day in YEAR if day.day in (1, 15)], "bills on the first and the fifteenth"),
        ([day for day in YEAR if day.day <= 5], "orders in the first five days of each month"),
        ([day for day in YEAR if day.day <= 11], "orders up to the 11th"),
        ([day for day in YEAR if day.day <= 5 or day.month in (4, 9)], "the same, with two full months"),
        ([day for day in YEAR if day <= date(2023, 11, 12)], "a log that ends on the 12th"),
        ([day for day in YEAR if not date(2023, 3, 12) < day < date(2023, 6, 1)], "a shop closed from the 12th"),
        ([day for day in YEAR if not date(2023, 3, 12) < day < date(2023, 4, 1)], "and for less than a month"),
        ([day for day in YEAR if day.weekday() == 0], "Mondays"),
        ([date(2023, 1, 31), *(date(2023, m, d) for m in (2, 3) for d in (1, 5, 9)), date(2023, 4, 30)], "sparse"),
    ],
)  # fmt: skip
def test_months_that_are_not_swapped(days: list[date], why: str) -> None:
    """Rhythms, sparse logs, closed shops and partial months raise nothing."""
    assert codes(days) == [], why


def test_swapping_february_alone_shows_in_nothing() -> None:
    """A single month moves one day to each other month: that cannot be told from bills on that day."""
    assert codes([swap(day) for day in every_day(date(2023, 2, 1), date(2023, 2, 28))]) == []


@given(st.lists(st.floats(0.0, 1.0), max_size=7), st.integers(0, 8))
def test_the_chance_of_so_many_is_that_of_all_cases(chances: list[float], count: int) -> None:
    """Summed over every combination of months, by brute force."""
    total = 0.0
    for case in itertools.product((0, 1), repeat=len(chances)):
        if sum(case) >= count:
            total += math.prod(p if hit else 1 - p for p, hit in zip(chances, case, strict=True))
    assert math.isclose(swaps.chance_of_as_many(chances, count), total, rel_tol=1e-9, abs_tol=1e-12)


# --- ordinary logs ----------------------------------------------------------------------------


@seed(20_231_120)
@given(
    st.integers(90, 2_000), st.integers(1, 3_000), st.integers(0, 2**32 - 1), st.integers(710_000, 740_000)
)
@settings(max_examples=400, deadline=None, derandomize=False)
def test_ordinary_logs_raise_no_warning_about_dates(span: int, rows: int, draw: int, start: int) -> None:
    """Orders on random days of 90 and more: a false warning has probability below 1e-6 + 3e-8 a log.

    400 logs together: below 1 in 2,000; with the fixed seed always the same ones.
    """
    drawn = np.random.default_rng(draw).integers(0, span, rows) + start
    at, counts = np.unique(drawn, return_counts=True)
    days = pd.DataFrame({"day": [date.fromordinal(int(day)) for day in at], "rows": counts})
    assert suspicious_days(days) == ()


@given(st.permutations(range(40)))
@settings(max_examples=20)
def test_order_and_type_of_the_days_are_of_no_consequence(order: list[int]) -> None:
    """Dates, datetimes of any unit, sorted or not: the same suspicions."""
    days = [*YEAR[:38], date(1970, 1, 1), date(2203, 5, 1)]
    log = log_of(*days, rows=5)
    log.loc[39, "rows"] = 1
    wanted = suspicious_days(log)
    assert [one.code for one in wanted] == [SENTINEL, LAST]
    shuffled = log.iloc[order].reset_index(drop=True)
    assert suspicious_days(shuffled) == wanted
    for unit in ("s", "us"):
        assert (
            suspicious_days(shuffled.assign(day=pd.Series(shuffled["day"], dtype=f"datetime64[{unit}]")))
            == wanted
        )
    stamps = [datetime(day.year, day.month, day.day) for day in shuffled["day"]]
    assert suspicious_days(shuffled.assign(day=pd.Series(stamps, dtype=object))) == wanted


# --- accounts ---------------------------------------------------------------------------------


def test_a_collective_account_is_found() -> None:
    """A tenth of the rows, and fifty times the mean: counts and share, no id."""
    (found,) = suspicious_account(Accounts(largest=3_400, customers=5_000, rows=10_000))
    assert (found.code, found.rows, found.customers, found.days) == (ACCOUNT, 3_400, 1, ())
    assert found.text.startswith("One of 5000 customers has 3400 of 10000 rows (34%): probably no person")
    assert "bad_rows='drop'" in found.text
    assert "5000 位客户中有一位占了 10000 行中的 3400 行（34%）" in found.text_zh


@pytest.mark.parametrize(
    ("accounts", "is_one"),
    [
        (Accounts(1_000, 500, 10_000), True),
        (Accounts(999, 500, 10_000), False),  # less than a tenth
        (Accounts(1_000, 499, 10_000), False),  # less than fifty times the mean
        (Accounts(100, 500, 1_000), True),
        (Accounts(99, 500, 900), False),  # too few rows
        (Accounts(400, 1, 400), False),  # a log of one customer
    ],
)
def test_thresholds_of_accounts(accounts: Accounts, is_one: bool) -> None:
    """Each threshold counts, and all are needed."""
    assert bool(suspicious_account(accounts)) is is_one


@pytest.mark.parametrize("customers", [500, 2_000])
def test_heavy_buyers_are_no_collective_account(customers: int) -> None:
    """In 500 logs of customers as different as those of CDNOW the largest is never taken for one."""
    rates = np.random.default_rng(7).gamma(0.24, size=(500, customers))
    rows = np.ceil(1e4 * rates).astype(int)
    assert not any(suspicious_account(Accounts(int(log.max()), customers, int(log.sum()))) for log in rows)


# --- ids --------------------------------------------------------------------------------------

WRITTEN = ["A 1", "a1", " a1 ", "A\u00a01", "a\u30001", "B2", "b\t2", "C3", "ÄÖ", "äö", "A-1"]


def as_kinds(ids: list[Any]) -> dict[str, Any]:
    frame = pl.DataFrame({"id": ids}, schema={"id": pl.String})
    return {
        "pandas series": nw.from_native(pd.Series(ids, name="id", dtype="str"), series_only=True),
        "pandas objects": nw.from_native(pd.DataFrame({"id": pd.Series(ids, dtype=object)})),
        "Polars": nw.from_native(frame),
        "Polars lazy": nw.from_native(frame.lazy()),
        "PyArrow": nw.from_native(frame.to_arrow()),
        "DuckDB": nw.from_native(duckdb.connect().from_arrow(frame.to_arrow())),
    }


KINDS = list(as_kinds(["a"]))


@pytest.mark.parametrize("kind", KINDS)
def test_case_and_blanks_do_not_count(kind: str) -> None:
    """Upper case and blanks of every sort, at the ends and inside; other signs do."""
    assert count_ids(as_kinds(WRITTEN)[kind]) == IdCounts(distinct=11, normalised=5)
    assert count_ids(as_kinds([*WRITTEN, *WRITTEN, None, None])[kind]) == IdCounts(distinct=11, normalised=5)
    assert count_ids(as_kinds([None])[kind]) == IdCounts(distinct=0, normalised=0)


@given(st.lists(st.text("aAbB1 \t\u3000-", max_size=4), min_size=1, max_size=12))
@settings(max_examples=50)
def test_ids_are_counted_as_in_plain_python(ids: list[str]) -> None:
    """Every engine counts what sets of normalised text count."""
    wanted = IdCounts(len(set(ids)), len({"".join(text.split()).lower() for text in ids}))
    assert {kind: count_ids(made) for kind, made in as_kinds(ids).items()} == dict.fromkeys(KINDS, wanted)


def test_ids_written_in_several_ways_are_found() -> None:
    """How many customers may be counted twice; equal counts raise nothing."""
    assert suspicious_ids(IdCounts(11, 11)) == ()
    (found,) = suspicious_ids(IdCounts(distinct=11, normalised=5))
    assert (found.code, found.rows, found.customers) == (IDS, 0, 6)
    assert "11 ids are 5 if upper and lower case and blanks do not count: 6 customers" in found.text
    assert "有 6 位客户可能被重复计算" in found.text_zh


# --- all together -----------------------------------------------------------------------------


def test_all_are_found_together_in_order() -> None:
    """Days, account and ids are asked one after the other; what is not given is not asked."""
    log = log_of(*YEAR, date(1970, 1, 1))
    found = find_suspicions(log, Accounts(1_000, 500, 10_000), IdCounts(3, 2))
    assert [one.code for one in found] == [SENTINEL, ACCOUNT, IDS]
    assert [one.code for one in find_suspicions(log)] == [SENTINEL]
    assert str(found[0]) == found[0].text


def test_a_suspicion_is_data_that_can_be_stored() -> None:
    """It is written to JSON and read back as part of a report."""
    (found,) = suspicious_days(log_of(*YEAR, date(2203, 5, 1)))
    assert store._decode(store._encode(found)) == found


def test_numbers_in_texts_are_plain() -> None:
    """No NumPy type shows in a text, and both languages end with a full stop."""
    quarter = map(swap, every_day(date(2023, 1, 1), date(2023, 3, 31)))
    odd = [[*YEAR, day] for day in (date(1970, 1, 1), date(2203, 5, 1), date(1923, 5, 1))]
    found = [one for days in (*odd, list(quarter)) for one in suspicious_days(log_of(*days))]
    found += [*suspicious_account(Accounts(1_000, 500, 10_000)), *suspicious_ids(IdCounts(3, 2))]
    assert {one.code for one in found} == {SENTINEL, LAST, FIRST, SWAPPED, ACCOUNT, IDS}
    for one in found:
        assert "np." not in one.text + one.text_zh
        assert one.text.endswith(".")
        assert one.text_zh.endswith("。")
        assert type(one.rows) is type(one.customers) is int


def test_thresholds_are_those_of_the_text() -> None:
    """The longest gap that an end may have by chance is as improbable as the comment says, at 100 orders."""
    ratio = suspicions.GAP_RATIO
    m = 97  # gaps elsewhere among 100 orders, one row at each end being the handful
    exact = math.exp(math.lgamma(m + 1) + math.lgamma(ratio + 1) - math.lgamma(m + ratio + 1))
    assert 2 * exact < 3e-8
