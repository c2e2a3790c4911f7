"""Overrides: tiers by hand, their events, their beginnings and their ends."""

from __future__ import annotations

from datetime import date

import pandas as pd
import polars as pl
import pytest

import valuetier as vt
from tests.policy_oracle import LINES, assigned

POLICY = vt.TierPolicy(lines=LINES)


def _entered(scores):
    """Return the state after the first step."""
    return POLICY.step(None, assigned(scores, 0))[0]


def _only(events, name):
    """Return one column of the one event."""
    assert len(events) == 1
    return events[name].iloc[0]


def test_overrides_are_told_and_replace_each_other():
    """Start, replacement and end, with the tiers that hold, the reasons and the dates; again says nothing new."""
    state = _entered({"a": 60.0, "b": 60.0})
    state, events = POLICY.override(state, "a", "Gold", reason="promised", until="2024-06-30")
    row = events.iloc[0]
    assert row[["event", "from_tier", "to_tier", "reason"]].tolist() == [
        "override_started", "Silver", "Gold", "promised",
    ]  # fmt: skip
    assert row["expiry_date"] == pd.Timestamp("2024-06-30")
    assert not len(POLICY.override(state, "a", 0, reason="promised", until=date(2024, 6, 30))[1])
    state, events = POLICY.override(state, ["a"], "普卡", reason="bad debt", until="2024-02-29", lang="zh")
    assert events[["from_tier", "to_tier"]].to_numpy().tolist() == [["金卡", "普卡"]]
    state, events = POLICY.step(state, assigned({"a": 120.0, "b": 60.0}, 40))
    assert events["event"].tolist() == ["upgraded"]
    assert _only(events, "effective_date") == pd.Timestamp("2024-03-01")
    assert state.to_assignment().codes.tolist() == [3, 1]
    state, events = POLICY.step(state, assigned({"a": 120.0, "b": 60.0}, 91))
    assert events[["event", "from_tier", "to_tier", "reason"]].to_numpy().tolist() == [
        ["override_ended", "Basic", "Gold", "Override is over (bad debt); back to the tier of the policy."]
    ]
    assert _only(events, "effective_date") == pd.Timestamp("2024-03-01")


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, lambda rows: rows])
def test_overrides_are_a_table_of_any_kind(make):
    """pandas, Polars, or rows; who is overridden stays even when missing, until the end."""
    rows = [{"customer_id": "b", "tier": "Gold", "reason": "founder", "until": "2024-12-31"}]
    state, events = POLICY.step(None, assigned({"a": 60.0, "b": 10.0}, 0), overrides=make(rows))
    assert events["event"].tolist() == ["entered", "entered", "override_started"]
    state, events = POLICY.step(state, assigned({"a": 60.0}, 91))
    assert events["event"].tolist() == ["lapsed"]
    assert state.to_assignment().codes.tolist() == [1, 0]
    state, events = POLICY.step(state, assigned({"a": 60.0}, 400))
    assert events["event"].tolist() == ["override_ended"]
    assert state.to_assignment().ids.tolist() == ["a"]


def test_an_override_without_a_foreseeable_end_has_a_day_that_every_calendar_knows():
    """The last day there is: what the policy does beneath takes effect on it, not in the year 10000."""
    state = _entered({"a": 60.0})
    state, _ = POLICY.override(state, "a", "Gold", reason="founder", until="9999-12-31")
    _, events = POLICY.step(state, assigned({"a": 120.0}, 91))
    assert events["effective_date"].dt.date.tolist() == [date(9999, 12, 31)]


def test_the_end_of_an_override_over_a_lapsed_tier_says_so():
    """There is no tier to go back to, in either language."""
    row = {"customer_id": "b", "tier": "Gold", "reason": "founder", "until": "2024-12-31"}
    for lang, text in (
        ("en", "Override is over (founder); the tier of the policy has lapsed."),
        ("zh", "人工指定到期（founder），规则评定的层级已失效。"),
    ):
        state, _ = POLICY.step(None, assigned({"a": 60.0, "b": 10.0}, 0), overrides=[row])
        state, _ = POLICY.step(state, assigned({"a": 60.0}, 91))
        _, events = POLICY.step(state, assigned({"a": 60.0}, 400), lang=lang)
        assert _only(events, "reason") == text


def test_overrides_are_given_as_people_would():
    """A Tier, a set of customers, one row as a mapping, the stored state, and no rows at all."""
    state = _entered({"a": 60.0, "b": 60.0})
    more = {"reason": "r", "until": "2024-12-31"}
    for given in (state, state.to_frame()):
        after, events = POLICY.override(given, {"a", "b"}, state.tiers[0], **more)
        assert after.codes.tolist() == [0, 0]
        assert len(events) == 2
    same = assigned({"a": 60.0, "b": 60.0}, 0)
    row = {"customer_id": "b", "tier": "Gold", **more}
    for one in (row, (row,), {name: [value] for name, value in row.items()}):
        assert POLICY.step(state, same, overrides=one)[0].codes.tolist() == [1, 0]
    for nothing in ([], pd.DataFrame(columns=["customer_id", "tier", "reason", "until"])):
        after, events = POLICY.step(state, same, overrides=nothing)
        assert after.codes.tolist() == [1, 1]
        assert not len(events)


def test_overrides_that_overlap_in_a_replay_follow_their_first_days():
    """The one that begins last holds, whatever way its day is written; then the policy's own tier."""
    history = [assigned({"a": 60.0}, day) for day in (0, 91, 300, 366)]
    given = pd.DataFrame(
        {"customer_id": ["a", "a"], "tier": ["Gold", "Basic"], "reason": ["x", "y"],
         "until": ["2024-12-31", "2024-06-30"], "since": ["2024/2/1", "2024/03/1"]}
    )  # fmt: skip
    for table in (given, given.iloc[::-1]):
        states = POLICY.replay(history, overrides=table).states
        assert [int(state.codes[0]) for state in states] == [1, 3, 1, 1]


def test_an_override_may_begin_on_the_day_of_the_step():
    """Its first day is that of the step: it is set."""
    row = {"customer_id": "a", "tier": "Gold", "reason": "r", "since": "2024-01-01", "until": "2024-01-01"}
    state, _ = POLICY.step(None, assigned({"a": 60.0}, 0), overrides=[row])
    assert state.codes.tolist() == [0]
    replayed = POLICY.replay([assigned({"a": 60.0}, 0)], overrides=[row])
    assert replayed.states[0].codes.tolist() == [0]
