"""What a loyalty programme refuses, and what it says then."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import valuetier as vt


def _orders(*rows, **more) -> pd.DataFrame:
    who, days, amounts = zip(*rows, strict=True)
    return pd.DataFrame({"customer_id": who, "date": pd.to_datetime(list(days)), "amount": amounts, **more})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: vt.LoyaltyProgramme(points_per_unit=0), "points_per_unit must be a number > 0, got 0."),
        (
            lambda: vt.LoyaltyProgramme(combine="sum"),
            "combine must be one of ['best', 'multiply'], got 'sum'.",
        ),
        (
            lambda: vt.LoyaltyProgramme(rounding="floor"),
            "rounding must be one of ['down', 'nearest', 'up'], got 'floor'.",
        ),
        (lambda: vt.LoyaltyProgramme(order_cap=-1), "order_cap must be a whole number ≥ 0, got -1."),
        (
            lambda: vt.LoyaltyProgramme(order_cap_per="week"),
            "cap_per must be one of ['day', 'month', 'quarter', 'year'], got 'week'.",
        ),
        (lambda: vt.LoyaltyProgramme(expiry_months=0), "expiry_months must be a whole number ≥ 1, got 0."),
        (
            lambda: vt.LoyaltyProgramme(expires_at="year-end"),
            "expires_at must be one of ['day', 'month_end', 'year_end'], got 'year-end'. Did you mean 'year_end'?",
        ),
        (lambda: vt.LoyaltyProgramme(window_months=0), "window_months must be a whole number ≥ 1, got 0."),
        (
            lambda: vt.LoyaltyProgramme(activities=["survey"]),
            "activities must be a sequence of ActivityPoints, got ['survey'].",
        ),
        (
            lambda: vt.LoyaltyProgramme(multipliers=2),
            "multipliers must be a sequence of PointsMultiplier, got 2.",
        ),
        (
            lambda: vt.LoyaltyProgramme(activities={"order": 5}),
            "activities must have different names, none of them 'order', got ['order'].",
        ),
        (lambda: vt.ActivityPoints("", 5), "name of an activity must be a text, got ''."),
        (lambda: vt.ActivityPoints("survey", 0), "points for 'survey' must be a whole number ≥ 1, got 0."),
        (lambda: vt.ActivityPoints("survey", 5, cap=1.5), "cap for 'survey' must be a whole number ≥ 0, got 1.5."),
        (lambda: vt.PointsMultiplier(-1), "factor must be a number ≥ 0, got -1."),
        (
            lambda: vt.PointsMultiplier(2, weekdays=("Sunday",)),
            "weekdays must be some of ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'], got ('Sunday',).",
        ),
        (
            lambda: vt.PointsMultiplier(2, where={"category": "books"}),
            "where must map columns to sequences of values, got {'category': 'books'}. Put a single one in ().",
        ),
        (
            lambda: vt.PointsMultiplier(2, start="2024-02-01", end="2024-01-01"),
            "start must not be after end, got 2024-02-01 and 2024-01-01.",
        ),
        (
            lambda: vt.PointsMultiplier(2, start="soon"),
            "start must be a date or ISO text such as '2024-06-30', got 'soon'.",
        ),
        (
            lambda: vt.LoyaltyProgramme().balances(as_of="soon"),
            "as_of must be a date or ISO text such as '2024-06-30', got 'soon'.",
        ),
        (
            lambda: vt.LoyaltyProgramme().balances(as_of="2024-01-01", over_redemption="drop"),
            "over_redemption must be one of ['raise', 'refuse'], got 'drop'.",
        ),
        (
            lambda: vt.LoyaltyProgramme().balances(as_of="2024-01-01", timezone="Shanghai"),
            "timezone must be the name of a time zone such as 'Asia/Shanghai', got 'Shanghai'.",
        ),
        (
            lambda: vt.LoyaltyProgramme().ledger(as_of="2024-01-01", date_format=8),
            "date_format must be a strptime format such as '%Y%m%d', 'epoch_s' or 'epoch_ms', got 8.",
        ),
    ],
)  # fmt: skip
def test_rules_that_cannot_work_are_refused(make, message):
    """Each message has the parameter, the need and the value."""
    with pytest.raises(vt.InvalidParameterError) as caught:
        make()
    assert str(caught.value) == message


GOOD = _orders(("a", "2024-01-10", 100.0), ("b", "2024-01-10", 50.0))


def _spent(*points, who="a") -> pd.DataFrame:
    return pd.DataFrame({"customer_id": who, "date": pd.Timestamp("2024-02-01"), "points": points})


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (
            {"redemptions": _spent(60, 60)},
            ("redemptions: 1 of 2 rows redeem more points than the customer has on that day. Correct them, or pass "
            "over_redemption='refuse' to leave them out and count them."),
        ),
        (
            {"redemptions": _spent(0, 1.5, 10)},
            "redemptions: points: 2 of 3 values are not whole numbers ≥ 1. Correct or drop these rows.",
        ),
        (
            {"orders": GOOD.assign(amount=[np.nan, 1.0])},
            "orders: amount: 1 of 2 values are missing or infinite. Correct or drop these rows.",
        ),
        (
            {"orders": GOOD.assign(amount=[1e25, 1.0])},
            "orders: amount: 1 of 2 values are worth 1e+15 points or more. Correct or drop these rows.",
        ),
        (
            {"redemptions": _spent(1e25)},
            "redemptions: points: 1 of 1 values are worth 1e+15 points or more. Correct or drop these rows.",
        ),
        (
            {"orders": GOOD.assign(amount="918273645")},
            "orders: amount must hold numbers, got values of type str. Convert the column first.",
        ),
        (
            {"orders": GOOD.assign(date=[pd.NaT, pd.Timestamp("2024-01-01")])},
            "orders: date: 1 of 2 values are missing or unreadable. Correct or drop these rows.",
        ),
        (
            {"orders": GOOD.assign(customer_id=[None, "b"])},
            "orders: customer_id: 1 of 2 values are missing or unreadable. Correct or drop these rows.",
        ),
        (
            {"events": GOOD.assign(activity=["survey", "918273645"])},
            "events: activity: 1 of 2 values name nothing that earns points. The programme knows ['survey'].",
        ),
        (
            {"orders": GOOD.assign(customer_id=[1, 2]), "redemptions": _spent(10)},
            ("Customer ids must be of one type, got {'orders': 'integer', 'redemptions': 'string'}. "
            "Convert the columns, or a customer could be two."),
        ),
        ({"orders": 7}, "orders must be a table, got int."),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_are_refused(tables, message):
    """Each message has the table, the column, the count and the way out, and never a value."""
    with pytest.raises(vt.InvalidDataError) as caught:
        vt.LoyaltyProgramme(activities={"survey": 5}).balances(
            **{"orders": GOOD, **tables}, as_of="2024-06-30"
        )
    assert str(caught.value) == message
    assert "918273645" not in str(caught.value)


def test_missing_columns_are_named_with_what_is_there():
    """Also the columns that multipliers look at are needed."""
    programme = vt.LoyaltyProgramme(multipliers=[vt.PointsMultiplier(2, where={"amounts": (1,)})])
    with pytest.raises(vt.MissingColumnsError) as caught:
        programme.balances(GOOD, as_of="2024-06-30")
    assert str(caught.value) == (
        "The orders lack ['amounts']. They have ['customer_id', 'date', 'amount']. Did you mean 'amount'?"
    )
