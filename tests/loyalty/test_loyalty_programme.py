"""Loyalty programmes: points earned, redeemed and expired agree with plain dates and lists."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import valuetier as vt
from tests.loyalty.by_hand import account, later

START = date(2023, 12, 20)
DAYS = st.integers(0, 500).map(lambda days: START + timedelta(days=days))
CUSTOMERS = st.sampled_from("ab")
NAMES = ("survey", "review")

PROGRAMMES = st.builds(
    vt.LoyaltyProgramme,
    points_per_unit=st.sampled_from([1, 0.5, 0.1, 2.5]),
    rounding=st.sampled_from(["down", "nearest", "up"]),
    order_cap=st.sampled_from([None, 0, 40, 150]),
    order_cap_per=st.sampled_from(["day", "month", "quarter", "year"]),
    activities=st.builds(
        lambda cap, per, qualifies: (
            vt.ActivityPoints("survey", 30, cap=cap, cap_per=per),
            vt.ActivityPoints("review", 7, qualifies=qualifies),
        ),
        st.sampled_from([None, 45, 60]),
        st.sampled_from(["day", "month", "quarter", "year"]),
        st.booleans(),
    ),
    expiry_months=st.sampled_from([None, 1, 2, 5]),
    expires_at=st.sampled_from(["day", "month_end", "year_end"]),
    window_months=st.sampled_from([None, 1, 6, 12]),
)


@st.composite
def books(draw) -> tuple[list, list, list]:
    """Draw orders in cents, activities and redemptions."""

    def rows(values, most):
        return draw(st.lists(st.tuples(CUSTOMERS, DAYS, values), max_size=most))

    cents = st.one_of(st.integers(0, 20_000), st.integers(-5_000, -1))
    return rows(cents, 15), rows(st.sampled_from(NAMES), 8), rows(st.integers(1, 90), 8)


def _frames(orders, events, redemptions) -> dict[str, pd.DataFrame]:
    def frame(rows, name, kind):
        who, days, values = zip(*rows, strict=True) if rows else ((), (), ())
        table = pd.DataFrame({"customer_id": who, "date": pd.to_datetime(list(days)), name: values})
        return table.astype({name: kind, "customer_id": "str"})

    cents = frame(orders, "amount", np.float64)
    return {
        "orders": cents.assign(amount=cents["amount"] / 100),
        "events": frame(events, "activity", "str"),
        "redemptions": frame(redemptions, "points", np.int64),
    }


@given(programme=PROGRAMMES, rows=books(), as_of=DAYS)
@settings(max_examples=200)
def test_balances_are_what_a_diary_of_plain_dates_says(programme, rows, as_of):
    """Earned, redeemed, reversed, expired, balance and next expiry agree with a day-by-day account."""
    found = programme.balances(**_frames(*rows), as_of=as_of, over_redemption="refuse")
    found = found.set_index("customer_id")
    there = sorted({who for part in rows for who, day, _ in part if day <= as_of})
    assert found.index.tolist() == there
    for who in there:
        own = account(programme, *([(d, v) for w, d, v in part if w == who] for part in rows), as_of)
        row = found.loc[who]
        for name in ("earned", "redeemed", "reversed", "expired", "refused", "owed", "balance"):
            assert row[name] == getattr(own, name), name
        ending = min((good for good, _ in own.lots), default=date.max)
        assert row["next_expiry_points"] == sum(
            left for good, left in own.lots if good == ending and good < date.max
        )
        assert pd.isna(row["next_expiry"]) if ending == date.max else row["next_expiry"].date() == ending


@given(programme=PROGRAMMES, rows=books(), as_of=DAYS)
@settings(max_examples=20)
def test_points_are_never_created_or_lost(programme, rows, as_of):
    """Earned = redeemed + reversed + expired + balance, and no balance is ever negative."""
    frames = _frames(*rows)
    found = programme.balances(**frames, as_of=as_of, over_redemption="refuse")
    ledger = programme.ledger(**frames, as_of=as_of, over_redemption="refuse")
    used = found["redeemed"] + found["reversed"] + found["expired"]
    assert (found["earned"] == used + found["balance"]).all()
    assert (ledger["balance"] >= 0).all()
    per_customer = ledger.groupby("customer_id")["points"].sum().reindex(found["customer_id"], fill_value=0)
    assert per_customer.tolist() == found["balance"].tolist()
    last = ledger.groupby("customer_id")["balance"].last().reindex(found["customer_id"], fill_value=0)
    assert last.tolist() == found["balance"].tolist()


@given(programme=PROGRAMMES, rows=books(), seed=st.integers(0, 99))
@settings(max_examples=15)
def test_the_order_of_the_rows_changes_nothing(programme, rows, seed):
    """Shuffled tables give the same balances and the same ledger."""
    frames = _frames(*rows)
    shuffled = {name: table.sample(frac=1, random_state=seed) for name, table in frames.items()}
    options = {"as_of": "2024-12-31", "over_redemption": "refuse"}
    for method in (programme.balances, programme.ledger):
        pd.testing.assert_frame_equal(method(**frames, **options), method(**shuffled, **options))


@given(programme=PROGRAMMES, rows=books(), days=st.tuples(DAYS, DAYS).map(sorted))
@settings(max_examples=20)
def test_what_has_happened_stays(programme, rows, days):
    """The ledger of an earlier day is the beginning of the later one; totals never shrink."""
    frames = _frames(*rows)
    first, second = (programme.ledger(**frames, as_of=day, over_redemption="refuse") for day in days)
    until = second[second["date"] <= pd.Timestamp(days[0])]
    assert first.astype(object).to_dict("list") == until.astype(object).to_dict("list")
    before, after = (
        programme.balances(**frames, as_of=day, over_redemption="refuse").set_index("customer_id")
        for day in days
    )
    for name in ("earned", "redeemed", "reversed", "expired", "refused", "owed"):
        assert (after.loc[before.index, name] >= before[name]).all()


@given(programme=PROGRAMMES, rows=books(), as_of=DAYS)
@settings(max_examples=20)
def test_the_window_counts_what_plain_dates_count(programme, rows, as_of):
    """Qualifying spend and points are those of the window, refunds deducted, excluded activities left out."""
    orders, events, _ = rows
    since = (
        later(as_of, -programme.window_months) if programme.window_months else date(as_of.year - 1, 12, 31)
    )
    frames = _frames(orders, events, [])
    found = programme.balances(**frames, as_of=as_of).set_index("customer_id")
    ledger = programme.ledger(**frames, as_of=as_of)
    inside = ledger[(ledger["date"] > pd.Timestamp(since)) & (ledger["entry"] == "earn")]
    counted = [one.name for one in programme.activities if one.qualifies] + ["order"]
    for who in found.index:
        cents = sum(v for w, d, v in orders if w == who and since < d <= as_of)
        assert found.loc[who, "qualifying_spend"] == pytest.approx(cents / 100, abs=1e-9)
        own = inside[(inside["customer_id"] == who) & inside["source"].isin(counted)]
        if not any(v < 0 for w, _, v in orders if w == who):
            assert found.loc[who, "qualifying_points"] == own["points"].sum()


def _orders(*rows, **more) -> pd.DataFrame:
    who, days, amounts = zip(*rows, strict=True)
    return pd.DataFrame({"customer_id": who, "date": pd.to_datetime(list(days)), "amount": amounts, **more})


def _earned(programme, orders) -> list[int]:
    return programme.ledger(orders, as_of="2030-01-01").query("entry == 'earn'")["points"].tolist()


def test_refunds_lower_the_qualifying_points():
    """A refund in the window deducts what such an order earns, also where nothing is left to take back."""
    orders = _orders(("a", "2024-01-10", 100.0), ("a", "2024-02-10", -30.0))
    spent = pd.DataFrame({"customer_id": ["a"], "date": pd.to_datetime(["2024-01-20"]), "points": [90]})
    (row,) = vt.LoyaltyProgramme().balances(orders, redemptions=spent, as_of="2024-03-01").to_dict("records")
    assert row["qualifying_points"] == 70
    assert row["qualifying_spend"] == 70
    assert (row["reversed"], row["owed"], row["balance"]) == (10, 20, 0)


def test_a_refund_takes_back_no_more_than_an_order_can_earn():
    """Where the cap gave an order of 1000 only 100 points, its refund takes 100, not those of other orders."""
    orders = _orders(("a", "2024-01-10", 1000.0), ("a", "2024-02-10", 1000.0), ("a", "2024-02-20", -1000.0))
    programme = vt.LoyaltyProgramme(order_cap=100, order_cap_per="month")
    (row,) = programme.balances(orders, as_of="2024-03-01").to_dict("records")
    assert (row["earned"], row["reversed"], row["balance"], row["owed"]) == (200, 100, 100, 0)
    assert row["qualifying_points"] == 100


@pytest.mark.parametrize(
    ("rounding", "expected"), [("down", [28, 29, 0, 1]), ("nearest", [29, 29, 0, 2]), ("up", [29, 29, 1, 2])]
)
def test_points_are_rounded_order_by_order(rounding, expected):
    """0.29 × 100 is 29 whatever the binary fraction says; halves go up."""
    orders = _orders(
        ("a", "2024-01-01", 28.6),
        ("a", "2024-01-02", 29.0),
        ("a", "2024-01-03", 0.4),
        ("a", "2024-01-04", 1.5),
    )
    found = _earned(vt.LoyaltyProgramme(rounding=rounding), orders)
    assert found == [points for points in expected if points]
    cents = _orders(("a", "2024-01-01", 0.29))
    assert _earned(vt.LoyaltyProgramme(points_per_unit=100, rounding=rounding), cents) == [29]


def test_multipliers_by_column_weekday_and_campaign():
    """Each condition picks its orders; all that are given must hold."""
    orders = _orders(
        *[("a", day, 10.0) for day in ("2024-11-01", "2024-11-02", "2024-11-11", "2024-11-12")],
        category=["books", "music", "books", "books"],
        tier=["Gold", "Gold", "Standard", "Gold"],
    )  # a Friday, a Saturday, a Monday, a Tuesday

    def earned(**conditions):
        return _earned(vt.LoyaltyProgramme(multipliers=[vt.PointsMultiplier(2, **conditions)]), orders)

    assert earned() == [20] * 4
    assert earned(where={"category": ("books",)}) == [20, 10, 20, 20]
    assert earned(where={"category": ("books",), "tier": ("Gold",)}) == [20, 10, 10, 20]
    assert earned(weekdays=("Sat", "Sun")) == [10, 20, 10, 10]
    assert earned(weekdays=["Mon", "Fri"]) == [20, 10, 20, 10]
    assert earned(start="2024-11-02", end=date(2024, 11, 11)) == [10, 20, 20, 10]
    assert earned(end="2024-11-01") == [20, 10, 10, 10]
    assert earned(start="2024-11-11", where={"tier": {"Standard"}}) == [10, 10, 20, 10]


@pytest.mark.parametrize(("combine", "expected"), [("best", [30, 15, 0]), ("multiply", [45, 15, 0])])
def test_several_multipliers_combine_as_said(combine, expected):
    """The largest factor or their product; 0 excludes, whatever else holds."""
    orders = _orders(*[("a", "2024-11-0" + d, 10.0) for d in "123"], kind=["both", "one", "gift card"])
    programme = vt.LoyaltyProgramme(
        multipliers=(
            vt.PointsMultiplier(1.5),
            vt.PointsMultiplier(3, where={"kind": ("both", "gift card")}),
            vt.PointsMultiplier(0, where={"kind": ("gift card",)}),
        ),
        combine=combine,
    )
    assert _earned(programme, orders) == [points for points in expected if points]


def test_the_best_factor_may_be_below_one():
    """Half points are half points where nothing better holds."""
    assert _earned(
        vt.LoyaltyProgramme(multipliers=[vt.PointsMultiplier(0.5)]), _orders(("a", "2024-01-01", 9.0))
    ) == [4]


@pytest.mark.parametrize(
    ("params", "earned", "last_day"),
    [
        ({"expiry_months": 12}, "2024-02-29", "2025-02-28"),
        ({"expiry_months": 1}, "2024-01-31", "2024-02-29"),
        ({"expiry_months": 1, "expires_at": "month_end"}, "2024-01-05", "2024-02-29"),
        ({"expiry_months": 0, "expires_at": "year_end"}, "2024-01-05", "2024-12-31"),
        ({"expiry_months": 12, "expires_at": "year_end"}, "2024-12-31", "2025-12-31"),
    ],
)
def test_points_are_good_through_their_last_day(params, earned, last_day):
    """They can be redeemed on the last day, and are gone on the next."""
    programme, orders = vt.LoyaltyProgramme(**params), _orders(("a", earned, 50.0))
    last = date.fromisoformat(last_day)
    spent = pd.DataFrame({"customer_id": ["a"], "date": pd.to_datetime([last]), "points": [20]})
    (row,) = programme.balances(orders, redemptions=spent, as_of=last).to_dict("records")
    assert (row["balance"], row["expired"], row["next_expiry_points"]) == (30, 0, 30)
    assert row["next_expiry"].date() == last
    (row,) = programme.balances(orders, redemptions=spent, as_of=last + timedelta(days=1)).to_dict("records")
    assert (row["balance"], row["expired"]) == (0, 30)
    assert pd.isna(row["next_expiry"])


def test_activities_may_be_a_mapping():
    """Names and points are short for activities without caps."""
    short = vt.LoyaltyProgramme(activities={"survey": 50, "referral": 500})
    long = vt.LoyaltyProgramme(
        activities=[vt.ActivityPoints("survey", 50), vt.ActivityPoints("referral", 500)]
    )
    assert short == long


def test_the_ledger_tells_every_posting():
    """Earned from orders and activities, redeemed, refused and expired, with the running balance."""
    programme = vt.LoyaltyProgramme(activities={"survey": 25}, expiry_months=3)
    orders = _orders(("a", "2024-01-10", 100.0), ("a", "2024-02-10", 40.0))
    events = pd.DataFrame(
        {"customer_id": ["a"], "date": pd.to_datetime(["2024-01-20"]), "activity": ["survey"]}
    )
    spent = pd.DataFrame(
        {"customer_id": ["a", "a"], "date": pd.to_datetime(["2024-03-01"] * 2), "points": [170, 110]}
    )
    found = programme.ledger(orders, events, spent, as_of="2024-04-30", over_redemption="refuse")
    assert found["entry"].tolist() == ["earn", "earn", "earn", "redeem", "refused", "expire"]
    assert found["points"].tolist() == [100, 25, 40, -110, 0, -15]
    assert found["balance"].tolist() == [100, 125, 165, 55, 55, 40]
    assert found["source"].tolist() == ["order", "survey", "order", "redemption", "redemption", "expiry"]
    assert str(found["valid_through"][0].date()) == "2024-04-10"


@pytest.mark.parametrize(
    "kind",
    [
        pl.from_pandas,
        lambda table: pl.from_pandas(table).lazy(),
        lambda table: pa.Table.from_pandas(table, preserve_index=False),
        lambda table: duckdb.from_arrow(pa.Table.from_pandas(table, preserve_index=False)),
        lambda table: table.convert_dtypes(dtype_backend="numpy_nullable"),
        lambda table: table.convert_dtypes(dtype_backend="pyarrow"),
        lambda table: table.assign(customer_id=table["customer_id"].astype("category")),
        lambda table: table.assign(date=table["date"].dt.strftime("%Y-%m-%d")),
    ],
    ids=["polars", "polars lazy", "arrow", "duckdb", "nullable", "on arrow", "categories", "text dates"],
)
def test_every_kind_of_table_gives_the_same_points(kind):
    """Polars, PyArrow, DuckDB and the kinds of pandas are read alike."""
    programme = vt.LoyaltyProgramme(
        activities={"survey": 20}, multipliers=[vt.PointsMultiplier(2, where={"shop": ("web",)})]
    )
    orders = _orders(
        ("a", "2024-01-10", 30.5),
        ("b", "2024-01-11", 40.0),
        ("a", "2024-03-01", 5.0),
        shop=["web", "city", None],
    )
    events = pd.DataFrame(
        {"customer_id": ["b"], "date": pd.to_datetime(["2024-01-20"]), "activity": ["survey"]}
    )
    expected = programme.balances(orders, events, as_of="2024-06-30")
    assert expected["earned"].tolist() == [66, 60]
    found = programme.balances(kind(orders), kind(events), as_of="2024-06-30")
    assert found["customer_id"].tolist() == ["a", "b"]
    pd.testing.assert_frame_equal(found.iloc[:, 1:], expected.iloc[:, 1:])


def test_a_time_with_a_zone_counts_on_its_own_day():
    """Late in the evening of the 31st is the 31st where the customer is."""
    orders = _orders(("a", "2024-01-31 23:30", 10.0))
    zoned = orders.assign(date=orders["date"].dt.tz_localize("Asia/Shanghai"))
    for table in (zoned, pl.from_pandas(zoned)):
        found = vt.LoyaltyProgramme().ledger(table, as_of="2024-01-31")
        assert found["date"].tolist() == [pd.Timestamp("2024-01-31")]


@pytest.mark.parametrize("kind", [lambda frame: frame, pl.from_pandas, pa.Table.from_pandas])
def test_the_time_zone_of_the_programme_says_which_day_it_was(kind):
    """In UTC the order is of the 31st, in Shanghai of the 1st: that decides on caps, windows and expiry."""
    orders = _orders(("a", "2024-03-31 20:00", 10.0))
    utc = kind(orders.assign(date=orders["date"].dt.tz_localize("UTC")))
    for timezone, day in ((None, "2024-03-31"), ("Asia/Shanghai", "2024-04-01")):
        found = vt.LoyaltyProgramme().ledger(utc, as_of="2024-05-01", timezone=timezone)
        assert found["date"].tolist() == [pd.Timestamp(day)]
        total = vt.LoyaltyProgramme().balances(utc, as_of="2024-03-31", timezone=timezone)
        assert total["earned"].tolist() == ([10] if timezone is None else [])


def test_dates_in_numbers_need_their_format():
    """20240131 is a date once the format says so, in each of the tables."""
    orders = _orders(("a", "2024-01-31", 30.0)).assign(date=20240131)
    spent = pd.DataFrame({"customer_id": ["a"], "date": [20240201], "points": [10]})
    with pytest.raises(vt.InvalidDataError, match="orders: date must hold dates, got numbers of type int64"):
        vt.LoyaltyProgramme().balances(orders, as_of="2024-06-30")
    found = vt.LoyaltyProgramme().balances(
        orders, redemptions=spent, as_of="2024-06-30", date_format="%Y%m%d"
    )
    assert found["balance"].tolist() == [20]


def test_the_last_day_of_the_tables_counts_by_default():
    """Whichever table has it: on that day the older order has expired, and is out of the window."""
    orders = _orders(("a", "2023-01-31", 10.0), ("a", "2024-01-20", 5.0))
    spent = pd.DataFrame({"customer_id": ["a"], "date": pd.to_datetime(["2024-02-01"]), "points": [5]})
    programme = vt.LoyaltyProgramme(expiry_months=12)
    for tables in ({"orders": orders}, {"orders": orders, "redemptions": spent}):
        day = "2024-02-01" if "redemptions" in tables else "2024-01-20"
        pd.testing.assert_frame_equal(programme.balances(**tables), programme.balances(**tables, as_of=day))
    assert programme.balances(orders, redemptions=spent)["expired"].tolist() == [10]
    assert len(programme.balances()) == len(programme.ledger()) == 0


def test_no_rows_give_no_customers():
    """Without tables, or with empty ones, the answer is an empty table with all columns."""
    programme = vt.LoyaltyProgramme(activities={"survey": 5})
    nothing = programme.balances(as_of="2024-01-01")
    later_only = programme.balances(_orders(("a", "2024-01-02", 10.0)), as_of="2024-01-01")
    untyped = programme.balances(
        pl.DataFrame({name: [] for name in ("customer_id", "date", "amount")}), as_of="2024-01-01"
    )
    assert len(nothing) == len(later_only) == len(programme.ledger(as_of="2024-01-01")) == len(untyped) == 0
    assert list(nothing) == list(later_only)
    assert "balance" in nothing


def test_columns_may_have_other_names():
    """Each role can be named."""
    orders = pd.DataFrame({"who": [7], "day": pd.to_datetime(["2024-01-01"]), "value": [12.0]})
    events = pd.DataFrame({"who": [7], "day": pd.to_datetime(["2024-01-02"]), "what": ["survey"]})
    spent = pd.DataFrame({"who": [7], "day": pd.to_datetime(["2024-01-03"]), "n": [10]})
    found = vt.LoyaltyProgramme(activities={"survey": 5}).balances(
        orders, events, spent, as_of="2024-01-31",
        customer="who", date="day", amount="value", activity="what", points="n",
    )  # fmt: skip
    assert found["customer_id"].tolist() == [7]
    assert found["balance"].tolist() == [7]
