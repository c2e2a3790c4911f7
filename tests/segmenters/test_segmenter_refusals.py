"""What every segmenter refuses, in which words, and that it never tells a customer's data."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

import valuetier as vt
from tests.segmenters.customer_tables import BUILT_ON_BASE, fitted, make

every = pytest.mark.parametrize("name", BUILT_ON_BASE)

SECRET = 918273645.5


def _read_first(name: str) -> str:
    """Return the first column that a segmenter reads."""
    with pytest.raises(vt.MissingColumnsError) as caught:
        vt.get_segmenter(name).fit(make()[["customer_id"]])
    return str(caught.value).split("'")[1]


def _message(error: type[Exception], call) -> str:
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


@every
def test_repeated_ids_are_an_error_with_their_count(name):
    """A table with a customer in it twice is refused by fit, predict and assign alike."""
    table = make(20)
    table.loc[[4, 5], "customer_id"] = "c000000"
    expected = (
        "customer_id: 2 of 20 rows repeat a customer that is already there. "
        "A customer table has one row per customer; make one with valuetier.summarize."
    )
    calls = (lambda: vt.get_segmenter(name).fit(table), lambda: fitted(name).predict(table))
    for call in (*calls, lambda: fitted(name).assign(table), lambda: fitted(name).explain(table)):
        assert _message(vt.InvalidDataError, call) == expected


@every
def test_missing_ids_are_an_error_with_their_count(name):
    """A row without a customer is refused."""
    table = make(20)
    table.loc[[1, 2], "customer_id"] = None
    text = _message(vt.InvalidDataError, lambda: fitted(name).predict(table))
    assert text == "customer_id: 2 of 20 values are missing. Drop these rows first."


@every
def test_a_missing_column_lists_what_is_there(name):
    """The message names what is missing, what is there, and a near miss."""
    first = _read_first(name)
    table = make(20)[["customer_id"]].assign(**{first + "x": 1.0})
    text = _message(vt.MissingColumnsError, lambda: vt.get_segmenter(name).fit(table))
    assert re.fullmatch(
        rf"The customer table lacks \['{first}'.*\]\. It has \['customer_id', '{first}x'\]\.( Did you mean .*)?",
        text,
    )


@every
def test_a_table_without_named_columns_is_a_missing_column(name):
    """A frame whose columns are numbers is told so, without a crash on the way."""
    table = pd.DataFrame(np.ones((5, 2)))
    text = _message(vt.MissingColumnsError, lambda: vt.get_segmenter(name).fit(table))
    assert text.startswith("The customer table lacks ['")
    assert text.endswith("]. It has [0, 1].")


@every
def test_missing_and_infinite_values_are_counted(name):
    """NaN and infinity are refused with column, count and way out, by fit and by predict."""
    first = _read_first(name)
    for bad, problem in (
        (np.nan, "are missing (NaN). Fill or drop these customers first."),
        (np.inf, "are infinite (inf). Correct or drop these customers."),
    ):
        table = make(20).astype({first: np.float64})
        table.loc[[3, 4, 5], first] = bad
        for call in (lambda t=table: vt.get_segmenter(name).fit(t), lambda t=table: fitted(name).predict(t)):
            assert _message(vt.InvalidDataError, call) == f"{first}: 3 of 20 values {problem}"


@every
def test_text_in_a_column_of_numbers_is_refused(name):
    """The message has the type, not the text."""
    first = _read_first(name)
    table = make(20).assign(**{first: "secret"})
    text = _message(vt.InvalidDataError, lambda: vt.get_segmenter(name).fit(table))
    assert text == f"{first} must hold numbers, got values of type String. Convert the column first."


@every
def test_no_customers_and_too_few_are_refused(name):
    """Cuts are not learned from nobody, nor from one customer."""
    text = _message(vt.InvalidDataError, lambda: vt.get_segmenter(name).fit(make(5)[:0]))
    assert text == ("Found array with 0 sample(s): the customer table is empty. Pass at least one customer.")
    text = _message(vt.InvalidDataError, lambda: vt.get_segmenter(name).fit(make(5)[:1]))
    assert text == (
        "At least 2 customers are needed to learn cuts, got n_samples = 1. Fit on more customers."
    )


@every
def test_an_unknown_language_is_refused(name):
    """Names and reasons come in English and Chinese only."""
    expected = "lang must be one of ['en', 'zh'], got 'fr'."
    segmenter = fitted(name)
    for call in (
        lambda: segmenter.get_tier_names_out("fr"),
        lambda: segmenter.get_segment_names_out("fr"),
        lambda: segmenter.explain(make(5), "fr"),
    ):
        assert _message(vt.InvalidParameterError, call) == expected


@every
def test_an_unfitted_segmenter_says_so(name):
    """Every question before ``fit`` is scikit-learn's NotFittedError."""
    segmenter, customers = vt.get_segmenter(name), make(5)
    for method in ("predict", "transform", "score_samples", "predict_segments", "assign", "explain"):
        with pytest.raises(NotFittedError, match=type(segmenter).__name__):
            getattr(segmenter, method)(customers)
    with pytest.raises(NotFittedError, match=type(segmenter).__name__):
        segmenter.get_feature_names_out()


@every
def test_an_array_of_another_width_is_refused(name):
    """An array must be as wide as the table of the fit, and at least as wide as the columns read."""
    segmenter = fitted(name)
    width = segmenter.n_features_in_
    text = _message(vt.InvalidDataError, lambda: segmenter.predict(np.ones((3, width + 2))))
    assert text.startswith(
        f"X has {width + 2} features, but {type(segmenter).__name__} is expecting {width} features as "
        "input. Pass as many columns as in fit, ['"
    )
    assert text.endswith("'] first.")
    if width > 1:
        text = _message(vt.MissingColumnsError, lambda: vt.get_segmenter(name).fit(np.ones((3, width - 1))))
        assert text.startswith(f"An array needs the {width} columns ['")
        assert text.endswith(
            f"'] in this order, got n_features = {width - 1}. Pass a frame with named columns, or add the rest."
        )


@every
def test_nothing_that_is_printed_holds_a_customer(name):
    """The repr of segmenter and assignment has parameters, names and counts only."""
    segmenter = vt.get_segmenter(name).fit(make())
    printed = repr(segmenter) + str(segmenter) + repr(segmenter.assign(make()))
    assert not [one for one in make()["customer_id"] if one in printed]
    assert "customers=200" in printed


@every
@pytest.mark.parametrize(
    "bad",
    [
        [SECRET, 1.0],
        SECRET,
        np.array([[SECRET + 1j], [0]]),
        np.full((2, 2, 2), SECRET),
        [["918273645"], ["text"]],
        [[{"secret": "918273645"}]],
    ],
    ids=["one row", "a number", "complex", "three axes", "text", "objects"],
)
def test_no_error_holds_a_value_of_the_data(name, bad):
    """What cannot be read as a table is refused without a quotation."""
    with pytest.raises((vt.InvalidDataError, TypeError)) as caught:
        vt.get_segmenter(name).fit(bad)
    assert "918273645" not in str(caught.value)
    assert "9.18" not in str(caught.value)
    assert caught.value.__cause__ is None
