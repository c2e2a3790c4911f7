"""Rhythms, stocks and distances between contacts, beside loops that do it one by one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from valuetier._core.rhythm import group_medians, keep_distance, median_gaps, run_out_days

orders = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 60)), max_size=25)
purchases = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 90), st.integers(1, 40)), max_size=20)
contacts = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30), st.integers(0, 3)), max_size=15)


def columns(rows, n):
    """Return rows as integer arrays."""
    return np.array(rows, dtype=np.int64).reshape(-1, n).T


@given(orders)
def test_median_gaps_are_those_of_the_distinct_days(rows):
    """The same as numpy's median of each customer's sorted distinct days."""
    who, day = columns(rows, 2)
    gaps, days = median_gaps(who, day, 5)
    for customer in range(5):
        theirs = sorted({int(d) for w, d in rows if w == customer})
        assert days[customer] == len(theirs)
        expected = np.median(np.diff(theirs)) if len(theirs) > 1 else np.nan
        np.testing.assert_equal(gaps[customer], expected)


@given(orders)
def test_group_medians_are_numpys(rows):
    """Each group's median is that of numpy, and NaN where there is nothing."""
    who, values = columns(rows, 2)
    expected = [np.median(values[who == g]) if (who == g).any() else np.nan for g in range(5)]
    np.testing.assert_equal(group_medians(who, values, 5), expected)


@given(purchases)
def test_stocks_run_out_as_a_walk_through_the_days_says(rows):
    """A purchase adds to what is left, or starts anew where nothing is; whatever the order of the rows."""
    stock, day, lasts = columns(rows, 3)
    found = run_out_days(stock, day.astype(float), lasts.astype(float))
    for one in range(4):
        mine = sorted((i for i in range(len(rows)) if stock[i] == one), key=lambda i: (day[i], i))
        end = -np.inf
        for i in mine:
            end = max(end, day[i]) + lasts[i]
            assert found[i] == end


@given(contacts, st.integers(0, 12))
def test_kept_contacts_are_those_of_the_greedy_loop(rows, gap):
    """By importance, then day: a contact is kept unless one that is kept is nearer than the distance."""
    who, day, priority = columns(rows, 3)
    into = keep_distance(who, day, priority, gap)
    kept = []
    for i in sorted(range(len(rows)), key=lambda i: (who[i], priority[i], day[i], i)):
        near = [j for j in kept if who[j] == who[i] and abs(day[j] - day[i]) < gap]
        assert into[i] == (near[0] if near else i)
        kept += [] if near else [i]
