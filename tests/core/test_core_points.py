"""Points on arrays: calendar months, caps, and the two running totals behind first in, first out."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.loyalty.by_hand import last_good_day, later
from valuetier._core.points import (
    EARN,
    EXPIRE,
    REDEEM,
    REVERSE,
    add_months,
    capped,
    period_of,
    running_sums,
    settle,
    valid_through,
)

DAYS = st.dates(date(1960, 1, 1), date(2090, 12, 31))
EPOCH = date(1970, 1, 1)


def _numbers(days) -> np.ndarray:
    return np.array([(day - EPOCH).days for day in days], dtype=np.int64)


@given(days=st.lists(DAYS, min_size=1, max_size=8), months=st.integers(-40, 40))
def test_months_are_those_of_the_calendar(days, months):
    """Months are added as on a calendar, the last day standing in for one that is not there."""
    expected = _numbers(later(day, months) for day in days)
    assert add_months(_numbers(days), months).tolist() == expected.tolist()


@given(day=DAYS, months=st.integers(0, 40), until=st.sampled_from(["day", "month_end", "year_end"]))
def test_points_are_good_through_the_day_the_calendar_says(day, months, until):
    """The same day of a later month, or the end of that month or year."""
    expected = _numbers([last_good_day(day, months, until)])
    assert valid_through(_numbers([day]), months, until).tolist() == expected.tolist()


@given(day=DAYS, more=st.integers(0, 400), months=st.integers(0, 30))
def test_what_is_earned_later_never_expires_earlier(day, more, months):
    """First in, first out and soonest to expire are one order."""
    days = _numbers([day, day + timedelta(days=more)])
    for until in ("day", "month_end", "year_end"):
        first, second = valid_through(days, months, until)
        assert days[0] <= first <= second


@given(days=st.tuples(DAYS, DAYS))
def test_periods_are_those_of_the_calendar(days):
    """Two days share a month, quarter or year exactly if the calendar says so."""
    one, other = days
    same = {
        "day": one == other,
        "month": (one.year, one.month) == (other.year, other.month),
        "quarter": (one.year, (one.month - 1) // 3) == (other.year, (other.month - 1) // 3),
        "year": one.year == other.year,
    }
    for per, expected in same.items():
        first, second = period_of(_numbers(days), per)
        assert (first == second) == expected


@given(groups=st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=5), max_size=5))
def test_running_sums_start_anew_in_each_group(groups):
    """The sums are those of each group alone."""
    values = np.array([value for group in groups for value in group], dtype=np.int64)
    codes = np.array([3 * i for i, group in enumerate(groups) for _ in group], dtype=np.int64)
    expected = [total for group in groups for total in np.cumsum(group).tolist()]
    assert running_sums(values, codes).tolist() == expected


@given(
    rows=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 60)), max_size=20),
    cap=st.integers(0, 100),
)
def test_a_cap_leaves_the_first_points(rows, cap):
    """Row by row, a customer gets what is left of the cap of the period."""
    got: dict[tuple[int, int], int] = {}
    expected = []
    for customer, period, points in rows:
        before = got.get((customer, period), 0)
        expected.append(min(points, cap - before))
        got[customer, period] = before + expected[-1]
    customers, periods, points = (
        (np.array(column, dtype=np.int64) for column in zip(*rows, strict=False))
        if rows
        else [np.empty(0, dtype=np.int64)] * 3
    )
    assert capped(points, customers, periods, cap).tolist() == expected


@pytest.mark.parametrize(
    ("kinds", "asked", "moved"),
    [
        ([EARN, REDEEM, REDEEM], [100, 60, 60], [100, 60, 0]),
        ([EARN, REVERSE], [100, 130], [100, 100]),
        ([EARN, EARN, REDEEM, EXPIRE], [100, 50, 30, 100], [100, 50, 30, 70]),
        ([EARN, EARN, REDEEM, EXPIRE], [100, 50, 120, 100], [100, 50, 120, 0]),
        ([REDEEM, EARN], [1, 5], [0, 5]),
    ],
)
def test_postings_move_what_is_there(kinds, asked, moved):
    """Too large redemptions move nothing, reversals what there is, expiry what was not used before."""
    found = settle(np.zeros(len(kinds), dtype=np.int64), np.array(kinds), np.array(asked))
    assert found.tolist() == moved


def test_customers_do_not_touch_each_other():
    """Two customers in one call are settled as each alone."""
    kinds, asked = np.array([EARN, REDEEM, EARN, REDEEM]), np.array([10, 20, 30, 20])
    assert settle(np.array([0, 0, 1, 1]), kinds, asked).tolist() == [10, 0, 30, 20]
    assert settle(np.array([5, 5, 9, 9]), kinds, asked).tolist() == [10, 0, 30, 20]
    assert settle(np.empty(0, dtype=np.int64), kinds[:0], asked[:0]).tolist() == []
