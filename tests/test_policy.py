"""Tier policies step by step: events, words, dates, overrides, cadence, bands and who is missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import polars as pl
import pytest

import valuetier as vt
from tests.policy_oracle import LINES, assigned
from valuetier._core.policy import band_lines
from valuetier.policy.words import EVENTS, HAPPENINGS, MOVES

POLICY = vt.TierPolicy(lines=LINES)


def _steps(policy, *scores, gap=91, **options):
    """Return the last state and events after steps with these scores."""
    state = None
    for i, found in enumerate(scores):
        state, events = policy.step(state, assigned(found, i * gap), **options)
    return state, events


def _only(events, name):
    """Return one column of the one event."""
    assert len(events) == 1
    return events[name].iloc[0]


def test_the_first_step_enters_everybody_where_they_are_assigned():
    """One event each, with the day of the step and the day on which the tier may be lost."""
    state, events = _steps(POLICY, {"a": 120.0, "b": 10.0})
    assert events["event"].tolist() == ["entered", "entered"]
    assert events["from_tier"].isna().all()
    assert events["to_tier"].tolist() == ["Gold", "Basic"]
    assert events["effective_date"].dt.date.tolist() == [date(2024, 1, 1)] * 2
    assert events["expiry_date"].dt.date.tolist() == [date(2024, 3, 31)] * 2
    assert repr(state) == "TierState(as_of=2024-01-01, customers=2, lapsed=0, overridden=0)"
    assert len(state) == 2


@pytest.mark.parametrize(
    ("policy", "scores", "en", "zh"),
    [
        ({}, [{"a": 10.0}], "New customer, enters Basic.", "新客户，进入“普卡”。"),
        (
            {},
            [{"a": 10.0}, {}, {"a": 60.0}],
            "Is back after lapsing, enters Silver anew.",
            "失效后重新出现，按当前评定进入“银卡”。",
        ),
        (
            {},
            [{"a": 60.0}, {"a": 120.0}],
            "Reaches Gold, rises from Silver.",
            "达到“金卡”标准，由“银卡”升级。",
        ),
        (
            {},
            [{"a": 120.0}, {"a": 60.0}, {"a": 60.0}],
            "Below Gold at 2 successive reviews, falls to Silver.",
            "连续 2 次复核低于“金卡”标准，降至“银卡”。",
        ),
        (
            {"dwell_reviews": 1},
            [{"a": 120.0}, {"a": 1.0}],
            "Below Gold at the review, falls one tier only, to Silver.",
            "复核时低于“金卡”标准，软着陆，只降一级至“银卡”。",
        ),
        (
            {"retention_band": 0.1},
            [{"a": 120.0}, {"a": 90.0}],
            "Below the line of Gold by 10 % at most, keeps it.",
            "低于“金卡”标准线但不超过 10%，予以保级。",
        ),
        (
            {"qualification_days": 365},
            [{"a": 120.0}, {"a": 1.0}],
            "Below Gold, which is still valid, keeps it.",
            "低于“金卡”标准，但资格仍在有效期内，予以保级。",
        ),
        (
            {},
            [{"a": 120.0}, {"a": 1.0}],
            "Below Gold, but not yet at 2 successive reviews, keeps it.",
            "低于“金卡”标准，但尚未连续 2 次复核均不达标，予以保级。",
        ),
        (
            {"grace_days": 30, "dwell_reviews": 1},
            [{"a": 120.0}, {"a": 1.0}],
            "Below Gold, keeps it for a grace period of 30 days.",
            "低于“金卡”标准，在 30 天宽限期内予以保级。",
        ),
        (
            {"grace_days": 30},
            [{"a": 120.0}, {}],
            "Not among the customers, keeps Gold for a grace period of 30 days.",
            "未出现在客户名单中，在 30 天宽限期内保留“金卡”。",
        ),
        (
            {},
            [{"a": 120.0}, {}],
            "Not among the customers, and no grace is left: Gold lapses.",
            "未出现在客户名单中，且已无宽限期，“金卡”失效。",
        ),
    ],
)
def test_every_event_has_its_reason_in_words(policy, scores, en, zh):
    """English and Chinese, with the numbers of the policy."""
    for lang, text in (("en", en), ("zh", zh)):
        _, events = _steps(replace(POLICY, **policy), *scores, lang=lang)
        assert _only(events, "reason") == text


def test_the_events_are_a_closed_list():
    """Every happening has a name and both languages, and moves are among the events."""
    assert set(HAPPENINGS) == set(range(1, 12))
    assert all(set(each.reason) == {"en", "zh"} for each in HAPPENINGS.values())
    assert set(MOVES) < set(EVENTS)
    assert len(EVENTS) == len(set(EVENTS)) == 13


def test_tiers_are_reviewed_by_their_own_calendar():
    """A mapping: gold every quarter, the others every year; names in either language."""
    policy = vt.TierPolicy(
        lines=LINES, dwell_reviews=1, review_days={"金卡": 90, "银卡": 360, "Bronze": 360, "Basic": 360}
    )
    state, events = _steps(policy, {"a": 120.0, "b": 60.0}, {"a": 60.0, "b": 1.0})
    assert events[["customer_id", "event"]].to_numpy().tolist() == [["a", "downgraded"]]
    state, events = policy.step(state, assigned({"a": 60.0, "b": 1.0}, 360))
    assert events[["customer_id", "event"]].to_numpy().tolist() == [["b", "soft_landed"]]


def test_upgrades_can_wait_for_the_review():
    """At a step before the review nothing happens, at the review it does."""
    policy = replace(POLICY, upgrade="at_review")
    state, events = _steps(policy, {"a": 60.0}, {"a": 120.0}, gap=30)
    assert not len(events)
    _, events = policy.step(state, assigned({"a": 120.0}, 120))
    assert _only(events, "event") == "upgraded"


def test_a_band_lies_below_any_line():
    """Below positive and negative lines by a share of their size; at 0 and infinity there is none."""
    lines = band_lines(np.array([np.inf, 0.3, 0.0, -50.0]), 0.1)
    assert lines.tolist() == [np.inf, 0.27, 0.0, -55.0]


def test_lines_come_from_the_segmenter_or_from_what_is_seen():
    """The same band by the fitted segmenter, its cut, the numbers and the lowest scores in the tiers."""
    table = pd.DataFrame({"customer_id": list("abcd"), "spend": [100.0, 50.0, 20.0, 1.0]})
    cut = vt.ThresholdCut(LINES)
    ruler = vt.PyramidSegmenter(cut=cut).fit(table)
    first = ruler.assign(table, as_of=date(2024, 1, 1))
    later = ruler.assign(table.assign(spend=[81.0, 39.0, 20.0, 100.0]), as_of=date(2024, 6, 1))
    told = []
    for lines in (ruler, ruler.cut_, LINES, np.array(LINES), None):
        policy = vt.TierPolicy(lines=lines, retention_band=0.2)
        _, events = policy.step(policy.step(None, first)[0], later)
        told.append(events["event"].tolist())
    assert told[0] == ["kept_by_band", "kept_by_dwell", "upgraded"]
    assert told == told[:1] * 4 + [["kept_by_band", "kept_by_dwell", "upgraded"]]


def test_without_scores_there_is_no_band_by_default():
    """Codes alone make a policy: dwell and soft landing work, and nothing is kept by a band."""
    policy = vt.TierPolicy()
    state = None
    for i, codes in enumerate(([0, 1], [3, 1], [3, 1], [3, 1])):
        found = replace(assigned({"a": 1.0, "b": 1.0}, i * 91), codes=np.array(codes), scores=None)
        state, events = policy.step(state, found)
    assert state.to_assignment().codes.tolist() == [2, 1]
    assert state.to_assignment().scores is None
    assert _only(events, "event") == "soft_landed"


def test_the_band_is_about_scores_only():
    """Who is put lower by something else than the score, as by a gate, is not held by the band."""
    policy = replace(POLICY, dwell_reviews=1)
    state, _ = _steps(policy, {"a": 120.0})
    _, events = policy.step(state, assigned({"a": 120.0}, 91, gated={"a"}))
    assert _only(events, "event") == "downgraded"


def test_new_cuts_are_told():
    """One event about no customer, with both versions; the others as ever."""
    state, _ = POLICY.step(None, assigned({1: 120.0}, 0, version="one"))
    state, events = POLICY.step(state, assigned({1: 60.0}, 91, version="two"))
    assert events["event"].tolist() == ["cuts_changed", "kept_by_dwell"]
    assert events["customer_id"].isna().tolist() == [True, False]
    assert events["reason"][0] == "The tiers are cut by version two, before by version one."
    _, events = POLICY.step(state, assigned({1: 60.0}, 182, version="one"), lang="zh")
    assert events["reason"][0] == "分界线版本由 two 变更为 one。"


def test_overrides_are_told_and_replace_each_other():
    """Start, replacement and end, with the tiers that hold, the reasons and the dates; again says nothing new."""
    state, _ = _steps(POLICY, {"a": 60.0, "b": 60.0})
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


def test_a_replay_counts_what_happened():
    """One row per step, moves per customer, assignments; overrides begin at the first step on their day or after."""
    history = [assigned({"a": 120.0, "b": 10.0}, 0), assigned({"a": 60.0, "b": 60.0}, 91)]
    history.append(assigned({"a": 60.0, "b": 60.0}, 182))
    given = pd.DataFrame(
        {"customer_id": ["b", "b"], "tier": ["Gold", "Gold"], "reason": ["x", "y"],
         "until": ["2024-02-01", "2024-12-31"], "since": ["2024-01-15", "2024-02-15"]}
    )  # fmt: skip
    replay = POLICY.replay(history, overrides=given)
    table = replay.to_frame()
    assert table["customers"].tolist() == [2, 2, 2]
    assert table[["entered", "upgraded", "downgraded", "override_started"]].to_numpy().tolist() == [
        [2, 0, 0, 0], [0, 1, 0, 1], [0, 0, 1, 0],
    ]  # fmt: skip
    assert replay.moves_per_customer == 1.0
    assert [one.codes.tolist() for one in replay.assignments()] == [[0, 3], [0, 0], [1, 0]]
    assert len(replay.events) == 6
    assert repr(replay) == "PolicyReplay(3 steps from 2024-01-01 to 2024-07-01, moves_per_customer=1.00)"
    resumed = POLICY.replay(history[2:], previous=replay.states[1], overrides=given)
    pd.testing.assert_frame_equal(resumed.events, replay.events_by_step[2])


def test_a_policy_is_a_value():
    """Equal rules make equal policies, lines from a segmenter too; a longer dwell may follow a shorter one."""
    table = pd.DataFrame({"spend": [9.0, 5.0, 1.0]})
    first, second = (vt.PyramidSegmenter(preset="hml").fit(table) for _ in range(2))
    assert vt.TierPolicy(lines=first) == vt.TierPolicy(lines=second) != vt.TierPolicy()
    state, _ = _steps(replace(POLICY, dwell_reviews=1), {"a": 120.0}, {"a": 120.0})
    longer = replace(POLICY, dwell_reviews=3)
    for day, event in ((182, "kept_by_dwell"), (273, "kept_by_dwell"), (364, "downgraded")):
        state, events = longer.step(state, assigned({"a": 60.0}, day))
        assert _only(events, "event") == event


@pytest.mark.parametrize("kind", ["pyramid", "rfm", "kmeans", "scorecard", "lifecycle", "loyalty"])
def test_the_default_policy_follows_every_segmenter(kind):
    """Two dates of real customers, whatever makes the tiers; segments stay with them."""
    orders = vt.datasets.load_cdnow_orders().head(4000)
    tables = [vt.summarize(orders, as_of=day).customers for day in ("1997-12-31", "1998-06-30")]
    segmenter = vt.get_segmenter(kind).fit(tables[0])
    replay = vt.TierPolicy().replay([segmenter.assign(table) for table in tables])
    actions = vt.StrategyMapper().map(replay.assignments()[-1])
    assert set(actions["customer_id"]) == set(tables[1]["customer_id"])
    assert {one.kind for one in replay.assignments()} == {kind}
