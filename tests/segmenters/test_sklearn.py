"""scikit-learn's own checks, on every installed segmenter."""

from __future__ import annotations

import pytest
from sklearn.base import BaseEstimator
from sklearn.utils.estimator_checks import estimator_checks_generator

import valuetier as vt
from tests.segmenters.customer_tables import INSTALLED

pytestmark = pytest.mark.usefixtures("few_bootstraps")

TWO_COLUMNS = "the check passes two columns; this segmenter needs three"
FEW_COLUMNS = "the check passes two or three columns; a purchase history has x, t_x, T, and m_x for its value"
NO_HISTORY = "the check passes random numbers; x is a whole number, 0 ≤ t_x ≤ T, and none is negative"

WITH_TWO_COLUMNS = dict.fromkeys(
    (
        "check_estimators_overwrite_params",
        "check_estimators_fit_returns_self",
        "check_readonly_memmap_input",
        "check_fit_idempotent",
        "check_fit_check_is_fitted",
        "check_n_features_in",
    ),
    TWO_COLUMNS,
)
WITHOUT_HISTORY = {
    **dict.fromkeys(WITH_TWO_COLUMNS, FEW_COLUMNS),
    **dict.fromkeys(
        (
            "check_fit_score_takes_y",
            "check_dont_overwrite_parameters",
            "check_pipeline_consistency",
            "check_estimators_nan_inf",
            "check_estimators_pickle",
            "check_f_contiguous_array_estimator",
            "check_transformer_data_not_an_array",
            "check_transformer_general",
            "check_transformer_preserve_dtypes",
            "check_methods_sample_order_invariance",
            "check_methods_subset_invariance",
            "check_dict_unchanged",
            "check_fit2d_predict1d",
        ),
        FEW_COLUMNS,
    ),
    **dict.fromkeys(
        (
            "check_n_features_in_after_fitting",
            "check_positive_only_tag_during_fit",
            "check_estimators_dtypes",
            "check_dtype_object",
        ),
        NO_HISTORY,
    ),
}
EXPECTED_FAILURES = {
    "rfm": WITH_TWO_COLUMNS,
    "kaism": WITH_TWO_COLUMNS,
    "kmeans": WITH_TWO_COLUMNS,
    "cluster": WITH_TWO_COLUMNS,
    "rules": WITH_TWO_COLUMNS,
    "scorecard": WITH_TWO_COLUMNS,
    "clv": WITHOUT_HISTORY,
    "lifecycle": WITHOUT_HISTORY,
}

HIGH_AND_LOW = {"High": {"a": {">=": "p50"}, "b": {">": "p20"}}, "Low": {}}

# With two columns to read, nothing is left that cannot apply.
NARROW = {
    "cluster": vt.ClusterSegmenter(features=("a", "b"), order_by="a"),
    "kmeans": vt.KMeansSegmenter(features=("a", "b"), order_by="a"),
    "kaism": vt.KAISMSegmenter(attractiveness={"a": 1}, strength={"b": 2}),
    "pyramid": vt.PyramidSegmenter(preset="hml"),
    "rules": vt.RuleSegmenter(rules=HIGH_AND_LOW),
    "scorecard": vt.ScorecardSegmenter(indicators={"a": 1, "b": 2}),
}


def _name_of(check) -> str:
    return getattr(check, "func", check).__name__


def _checks(segmenter, expected):
    """Yield scikit-learn's checks but the one of array libraries that no segmenter says it supports."""
    for case in estimator_checks_generator(segmenter, expected_failed_checks=expected, mark="xfail"):
        estimator, check = getattr(case, "values", case)
        if _name_of(check) != "check_array_api_input":
            label = f"{type(estimator).__name__}-{_name_of(check)}"
            yield pytest.param(estimator, check, marks=getattr(case, "marks", ()), id=label)


def _default_cases():
    for name in INSTALLED:
        segmenter = vt.get_segmenter(name)
        if isinstance(segmenter, BaseEstimator):
            yield from _checks(segmenter, EXPECTED_FAILURES.get(name, {}))


@pytest.mark.parametrize(("segmenter", "check"), list(_default_cases()))
def test_scikit_learn_check_with_default_parameters(segmenter, check):
    """Each installed estimator passes the check, or fails for the reason given above."""
    check(segmenter)


@pytest.mark.parametrize(
    ("segmenter", "check"), [case for narrow in NARROW.values() for case in _checks(narrow, {})]
)
def test_scikit_learn_check_with_few_columns(segmenter, check):
    """Where two columns are enough, every single check passes."""
    check(segmenter)


def test_expected_failures_name_real_checks():
    """No check is excused that scikit-learn does not have, nor a segmenter that is not installed."""
    known = {
        _name_of(getattr(case, "values", case)[1])
        for case in estimator_checks_generator(vt.PyramidSegmenter())
    }
    assert set(EXPECTED_FAILURES) <= set(INSTALLED)
    for excused in EXPECTED_FAILURES.values():
        assert set(excused) <= known
