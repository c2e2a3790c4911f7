"""Choosing among fitted models: information criteria and likelihood-ratio tests."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from valuetier.errors import InvalidDataError

COLUMNS = [
    "model", "parameters", "log_likelihood", "aic", "bic", "aic_difference", "aic_weight",
    "converged", "within", "lr_statistic", "p_value",
]  # fmt: skip


def compare_models(*models: Any) -> pd.DataFrame:
    """Return one row per fitted model, the best by AIC first.

    Parameters
    ----------
    *models : fitted models
        Of the same customers and the same kind of data. A list of them is taken too.

    Returns
    -------
    pandas.DataFrame
        - ``model``, ``parameters``: its name, and how many it has
        - ``log_likelihood``; ``aic`` = 2 k - 2 LL; ``bic`` = k log n - 2 LL: smaller is better
        - ``aic_difference`` to the best; ``aic_weight``: relative likelihood, sums to 1
        - ``converged``: whether the fit found a maximum
        - ``within``, ``lr_statistic``, ``p_value``: the likelihood-ratio test against the
          largest model here that this one is nested in (the same model with fewer
          covariates). A small p-value speaks for the larger one. Empty where there is none.

    Raises
    ------
    InvalidDataError
        If fewer than two models are given, or they were not fitted to as many customers.

    Examples
    --------
    >>> import valuetier as vt
    >>> customers = vt.summarize(vt.datasets.load_cdnow_orders(), as_of="1997-09-30").customers
    >>> history = customers["x"], customers["t_x"], customers["T"]
    >>> found = compare_models(vt.BGNBD().fit(*history), vt.MBGNBD().fit(*history))
    >>> found[["model", "parameters", "aic_difference"]].round(1).values.tolist()
    [['MBGNBD', 4, 0.0], ['BGNBD', 4, 63.0]]
    """
    fitted = list(models[0]) if len(models) == 1 and isinstance(models[0], Sequence) else list(models)
    _same_customers(fitted)
    rows = float(fitted[0].report_.rows)
    table = pd.DataFrame({
        "model": _names(fitted),
        "parameters": [_size(model) for model in fitted],
        "log_likelihood": [float(model.log_likelihood_) for model in fitted],
    })  # fmt: skip
    loss = -2.0 * table["log_likelihood"]
    table["aic"] = 2.0 * table["parameters"] + loss
    table["bic"] = np.log(rows) * table["parameters"] + loss
    table["aic_difference"] = table["aic"] - table["aic"].min()
    relative = np.exp(-table["aic_difference"] / 2.0)
    table["aic_weight"] = relative / relative.sum()
    table["converged"] = [bool(model.report_.converged) for model in fitted]
    tests = [_test(model, fitted, table["model"].tolist()) for model in fitted]
    table[["within", "lr_statistic", "p_value"]] = pd.DataFrame(tests, index=table.index)
    return table[COLUMNS].sort_values("aic", kind="stable", ignore_index=True)


def likelihood_ratio_test(smaller: Any, larger: Any) -> tuple[float, float]:
    """Return twice the gain in log-likelihood of the larger of two nested models, and its p-value.

    A p-value below 0.05 says that the larger model fits better than chance would let it.

    Raises
    ------
    InvalidDataError
        If the models are not nested or were not fitted to as many customers.
    """
    _same_customers([smaller, larger])
    if not _nested(smaller, larger):
        raise InvalidDataError(
            f"{type(smaller).__name__} is not nested in {type(larger).__name__}: a likelihood-ratio test "
            "needs the same model with fewer covariates. Compare them by AIC."
        )
    gain = max(2.0 * (larger.log_likelihood_ - smaller.log_likelihood_), 0.0)
    return float(gain), float(stats.chi2.sf(gain, _size(larger) - _size(smaller)))


def _same_customers(models: Sequence[Any]) -> None:
    if len(models) < 2:
        raise InvalidDataError(f"At least 2 fitted models are needed to compare, got {len(models)}.")
    for model in models:
        if not hasattr(model, "log_likelihood_"):
            raise InvalidDataError(f"{type(model).__name__} has no log-likelihood: fit it to data first.")
        if not getattr(model, "comparable_", True):
            raise InvalidDataError(
                f"{type(model).__name__} was fitted without sum_log_gaps: its likelihood lacks a constant and "
                "cannot be compared. Fit it with vt.sum_log_gaps(orders)."
            )
    for one, other in pairwise(models):
        if abs(one.report_.rows - other.report_.rows) > 1e-9 * one.report_.rows:
            raise InvalidDataError(
                f"The models were fitted to {one.report_.rows:g} and {other.report_.rows:g} customers. "
                "Fit all of them to the same ones."
            )
        (kind, *totals), (other_kind, *other_totals) = one.observed_, other.observed_
        if kind != other_kind or not np.allclose(totals, other_totals, rtol=1e-9, atol=0):
            raise InvalidDataError(
                f"The models were fitted to different data: {kind} and {other_kind}, with other totals. "
                "Fit all of them to the same customers, in the same unit of time."
            )


def _size(model: Any) -> int:
    """Return the number of parameters; a regularity that was searched for is one."""
    searched = hasattr(model, "k_") and model.k is None
    return len(model.standard_errors_) + int(searched)


def _names(models: Sequence[Any]) -> list[str]:
    """Return a name for each model that tells it from the others."""
    names = []
    for model in models:
        effects = [name for name in model.standard_errors_ if "[" in name]
        inside = ([f"k={model.k_}"] if hasattr(model, "k_") else []) + effects
        names.append(type(model).__name__ + (f"({', '.join(inside)})" if inside else ""))
    return names


def _nested(smaller: Any, larger: Any) -> bool:
    same = type(smaller) is type(larger) and getattr(smaller, "k_", 1) == getattr(larger, "k_", 1)
    return bool(same and set(smaller.standard_errors_) < set(larger.standard_errors_))


def _test(model: Any, models: Sequence[Any], names: Sequence[str]) -> dict[str, Any]:
    around = [place for place, other in enumerate(models) if _nested(model, other)]
    if not around:
        return {"within": None, "lr_statistic": np.nan, "p_value": np.nan}
    largest = max(around, key=lambda place: _size(models[place]))
    statistic, p_value = likelihood_ratio_test(model, models[largest])
    return {"within": names[largest], "lr_statistic": statistic, "p_value": p_value}
