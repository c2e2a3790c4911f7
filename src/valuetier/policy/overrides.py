"""Overrides: tiers that people set by hand, with a reason and a last day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_list_like

from valuetier._core.cuts import Codes
from valuetier._core.policy import NO_DAY, Days
from valuetier.customers.dates import parse_dates
from valuetier.errors import InvalidDataError, MissingColumnsError, suggestion
from valuetier.loyalty.rules import day_number
from valuetier.tables import ID, as_frame, check_unique, materialised
from valuetier.tiers import Tier

NONE = -1
SINCE = "since"
NEEDED = (ID, "tier", "reason", "until")


class Overrides(NamedTuple):
    """The overrides in force: tier (``NONE`` without), last day and reason of each customer."""

    codes: Codes
    until: Days
    reasons: NDArray[np.object_]

    def take(self, rows: NDArray[np.intp]) -> Overrides:
        """Return the overrides of some customers; row -1 has none."""
        nobody = no_overrides(1)
        return Overrides(
            np.concatenate([self.codes, nobody.codes])[rows],
            np.concatenate([self.until, nobody.until])[rows],
            np.concatenate([self.reasons, nobody.reasons])[rows],
        )

    def without(self, gone: NDArray[np.bool_]) -> Overrides:
        """Return the overrides less some of them."""
        return Overrides(
            np.where(gone, NONE, self.codes),
            np.where(gone, NO_DAY, self.until),
            np.where(gone, np.full(1, None, dtype=object), self.reasons),
        )


def no_overrides(n: int) -> Overrides:
    """Return no override for so many customers."""
    return Overrides(np.full(n, NONE), np.full(n, NO_DAY), np.full(n, None, dtype=object))


def index_of(ids: Any) -> pd.Index:
    """Return customer ids as an index to look them up in, text as the objects that it is."""
    array = np.asarray(ids)
    return pd.Index(array, dtype=object if array.dtype.kind in "OUS" else None)


def with_overrides(
    before: Overrides, table: Any, ids: NDArray[Any], tiers: Sequence[Tier], day: date
) -> Overrides:
    """Return the overrides with those of a table put in the place of older ones.

    Raises
    ------
    MissingColumnsError
        If the table lacks columns.
    InvalidDataError
        If it names unknown customers or tiers, or an override has no reason, or no end from ``day`` on.
    """
    given = read_table(table)
    _refuse_later(given, day)
    rows = index_of(ids).get_indexer(index_of(given[ID]))
    unknown = int((rows < 0).sum())
    if unknown:
        raise InvalidDataError(
            f"overrides: {unknown} of {len(rows)} customers are neither in the state nor in the assignment. "
            "Give them the ids of the assignment, of the same type."
        )
    reasons = _reasons(given["reason"])
    after = Overrides(before.codes.copy(), before.until.copy(), before.reasons.copy())
    after.codes[rows] = tier_codes_of(given["tier"], tiers)
    after.until[rows] = _last_days(given, day)
    after.reasons[rows] = reasons
    return after


def from_rows(given: Any) -> Any:
    """Return columns, rows or one row as a table; what is none of these stays as it is."""
    if isinstance(given, Mapping):
        return pd.DataFrame(given if any(is_list_like(each) for each in given.values()) else [given])
    rows = isinstance(given, (list, tuple)) and all(isinstance(row, Mapping) for row in given)
    return pd.DataFrame(list(given)) if rows else given


def read_table(table: Any, *, unique: bool = True) -> pd.DataFrame:
    """Return a table of overrides in pandas, its columns checked, and that it names nobody twice."""
    table = from_rows(table)
    if isinstance(table, pd.DataFrame) and table.shape == (0, 0):
        table = pd.DataFrame(columns=[*NEEDED, SINCE], dtype=object)
    frame = as_frame(materialised(table))
    there = [] if frame is None else list(frame.collect_schema().names())
    missing = [name for name in NEEDED if name not in there]
    if frame is None or missing:
        raise MissingColumnsError(
            f"overrides must be a table with the columns {list(NEEDED)}, it lacks {missing}. It has {there}."
            + "".join(suggestion(name, there) for name in missing)
        )
    eager = frame.lazy().collect()
    if unique:
        check_unique(eager[ID])
    return eager.to_pandas()


def tier_codes_of(values: Any, tiers: Sequence[Tier], parameter: str = "overrides: tier") -> Codes:
    """Return the codes of tiers that are given by name, in either language, or by code."""
    known: dict[Any, int] = {tier.name_zh: tier.code for tier in tiers} | {
        tier.name: tier.code for tier in tiers
    }
    known |= {tier.code: tier.code for tier in tiers} | {tier: tier.code for tier in tiers}
    codes = pd.Series(values).astype(object).map(known)
    wrong = int(codes.isna().sum())
    if wrong:
        raise InvalidDataError(
            f"{parameter}: {wrong} of {len(codes)} values are no tiers. Use {[tier.name for tier in tiers]}, in English or "
            "Chinese."
        )
    return codes.to_numpy(dtype=np.int64)


def _reasons(values: pd.Series) -> NDArray[np.object_]:
    texts = values.astype(object).where(values.notna(), "").map(str).str.strip().to_numpy(dtype=object)
    empty = int((texts == "").sum())
    if empty:
        raise InvalidDataError(
            f"overrides: {empty} of {len(texts)} have no reason. Say why the tier is set by hand."
        )
    return texts


def days_of(given: pd.DataFrame, name: str) -> Days:
    """Return a column of dates as day numbers; ``NO_DAY`` where there is none."""
    days = parse_dates(f"overrides: {name}", given[name], None).to_numpy()
    return days.astype("datetime64[D]").astype(np.int64)


def _refuse_later(given: pd.DataFrame, day: date) -> None:
    """Raise if an override is to begin after the day on which it is given."""
    later = int((days_of(given, SINCE) > day_number(day)).sum()) if SINCE in given else 0
    if later:
        raise InvalidDataError(
            f"overrides: {later} of {len(given)} begin after {day}. Give them at a step on their first day or later, or to replay."
        )


def _last_days(given: pd.DataFrame, day: date) -> Days:
    until = days_of(given, "until")
    bad = int((until < day_number(day)).sum())
    if bad:
        raise InvalidDataError(
            f"overrides: {bad} of {len(until)} have no end, or one before {day}. Give until= the last day on which it holds."
        )
    return until
