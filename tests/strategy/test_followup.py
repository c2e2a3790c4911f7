"""The follow-up calendar beside a plain reading of its rules, one customer at a time."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import valuetier as vt
from valuetier import (
    FollowUpRules,
    InvalidDataError,
    InvalidParameterError,
    MissingColumnsError,
    Tier,
    TierAssignment,
)
from valuetier.strategy import Touch
from valuetier.strategy.followup_rules import KINDS, PERSONAL, STANDARD, TOPICS

AS_OF = date(2026, 6, 30)
TIERS = (Tier(0, "High", "高价值"), Tier(1, "Low", "低价值"))
COLUMNS = [
    "customer_id", "date", "kind", "action", "reason", "channel", "owner", "tier", "due_days", "also",
]  # fmt: skip


def assigned(codes, ids=None):
    """Return an assignment to High and Low."""
    ids = np.arange(len(codes)) if ids is None else np.asarray(ids)
    return TierAssignment(np.array(codes, dtype=np.int64), TIERS, None, None, ids, "test", AS_OF)


def table(*rows):
    """Return a customer table: recency_days, T, orders of each."""
    recency, age, orders = np.array(rows, dtype=float).reshape(-1, 3).T
    x = orders - 1
    return pd.DataFrame(
        {
            "customer_id": range(len(rows)),
            "recency_days": recency,
            "x": x,
            "t_x": np.where(x > 0, age - recency, 0),
            "T": age,
        }
    )


def days(calendar, kind=None):
    """Return due days by kind, or of one kind."""
    found = calendar.table
    if kind is None:
        return sorted(zip(found["kind"], found["due_days"], strict=True))
    return sorted(found.loc[found["kind"] == kind, "due_days"])


def by_hand(last, rhythm, rules, horizon):
    """Return (day, importance, kind) of one customer's contacts that are kept, by the words of the rules."""
    pad = 4 * rules.min_gap_days
    due = [
        (last + d, 3 if i else 0, f"after_order_{d}") for i, d in enumerate(sorted(rules.after_order_days))
    ]
    if rhythm is not None:
        gap = max(1, round(rhythm))
        due.append((last + max(gap - rules.remind_before_days, -(-gap // 2)), 2, "reminder"))
        wake = last + max(int(np.floor(rules.dormant_after * rhythm)), rules.dormant_after_days) + 1
        while wake <= horizon + pad:
            due.append((wake, 4, "wake_up"))
            wake += rules.wake_up_every_days
    due = [one for one in due if -pad < one[0] <= horizon + pad]
    kept = []
    for one in sorted(due, key=lambda one: (one[1], one[0])):
        if all(abs(one[0] - other[0]) >= rules.min_gap_days for other in kept):
            kept.append(one)
    return sorted((kind, day) for day, _, kind in kept if 0 < day <= horizon)


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 300), st.integers(1, 6)), min_size=1, max_size=6),
    st.integers(1, 120),
    st.builds(
        FollowUpRules,
        after_order_days=st.lists(st.integers(1, 40), max_size=3, unique=True),
        remind_before_days=st.integers(0, 20),
        min_rhythms=st.just(10_000),  # nobody lends
        dormant_after=st.sampled_from([1.0, 1.5, 2.0, 3.0]),
        wake_up_every_days=st.integers(1, 100),
        min_gap_days=st.integers(0, 12),
        review_days=st.just({}),
    ),
)
def test_contacts_are_those_of_the_rules_read_one_by_one(people, horizon, rules):
    """After orders, before the next one, when dormant; near ones merged by importance; only inside the horizon."""
    rows = [(recency, recency + span, orders) for recency, span, orders in people]
    calendar = vt.follow_ups(assigned([0] * len(rows)), table(*rows), horizon_days=horizon, rules=rules)
    for i, (recency, span, orders) in enumerate(people):
        rhythm = span / (orders - 1) if orders >= rules.min_orders and span else None
        mine = calendar.table[calendar.table["customer_id"] == i]
        found = sorted(zip(mine["kind"], mine["due_days"], strict=True))
        assert found == by_hand(-recency, rhythm, rules, horizon)


def test_the_table_says_whom_when_why_and_by_whom():
    """One row in full, in English and Chinese."""
    rules = FollowUpRules(review_days={})
    people = table((20, 80, 4))
    found = vt.follow_ups(assigned([0]), people, horizon_days=30, rules=rules)
    assert found.table.to_dict("records") == [
        {
            "customer_id": 0,
            "date": pd.Timestamp("2026-07-21"),
            "kind": "wake_up",
            "action": "Ask what has changed, and give a reason to come back",
            "reason": "No order since 2026-06-10, more than 40 days, where about every 20 days is usual (own rhythm).",
            "channel": "phone",
            "owner": "account_manager",
            "tier": "High",
            "due_days": 21,
            "also": "",
        }
    ]
    assert list(found.to_frame().columns) == COLUMNS
    assert str(found) == (
        "1 follow-ups for 1 customers in the 30 days after 2026-06-30 (wake_up: 1); "
        "0 more went into a nearer one of the same customer."
    )
    chinese = vt.follow_ups(assigned([0]), people, horizon_days=30, rules=rules, lang="zh")
    assert chinese.table["tier"].tolist() == ["高价值"]
    assert chinese.table["reason"].tolist() == [
        "自 2026-06-10 起未再下单，已超过 40 天；通常约每 20 天一单（本人节奏）。"
    ]
    assert str(chinese).startswith("2026-06-30 之后 30 天内，1 位客户共有 1 项跟进（wake_up: 1）")


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow"])
@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 1, 0, 2]])
def test_rows_and_kinds_of_frames_change_nothing(kind, order):
    """Each customer's follow-ups are the same whatever the order of the rows and the kind of the frame."""
    people = table((3, 100, 5), (20, 80, 4), (50, 90, 3), (2, 2, 1))
    base = vt.follow_ups(assigned([0, 1, 0, 1]), people, horizon_days=120)
    moved = people.take(order)
    frame = {"pandas": lambda f: f, "polars": pl.from_pandas, "arrow": pa.Table.from_pandas}[kind](moved)
    codes = np.array([0, 1, 0, 1])[order]
    found = vt.follow_ups(assigned(codes, moved["customer_id"].to_numpy()), frame, horizon_days=120)
    keys = ["customer_id", "date", "kind"]
    pd.testing.assert_frame_equal(
        found.table.sort_values(keys, ignore_index=True), base.table.sort_values(keys, ignore_index=True)
    )
    again = vt.follow_ups(assigned([0, 1, 0, 1]), frame, horizon_days=120)
    assert days(again) == days(base)


def test_who_has_too_few_orders_borrows_a_rhythm():
    """The median of the tier, else that of all, else none; the reason says whose it is."""
    rules = FollowUpRules(min_rhythms=2, review_days={})
    high = [(0, 60, 4), (0, 90, 4), (0, 10, 1)]  # every 20 and 30 days, and one order
    low = [(0, 300, 4), (0, 0, 1)]  # every 100 days, and one order
    found = vt.follow_ups(assigned([0, 0, 0, 1, 1]), table(*high, *low), rules=rules, horizon_days=30)
    reminders = found.table[found.table["kind"] == "reminder"].set_index("customer_id")["reason"]
    assert "about every 25 days (median of the tier)" in reminders[2]
    assert "about every 30 days (median of all customers)" in reminders[4]
    none = vt.follow_ups(assigned([0]), table((0, 10, 1)), rules=rules, horizon_days=300)
    assert {kind for kind, _ in days(none)} == {"after_order_5", "after_order_15"}


def test_a_log_gives_the_median_gap():
    """With the order log the median of the gaps counts, orders after the day are left out, others' ignored."""
    log = pd.DataFrame(
        {
            "buyer": [0, 0, 0, 0, 0, 7],
            "day": pd.to_datetime(
                ["2026-01-01", "2026-01-11", "2026-01-21", "2026-06-25", "2026-07-05", "2026-01-01"]
            ),
        }
    )
    people = table((5, 180, 4))
    rules = FollowUpRules(min_orders=4, review_days={}, min_gap_days=0, dormant_after_days=12)
    by_mean = vt.follow_ups(assigned([0]), people, rules=rules)
    by_median = vt.follow_ups(assigned([0]), people, rules=rules, orders=log, customer="buyer", date="day")
    assert days(by_mean, "reminder") == [58 - 7 - 5]
    assert days(by_median, "reminder") == []  # every 10 days: half-way was today
    assert days(by_median, "wake_up") == [21 - 5]


def test_what_was_bought_is_reminded_of_before_it_runs_out():
    """Date and quantity times days per unit, stocks adding up, in place of the reminder by rhythm."""
    bought = pd.DataFrame(
        {
            "customer_id": [0, 0, 1, 5],
            "date": ["2026-06-01", "2026-06-11", "2026-06-20", "2026-06-20"],
            "quantity": [1, 2, 1, 1],
            "product": ["coffee", "coffee", "tea", "tea"],
        }
    )
    people = table((10, 100, 4), (10, 100, 4), (10, 100, 4))
    rules = FollowUpRules(review_days={})
    found = vt.follow_ups(
        assigned([0, 0, 0]), people, rules=rules, consumption=bought, days_per_unit={"coffee": 15, "tea": 8.5}
    )
    reminders = found.table[found.table["kind"] == "reminder"].set_index("customer_id")
    assert reminders["date"].to_dict() == {0: pd.Timestamp("2026-07-09"), 2: pd.Timestamp("2026-07-13")}
    assert reminders["action"][0] == "Remind to reorder before it runs out: coffee"
    assert reminders["reason"][0] == "What was bought lasts until about 2026-07-16."
    same = bought.assign(days_per_unit=[15, 15, 8.5, 8.5])
    again = vt.follow_ups(assigned([0, 0, 0]), people, rules=rules, consumption=same)
    pd.testing.assert_frame_equal(again.table, found.table)


def test_reviews_come_by_tier_and_do_not_crowd_out_contacts():
    """Counted from the first order, more often for the better tiers, internal, and near to nothing."""
    people = table((91, 91, 1), (91, 91, 1))
    found = vt.follow_ups(assigned([0, 1]), people, horizon_days=182)
    of = found.table.groupby("customer_id")
    reviews = {i: rows.loc[rows["kind"] == "review", "due_days"].tolist() for i, rows in of}
    assert reviews == {0: [91, 182], 1: [91]}
    assert set(found.table.loc[found.table["kind"] == "review", "channel"]) == {"internal"}
    own = vt.follow_ups(
        assigned([0, 1]), people, rules=FollowUpRules(review_days={"Low": 30}), horizon_days=60
    )
    assert days(own, "review") == [29, 59]


def test_weekends_and_holidays_are_skipped():
    """What falls on no working day comes on the next one; a Monday holiday moves it to Tuesday."""
    # the last order on Monday 29 June: day 5 is Saturday 4 July, and Monday 6 July a holiday
    rules = FollowUpRules(review_days={}, after_order_days=(5,))
    people = table((1, 1, 1))
    skipped = vt.follow_ups(
        assigned([0]), people, rules=rules, skip_weekends=True, holidays=[date(2026, 7, 6)]
    )
    assert skipped.table["date"].tolist() == [pd.Timestamp("2026-07-07")]
    only = vt.follow_ups(assigned([0]), people, rules=rules, holidays=["2026-07-04"])
    assert only.table["date"].tolist() == [pd.Timestamp("2026-07-05")]


def test_suppression_holds_on_the_day_of_the_contact():
    """Closed channels and all until their end; what is withheld is counted, and blocks no other contact."""
    people = table((0, 0, 1), (0, 0, 1), (0, 0, 1))
    rules = FollowUpRules(review_days={})
    stop = pd.DataFrame(
        {
            "customer_id": [0, 1, 2, 9],
            "channel": [None, "sms", "phone", None],
            "until": [None, None, "2026-07-05", None],
        }
    )
    found = vt.follow_ups(assigned([0, 0, 0]), people, rules=rules, suppress=stop)
    kinds = found.table.groupby("customer_id")["kind"].agg(list).to_dict()
    assert kinds == {1: ["after_order_5", "after_order_15"], 2: ["after_order_15"]}
    assert (found.withheld.listed, found.withheld.met) == (4, 3)
    assert (found.withheld.customers, found.withheld.actions, found.withheld.contractual) == (2, 3, 0)
    assert "Withheld: 3 actions for 2 customers" in str(found)


def test_near_contacts_go_into_the_more_important_one():
    """The kept one says what went into it, and the result how many did."""
    rules = FollowUpRules(after_order_days=(5, 8), review_days={}, min_gap_days=4)
    found = vt.follow_ups(assigned([0]), table((0, 0, 1)), rules=rules)
    assert found.table[["kind", "also"]].to_numpy().tolist() == [["after_order_5", "after_order_8"]]
    assert found.merged == 1
    yesterday = vt.follow_ups(assigned([0]), table((6, 6, 1)), rules=rules)
    assert len(yesterday) == 0  # day 8 is two days after a contact that was made


def test_real_orders_give_what_counting_them_gives():
    """On CDNOW the follow-ups after orders are those whose last order was 5 or 15 days before."""
    customers = vt.summarize(vt.datasets.load_cdnow_orders(), as_of="1997-06-30").customers
    tiers = vt.PyramidSegmenter(preset="hml").fit(customers).assign(customers)
    found = vt.follow_ups(tiers, customers, horizon_days=10, rules=FollowUpRules(min_gap_days=0))
    recency = customers["recency_days"]
    assert len(days(found, "after_order_5")) == int((recency < 5).sum())
    assert len(days(found, "after_order_15")) == int(recency.between(5, 14).sum())
    assert found.as_of == date(1997, 6, 30)
    assert found.table["date"].between("1997-07-01", "1997-07-10").all()


def test_kinds_have_texts_channels_and_owners():
    """The data agree: every kind has its touches, every topic its words."""
    from valuetier.strategy._followup_words import ACTIONS, FACTS, REASONS

    assert set(PERSONAL) == set(STANDARD) == set(KINDS)
    assert set(ACTIONS) == set(FACTS) == set(TOPICS)
    assert set(REASONS) == {topic.removesuffix("_again") for topic in TOPICS}
    for texts in (*ACTIONS.values(), *REASONS.values()):
        assert set(texts) == {"en", "zh"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"after_order_days": (0,)}, "after_order_days must be a whole number ≥ 1, got 0"),
        ({"after_order_days": (5, 5)}, r"after_order_days must differ, got \(5, 5\)"),
        ({"min_orders": 1}, "min_orders must be a whole number ≥ 2, got 1"),
        ({"dormant_after": 0.5}, "dormant_after must be a number ≥ 1, got 0.5"),
        ({"review_days": {"High": 0}}, "review_days must be a whole number ≥ 1, got 0"),
        ({"personal": {}}, "personal must have a Touch for every kind, it lacks"),
    ],
)
def test_rules_that_cannot_work_are_refused(change, message):
    """Each message names the rule and the need."""
    with pytest.raises(InvalidParameterError, match=message):
        FollowUpRules(**change)


def test_unknown_words_are_refused():
    """A channel, owner or tier that is not there is named with those that are."""
    with pytest.raises(InvalidParameterError, match=r"channel must be one of .* got 'fax'"):
        Touch("fax", "crm")
    with pytest.raises(InvalidParameterError, match=r"owner must be one of .* got 'me'"):
        Touch("email", "me")
    with pytest.raises(
        InvalidParameterError, match=r"a tier of review_days must be one of \['High', 'Low'\]"
    ):
        vt.follow_ups(assigned([0]), table((1, 1, 1)), rules=FollowUpRules(review_days={"Top": 30}))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"as_of": "soon"}, InvalidParameterError, "as_of must be a date, .* got 'soon'. Pass as_of="),
        ({"as_of": date(2026, 6, 1)}, InvalidDataError, "1 of 1 last orders are after as_of 2026-06-01"),
        ({"horizon_days": 0}, InvalidParameterError, "horizon_days must be a whole number ≥ 1"),
        ({"lang": "fr"}, InvalidParameterError, "lang must be one of"),
        ({"as_of": pd.NaT}, InvalidParameterError, "as_of must be a date, .* got NaT"),
        ({"horizon_days": 10**18}, InvalidParameterError, "horizon_days must be at most 36,500, got 1000"),
        (
            {"holidays": ["x"]},
            InvalidParameterError,
            "holidays must be a sequence of dates, such as '2026-10-01'",
        ),
        ({"holidays": None}, InvalidParameterError, "holidays must be a sequence of dates"),
        (
            {"customers": pd.DataFrame({"customer_id": [0], "recency_days": [1e18]})},
            InvalidDataError,
            "recency_days: 1 of 1 values are more than 100,000 days. Give them in days",
        ),
        (
            {"customers": pd.DataFrame({"customer_id": [0], "last_order": ["01/06/2026"]})},
            InvalidDataError,
            "last_order: 1 of 1 values are no dates or missing. Write them as 2026-06-30, or drop",
        ),
        (
            {"customers": pd.DataFrame({"customer_id": [0]})},
            MissingColumnsError,
            "customers needs last_order or rec",
        ),
        ({"customers": [1]}, InvalidDataError, "customers must be a table with named columns, got a list"),
        ({"orders": pd.DataFrame({"customer_id": [0]})}, MissingColumnsError, r"orders lacks \['date'\]"),
        (
            {"orders": pd.DataFrame({"customer_id": ["0"], "date": ["2026-01-01"]})},
            InvalidDataError,
            "orders: none of 1 rows is of an assigned customer",
        ),
        (
            {"orders": pd.DataFrame({"customer_id": [0], "date": [20260101]})},
            InvalidDataError,
            "orders: date must hold dates, got values of type Int64",
        ),
    ],
)
def test_what_cannot_be_read_is_refused(change, error, message):
    """Each message names the table or parameter and the way out."""
    people = pd.DataFrame({"customer_id": [0], "last_order": [date(2026, 6, 20)]})
    arguments = {"customers": people} | change
    with pytest.raises(error, match=message):
        vt.follow_ups(assigned([0]), **arguments)


@pytest.mark.parametrize(
    ("columns", "units", "message"),
    [
        ({"days_per_unit": [0]}, None, "consumption: days_per_unit: 1 of 1 values are not above zero"),
        (
            {"quantity": [-1], "days_per_unit": [3]},
            None,
            "consumption: quantity: 1 of 1 values are not above zero",
        ),
        ({}, None, r"consumption lacks \['days_per_unit'\]"),
        ({"product": ["tea"]}, {"coffee": 3}, r"days_per_unit lacks the products \['tea'\]"),
        ({"product": ["tea"]}, {"tea": -3}, "days_per_unit must be a number > 0, got -3"),
    ],
)
def test_consumption_that_cannot_be_is_refused(columns, units, message):
    """Quantities and days are above zero, and every product has its days."""
    bought = pd.DataFrame({"customer_id": [0], "date": ["2026-06-01"], "quantity": [1]} | columns)
    with pytest.raises(vt.ValueTierError, match=message):
        vt.follow_ups(assigned([0]), table((1, 1, 1)), consumption=bought, days_per_unit=units)


def test_nobody_has_no_follow_ups():
    """An empty calendar is a calendar: no rows, the same columns."""
    found = vt.follow_ups(assigned([0]), table((3_000, 3_000, 1)), rules=FollowUpRules(review_days={}))
    assert len(found) == 0
    assert list(found.table.columns) == COLUMNS
    assert found.as_of + timedelta(1) == date(2026, 7, 1)
