"""What tier policies refuse, and what they say."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import numpy as np
import pandas as pd
import pytest

import valuetier as vt
from tests.policy_oracle import LINES, assigned

POLICY = vt.TierPolicy(lines=LINES)
SCORES = {"a": 120.0, "b": 60.0}


def _state():
    return POLICY.step(None, assigned(SCORES, 91))[0]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"upgrade": "now"}, r"^upgrade must be one of \['at_once', 'at_review'\], got 'now'"),
        ({"soft_landing": "yes"}, r"^soft_landing must be one of \[True, False\], got 'yes'"),
        ({"dwell_reviews": 0}, r"^dwell_reviews must be a whole number ≥ 1, got 0\.$"),
        ({"review_days": -1}, r"^review_days must be a whole number ≥ 0, got -1\.$"),
        ({"review_days": {"Gold": 1.5}}, r"^review_days of 'Gold' must be a whole number ≥ 0, got 1.5\.$"),
        ({"qualification_days": None}, r"^qualification_days must be a whole number ≥ 0, got None\.$"),
        ({"grace_days": "60"}, r"^grace_days must be a whole number ≥ 0, got '60'\.$"),
        ({"retention_band": 1}, r"^retention_band must be a share from 0 to below 1, got 1\.$"),
        ({"retention_band": -0.1}, r"^retention_band must be a number ≥ 0, got -0.1\.$"),
        (
            {"lines": [1, 2]},
            r"^lines must be the lowest score of each tier but the last, best tier first, or a fitted",
        ),
        ({"lines": vt.ShareCut()}, r"that has thresholds, got a ShareCut\.$"),
        ({"lines": "gold"}, r"that has thresholds, got 'gold'\.$"),
    ],
)
def test_parameters_that_cannot_work_are_refused(params, message):
    """Each with its need and its value."""
    with pytest.raises(vt.InvalidParameterError, match=message):
        vt.TierPolicy(**params)


def test_a_band_without_lines_is_refused():
    """Without scores, or where tiers overlap in the score; the way out is in the message."""
    found = assigned(SCORES, 0)
    asked = vt.TierPolicy(retention_band=0.2)
    for nothing in (None, np.full(2, np.nan)):
        with pytest.raises(
            vt.InvalidDataError,
            match=r"^retention_band=0.2 needs a line below each tier, and the assignment of kind 'by_hand' shows none: it has "
            r"no scores. Pass retention_band=0, or lines= with the lowest score of each tier.$",
        ):
            asked.step(None, replace(found, scores=nothing))
    with pytest.raises(vt.InvalidDataError, match=r"shows none: its tiers overlap in the score\. Pass ret"):
        asked.step(None, replace(found, scores=np.array([1.0, 2.0])))


def test_lines_must_be_those_of_the_assignment():
    """Too many, without scores to hold against, or of another version."""
    with pytest.raises(
        vt.InvalidDataError, match=r"^lines has 4 entries for 4 tiers\. Every tier but the last has one"
    ):
        vt.TierPolicy(lines=(*LINES, 1.0)).step(None, assigned(SCORES, 0))
    with pytest.raises(
        vt.InvalidDataError,
        match=r"^lines needs scores .* of kind 'by_hand' has none\. Pass retention_band=0\.$",
    ):
        POLICY.step(None, replace(assigned(SCORES, 0), scores=None))
    table = pd.DataFrame({"spend": [9.0, 5.0, 1.0]})
    old, new = (vt.PyramidSegmenter(preset=preset).fit(table) for preset in ("hml", "abc"))
    with pytest.raises(
        vt.InvalidDataError, match=r"^lines are of version \w+, the assignment of version \w+\. Pass the segm"
    ):
        vt.TierPolicy(lines=old).step(None, new.assign(table, as_of="2024-01-01"))


def test_review_days_name_every_tier_and_no_other():
    """A missing tier and an unknown one."""
    for days in ({"Gold": 90}, {"Gold": 1, "Silver": 1, "Bronze": 1, "Basic": 1, "Tin": 1}):
        with pytest.raises(
            vt.InvalidParameterError,
            match=r"^review_days must name every tier of \['Gold', 'Silver', 'Bronze', 'Basic'\] and no other, got",
        ):
            vt.TierPolicy(review_days=days, lines=LINES).step(None, assigned(SCORES, 0))


def test_time_goes_forward_and_a_day_has_one_assignment():
    """A date is needed, none before the state's, and on the same day nothing but the same assignment."""
    state = _state()
    with pytest.raises(
        vt.InvalidParameterError, match=r"^as_of is needed: the assignment does not say of what day it is"
    ):
        POLICY.step(state, replace(assigned(SCORES, 0), as_of=None))
    with pytest.raises(
        vt.InvalidDataError,
        match=r"^The step is of 2024-01-01, the state already of 2024-04-01\. Steps go forward in time",
    ):
        POLICY.step(state, assigned(SCORES, 91), as_of="2024-01-01")
    for other in ({"a": 120.0}, {**SCORES, "c": 1.0}, {"a": 120.0, "b": 1.0}, {"a": 120.0, "b": 61.0}):
        with pytest.raises(
            vt.InvalidDataError,
            match=r"^The state is of 2024-04-01 already, from an assignment with other customers, tiers",
        ):
            POLICY.step(state, assigned(other, 91))
    with pytest.raises(vt.InvalidDataError, match=r"^assignments is empty\. Pass at least one assignment\.$"):
        POLICY.replay([])


def test_other_tiers_and_other_ids_are_refused():
    """Tiers of another set, ids of another type, and ids twice."""
    state, later = _state(), assigned(SCORES, 182)
    with pytest.raises(
        vt.InvalidDataError,
        match=r"^The state has the tiers \['Gold', .*\], the assignment \['Gold'\]\. Assign by the same",
    ):
        POLICY.step(state, replace(later, tiers=later.tiers[:1], codes=np.array([0, 0])))
    with pytest.raises(
        vt.InvalidDataError,
        match=r"^No customer of the assignment is in the state: ids of type int64 and object\. Give both",
    ):
        POLICY.step(state, replace(later, ids=np.array([1, 2])))
    with pytest.raises(
        vt.InvalidDataError,
        match=r"^The assignment names 1 of 2 customers again\. One row per customer is needed\.$",
    ):
        POLICY.step(state, replace(later, ids=np.array(["a", "a"])))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"customer_id": "x"},
            vt.InvalidDataError,
            r"^overrides: 1 of 1 customers are neither in the state nor in the",
        ),
        (
            {"tier": "Tin"},
            vt.InvalidDataError,
            r"^overrides: tier: 1 of 1 values are no tiers\. Use \['Gold', 'Silver'",
        ),
        (
            {"reason": " "},
            vt.InvalidDataError,
            r"^overrides: 1 of 1 have no reason\. Say why the tier is set by hand\.$",
        ),
        (
            {"until": None},
            vt.InvalidDataError,
            r"^overrides: 1 of 1 have no end, or one before 2024-04-01\. Give until=",
        ),
        (
            {"until": "2024-03-31"},
            vt.InvalidDataError,
            r"^overrides: 1 of 1 have no end, or one before 2024-04-01",
        ),
        (
            {"until": 20240401},
            vt.InvalidDataError,
            r"^overrides: until must hold dates, got numbers of type int64",
        ),
    ],
)
def test_overrides_need_a_customer_a_tier_a_reason_and_an_end(changes, error, message):
    """Counts and columns, never an id."""
    row = {"customer_id": "a", "tier": "Gold", "reason": "r", "until": "2024-12-31"} | changes
    with pytest.raises(error, match=message):
        POLICY.step(_state(), assigned(SCORES, 91), overrides=[row])


def test_overrides_need_their_columns_and_one_row_per_customer():
    """A misspelt column is named with a guess; a replay needs the first days besides."""
    row = {"customer_id": "a", "tier": "Gold", "reasons": "r", "until": "2024-12-31"}
    with pytest.raises(
        vt.MissingColumnsError, match=r"it lacks \['reason'\]\. It has \[.*\]\. Did you mean 'reasons'\?$"
    ):
        POLICY.step(_state(), assigned(SCORES, 91), overrides=[row])
    good = {"customer_id": "a", "tier": "Gold", "reason": "r", "until": "2024-12-31"}
    with pytest.raises(
        vt.MissingColumnsError, match=r"^overrides must be a table with the columns .* It has \[\]\.$"
    ):
        POLICY.step(_state(), assigned(SCORES, 91), overrides=[("a", "Gold", "r", "2024-12-31")])
    with pytest.raises(vt.InvalidDataError, match=r"^customer_id: 1 of 2 rows repeat a customer"):
        POLICY.step(_state(), assigned(SCORES, 91), overrides=[good, good])
    with pytest.raises(
        vt.MissingColumnsError, match=r"^overrides needs the column 'since' in a replay, the first day of"
    ):
        POLICY.replay([assigned(SCORES, 91)], overrides=[good])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"codes": np.array([0, 4])},
            r"^The codes of the assignment must be integers from 0 \(best\) to 3, one for",
        ),
        ({"codes": np.array([0, -1])}, r"^The codes of the assignment must be integers from 0"),
        ({"codes": np.array([0.0, 1.0])}, r"^The codes of the assignment must be integers from 0"),
        (
            {"codes": np.array([0])},
            r"^codes, ids, scores must have the same length, got \{'codes': 1, 'ids': 2, 'scores': 2\}",
        ),
        ({"scores": np.array([1.0])}, r"^codes, ids, scores must have the same length"),
        (
            {"segments": np.array(["x"], dtype=object)},
            r"^codes, ids, scores, segments must have the same length",
        ),
        (
            {"ids": np.array(["a", None], dtype=object)},
            r"^The assignment lacks 1 of 2 customer ids\. Drop these rows",
        ),
        (
            {"tiers": ("Gold", "Silver")},
            r"^The tiers of the assignment must be valuetier\.Tier objects, got 'Gold'\.",
        ),
    ],
)
def test_an_assignment_by_hand_must_fit_together(changes, message):
    """Codes of its tiers, one entry per customer in each, and ids: nobody is lost on the way in silence."""
    with pytest.raises(vt.InvalidDataError, match=message):
        POLICY.step(None, replace(assigned(SCORES, 0), **changes))


@pytest.mark.parametrize("given", [None, pd.DataFrame({"customer_id": ["a"], "tier": ["Gold"]})])
def test_what_is_no_assignment_is_refused(given):
    """In a step and in a replay, with the way to make one."""
    match = rf"^assignment must be a TierAssignment, got a {type(given).__name__}\. Make one with segmenter\.assign"
    with pytest.raises(vt.InvalidParameterError, match=match):
        POLICY.step(None, given)
    with pytest.raises(vt.InvalidParameterError, match=match):
        POLICY.replay([given])


def test_one_assignment_is_no_history():
    """A replay takes several, and says so of one alone."""
    with pytest.raises(
        vt.InvalidParameterError,
        match=r"^assignments must be several, the earliest first, got one\. Use step\.",
    ):
        POLICY.replay(assigned(SCORES, 0))


@pytest.mark.parametrize("given", [3, (1, 2), assigned(SCORES, 0)])
def test_what_is_no_state_cannot_be_resumed(given):
    """Such as the pair that a step returns; the message says what to pass."""
    with pytest.raises(
        vt.InvalidParameterError,
        match=rf"^A state must be a TierState, its table or None, got a {type(given).__name__}\. A step returns a pair: st",
    ):
        POLICY.step(given, assigned(SCORES, 91))


@pytest.mark.parametrize("name", ["review_days", "grace_days", "qualification_days"])
def test_no_number_of_days_leaves_the_calendar(name):
    """Dates stay within four digits of a year, so that every file keeps them."""
    with pytest.raises(
        vt.InvalidParameterError, match=rf"^{name} must be at most 100000 days, got 100001\.$"
    ):
        vt.TierPolicy(**{name: 100_001})
    longest = vt.TierPolicy(**{name: 100_000}, retention_band=0)
    state, _ = longest.step(None, assigned(SCORES, 0))
    text = state.to_frame().to_csv(index=False)
    back = vt.TierState.from_frame(pd.read_csv(StringIO(text)))
    pd.testing.assert_frame_equal(back.to_frame(), state.to_frame())


def test_overrides_begin_when_they_say():
    """A step sets none that begins later; a replay refuses those that end before they begin, or begin never."""
    row = {"customer_id": "a", "tier": "Gold", "reason": "r", "until": "2024-12-31"}
    with pytest.raises(
        vt.InvalidDataError,
        match=r"^overrides: 1 of 1 begin after 2024-04-01\. Give them at a step on their first day",
    ):
        POLICY.step(_state(), assigned(SCORES, 91), overrides=[row | {"since": "2024-05-01"}])
    for since in ("2025-01-01", None):
        with pytest.raises(
            vt.InvalidDataError,
            match=r"^overrides: 1 of 1 have no beginning, or one after their last day\. Give since=",
        ):
            POLICY.replay([assigned(SCORES, 91)], overrides=[row | {"since": since}])
