"""Who was treated and who was held out, read from the table of groups that was kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier import tables
from valuetier._core.arms import CONTROL, TREATED
from valuetier._core.cuts import Codes
from valuetier.customers.dates import as_day
from valuetier.errors import InvalidDataError, InvalidParameterError, MissingColumnsError

GROUP, TIER, REACHED = "group", "tier", "reached"


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Customers of an experiment: ``codes`` are places in ``tiers``; ``reached`` is None where nobody noted it."""

    ids: NDArray[Any]
    codes: Codes
    tiers: tuple[str, ...]
    treated: NDArray[np.bool_]
    reached: NDArray[np.bool_] | None


def read_groups(groups: Any) -> Groups:
    """Return the groups of a table, or of a plan or anything else with a table called ``groups``."""
    frame = tables.as_frame(groups)
    if frame is None and hasattr(groups, "groups"):
        frame = tables.as_frame(groups.groups)
    if frame is None:
        raise InvalidDataError(
            f"groups must be a table with {tables.ID} and {GROUP}, or have one called groups, got a "
            f"{type(groups).__name__}. Make one with valuetier.strategy.control_group."
        )
    eager = nw.from_native(tables.materialised(frame.to_native()), eager_only=True)
    by = next((name for name in (GROUP, TREATED, CONTROL) if name in eager.columns), GROUP)
    missing = [name for name in (tables.ID, by) if name not in eager.columns]
    if missing:
        raise MissingColumnsError(f"groups lacks {missing}. It has {eager.columns}.")
    tables.check_unique(eager[tables.ID])
    codes, tiers = _tiers(eager)
    return Groups(np.asarray(eager[tables.ID].to_numpy()), codes, tiers, _treated(eager[by]), _reached(eager))


def refuse_start_before_the_lot(groups: Any, start: Any) -> None:
    """Raise if a plan says of what day it is, and the orders to be judged begin before it."""
    made, first = getattr(groups, "as_of", None), as_day(start, "start")
    if made is not None and first is not None and first < made:
        raise InvalidParameterError(
            f"start must not be before {made}, the day of the plan: until then nobody was treated, got {first}."
        )


def _treated(series: nw.Series[Any]) -> NDArray[np.bool_]:
    names = np.array(series.to_list(), dtype=object)
    if series.name in (TREATED, CONTROL):
        names = _by_name(names, series.name)
    treated, control = names == TREATED, names == CONTROL
    unknown = int((~(treated | control)).sum())
    if unknown:
        raise InvalidDataError(
            f"{GROUP}: {unknown} of {len(names)} values are neither {TREATED!r} nor {CONTROL!r}. "
            f"Leave out customers who were in neither group; bools belong in a column {TREATED} or {CONTROL}."
        )
    for name, arm in ((TREATED, treated), (CONTROL, control)):
        if not arm.any():
            raise InvalidDataError(
                f"{GROUP}: none of {len(names)} customers is {name!r}, so there is nothing to compare. "
                "Hold out a control group before the action begins."
            )
    return np.asarray(treated, dtype=np.bool_)


def _by_name(marks: NDArray[Any], name: str) -> NDArray[Any]:
    """Return the group of each customer, from a column of bools named like one of the groups."""
    of_bools = [isinstance(one, (bool, np.bool_)) for one in marks]
    if not all(of_bools):
        raise InvalidDataError(
            f"{name} must hold a boolean for each customer, {len(marks) - sum(of_bools)} of {len(marks)} values "
            f"are none. Or name the groups in a column {GROUP}."
        )
    own, other = (TREATED, CONTROL) if name == TREATED else (CONTROL, TREATED)
    return np.where(marks.astype(np.bool_), own, other).astype(object)


def _tiers(frame: nw.DataFrame[Any]) -> tuple[Codes, tuple[str, ...]]:
    """Return the codes and names of the tiers, in their order where the column has one; without a column one tier."""
    if TIER not in frame.columns:
        return np.zeros(len(frame), dtype=np.int64), ()
    series = frame[TIER]
    missing = int(series.null_count())
    if missing:
        raise InvalidDataError(
            f"{TIER}: {missing} of {len(frame)} values are missing. Give every customer a tier."
        )
    values = pd.Series(series.to_list(), dtype=object)
    kind = series.dtype
    levels = list(kind.categories) if isinstance(kind, nw.Enum) else values.unique().tolist()
    there = set(values)
    levels = [level for level in levels if level in there]
    codes = pd.Index(levels, dtype=object).get_indexer(pd.Index(values))
    return codes.astype(np.int64), tuple(str(level) for level in levels)


def _reached(frame: nw.DataFrame[Any]) -> NDArray[np.bool_] | None:
    if REACHED not in frame.columns:
        return None
    values = pd.Series(frame[REACHED].to_list(), dtype=object)
    known = values.dropna()
    if not known.map(lambda one: isinstance(one, (bool, np.bool_))).all():
        raise InvalidDataError(f"{REACHED} must hold booleans, got values of type {frame[REACHED].dtype}.")
    return values.where(values.notna(), False).to_numpy(dtype=np.bool_)
