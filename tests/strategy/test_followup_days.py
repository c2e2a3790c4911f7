"""Which day a date is, and how far the calendar looks: zones, holidays, and figures beyond all measure."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import valuetier as vt
from tests.strategy.test_followup import AS_OF, assigned, days, table
from valuetier import FollowUpRules, InvalidDataError

IN_SHANGHAI = datetime(2026, 6, 30, 0, 30, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize(
    "last",
    [
        pd.Series([pd.Timestamp(IN_SHANGHAI)]),
        pd.Series([IN_SHANGHAI], dtype=object),
        pd.Series([pd.Timestamp("2026-06-30 23:59")]),
        pd.Series(["2026-06-30T00:30:00+08:00"]),
        pd.Series(["2026-06-30"], dtype="category").astype(object),
        pd.Series([AS_OF], dtype=object),
        pl.Series([datetime(2026, 6, 30, 0, 30)]).dt.replace_time_zone("Asia/Shanghai"),
        pa.array([IN_SHANGHAI], pa.timestamp("us", "Asia/Shanghai")),
    ],
    ids=lambda last: f"{type(last).__module__} {last.dtype if hasattr(last, 'dtype') else last.type}",
)
def test_days_are_those_of_the_clock_on_the_wall(last):
    """Half past midnight in Shanghai is that day, not the day before in Greenwich; as_of may be any date."""
    make = {pl.Series: pl.DataFrame, pa.TimestampArray: pa.table}.get(type(last), pd.DataFrame)
    people = make({"customer_id": [0], "last_order": last})
    rules = FollowUpRules(review_days={})
    for as_of in (None, "2026-06-30", pd.Timestamp("2026-06-30 18:00"), np.datetime64("2026-06-30")):
        found = vt.follow_ups(assigned([0]), people, rules=rules, as_of=as_of)
        assert days(found) == [("after_order_15", 15), ("after_order_5", 5)]


def test_what_never_runs_out_makes_no_reminder():
    """Figures beyond all measure make no noise; those of the rhythm are refused."""
    people = pd.DataFrame(
        {"customer_id": [0], "last_order": [AS_OF], "first_order": [AS_OF], "x": [4], "t_x": 0}
    )
    bought = pd.DataFrame(
        {"customer_id": [0], "date": [AS_OF], "quantity": [1e300], "days_per_unit": [1e300]}
    )
    rules = FollowUpRules(review_days={})
    found = vt.follow_ups(assigned([0]), people, rules=rules, consumption=bought, horizon_days=36_500)
    assert days(found) == [("after_order_15", 15), ("after_order_5", 5)]
    beyond = people.drop(columns="first_order").assign(t_x=1e300)
    with pytest.raises(InvalidDataError, match=r"t_x: 1 of 1 values are more than 100,000 days"):
        vt.follow_ups(assigned([0]), beyond, rules=rules)
    unused = vt.follow_ups(assigned([0]), people.assign(t_x=1e300), rules=rules)
    assert days(unused) == days(found)


def test_holidays_as_long_as_the_horizon_leave_nothing():
    """Where every day is off, nothing is due inside, and contacts wait for the first working day."""
    off = [AS_OF + timedelta(i) for i in range(1, 101)]
    people = table((0, 0, 1))
    assert len(vt.follow_ups(assigned([0]), people, horizon_days=100, holidays=off)) == 0
    after = vt.follow_ups(assigned([0]), people, horizon_days=101, holidays=pd.Series(off))
    assert set(after.table["due_days"]) == {101}
