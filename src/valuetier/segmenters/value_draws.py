"""How sure a lifetime value and its tier are: the same customers under parameters that could be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import clone

from valuetier import _validate as validate
from valuetier._validate import Floats
from valuetier.cuts import Cut
from valuetier.errors import InvalidDataError, InvalidParameterError, NotConvergedError, require_choice
from valuetier.segmenters.lifetime_value import Customers, Terms, lifetime_value

KINDS = ("asymptotic", "weighted", "parametric")

# So many times as many draws are made as needed, if some have no mean order value.
SPARE = 20


def drawn_models(
    model: Any,
    spend: Any,
    population: Customers | None,
    n: int,
    kind: str,
    rng: np.random.Generator,
    *,
    once: bool,
) -> Iterator[tuple[Any, Any]]:
    """Return pairs of models with parameters that the data could have given too.

    Order value models without a population mean (q ≤ 1) cannot value customers who
    bought once and are drawn again.

    Parameters
    ----------
    model, spend : fitted models
    population : Customers or None
        Whom they were fitted to; needed by the bootstraps.
    n : int
    kind : str
        ``"asymptotic"``, ``"weighted"`` or ``"parametric"``.
    rng : numpy.random.Generator
    once : bool
        Whether customers who bought once are to be valued.
    """
    require_choice("kind", kind, KINDS)
    n = validate.whole_number("n_draws", n, 1)
    for role, thing in (("model", model), ("spend", spend)):
        if not hasattr(thing, "draws"):
            raise InvalidParameterError(
                f"{role} must be a model with the methods ['draws', 'bootstrap'], got {thing!r}."
            )
    if kind == "asymptotic":
        counted, valued = model.draws(n, rng), spend.draws(SPARE * n, rng)
    elif population is None:
        raise InvalidDataError(
            f"kind={kind!r} refits the models: pass population=, the customers they were fitted to."
        )
    else:
        counted = model.bootstrap(*population.history, n=n, kind=kind, rng=rng, **population.effects)
        valued = spend.bootstrap(population.history[0], population.m_x, n=n, kind=kind, rng=rng)
    if not len(counted.values):
        raise NotConvergedError(f"None of {n} refits of the purchase model found a maximum.")
    values = valued.values
    if once and "q" in valued.names:
        values = values[values[:, valued.names.index("q")] > 1.0]
    if not len(values):
        raise NotConvergedError(
            "No draw has a mean order value of the population: q is not above 1. Value customers with x ≥ 1."
        )
    for place, parameters in enumerate(counted.values):
        yield model.with_parameters(parameters), spend.with_parameters(values[place % len(values)])


def drawn_values(
    customers: Customers, terms: Terms, models: Iterator[tuple[Any, Any]]
) -> Iterator[tuple[Floats, Any, Any]]:
    """Return, draw by draw, the customers' lifetime values and the models they come from."""
    for model, spend in models:
        yield lifetime_value(customers, model, spend, terms)["clv"], model, spend


def drawn_cut(cut: Cut, population: Customers | None, terms: Terms, model: Any, spend: Any) -> Cut:
    """Return the cut as it is, or learned anew from a population under a draw's models."""
    if population is None:
        return cut
    found: Cut = clone(cut)
    return found.fit(lifetime_value(population, model, spend, terms)["clv"], name="clv")
