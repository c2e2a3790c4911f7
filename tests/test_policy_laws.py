"""Laws of tier policies, and the machine against a plain loop."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import valuetier as vt
from tests.policy_oracle import LINES, NAMES, START, Customer, assigned
from valuetier.evaluate import migration, tier_survival

PEOPLE = ("a", "b", "c")
FOLLOW = vt.TierPolicy(review_days=0, retention_band=0, dwell_reviews=1, soft_landing=False)

scores = st.integers(0, 130).map(float) | st.sampled_from([16.0, 40.0, 80.0, 100.0, 50.0, 20.0])
gaps = st.sampled_from([45, 91, 91, 91, 182, 366])


def histories(missing: bool = True):
    """Return sequences of (day, scores by customer, those whose tier is capped)."""
    one = (scores | st.none()) if missing else scores
    step = st.tuples(
        gaps, st.fixed_dictionaries(dict.fromkeys(PEOPLE, one)), st.sets(st.sampled_from(PEOPLE))
    )
    return st.lists(step, min_size=1, max_size=9).map(_dated)


def _dated(steps):
    days = np.cumsum([gap for gap, _, _ in steps]).tolist()
    return [
        (day, {who: score for who, score in found.items() if score is not None}, gated)
        for day, (_, found, gated) in zip(days, steps, strict=True)
    ]


policies = st.builds(
    vt.TierPolicy,
    review_days=st.sampled_from([0, 91, 182])
    | st.just({"Gold": 30, "Silver": 90, "Bronze": 180, "Basic": 360}),
    upgrade=st.sampled_from(["at_once", "at_review"]),
    retention_band=st.sampled_from([0.0, 0.2, 0.5]),
    lines=st.just(LINES),
    dwell_reviews=st.integers(1, 3),
    soft_landing=st.booleans(),
    qualification_days=st.sampled_from([0, 182]),
    grace_days=st.sampled_from([0, 1, 91, 182]),
)
every_step = policies.map(lambda policy: replace(policy, review_days=0, qualification_days=0, grace_days=0))


def _assignments(history):
    return [assigned(found, day, gated=gated) for day, found, gated in history]


def _codes(state):
    return dict(zip(state.ids.tolist(), state.codes.tolist(), strict=True))


def _told(events):
    told = events.sort_values(["customer_id", "event"])[["customer_id", "event", "from_tier", "to_tier"]]
    return told.astype(object).where(told.notna(), None).to_numpy().tolist()


@settings(max_examples=150)
@given(policy=policies, history=histories())
def test_the_machine_is_the_plain_loop(policy, history):
    """Tiers, dates and events of every customer at every step, with all options."""
    people = {who: Customer(policy) for who in PEOPLE}
    state = None
    for (day, found, _), assignment in zip(history, _assignments(history), strict=True):
        state, events = policy.step(state, assignment)
        codes = dict(zip(assignment.ids.tolist(), assignment.codes.tolist(), strict=True))
        happened = {who: one.step(day, codes.get(who), found.get(who)) for who, one in people.items()}
        assert dict(zip(events["customer_id"], events["event"], strict=True)) == {
            who: event for who, event in happened.items() if event
        }
        table = state.to_frame().set_index("customer_id")
        for who, one in people.items():
            if one.tier is None:
                assert who not in table.index or pd.isna(table.loc[who, "tier"])
                continue
            row = table.loc[who]
            assert row["tier"] == NAMES[one.tier][0]
            for name in ("valid_until", "next_review"):
                assert row[name].date() == START + timedelta(days=getattr(one, name)), name
            running = one.grace_until is not None
            assert running != pd.isna(row["grace_until"])
            assert not running or row["grace_until"].date() == START + timedelta(days=one.grace_until)


@given(policy=policies, history=histories(), stop=st.integers(0, 8))
def test_replaying_gives_the_same_also_through_a_file(policy, history, stop, tmp_path_factory):
    """The same states and events, whether the state is kept, or stored in the middle and resumed."""
    path = tmp_path_factory.getbasetemp() / "state.csv"
    kept = policy.replay(_assignments(history))
    state = None
    for i, assignment in enumerate(_assignments(history)):
        state, events = policy.step(state, assignment)
        pd.testing.assert_frame_equal(events, kept.events_by_step[i])
        pd.testing.assert_frame_equal(state.to_frame(), kept.states[i].to_frame())
        if i == stop and len(state):
            state.to_frame().sample(frac=1, random_state=0).to_csv(path, index=False)
            state = vt.TierState.from_frame(pd.read_csv(path).reset_index(drop=True))
            order = pd.Index(state.ids).get_indexer(kept.states[i].ids)
            pd.testing.assert_frame_equal(
                state.to_frame().iloc[order].reset_index(drop=True),
                kept.states[i].to_frame(),
                check_dtype=False,
            )
            state = vt.TierState.from_frame(state.to_frame().iloc[order])


@given(policy=policies.filter(lambda policy: policy.soft_landing), history=histories())
def test_soft_landing_never_drops_more_than_one_tier(policy, history):
    """From one step to the next nobody loses two tiers, whatever else is on."""
    states = policy.replay(_assignments(history)).states
    for before, after in pairwise(states):
        then, now = _codes(before), _codes(after)
        assert all(now[who] <= then[who] + 1 for who in then if then[who] >= 0)


@given(policy=policies.filter(lambda policy: policy.upgrade == "at_once"), history=histories())
def test_upgrades_at_once_are_never_late(policy, history):
    """After every step nobody is in a tier below the assigned one."""
    for state, assignment in zip(
        policy.replay(_assignments(history)).states, _assignments(history), strict=True
    ):
        held = _codes(state)
        assert all(held[who] <= code for who, code in zip(assignment.ids, assignment.codes, strict=True))


@given(history=histories())
def test_with_everything_off_the_state_is_the_assignment(history):
    """No band, one review, no soft landing, a review at each step: this is re-ranking."""
    for state, assignment in zip(
        FOLLOW.replay(_assignments(history)).states, _assignments(history), strict=True
    ):
        held = state.to_assignment()
        assert _codes(state) == dict.fromkeys(state.ids.tolist(), -1) | dict(
            zip(assignment.ids.tolist(), assignment.codes.tolist(), strict=True)
        )
        assert sorted(held.ids) == sorted(assignment.ids)


@given(
    policy=every_step, history=histories(), wider=st.sampled_from([0.2, 0.5, 0.9]), longer=st.integers(0, 2)
)
def test_a_wider_band_or_a_longer_dwell_never_costs_a_tier(policy, history, wider, longer):
    """At every step every customer holds at least the tier held under the stricter policy."""
    kinder = replace(
        policy,
        retention_band=max(policy.retention_band, wider),
        dwell_reviews=policy.dwell_reviews + longer,
    )
    softer = replace(kinder, soft_landing=True)
    states = [one.replay(_assignments(history)).states for one in (policy, kinder, softer)]
    for strict, kind, soft in zip(*states, strict=True):
        strict, kind, soft = _codes(strict), _codes(kind), _codes(soft)
        assert all(soft[who] <= kind[who] <= strict[who] for who in strict)


@given(policy=policies, history=histories(), who=st.sets(st.sampled_from(PEOPLE), min_size=1))
def test_the_path_of_a_customer_depends_on_nobody_else(policy, history, who):
    """Fewer customers, in another order, go the same ways."""
    whole = policy.replay(_assignments(history))
    fewer = [
        (day, {one: found[one] for one in sorted(found, reverse=True) if one in who}, gated)
        for day, found, gated in history
    ]
    part = policy.replay(_assignments(fewer))
    for big, small, told, heard in zip(
        whole.states, part.states, whole.events_by_step, part.events_by_step, strict=True
    ):
        assert {one: code for one, code in _codes(big).items() if one in who} == _codes(small)
        assert _told(told[told["customer_id"].isin(who)]) == _told(heard)


@given(
    policy=policies,
    history=histories(missing=False),
    at=st.integers(0, 8),
    days=st.integers(0, 400),
    tier=st.integers(0, 3),
)
def test_an_override_wins_until_it_ends_and_then_the_policys_own_tier_holds(policy, history, at, days, tier):
    """While it lasts the tier is the override's; before and after, that of a policy without it."""
    at = min(at, len(history) - 1)
    since = history[at][0]
    given_row = {"customer_id": "a", "tier": NAMES[tier][0], "reason": "asked for"}
    until = START + timedelta(days=since + days)
    plain = policy.replay(_assignments(history)).states
    state, told = None, []
    for i, assignment in enumerate(_assignments(history)):
        rows = [{**given_row, "until": until}] if i == at else None
        state, events = policy.step(state, assignment, overrides=rows)
        told += events.loc[events["event"].str.startswith("override"), "event"].tolist()
        over = since <= history[i][0] <= since + days
        assert _codes(state)["a"] == (tier if over else _codes(plain[i])["a"])
        assert {who: code for who, code in _codes(state).items() if who != "a"} == {
            who: code for who, code in _codes(plain[i]).items() if who != "a"
        }
    ended = history[-1][0] > since + days
    assert told == ["override_started"] + ["override_ended"] * ended


@given(policy=policies, history=histories())
def test_the_same_day_twice_changes_nothing(policy, history):
    """The same state and no events."""
    state = None
    for assignment in _assignments(history):
        state, _ = policy.step(state, assignment)
        again, events = policy.step(state, assignment)
        assert not len(events)
        assert list(events.columns)[:2] == ["customer_id", "event"]
        pd.testing.assert_frame_equal(again.to_frame(), state.to_frame())


@pytest.mark.parametrize("tier", [0, 1])
def test_states_are_assignments_for_evaluation_and_actions(tier):
    """Migration, survival and a playbook take what a state makes, and see the policy's tiers."""
    first = assigned({"a": 120.0, "b": 60.0, "c": 120.0}, 0)
    later = assigned({"a": 90.0, "b": 60.0, "c": 10.0}, 91)
    replay = vt.TierPolicy(lines=LINES).replay([first, later])
    assert migration(*replay.assignments()).down == 0
    assert migration(first, later).down == 2
    assert tier_survival(replay.assignments(), tier).survival.tolist() == [1.0]


@given(
    policy=policies.filter(lambda policy: policy.soft_landing), history=histories(), tier=st.integers(0, 3)
)
def test_an_override_leaves_no_mark_on_the_soft_landing(policy, history, tier):
    """The policy's own falls are the same with and without one, told beneath it, each one tier at a time."""
    row = {"customer_id": "a", "tier": NAMES[tier][0], "reason": "asked for", "until": "2024-09-30"}
    plain = policy.replay(_assignments(history))
    if "a" not in _codes(plain.states[0]):
        return
    state = None
    for i, assignment in enumerate(_assignments(history)):
        over = [row] if i == 0 and assignment.as_of <= date(2024, 9, 30) else None
        state, events = policy.step(state, assignment, overrides=over)
        own = events[~events["event"].str.startswith("override")]
        assert _told(own) == _told(plain.events_by_step[i])
        fallen = own[own["event"].isin(["downgraded", "soft_landed"])]
        order = [en for en, _ in NAMES]
        steps = [
            order.index(to) - order.index(old)
            for old, to in zip(fallen["from_tier"], fallen["to_tier"], strict=True)
        ]
        assert set(steps) <= {1}
