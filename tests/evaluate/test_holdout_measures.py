"""A resample is a table in which customers stand several times; cutoffs share it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

import valuetier as vt
from tests.evaluate.holdouts import ORDERS, PYRAMID, BySpend
from valuetier._core.gain import places
from valuetier.evaluate._holdout_cases import BASELINES, Log, build_case, split_at
from valuetier.evaluate._holdout_measures import MEASURES, _at_cutoff, measured, resampled

SEGMENTERS = {"pyramid": PYRAMID, "tiers only": BySpend(0.07), "clv": vt.CLVSegmenter(horizon_days=90)}
LOG = Log(ORDERS, {})


@pytest.fixture(scope="module")
def cases():
    """Return two overlapping cutoffs."""
    days = [date(2024, 5, 31), date(2024, 6, 30)]
    return [build_case(SEGMENTERS, tuple(BASELINES), LOG, parts) for parts in split_at(LOG, days, 90)]


def _repeated(case, again):
    """Return the case with its customers repeated, and ranked anew among themselves."""
    return replace(
        case,
        value=case.value[again],
        orders=case.orders[again],
        codes=tuple(codes[again] for codes in case.codes),
        places=tuple(places(-ranked[again].astype(float)) for ranked in case.places),
        predicted=tuple(made and (made[0][again], made[1][again]) for made in case.predicted),
    )


@pytest.mark.parametrize("seed", range(3))
def test_weights_are_repeated_customers(cases, seed):
    """Every measure, those of the top tier and of predictions too, is that of the repeated rows."""
    case = cases[1]
    again = np.random.default_rng(seed).integers(0, len(case.ids), len(case.ids))
    weights = np.bincount(again, minlength=len(case.ids)).astype(float)
    other = _repeated(case, again)
    by_weight = _at_cutoff(case, places(case.value), weights, 0.2)
    by_rows = _at_cutoff(other, places(other.value), np.ones(len(again)), 0.2)
    for one, two in zip(by_weight, by_rows, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-12)


def test_a_customer_is_drawn_for_all_cutoffs_at_once(cases):
    """The same case twice has the same draws at both cutoffs; different cutoffs rise and fall together."""
    twice = resampled([cases[0], cases[0]], 0.2, 25, seed=0, refit=False).each
    np.testing.assert_array_equal(twice[:, 0], twice[:, 1])
    apart = resampled(cases, 0.2, 200, seed=0, refit=False).each[:, :, 0, MEASURES.index("best_value")]
    assert np.corrcoef(apart.T)[0, 1] > 0.5


def test_draws_lie_around_the_estimates(cases):
    """The middle of the draws of every known measure is within two of their standard errors of the estimate."""
    estimate, draws = measured(cases, 0.2).each, resampled(cases, 0.2, 200, seed=1, refit=False).each
    known = ~np.isnan(estimate)
    spread = draws.std(axis=0)[known]
    away = np.abs(np.median(draws, axis=0)[known] - estimate[known])
    assert (away <= 2.0 * spread + 1e-12).all()
