"""What is measured of each ranking on the holdout, and how much it could be chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier._core.cuts import Codes
from valuetier._core.gain import Places, cumulative, gini_of, inside, places, rank_correlation
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError, ValueTierError
from valuetier.evaluate._holdout_cases import Case, learned_anew

MEASURES = (
    "top_customers", "top_value", "top_orders", "top_lift", "top_precision",
    "best_value", "best_orders", "gini", "rank_correlation", "spend_ratio", "orders_ratio",
)  # fmt: skip
BINS = 10
FEWEST_RESAMPLES = 20
NO_TIERS = (np.nan, np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Measures of k rankings, s of them segmenters, at c cutoffs.

    ``each``: (…, c, k, measures). ``at_size``: (…, c, s, k), the value that ranking k finds among as
    many customers as segmenter s has in its top tier. In front stands the resample, if any.
    """

    each: Floats
    at_size: Floats


def measured(cases: Sequence[Case], best_share: float) -> Measured:
    """Return the measures at every cutoff."""
    truths = [places(case.value) for case in cases]
    return _weighed(cases, truths, [np.ones(len(case.ids)) for case in cases], best_share)


def resampled(cases: Sequence[Case], best_share: float, n: int, seed: int, *, refit: bool) -> Measured:
    """Return the measures in ``n`` resamples of the customers; with ``refit`` by segmenters learned from each.

    A customer is drawn once for all rankings and cutoffs, so that differences are paired and the
    cutoffs' dependence is kept. Resamples from which a segmenter cannot learn are left out.
    """
    everyone = pd.Index(pd.unique(np.concatenate([case.ids for case in cases])))
    there = [everyone.get_indexer(pd.Index(case.ids)) for case in cases]
    truths = [places(case.value) for case in cases]
    rng = np.random.default_rng(seed)
    draws = []
    for _ in range(n):
        drawn = rng.integers(0, len(everyone), len(everyone))
        counts = np.bincount(drawn, minlength=len(everyone)).astype(np.float64)
        weights = [counts[rows] for rows in there]
        judged = _learned_anew(cases, weights) if refit else cases
        if judged:
            draws.append(_weighed(judged, truths, weights, best_share))
    if len(draws) < FEWEST_RESAMPLES:
        raise InvalidDataError(
            f"Only {len(draws)} of {n} resamples of the {len(everyone)} customers could be learned from, and "
            f"{FEWEST_RESAMPLES} are needed. Use a log of more customers, or refit=False."
        )
    return Measured(np.stack([one.each for one in draws]), np.stack([one.at_size for one in draws]))


def _learned_anew(cases: Sequence[Case], weights: Sequence[Floats]) -> list[Case]:
    """Return the cases with segmenters fitted to a resample; none if one cannot learn from it."""
    try:
        return [learned_anew(*one) for one in zip(cases, weights, strict=True)]
    except (ValueTierError, ValueError):
        return []


def _weighed(
    cases: Sequence[Case], truths: Sequence[Places], weights: Sequence[Floats], best_share: float
) -> Measured:
    found = [_at_cutoff(*one, best_share) for one in zip(cases, truths, weights, strict=True)]
    return Measured(np.stack([each for each, _ in found]), np.stack([at_size for _, at_size in found]))


def _at_cutoff(case: Case, truth: Places, weights: Floats, best_share: float) -> tuple[Floats, Floats]:
    """Return the measures (k, measures) and values at the sizes of the top tiers (s, k) at one cutoff."""
    total = float(weights.sum())
    value, orders = weights * case.value, weights * case.orders
    tops = [codes == 0 for codes in case.codes]
    sizes = np.array([float(weights[top].sum()) / total if total else np.nan for top in tops])
    perfect = gini_of(cumulative(truth, weights), cumulative(truth, value))
    at_size = np.empty((len(tops), len(case.places)))
    rows = []
    for k, ranked in enumerate(case.places):
        customers, gain, bought = (cumulative(ranked, mass) for mass in (weights, value, orders))
        at_size[:, k] = np.interp(sizes, customers, gain)
        row = {
            "best_value": np.interp(best_share, customers, gain),
            "best_orders": np.interp(best_share, customers, bought),
            "gini": gini_of(customers, gain) / perfect if perfect > 0 else np.nan,
            "rank_correlation": rank_correlation(ranked, truth, weights),
        }
        if k < len(tops):
            row["top_customers"], row["top_value"] = sizes[k], at_size[k, k]
            row["top_orders"] = np.interp(sizes[k], customers, bought)
            row |= _of_the_top(tops[k], truth, weights, row) if sizes[k] > 0 else {}
            row |= _ratios(case.predicted[k], weights, value.sum(), orders.sum())
        rows.append([row.get(name, np.nan) for name in MEASURES])
    return np.array(rows), at_size


def _of_the_top(
    top: NDArray[np.bool_], truth: Places, weights: Floats, row: dict[str, float]
) -> dict[str, float]:
    """Return lift and precision of a top tier that somebody is in."""
    size = row["top_customers"]
    truly = inside(truth, weights, size)[truth[top]]
    return {
        "top_lift": row["top_value"] / size,
        "top_precision": float((weights[top] * truly).sum() / weights[top].sum()),
    }


def _ratios(
    made: tuple[Floats, Floats] | None, weights: Floats, value: float, orders: float
) -> dict[str, float]:
    """Return predicted spend over actual spend, and the same of orders; nothing without a prediction."""
    if made is None or not value > 0:
        return {}
    predicted_orders, predicted_spend = made
    return {
        "spend_ratio": float((weights * predicted_spend).sum()) / value,
        "orders_ratio": float((weights * predicted_orders).sum()) / orders,
    }


def decile_table(cases: Sequence[Case], names: Sequence[str]) -> pd.DataFrame:
    """Return the share of value and of orders in each tenth of the customers, best first, mean over cutoffs."""
    rows = []
    for k, name in enumerate(names):
        shares = [(_tenths(c.places[k], c.value), _tenths(c.places[k], c.orders)) for c in cases]
        value, orders = np.mean(shares, axis=0)
        rows.append(pd.DataFrame({
            "name": name, "decile": np.arange(1, BINS + 1), "value_share": value, "orders_share": orders,
            "lift": value * BINS,
        }))  # fmt: skip
    return pd.concat(rows, ignore_index=True)


def _tenths(ranked: Places, amounts: Floats) -> Floats:
    customers = cumulative(ranked, np.ones(len(ranked)))
    return np.diff(np.interp(np.linspace(0.0, 1.0, BINS + 1), customers, cumulative(ranked, amounts)))


def calibration_table(cases: Sequence[Case], names: Sequence[str]) -> pd.DataFrame:
    """Return predicted and actual spend and orders per customer by tenth of the prediction, highest first.

    Means over the cutoffs; empty if nobody predicts.
    """
    columns = ["name", "bin", "predicted_spend", "actual_spend", "predicted_orders", "actual_orders"]
    rows = [pd.DataFrame(columns=columns).astype({"bin": int, **dict.fromkeys(columns[2:], float)})]
    for k in range(len(cases[0].predicted)):
        binned = [_binned(case, made) for case in cases if (made := case.predicted[k]) is not None]
        if not binned:
            continue
        found = np.mean(binned, axis=0)
        row = {"name": names[k], "bin": np.arange(1, BINS + 1), **dict(zip(columns[2:], found, strict=True))}
        rows.append(pd.DataFrame(row))
    return pd.concat(rows[1:] or rows, ignore_index=True)


def _binned(case: Case, made: tuple[Floats, Floats]) -> list[Floats]:
    """Return the means per customer in each tenth: predicted and actual spend, predicted and actual orders."""
    orders, spend = made
    ranked = places(spend, orders)
    size = len(ranked) / BINS
    return [
        _tenths(ranked, amounts) * (amounts.sum() / size) if amounts.any() else np.zeros(BINS)
        for amounts in (spend, case.value, orders, case.orders)
    ]


def stability_table(cases: Sequence[Case], names: Sequence[str]) -> pd.DataFrame:
    """Return how alike the tiers and the order of the same customers are from one cutoff to the next.

    same_tier: share in the tier of the same rank. top_kept: of those in the top tier, the share that
    still is. Both NaN for baselines. rank_correlation: of the two rankings (Spearman).
    """
    rows = []
    for before, after in pairwise(cases):
        there = pd.Index(after.ids).get_indexer(pd.Index(before.ids))
        here = np.flatnonzero(there >= 0)  # whose only order was undone since is in no later table
        there = there[here]
        for k, name in enumerate(names):
            tiers = k < len(before.codes)
            same, kept = _kept(before.codes[k][here], after.codes[k][there]) if tiers else NO_TIERS
            alike = rank_correlation(before.places[k][here], after.places[k][there], np.ones(len(there)))
            rows.append((before.cutoff, after.cutoff, name, same, kept, alike))
    numbers = ["same_tier", "top_kept", "rank_correlation"]
    table = pd.DataFrame(rows, columns=["cutoff", "next_cutoff", "name", *numbers])
    return table.astype(dict.fromkeys(numbers, np.float64))


def _kept(before: Codes, after: Codes) -> tuple[float, float]:
    top = before == 0
    same = float(np.mean(before == after)) if len(top) else np.nan
    return same, float(np.mean(after[top] == 0)) if top.any() else np.nan
