"""Static covariates: attributes of customers that move their purchase rate or their dropout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from valuetier import _validate as validate
from valuetier._core.compress import Floats
from valuetier.errors import InvalidDataError, InvalidParameterError

ROLES = ("rate", "dropout")


class Covariates(NamedTuple):
    """Named columns, one row per customer: (n, m)."""

    names: tuple[str, ...]
    values: Floats

    def effect(self, coefficients: Mapping[str, float]) -> Floats:
        """Return Σ coefficient × value per customer."""
        return np.asarray(self.values @ np.array([coefficients[name] for name in self.names]))


def read_covariates(
    role: str, values: Any, n: int, expected: Sequence[str] | None = None
) -> Covariates | None:
    """Return covariates of n customers; None if there are none.

    Parameters
    ----------
    role : str
        What they are for: the name of the argument, for messages.
    values : frame or (n, m) array or None
        A frame is taken by name, an array by position ("0", "1", …).
    n : int
    expected : sequence of str, optional
        The names that the model was fitted with, in their order.
    """
    if expected is not None and (values is None) == bool(expected):
        was = f"with {list(expected)}" if expected else "without any"
        raise InvalidDataError(
            f"{role}: the model was fitted {was}, got {'none' if values is None else 'some'}. "
            "Pass the same columns as in fit."
        )
    if values is None:
        return None
    names, columns = _named_columns(role, values)
    if expected is not None:
        if not hasattr(values, "columns") and len(names) == len(expected):
            names = tuple(expected)
        lacking = [name for name in expected if name not in names]
        if lacking:
            raise InvalidDataError(f"{role}: the columns {lacking} are missing, there are {list(names)}.")
        names, columns = tuple(expected), [columns[names.index(name)] for name in expected]
    for name, column in zip(names, columns, strict=True):
        validate.refuse_not_finite(f"{role} {name!r}", column)
        if len(column) not in (1, n):
            raise InvalidDataError(
                f"{role} {name!r} has {len(column)} values for {n} customers. Pass one value per customer."
            )
    table = np.column_stack([np.broadcast_to(column, (n,)) for column in columns])
    if expected is None:
        constant = [name for name, spread in zip(names, np.ptp(table, axis=0), strict=True) if spread == 0]
        if constant:
            raise InvalidDataError(
                f"{role}: the columns {constant} are equal for all customers. A constant moves nothing: "
                "leave it out."
            )
    return Covariates(names, table)


def _named_columns(role: str, values: Any) -> tuple[tuple[str, ...], list[Floats]]:
    if hasattr(values, "columns"):
        names = tuple(str(name) for name in values.columns)
        raw = [values[name] for name in values.columns]
    else:
        table = np.asarray(values)
        if table.ndim != 2:
            raise InvalidDataError(
                f"{role} must be a frame or an array (customers, columns), got shape {table.shape}."
            )
        names, raw = tuple(str(place) for place in range(table.shape[1])), list(table.T)
    return names, [
        validate.float_column(f"{role} {name!r}", column) for name, column in zip(names, raw, strict=True)
    ]


class Design(NamedTuple):
    """How working coefficients make each customer's log-parameters.

    ``matrices`` has one design per parameter, its first column ones; covariates are centred
    and scaled in it. None if there are no covariates. ``back`` carries coefficients of the
    scaled columns to those of the original ones, ``names`` are those of the latter,
    parameters first; ``searched`` are the same in the order of the working coefficients.
    """

    matrices: tuple[Floats, ...] | None
    back: Floats
    names: tuple[str, ...]
    searched: tuple[str, ...]


def design(
    parameters: Sequence[str], effects: Sequence[tuple[str, str, float, Covariates | None]], n: int
) -> Design:
    """Return the design of n rows for effects (role, parameter, sign, covariates)."""
    if all(found is None for *_, found in effects):
        return Design(None, np.eye(len(parameters)), tuple(parameters), tuple(parameters))
    matrices, sizes = [], []
    on = {parameter: (sign, found.values) for _, parameter, sign, found in effects if found is not None}
    for parameter in parameters:
        columns = [np.ones((n, 1))]
        if parameter in on:
            sign, values = on[parameter]
            columns.append(sign * (values - values.mean(axis=0)) / values.std(axis=0))
        matrices.append(np.ascontiguousarray(np.hstack(columns)))
        sizes.append(matrices[-1].shape[1])
    starts = np.concatenate(([0], np.cumsum(sizes)))[:-1]
    total = sum(sizes)
    names, rows = list(parameters), [np.eye(total)[start] for start in starts]
    searched = [""] * total
    for parameter, start in zip(parameters, starts, strict=True):
        searched[start] = parameter
    for role, parameter, sign, found in effects:
        if found is None:
            continue
        place = parameters.index(parameter)
        mean, scale = found.values.mean(axis=0), found.values.std(axis=0)
        for column, name in enumerate(found.names):
            own = np.eye(total)[starts[place] + 1 + column] / scale[column]
            searched[starts[place] + 1 + column] = f"{role}[{name}]"
            rows[place] = rows[place] - sign * mean[column] * own
            rows.append(own)
            names.append(f"{role}[{name}]")
    return Design(tuple(matrices), np.array(rows), tuple(names), tuple(searched))


def coefficients(role: str, values: Mapping[str, float] | None) -> dict[str, float]:
    """Return given coefficients by name, finite."""
    found = {str(name): float(value) for name, value in (values or {}).items()}
    if not np.isfinite(list(found.values())).all():
        raise InvalidParameterError(f"{role} must be finite numbers by name, got {found}.")
    return found


def effects_by_role(names: Sequence[str], values: Floats) -> dict[str, dict[str, float]]:
    """Return the coefficients among named values, by role and covariate: "rate[age]" and so on."""
    found: dict[str, dict[str, float]] = {role: {} for role in ROLES}
    for name, value in zip(names, values, strict=True):
        role, _, rest = name.partition("[")
        if rest:
            found[role][rest.removesuffix("]")] = float(value)
    return found
