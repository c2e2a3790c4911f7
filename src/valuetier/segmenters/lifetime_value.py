"""Expected lifetime value of customers from a purchase model and an order value model, in days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from valuetier._core.compress import distinct_rows, significant
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError

DAYS_PER_YEAR = 365.0


@dataclass(frozen=True, slots=True)
class Customers:
    """What the models need of some customers: times in days, amounts in one currency.

    ``effects`` holds the covariates of the purchase model by the name of its argument.
    """

    history: tuple[Floats, Floats, Floats]
    m_x: Floats
    margin: Floats
    effects: dict[str, Floats]


@dataclass(frozen=True, slots=True)
class Terms:
    """How far one looks ahead, in days, and what a later amount is worth."""

    horizon_days: float
    annual_discount_rate: float

    @property
    def daily_rate(self) -> float:
        """The continuous rate per day."""
        return float(np.log1p(self.annual_discount_rate)) / DAYS_PER_YEAR


def lifetime_value(customers: Customers, model: Any, spend: Any, terms: Terms) -> dict[str, Floats]:
    """Return the evidence: chance to be alive, orders, order value and lifetime value.

    Over an infinite horizon the undiscounted orders are those of one year.
    """
    x, t_x, T = customers.history
    columns = [column for values in customers.effects.values() for column in values.T]
    rows = distinct_rows(x, t_x, T, *columns)
    table = [np.ascontiguousarray(column) for column in rows.rows.T]
    history, rest = tuple(table[:3]), table[3:]
    effects: dict[str, Floats] = {}
    for name, values in customers.effects.items():
        effects[name] = np.column_stack(rest[: values.shape[1]])
        rest = rest[values.shape[1] :]
    try:
        alive = model.probability_alive(*history, **effects)
    except InvalidDataError:
        model.probability_alive(x, t_x, T, **customers.effects)  # counts customers, not distinct histories
        raise
    rate = terms.daily_rate
    if getattr(model, "discrete_time", False):
        rate = float(np.expm1(rate))
    if np.isinf(terms.horizon_days):
        discounted = model.dert(*history, rate, **effects)
    else:
        discounted = model.discounted_expected_purchases(terms.horizon_days, rate, *history, **effects)
    ahead = terms.horizon_days if np.isfinite(terms.horizon_days) else DAYS_PER_YEAR
    orders = model.conditional_expected_purchases(ahead, *history, **effects)
    value = spend.expected_value(x, customers.m_x)
    discounted_orders = discounted[rows.inverse]
    return {
        "probability_alive": alive[rows.inverse],
        "expected_orders": orders[rows.inverse],
        "discounted_orders": discounted_orders,
        "expected_order_value": value,
        "clv": significant(discounted_orders * value * customers.margin),
    }
