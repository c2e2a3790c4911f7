"""The presets of two axes and four segments: data, each complete and disjoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from valuetier import _validate as validate
from valuetier._validate import Floats
from valuetier.errors import InvalidParameterError

# The quadrants in the order of their codes: side on the first axis, side on the second.
QUADRANTS = ("high/high", "high/low", "low/high", "low/low")

Segments = Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Axis:
    """A score made of one or more columns.

    Attributes
    ----------
    label : str
        Name of the score.
    columns : tuple of str
        What it is made of.
    read : callable
        From those columns, shape (n, k), to the score.
    lower_is_better : bool
        Which side of the line is the better one.
    midpoint : float or None
        Middle of its scale; None: the middle between the smallest and largest score.
    turns : callable or None
        From those columns, the position of one and a line to the values (n, m) of that one, close to
        where the score reaches the line. None for weighted ratings.
    highest : float
        Of its columns.
    lowest : float
        Of its columns.
    """

    label: str
    columns: tuple[str, ...]
    read: Callable[[Floats], Floats]
    lower_is_better: bool = False
    midpoint: float | None = None
    turns: Callable[[Floats, int, float], Floats] | None = None
    lowest: float = -np.inf
    highest: float = np.inf


@dataclass(frozen=True, slots=True)
class Matrix:
    """Two axes, where their lines lie, and the name of each quadrant.

    Attributes
    ----------
    axes : (Axis, Axis)
    line : (str or float, str or float)
    segments : mapping
        Quadrant → (English, Chinese) name.
    source : str
    product : str or None
        What the product of both scores means, where it means something.
    """

    axes: tuple[Axis, Axis]
    line: tuple[str | float, str | float]
    segments: Segments
    source: str
    product: str | None = None


def column_axis(name: str, *, lower_is_better: bool = False) -> Axis:
    """Return the axis that is a column as it stands."""
    return Axis(name, (name,), lambda columns: columns[:, 0], lower_is_better, turns=_on_line)


def _on_line(columns: Floats, at: int, line: float) -> Floats:  # noqa: ARG001  # one column, position 0
    return np.full((len(columns), 1), line)


def _mean_amount(columns: Floats) -> Floats:
    """Return spend per order; who never ordered has no order to be worth anything."""
    spend, orders = columns.T
    return np.divide(spend, orders, out=np.zeros(len(spend)), where=orders > 0)


def _mean_amount_turns(columns: Floats, at: int, line: float) -> Floats:
    """Return the spend that makes a mean amount, or the orders that do, and 0 orders, which make none."""
    spend, orders = columns.T
    if at == 0:
        return np.asarray(orders * line)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        turns = spend / line
    return np.column_stack([np.where(np.isfinite(turns), turns, np.nan), np.zeros(len(turns))])


def _not_alive_turns(columns: Floats, at: int, line: float) -> Floats:  # noqa: ARG001  # as above
    return np.full((len(columns), 1), 1.0 - line)


def _not_alive(columns: Floats) -> Floats:
    alive = columns[:, 0]
    outside = (alive < 0) | (alive > 1)
    validate.refuse("probability_alive", outside, "lie outside 0-1", "Pass probabilities.")
    return np.asarray(1.0 - alive)


MEAN_AMOUNT = Axis("mean_order_amount", ("spend", "orders"), _mean_amount, turns=_mean_amount_turns)
NOT_ALIVE = Axis(
    "probability_not_alive", ("probability_alive",), _not_alive, True, None, _not_alive_turns, 0.0, 1.0
)

MATRICES: Mapping[str, Matrix] = MappingProxyType(
    {
        "customer_value": Matrix(
            axes=(column_axis("orders"), MEAN_AMOUNT),
            line=("mean", "mean"),
            segments=MappingProxyType(
                {
                    "high/high": ("Best", "最佳客户"),
                    "high/low": ("Frequent", "高频客户"),
                    "low/high": ("Spender", "高额客户"),
                    "low/low": ("Uncertain", "不确定客户"),
                }
            ),
            source="Marcus (1998), A practical yet meaningful approach to customer segmentation",
        ),
        "clv_x_referral": Matrix(
            axes=(column_axis("clv"), column_axis("referral_value")),
            line=("median", "median"),
            segments=MappingProxyType(
                {
                    "high/high": ("Champions", "拥护者"),
                    "high/low": ("Affluents", "富裕者"),
                    "low/high": ("Advocates", "宣扬者"),
                    "low/low": ("Misers", "守财者"),
                }
            ),
            source="Kumar, Petersen & Leone (2007), How valuable is word of mouth?",
        ),
        "profit_x_loyalty": Matrix(
            axes=(column_axis("profit"), column_axis("loyalty")),
            line=("median", "median"),
            segments=MappingProxyType(
                {
                    "high/high": ("True friends", "挚友型客户"),
                    "high/low": ("Butterflies", "蝴蝶型客户"),
                    "low/high": ("Barnacles", "藤壶型客户"),
                    "low/low": ("Strangers", "陌生人型客户"),
                }
            ),
            source="Reinartz & Kumar (2002), The mismanagement of customer loyalty",
        ),
        "value_x_risk": Matrix(
            axes=(
                column_axis("spend"),
                NOT_ALIVE,
            ),
            line=("median", 0.5),
            segments=MappingProxyType(
                {
                    "high/high": ("Rescue", "优先挽留客户"),
                    "high/low": ("Core", "核心客户"),
                    "low/high": ("Fading", "淡出客户"),
                    "low/low": ("Steady", "平稳客户"),
                }
            ),
            source="value at risk: current value × P(not alive)",
            product="value_at_risk",
        ),
    }
)

# What a matrix of the user's own axes has unless told otherwise.
PLAIN = replace(
    MATRICES["customer_value"],
    line=("median", "median"),
    segments=MappingProxyType(
        {
            "high/high": ("High/high", "双高客户"),
            "high/low": ("High/low", "前高后低客户"),
            "low/high": ("Low/high", "前低后高客户"),
            "low/low": ("Low/low", "双低客户"),
        }
    ),
    source="two axes of one's own",
)


def read_segments(segments: Mapping[str, Any]) -> Segments:
    """Return (English, Chinese) names by quadrant.

    Raises
    ------
    InvalidParameterError
        Unless each of the four quadrants has a name of its own.
    """
    given = dict(segments) if isinstance(segments, Mapping) else {}
    try:
        pairs = {q: (n, n) if isinstance(n, str) else (str(n[0]), str(n[1])) for q, n in given.items()}
    except (TypeError, LookupError):
        pairs = {}
    languages = [set(language) for language in zip(*pairs.values(), strict=True)]
    if set(pairs) != set(QUADRANTS) or any(len(language) != 4 for language in languages):
        raise InvalidParameterError(
            f"segments must give each of {list(QUADRANTS)} a different name, got {segments!r}."
        )
    return pairs
