"""Referral value: who brings what by bringing others, and that no referral is lost silently."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import valuetier as vt

CUSTOMERS = pd.DataFrame({"customer_id": list("ABCDE"), "clv": [900.0, 400.0, 300.0, 20.0, 10.0]})
ANYWAY = "would_have_joined_anyway"


def _log(*rows, **more) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["referrer", "referred", ANYWAY]).assign(**more)


def _value(log, customers=CUSTOMERS, **params) -> pd.DataFrame:
    return vt.referral_value(log, customers, **{"acquisition_cost": 50, **params})


def _message(log, error=vt.InvalidDataError, **params) -> str:
    with pytest.raises(error) as caught:
        _value(log, **params)
    return str(caught.value)


def test_who_would_not_have_joined_counts_with_value_and_cost():
    """Kumar, Petersen & Leone: value and saved cost, or only the saved cost, or the expectation of both."""
    found = _value(_log(("A", "B", 0), ("A", "C", 1), ("D", "A", 0.25)))
    assert found["referral_value"].tolist() == [400 + 50 + 50, 0, 0, 0.75 * 900 + 50, 0]
    assert found["referrals"].tolist() == [2, 0, 0, 1, 0]
    assert found["referred_clv"].tolist() == [400, 0, 0, 675, 0]
    assert found["saved_acquisition_cost"].tolist() == [100, 0, 0, 50, 0]


def test_every_customer_has_a_row():
    """Those who referred nobody too, in the order of the customers, with their lifetime value."""
    found = _value(_log())
    pd.testing.assert_frame_equal(_value(_log().assign(day=[]), date="day"), found)
    assert found["customer_id"].tolist() == list("ABCDE")
    assert found["clv"].tolist() == CUSTOMERS["clv"].tolist()
    assert found["referral_value"].tolist() == [0] * 5
    assert list(found) == [
        "customer_id", "clv", "referrals", "left_out", "referred_clv", "saved_acquisition_cost", "referral_value",
    ]  # fmt: skip


def test_one_probability_for_all_and_booleans():
    """A number stands for a column; yes and no are 1 and 0."""
    log = _log(("A", "B", True), ("D", "C", False))
    assert _value(log)["referral_value"].tolist() == [50, 0, 0, 350, 0]
    half = _value(log[["referrer", "referred"]], would_have_joined_anyway=0.5)
    assert half["referral_value"].tolist() == [250, 0, 0, 200, 0]


def test_other_names():
    """Columns may have any names."""
    log = pd.DataFrame({"by": ["A"], "whom": ["B"], "p": [0.0]})
    customers = CUSTOMERS.rename(columns={"clv": "value"})
    found = _value(log, customers, referrer="by", referred="whom", would_have_joined_anyway="p", clv="value")
    assert found["referral_value"].tolist() == [450, 0, 0, 0, 0]


def test_the_result_goes_into_the_matrix():
    """High on both medians, on one of them, or on none: the four words of the source."""
    found = _value(_log(("A", "C", 0), ("D", "B", 0), ("D", "E", 1)))
    matrix = vt.MatrixSegmenter(preset="clv_x_referral").fit(found)
    segments = dict(zip(found["customer_id"], matrix.predict_segments(found), strict=True))
    assert segments == {"A": "Champions", "B": "Affluents", "C": "Affluents", "D": "Advocates", "E": "Misers"}


WRONG = (("A", "B", 0), ("A", "stranger", 0), ("D", "D", 0), ("E", "B", 0))
DATES = ["2024-03-01", "2024-03-02", "2024-03-03", "2024-02-01"]


def test_bad_referrals_are_an_error_with_all_counts():
    """Unknown customers, oneself, and one referred before are named in one message, without an id."""
    log = _log(*WRONG, day=pd.to_datetime(DATES))
    assert _message(log, date="day") == (
        "referred: of 4 referrals 1 are no customers of the table, 1 are the referrer itself, "
        "1 had been referred before. Correct them, or leave them out and count them with bad_rows='drop'."
    )


def test_bad_referrals_can_be_left_out_and_are_counted():
    """Each row of the log is in referrals or in left_out of its referrer."""
    log = _log(*WRONG, day=pd.to_datetime(DATES))
    found = _value(log, date="day", bad_rows="drop").set_index("customer_id")
    assert found["referrals"].to_dict() == {"A": 0, "B": 0, "C": 0, "D": 0, "E": 1}
    assert found["left_out"].to_dict() == {"A": 2, "B": 0, "C": 0, "D": 1, "E": 0}
    assert found.loc["E", "referral_value"] == 450


def test_the_first_of_two_referrers_counts():
    """Earlier by a day, as datetimes or as text."""
    for days in (pd.to_datetime(["2024-01-02", "2024-01-01"]), ["2024-01-02", "2024-01-01"]):
        found = _value(_log(("A", "B", 0), ("D", "B", 0), day=days), date="day", bad_rows="drop")
        assert found["referral_value"].tolist() == [0, 0, 0, 450, 0]


def test_two_referrers_at_once_are_an_error_whatever_is_dropped():
    """Without a date, or on the same one, nobody can say who was first."""
    log = _log(("A", "B", 0), ("D", "B", 0), ("A", "C", 0), day=pd.to_datetime(["2024-01-01"] * 3))
    expected = (
        "referred: 1 of 2 referred customers have several referrers and no date says who was first. "
        "Pass date= with a column that does, or keep one referral each."
    )
    for params in ({}, {"bad_rows": "drop"}, {"date": "day", "bad_rows": "drop"}):
        assert _message(log, **params) == expected


def test_one_referral_written_twice_counts_once():
    """The less valuable of two equal ones counts, whatever their order."""
    rows = (("A", "B", 0.5), ("A", "B", 0.0))
    for log in (_log(*rows), _log(*rows[::-1])):
        assert "1 had been referred before" in _message(log)
        found = _value(log, bad_rows="drop")
        assert found.loc[0, ["referrals", "left_out", "referral_value"]].tolist() == [1, 1, 250]


@pytest.mark.parametrize("bad_rows", ["raise", "drop"])
@pytest.mark.parametrize(
    ("log", "message"),
    [
        (
            _log(("Z", "B", 0), ("A", "C", 0)),
            (
                "referrer: 1 of 2 values are no customers of the table. Add them to the table, or drop these "
                "referrals."
            ),
        ),
        (
            _log((None, "B", 0), ("A", "C", 0)),
            "referrer: 1 of 2 values are missing. Fill or drop these referrals first.",
        ),
        (
            _log(("A", None, 0), ("A", "C", 0)),
            "referred: 1 of 2 values are missing. Fill or drop these referrals first.",
        ),
        (
            _log(("A", "B", 1.5), ("A", "C", np.nan), ("A", "D", -1), ("A", "E", 1)),
            (
                f"{ANYWAY}: 3 of 4 values are missing or lie outside 0-1. Pass yes or no, or a probability; an "
                "estimate is better than a gap."
            ),
        ),
        (
            _log(("A", "B", "no")),
            f"{ANYWAY} must hold numbers, got values of type object. Convert the column first.",
        ),
    ],
)
def test_what_cannot_be_counted_for_anybody_is_always_an_error(log, message, bad_rows):
    """Dropping does not help where no referrer could be told of it, or a value is missing."""
    assert _message(log, bad_rows=bad_rows) == message


def test_dates_that_are_none_are_refused():
    """A referral without its day is no first one."""
    log = _log(("A", "B", 0), ("A", "C", 0), day=pd.to_datetime(["2024-01-01", None]))
    assert _message(log, date="day") == "day: 1 of 2 values are no dates. Fill or drop these referrals first."


def test_columns_that_are_not_there_are_listed():
    """With what is there, and a near miss."""
    log = _log(("A", "B", 0)).rename(columns={"referred": "refered"})
    assert _message(log, vt.MissingColumnsError) == (
        "The referral log lacks ['referred']. It has ['referrer', 'refered', 'would_have_joined_anyway']. "
        "Did you mean 'refered'?"
    )
    assert _message([1, 2]) == "referrals must be a table with named columns, got a list."


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"acquisition_cost": -1}, "acquisition_cost must be a number ≥ 0, got -1."),
        ({"bad_rows": "keep"}, "bad_rows must be one of ['raise', 'drop'], got 'keep'."),
        ({ANYWAY: -0.5}, f"{ANYWAY} must be a number ≥ 0, got -0.5."),
        ({ANYWAY: 2}, f"{ANYWAY} must be a column, or a probability from 0 to 1, got 2."),
    ],
)
def test_parameters_that_cannot_work_are_refused(params, message):
    """Each message has the parameter, the need and the value."""
    assert _message(_log(("A", "B", 0)), vt.InvalidParameterError, **params) == message


def test_customers_must_be_a_customer_table():
    """A customer who stands twice is refused as everywhere."""
    with pytest.raises(vt.InvalidDataError, match="1 of 6 rows repeat a customer"):
        _value(_log(), pd.concat([CUSTOMERS, CUSTOMERS[:1]]))


FRAMES = {
    "polars": pl.from_pandas,
    "polars lazy": lambda frame: pl.from_pandas(frame).lazy(),
    "arrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
    "duckdb": lambda frame: duckdb.from_arrow(pa.Table.from_pandas(frame, preserve_index=False)),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_every_kind_of_frame_gives_the_same(kind):
    """Log and customers of another kind, the same values."""
    log = _log(*WRONG, day=pd.to_datetime(DATES))
    make = FRAMES[kind]
    found = vt.referral_value(make(log), make(CUSTOMERS), acquisition_cost=50, date="day", bad_rows="drop")
    expected = _value(log, date="day", bad_rows="drop")
    pd.testing.assert_frame_equal(
        found.sort_values("customer_id", ignore_index=True), expected, check_dtype=False
    )


pairs = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 8), st.integers(0, 4), st.integers(0, 4)), max_size=20
)


@given(rows=pairs, values=st.lists(st.integers(0, 1000), min_size=7, max_size=7))
def test_against_a_loop_and_in_any_order(rows, values):
    """Every referral counts once or is left out; the sums are those of a loop, to the last bit in any order."""
    customers = pd.DataFrame({"customer_id": range(7), "clv": np.array(values) / 7})
    log = pd.DataFrame(rows, columns=["referrer", "referred", "quarters", "day"]).astype("int64")
    log = log.assign(p=log["quarters"] / 4, day=pd.Timestamp("2024-01-01") + pd.to_timedelta(log["day"], "D"))
    params = {"date": "day", "would_have_joined_anyway": "p", "bad_rows": "drop"}
    usable = log[(log["referred"] < 7) & (log["referred"] != log["referrer"])]
    expected, disputed = dict.fromkeys(range(7), 0.0), False
    for referred, group in usable.groupby("referred"):
        first = group[group["day"] == group["day"].min()]
        disputed |= len(set(first["referrer"])) > 1
        expected[first["referrer"].iloc[0]] += (1 - first["p"].max()) * customers["clv"][referred] + 50
    if disputed:
        assert "have several referrers" in _message(log, customers=customers, **params)
        return
    found = _value(log, customers, **params)
    np.testing.assert_allclose(found["referral_value"], list(expected.values()), rtol=1e-12)
    assert (found["referrals"] + found["left_out"]).tolist() == [
        int((log["referrer"] == k).sum()) for k in range(7)
    ]
    assert found["referrals"].sum() == usable["referred"].nunique()
    pd.testing.assert_frame_equal(_value(log[::-1], customers, **params), found)
