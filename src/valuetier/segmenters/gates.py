"""Gates: conditions on single columns that cap a customer's tier, whatever its score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from valuetier import _validate as validate
from valuetier._core.cuts import Codes
from valuetier._validate import Floats
from valuetier.base import Names
from valuetier.errors import InvalidParameterError, require_choice
from valuetier.store import storable

COMPARISONS: Mapping[str, Callable[..., NDArray[np.bool_]]] = MappingProxyType(
    {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal, "==": np.equal}
)


@storable
@dataclass(frozen=True, slots=True)
class Gate:
    """A condition on one column and the best tier that customers who meet it can still get.

    Attributes
    ----------
    column : str
    comparison : str
        ``">"``, ``">="``, ``"<"``, ``"<="`` or ``"=="``.
    value : float
        In the unit of the column.
    best_tier : str
        English or Chinese name of the best tier still allowed.

    Examples
    --------
    >>> Gate("overdue_days", ">", 90, "Ordinary").strikes(np.array([0.0, 90.0, 120.0])).tolist()
    [False, False, True]
    """

    column: str
    comparison: str
    value: float
    best_tier: str

    def __post_init__(self) -> None:
        require_choice("comparison", self.comparison, COMPARISONS)
        validate.finite_number("value", self.value)

    def strikes(self, values: Floats) -> NDArray[np.bool_]:
        """Return for which values the condition holds."""
        return COMPARISONS[self.comparison](values, float(self.value))


def read_gates(gates: Sequence[Any]) -> tuple[Gate, ...]:
    """Return gates, also those written as (column, comparison, value, best_tier), or as such a mapping."""
    try:
        return tuple(_gate(gate) for gate in gates)
    except TypeError:
        raise InvalidParameterError(
            "gates must be a sequence of Gate(column, comparison, value, best_tier) or of such four "
            f"values, got {gates!r}."
        ) from None


def _gate(given: Any) -> Gate:
    if isinstance(given, Gate):
        return given
    return Gate(**given) if isinstance(given, Mapping) else Gate(*given)


def caps_of(gates: Sequence[Gate], tiers: Names) -> tuple[int, ...]:
    """Return the code of the best tier that each gate allows.

    Raises
    ------
    InvalidParameterError
        If a gate names no tier, or the best one, which caps nobody.
    """
    position = {name: code for code, names in enumerate(tiers) for name in names}
    for gate in gates:
        require_choice("best_tier", gate.best_tier, position)
        if position[gate.best_tier] == 0:
            raise InvalidParameterError(
                f"best_tier {gate.best_tier!r} of the gate on {gate.column!r} is the best tier of all, so "
                "the gate caps nobody. Name a lower one."
            )
    return tuple(position[gate.best_tier] for gate in gates)


def apply_gates(
    codes: Codes, columns: Mapping[str, Floats], gates: Sequence[Gate], caps: Sequence[int]
) -> tuple[Codes, Codes]:
    """Return the capped codes, and the number (from 1) of the gate that lowered each; 0 none.

    Where several gates strike, the lowest cap holds; of equal ones the first is named.
    """
    capped, struck = np.array(codes, dtype=np.int64), np.zeros(len(codes), dtype=np.int64)
    for number, (gate, cap) in enumerate(zip(gates, caps, strict=True), start=1):
        lowers = gate.strikes(columns[gate.column]) & (capped < cap)
        capped[lowers], struck[lowers] = cap, number
    return capped, struck
