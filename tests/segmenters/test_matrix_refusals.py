"""What a matrix refuses, and what it says then."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import valuetier as vt
from tests.segmenters.customer_tables import make
from valuetier.segmenters.matrices import QUADRANTS

FOUR = pd.DataFrame({"a": [9.0, 8.0, 1.0, 2.0], "b": [9.0, 1.0, 8.0, 2.0]})
OWN = {"axes": ("a", "b")}


def test_chances_outside_0_to_1_are_refused():
    """A percentage is no probability."""
    customers = pd.DataFrame({"spend": [100.0, 80.0], "probability_alive": [25.0, 0.9]})
    with pytest.raises(vt.InvalidDataError) as caught:
        vt.MatrixSegmenter(preset="value_x_risk").fit(customers)
    assert str(caught.value) == "probability_alive: 1 of 2 values lie outside 0-1. Pass probabilities."


def test_names_without_a_rule_are_not_passed_over():
    """Segments of one's own need a playbook of one's own, and the mapper says so."""
    names = dict(zip(QUADRANTS, "wxyz", strict=True))
    found = vt.MatrixSegmenter(**OWN, segments=names).fit(FOUR).assign(FOUR)
    with pytest.raises(vt.UncoveredTiersError, match="no rule for 4 of 4 customers"):
        vt.StrategyMapper().map(found)


@pytest.mark.parametrize("column", ["a", "b"])
def test_an_axis_that_says_nothing_is_refused(column):
    """Equal scores cannot be parted by any line; the message names the axis."""
    with pytest.raises(vt.InvalidDataError) as caught:
        vt.MatrixSegmenter(**OWN).fit(FOUR.assign(**{column: 7.0}))
    assert str(caught.value) == (
        f"{column}: all 4 values are equal, so no line parts the customers (n_samples = 4). "
        "Choose another column for this axis."
    )


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"preset": "clv_x_referal"},
            (
                "preset must be one of ['customer_value', 'clv_x_referral', 'profit_x_loyalty', 'value_x_risk'], "
                "got 'clv_x_referal'. Did you mean 'clv_x_referral'?"
            ),
        ),
        ({"axes": "a"}, "axes must be two columns, or mappings of columns to weights, got 'a'."),
        ({"axes": ("a",)}, "axes must be two columns, or mappings of columns to weights, got ('a',)."),
        ({"axes": 2}, "axes must be two columns, or mappings of columns to weights, got 2."),
        ({"axes": ("a", "a")}, "axes must be two different scores, got ('a', 'a')."),
        ({"axes": ("a", {})}, "axes[1] must map columns to weights, got {}."),
        ({"axes": ({"a": -1}, "b")}, "axes[0]['a'] must be a number > 0, got -1."),
        (
            {"line": "middle"},
            "line must be one of ['median', 'mean', 'midpoint'], a number, or a pair of these, got 'middle'.",
        ),
        (
            {"line": (1, 2, 3)},
            "line must be one of ['median', 'mean', 'midpoint'], a number, or a pair of these, got (1, 2, 3).",
        ),
        (
            {"line": (1, np.nan)},
            "line must be one of ['median', 'mean', 'midpoint'], a number, or a pair of these, got (1, nan).",
        ),
        (
            {"lower_is_better": ["c"]},
            "lower_is_better must be one of ['a', 'b'], got 'c'.",
        ),
        (
            {"segments": {"high/high": "x"}},
            (
                "segments must give each of ['high/high', 'high/low', 'low/high', 'low/low'] a different name, "
                "got {'high/high': 'x'}."
            ),
        ),
        (
            {"segments": dict(zip(QUADRANTS, ("x", "y", "z", "x"), strict=True))},
            (
                "segments must give each of ['high/high', 'high/low', 'low/high', 'low/low'] a different name, "
                "got {'high/high': 'x', 'high/low': 'y', 'low/high': 'z', 'low/low': 'x'}."
            ),
        ),
        (
            {"segments": ("x", "y", "z", "w")},
            (
                "segments must give each of ['high/high', 'high/low', 'low/high', 'low/low'] a different name, "
                "got ('x', 'y', 'z', 'w')."
            ),
        ),
    ],
)
def test_parameters_that_cannot_work_are_refused(params, message):
    """Each message has the parameter, the need, the value and a near miss."""
    with pytest.raises(vt.InvalidParameterError) as caught:
        vt.MatrixSegmenter(**{**OWN, **params}).fit(FOUR)
    assert str(caught.value) == message


def test_directions_belong_to_axes_of_ones_own():
    """A preset has its directions; lower_is_better is for the columns of ``axes``."""
    with pytest.raises(vt.InvalidParameterError) as caught:
        vt.MatrixSegmenter(lower_is_better=["spend"]).fit(make())
    assert str(caught.value) == "lower_is_better must be one of [], got 'spend'."
