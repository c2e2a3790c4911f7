"""Tier policies step by step: events, words, dates, cadence, bands and who is missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
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
    assert events["expiry_date"].dt.date.tolist() == [date(2024, 3, 30)] * 2
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


def test_a_score_that_is_missing_takes_the_band_from_nobody_else():
    """Lines are learned from those who have a score; who has none is kept by no band."""
    scores = np.array([120.0, 90.0, 60.0, np.nan])
    first = replace(assigned(dict.fromkeys("abcd", 120.0), 0), scores=scores + 200)
    later = replace(assigned(dict.fromkeys("abcd", 1.0), 91), codes=np.array([0, 0, 1, 1]), scores=scores)
    policy = vt.TierPolicy(retention_band=0.4, dwell_reviews=1)
    _, events = policy.step(policy.step(None, first)[0], later)
    assert events[["customer_id", "event"]].to_numpy().tolist() == [
        ["c", "kept_by_band"],
        ["d", "downgraded"],
    ]


def test_the_band_leaves_alone_who_is_put_above_the_score():
    """A floor or a gate may assign a better tier than the score's: then the assigned one it is, up and down."""
    policy = replace(POLICY, dwell_reviews=1, retention_band=0.5)
    found = assigned({"a": 45.0}, 0)
    state, events = policy.step(None, replace(found, codes=np.array([0])))
    assert events["to_tier"].tolist() == ["Gold"]
    _, events = policy.step(state, replace(assigned({"a": 60.0}, 91), codes=np.array([2])))
    assert events[["event", "to_tier"]].to_numpy().tolist() == [["soft_landed", "Silver"]]


def test_quarters_of_any_month_are_due_by_default():
    """Even the shortest, from the first of February to the first of May, is a review."""
    policy = vt.TierPolicy(lines=LINES, dwell_reviews=1)
    for year, month in ((year, month) for year in (2023, 2024) for month in range(1, 10)):
        state, _ = policy.step(None, assigned({"a": 120.0}, date(year, month, 1)))
        _, events = policy.step(state, assigned({"a": 60.0}, date(year, month + 3, 1)))
        assert events["event"].tolist() == ["downgraded"]


@pytest.mark.parametrize("day", [None, date(2024, 1, 1)])
def test_the_least_that_an_assignment_has_is_enough(day):
    """Lists, no scores, no segments, a day given here or there; names in any language in the calendar."""
    tiers = [vt.Tier(0, "Gold", "金卡"), vt.Tier(1, "Basic", "普卡")]
    first, later = (
        vt.TierAssignment(codes, tiers, None, None, ["a", "b"], "test", day) for codes in ([0, 1], [1, 0])
    )
    policy = vt.TierPolicy(dwell_reviews=1, review_days={"金卡": 30, "Basic": 60})
    state, _ = policy.step(None, first, as_of="2024-01-01")
    state, events = policy.step(state, replace(later, as_of=None), as_of="2024-02-15")
    assert events[["customer_id", "event", "from_tier", "to_tier"]].to_numpy().tolist() == [
        ["a", "downgraded", "Gold", "Basic"], ["b", "upgraded", "Basic", "Gold"],
    ]  # fmt: skip
    assert [day.isoformat() for day in state.to_frame()["next_review"].dt.date] == [
        "2024-04-15",
        "2024-03-16",
    ]


def test_a_promised_validity_outlasts_a_stricter_policy():
    """A tier that is good until a day stays so when later tiers are good for less."""
    state, _ = POLICY.step(None, assigned({"a": 120.0}, 0))
    state, _ = replace(POLICY, qualification_days=365).step(state, assigned({"a": 120.0}, 91))
    state, _ = POLICY.step(state, assigned({"a": 120.0}, 182))
    assert state.to_frame()["valid_until"].dt.date.tolist() == [date(2025, 4, 1)]


def test_a_grace_of_one_day_is_a_grace():
    """Also the shortest one lets wait until the next step."""
    policy = replace(POLICY, dwell_reviews=1, grace_days=1)
    state, events = _steps(policy, {"a": 120.0}, {"a": 60.0})
    assert _only(events, "event") == "kept_by_grace"
    _, events = policy.step(state, assigned({"a": 60.0}, 92))
    assert _only(events, "event") == "downgraded"


def test_a_grace_is_told_at_its_beginning_and_at_reviews():
    """At a step between, nothing is new; at a review within, it is told again, with the same end."""
    policy = replace(POLICY, dwell_reviews=1, grace_days=200)
    state, events = _steps(policy, {"a": 120.0}, {"a": 60.0})
    told = [events]
    for day in (120, 182):
        state, events = policy.step(state, assigned({"a": 60.0}, day))
        told.append(events)
    assert [events["event"].tolist() for events in told] == [["kept_by_grace"], [], ["kept_by_grace"]]
    assert told[0]["expiry_date"][0] == told[2]["expiry_date"][0] == pd.Timestamp("2024-10-18")


def test_since_is_the_day_of_the_last_move_or_of_the_lapse():
    """Rises, falls and lapses set it; being kept does not."""
    policy = replace(POLICY, dwell_reviews=1, grace_days=0)
    state, found = None, []
    for i, scores in enumerate(({"a": 60.0}, {"a": 120.0}, {"a": 110.0}, {"a": 55.0}, {})):
        state, _ = policy.step(state, assigned(scores, i * 91))
        found.append(state.to_frame()["since"].dt.date[0])
    first = date(2024, 1, 1)
    assert [(day - first).days for day in found] == [0, 91, 91, 273, 364]


def test_tiers_without_a_line_have_no_band():
    """The last tiers may go without lines: whoever is in them is held where assigned, and higher ones by theirs."""
    policy = vt.TierPolicy(lines=(100.0,), retention_band=0.2, dwell_reviews=1, soft_landing=False)
    state, _ = _steps(policy, {"a": 120.0, "b": 120.0, "c": 60.0})
    _, events = policy.step(state, assigned({"a": 85.0, "b": 10.0, "c": 10.0}, 91))
    assert events[["event", "to_tier"]].to_numpy().tolist() == [
        ["kept_by_band", "Gold"], ["downgraded", "Basic"], ["downgraded", "Basic"],
    ]  # fmt: skip
