"""Checks of arguments: what passes as it is, and what the refusals say."""

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from valuetier import InvalidDataError, InvalidParameterError
from valuetier import _validate as validate

DAY = datetime.date(2024, 1, 31)


def message_of(error, call, *args, **kwargs):
    """Return what the call says when it refuses."""
    with pytest.raises(error) as caught:
        call(*args, **kwargs)
    return str(caught.value)


@pytest.mark.parametrize(
    "column",
    [
        [1, None, 2.5],
        (1.0, np.nan, 2.5),
        [Decimal(1), None, Decimal("2.5")],
        np.array([1, np.nan, 2.5], dtype=np.float32),
        pd.Series([1, None, 2.5]),
        pd.Series([1, None, 2.5], dtype="Float64"),
        pd.Series([1, None, 2.5], dtype=object),
        pd.Series([1, None, 2.5], dtype="category"),
        pd.Series([1, None, 2.5], dtype=pd.ArrowDtype(pa.float64())),
        pd.Index([1, None, 2.5]),
        pl.Series([1.0, None, 2.5]),
        pa.array([1.0, None, 2.5]),
        pa.chunked_array([[1.0, None], [2.5]]),
    ],
    ids=lambda column: f"{type(column).__module__}.{getattr(column, 'dtype', '')}",
)
def test_numbers_come_from_every_kind_of_column(column):
    """Lists, numpy, pandas, Polars and Arrow columns become floats, what is missing NaN."""
    found = validate.float_column("spend", column)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [1.0, np.nan, 2.5])


def test_integers_and_booleans_are_numbers():
    """Whole numbers of any width, nullable ones too, and yes or no."""
    for column in ([1, 0], np.array([1, 0], dtype=np.uint8), pd.Series([1, 0], dtype="Int64"), [True, False]):
        assert validate.float_column("x", column).tolist() == [1.0, 0.0]
    assert validate.float_column("x", []).shape == (0,)


@pytest.mark.parametrize(
    ("column", "got"),
    [
        (["1", "2"], "a list"),
        (["1", None], "a list"),
        ([1, "2"], "a list"),
        ([b"1"], "a list"),
        (np.array(["1", "2"]), "values of type <U1"),
        (pd.Series(["1", "2"], dtype=object), "values of type object"),
        (pd.Series(["1", "2"], dtype="category"), "values of type category"),
        (pd.Series(["1", "2"], dtype="string"), "values of type string"),
        (pd.Series([1, "2"]), "values of type object"),
        (pl.Series(["1", "2"]), "values of type String"),
        (pa.array(["1", "2"]), "a StringArray"),
        ([DAY], "a list"),
        ([10**400], "a list"),
        (np.array(["2024-01-31"], dtype="datetime64[D]"), "values of type datetime64[D]"),
        (pd.Series(pd.to_datetime(["2024-01-31"]).as_unit("ns")), "values of type datetime64[ns]"),
        (
            pd.Series(pd.to_datetime(["2024-01-31"], utc=True).as_unit("ns")),
            "values of type datetime64[ns, UTC]",
        ),
        (pd.Series(pd.to_timedelta([1], unit="D").as_unit("ns")), "values of type timedelta64[ns]"),
        (pd.Series(pd.period_range("2024-01", periods=2, freq="M")), "values of type period[M]"),
        (pl.Series([DAY]), "values of type Date"),
        (pa.array([DAY]), "a Date32Array"),
        (np.array([1 + 2j]), "values of type complex128"),
        (pd.Series([1 + 2j]), "values of type complex128"),
        ([[1, 2], [3]], "a list"),
        ({"a": 1}, "a dict"),
    ],
)
def test_what_only_looks_like_numbers_is_refused(column, got):
    """Text, even of digits, dates, durations and complex numbers: the message names column and type."""
    assert message_of(InvalidDataError, validate.float_column, "spend", column) == (
        f"spend must hold numbers, got {got}. Convert the column first."
    )


@pytest.mark.parametrize(
    ("column", "shape"),
    [
        ([[1, 2], [3, 4]], "(2, 2)"),
        (pd.DataFrame({"a": [1, 2]}), "(2, 1)"),
        (np.array(1.0), "()"),
        (None, "()"),
    ],
)
def test_a_column_has_one_dimension(column, shape):
    """Tables and single values are refused with their shape."""
    assert message_of(InvalidDataError, validate.float_column, "spend", column) == (
        f"spend must be one column of numbers, got an array of shape {shape}. Pass one value per customer."
    )


def test_columns_of_one_table_have_one_length():
    """Different lengths are refused and named; equal ones pass."""
    validate.same_length(x=np.zeros(2), T=np.zeros(2))
    assert message_of(InvalidDataError, validate.same_length, x=np.zeros(2), T=np.zeros(3)) == (
        "x, T must have the same length, got {'x': 2, 'T': 3}. Pass one value per customer in each."
    )


def test_bad_values_are_counted_and_never_shown():
    """The message has column, count and fix; without bad values nothing happens."""
    bad = np.array([True, False, True])
    assert message_of(InvalidDataError, validate.refuse, "spend", bad, "are negative", "Use ShareCut.") == (
        "spend: 2 of 3 values are negative. Use ShareCut."
    )
    validate.refuse("spend", np.zeros(3, dtype=bool), "are negative", "Use ShareCut.")


def test_missing_and_infinite_values_have_their_own_words():
    """NaN is missing, inf is infinite, and finite columns pass."""
    validate.refuse_not_finite("spend", np.array([1.0, -1e308]))
    for values, problem in (
        ([np.nan, 1], "1 of 2 values are missing (NaN)"),
        ([np.inf], "1 of 1 values are infinite (inf)"),
    ):
        assert message_of(InvalidDataError, validate.refuse_not_finite, "spend", np.array(values)) == (
            f"spend: {problem}. Drop or fill these customers first."
        )


def test_a_fit_needs_customers():
    """None at all and too few are different messages; enough pass."""
    validate.enough_customers(2)
    validate.enough_customers(1, 1)
    assert message_of(InvalidDataError, validate.enough_customers, 0) == (
        "Found array with 0 sample(s): the customer table is empty. Pass at least one customer."
    )
    assert message_of(InvalidDataError, validate.enough_customers, 1) == (
        "At least 2 customers are needed to learn cuts, got n_samples = 1. Fit on more customers."
    )


@pytest.mark.parametrize("value", [1, 0.5, np.float32(2), np.int64(3)])
def test_positive_numbers_pass(value):
    """Python's and numpy's numbers become floats."""
    found = validate.positive_number("horizon_days", value)
    assert (type(found), found) == (float, value)


@pytest.mark.parametrize("value", [0, -1, np.nan, np.inf, "1", None, True, [1]])
def test_what_is_no_positive_number_is_refused(value):
    """Zero, negative, not finite, text, None and booleans: the message shows the value."""
    assert message_of(InvalidParameterError, validate.positive_number, "horizon_days", value) == (
        f"horizon_days must be a number > 0, got {value!r}."
    )


@pytest.mark.parametrize("value", [0, -1.5, np.float32(2), np.int64(-3)])
def test_finite_numbers_pass(value):
    """Of either sign; Python's and numpy's numbers become floats."""
    found = validate.finite_number("line", value)
    assert (type(found), found) == (float, value)


@pytest.mark.parametrize("value", [np.nan, -np.inf, "1", None, False, [1]])
def test_what_is_no_finite_number_is_refused(value):
    """Not finite, text, None and booleans: the message shows the value."""
    assert message_of(InvalidParameterError, validate.finite_number, "line", value) == (
        f"line must be a finite number, got {value!r}."
    )


def test_zero_may_be_allowed():
    """With ``zero`` 0 passes, and the message says so."""
    assert validate.positive_number("discount_rate", 0, zero=True) == 0
    assert message_of(InvalidParameterError, validate.positive_number, "discount_rate", -1, zero=True) == (
        "discount_rate must be a number ≥ 0, got -1."
    )


def test_whole_numbers_from_a_lowest_one():
    """Whole numbers pass as int; smaller ones, fractions, booleans and text are refused."""
    for value in (2, np.int32(5)):
        found = validate.whole_number("n_tiers", value, 2)
        assert (type(found), found) == (int, value)
    for value in (1, 2.0, True, "3", None):
        assert message_of(InvalidParameterError, validate.whole_number, "n_tiers", value, 2) == (
            f"n_tiers must be a whole number ≥ 2, got {value!r}."
        )


@pytest.mark.parametrize(
    "shares", [(0.5, 0.4), (1.0,), (), (1.2, -0.2), (0.0, 1.0), (np.nan, 1.0), "ab", None, ((0.5, 0.5),), 1.0]
)
def test_shares_that_are_none(shares):
    """Shares must be at least two, positive, and sum to 1: the message shows them."""
    assert message_of(InvalidParameterError, validate.share_vector, "shares", shares) == (
        f"shares must be positive and sum to 1, got {shares!r}."
    )


def test_shares_may_sum_to_one_but_for_rounding():
    """Ten tenths are 1."""
    assert validate.share_vector("shares", [0.1] * 10).tolist() == [0.1] * 10


def test_single_values_serve_all_customers():
    """Numbers and arrays of one number are repeated; results are copies of what was passed."""
    column = np.array([1.0, 2.0, 3.0])
    found = validate.broadcast_floats(x=column, t=5, T=np.float64(6), s=np.array(7), w=[8])
    assert [array.tolist() for array in found] == [[1, 2, 3], [5] * 3, [6] * 3, [7] * 3, [8] * 3]
    found[0][:] = 0
    assert column.tolist() == [1.0, 2.0, 3.0]
    assert [len(array) for array in validate.broadcast_floats(x=[], T=[])] == [0, 0]


def test_columns_that_do_not_pair_are_named():
    """The message names the columns that are neither one value nor as long as the longest."""
    assert message_of(InvalidDataError, validate.broadcast_floats, x=[1, 2, 3], t=[1, 2], T=1) == (
        "t cannot be paired with the others, lengths are {'x': 3, 't': 2, 'T': 1}. "
        "Pass one value per customer, or one for all."
    )
