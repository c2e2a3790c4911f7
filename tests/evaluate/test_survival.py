"""How long customers stay in a tier, against a loop and scipy's Kaplan and Meier."""

from __future__ import annotations

import warnings
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import valuetier as vt
from tests.evaluate.tier_tables import assigned
from valuetier.evaluate import tier_survival

# Customers at four dates: their tier, 3 where they are not in the table.
histories = st.lists(st.tuples(*[st.integers(0, 3)] * 4), min_size=2, max_size=25)


def _assignments(rows):
    codes = np.array(rows)
    places = [np.flatnonzero(codes[:, j] < 3) for j in range(codes.shape[1])]
    return [assigned(codes[place, j], place) for j, place in enumerate(places)]


def _stays(rows, tier, new_only):
    """Return (dates, how it ended) of every stay that is seen at one more date."""
    found = []
    for row in rows:
        for start in range(3):
            begins = row[start] == tier and (start == 0 or row[start - 1] != tier)
            if not begins or (new_only and start == 0):
                continue
            end = next((j for j in range(start, 4) if row[j] != tier), None)
            how = (
                "censored"
                if end is None
                else "gone"
                if row[end] == 3
                else "up"
                if row[end] < tier
                else "down"
            )
            found.append(((4 if end is None else end) - start - (end is None), how))
    return found


@given(rows=histories, tier=st.integers(0, 2), new_only=st.booleans())
def test_stays_and_survival_are_those_of_a_loop_and_of_scipy(rows, tier, new_only):
    """Numbers at risk and endings by a loop, survival and its interval by scipy."""
    stays = _stays(rows, tier, new_only)
    if not stays:
        with pytest.raises(
            vt.InvalidDataError, match=r"No stay in tier \d begins before the last of 4 dates"
        ):
            tier_survival(_assignments(rows), tier, new_only=new_only)
        return
    found = tier_survival(_assignments(rows), tier, new_only=new_only)
    assert found.stays == len(stays)
    for step in (1, 2, 3):
        assert found.at_risk[step - 1] == sum(length >= step for length, _ in stays)
        for way in ("up", "down", "gone"):
            assert getattr(found, way)[step - 1] == sum(stay == (step, way) for stay in stays)
    lengths, ends = np.array([length for length, _ in stays]), np.array([how for _, how in stays])
    censored = ends == "censored"
    sf = stats.ecdf(stats.CensoredData(uncensored=lengths[~censored], right=lengths[censored])).sf
    seen = found.at_risk > 0
    steps = np.arange(1, 4)
    np.testing.assert_allclose(found.survival[seen], sf.evaluate(steps)[seen], atol=1e-12)
    assert np.isnan(found.survival[~seen]).all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # where it has no interval we have none either
        bound = sf.confidence_interval(method="log-log") if not censored.all() else None
    inner = seen & (found.survival > 1e-9) & (found.survival < 1 - 1e-9)
    for side in ("low", "high"):
        if inner.any():
            np.testing.assert_allclose(
                getattr(found, side)[inner], getattr(bound, side).evaluate(steps)[inner], rtol=1e-9
            )
        assert np.isnan(getattr(found, side)[~inner]).all()


def test_words_and_forms():
    """Three customers by hand: one falls, one stays, one comes back and stays anew."""
    found = tier_survival(_assignments([(0, 1, 1), (0, 0, 0), (0, 3, 0), (1, 0, 0)]))
    assert found.to_frame()[["dates", "at_risk", "up", "down", "gone"]].to_numpy().tolist() == [
        [1, 4, 0, 1, 1],
        [2, 1, 0, 0, 0],
    ]
    assert found.survival.tolist() == [0.5, 0.5]
    assert found.verdict() == (
        "Of 4 stays in Gold 50.0 % last to date 1 after the first (95 %: 5.8 % to 84.5 %); 50.0 % last to date 2 "
        "after the first (95 %: 5.8 % to 84.5 %); of those that ended, 0 went up, 1 down and 1 out of the table."
    )
    assert found.verdict("zh") == (
        "“金”的 4 段停留中，持续到其后第 1 期的占 50.0%（95%：5.8% 至 84.5%）；持续到其后第 2 期的占 50.0%"
        "（95%：5.8% 至 84.5%）；结束的停留中，上升 0 段，下降 1 段，不再在客户表中 1 段。"
    )
    assert str(found).endswith(found.verdict())
    assert tier_survival(_assignments([(0, 0, 0), (1, 0, 0)]), new_only=True).stays == 1
    assert "(95 %" not in tier_survival(_assignments([(0, 0), (0, 0)])).verdict()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: tier_survival([assigned([0])]),
            "assignments must be of two dates at least, got 1. Assign the customers at a later date too.",
        ),
        (
            lambda: tier_survival(
                [assigned([0], as_of=date(2024, 2, 1)), assigned([0], as_of=date(2024, 1, 1))]
            ),
            (
                "assignments must be in the order of their dates, got 2024-02-01 before 2024-01-01. "
                "Sort them, the earliest first."
            ),
        ),
        (lambda: tier_survival([assigned([0])] * 2, 3), "tier must be a code from 0 to 2, got 3."),
        (
            lambda: tier_survival([assigned([0])] * 2, 1),
            (
                "No stay in tier 1 begins before the last of 2 dates, so nobody can be followed. "
                "Pass earlier assignments, or another tier."
            ),
        ),
    ],
)
def test_what_cannot_be_followed_is_refused(call, message):
    """The message says what is there and the way out."""
    with pytest.raises(vt.ValueTierError) as caught:
        call()
    assert str(caught.value) == message
