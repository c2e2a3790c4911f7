"""Bringing a state and an assignment together: whose row is where, and what is known of whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier import _validate as validate
from valuetier._core.cuts import Codes
from valuetier._core.policy import ABSENT, NO_DAY, unknown
from valuetier.errors import InvalidDataError, InvalidParameterError
from valuetier.policy.overrides import index_of, no_overrides
from valuetier.policy.state import TierState
from valuetier.policy.stored import scores_of
from valuetier.tiers import Tier, TierAssignment

Rows = NDArray[np.intp]


class Places(NamedTuple):
    """All customers of a state and an assignment, and the row of each in both; -1 where it is not in it."""

    ids: NDArray[Any]
    before: Rows
    now: Rows


def first_state(assignment: TierAssignment, day: date) -> TierState:
    """Return a state without customers, of the tiers of an assignment."""
    nothing = np.empty(0, dtype=object)
    seen = TierAssignment(
        codes=np.empty(0, dtype=np.int64),
        tiers=assignment.tiers,
        segments=nothing,
        scores=np.empty(0),
        ids=np.asarray(assignment.ids)[:0],
        kind=assignment.kind,
        as_of=day,
        version=None,
        segments_zh=nothing,
    )
    return TierState(day, seen, unknown(0, 0), no_overrides(0))


def read_assignment(given: Any) -> TierAssignment:
    """Return an assignment, also one that was put together by hand, as arrays that fit together.

    Raises
    ------
    InvalidParameterError
        If it is none.
    InvalidDataError
        If codes are no tiers of it, or entries or ids are missing.
    """
    if not isinstance(given, TierAssignment):
        raise InvalidParameterError(
            f"assignment must be a TierAssignment, got a {type(given).__name__}. Make one with "
            "segmenter.assign(customers)."
        )
    codes, ids, tiers = np.asarray(given.codes), np.asarray(given.ids), tuple(given.tiers)
    optional = {name: getattr(given, name) for name in ("scores", "segments", "segments_zh")}
    there: dict[str, Any] = {
        name: np.asarray(values) for name, values in optional.items() if values is not None
    }
    validate.same_length(codes=codes, ids=ids, **there)
    _refuse_no_tiers(codes, tiers)
    missing = int(pd.isna(ids).sum())
    if missing:
        raise InvalidDataError(f"The assignment lacks {missing} of {len(ids)} customer ids. Drop these rows.")
    if "scores" in there:
        there["scores"] = validate.float_column("scores", there["scores"])
    return replace(given, codes=codes.astype(np.int64), ids=ids, tiers=tiers, **there)


def _refuse_no_tiers(codes: NDArray[Any], tiers: tuple[Any, ...]) -> None:
    """Raise unless tiers are tiers, and codes their numbers."""
    strange = [tier for tier in tiers if not isinstance(tier, Tier)]
    if strange:
        raise InvalidDataError(
            f"The tiers of the assignment must be valuetier.Tier objects, got {strange[0]!r}. Make them with "
            "Tier(code, name, name_zh), 0 the best."
        )
    whole = codes.dtype.kind in "iu"
    if len(codes) and not (whole and 0 <= codes.min() <= codes.max() < len(tiers)):
        raise InvalidDataError(
            f"The codes of the assignment must be integers from 0 (best) to {len(tiers) - 1}, one for each of its tiers."
        )


def placed(state: TierState, assignment: TierAssignment) -> Places:
    """Return where each customer stands, those of the state first.

    Raises
    ------
    InvalidDataError
        If an id stands twice, or ids are of another type than those of the state.
    """
    old, new = index_of(state.ids), _unique(assignment)
    rows = old.get_indexer(new)
    extra = np.flatnonzero(rows < 0)
    if len(old) and len(extra) == len(new) > 0 and _is_number(old) != _is_number(new):
        raise InvalidDataError(
            f"No customer of the assignment is in the state: ids of type {new.dtype} and {old.dtype}. Give both the same "
            "ids, of the same type."
        )
    before = np.concatenate([np.arange(len(old)), np.full(len(extra), -1)])
    now = np.concatenate([np.full(len(old), -1), extra])
    now[rows[rows >= 0]] = np.flatnonzero(rows >= 0)
    ids = np.asarray(old.append(new[extra]) if len(old) else new)
    return Places(ids, before, now)


def merged(
    old: TierAssignment, new: TierAssignment, places: Places, day: date
) -> tuple[TierAssignment, Codes]:
    """Return the last that is known of each customer, and the tier assigned now, ``ABSENT`` where none is."""
    there = places.now >= 0
    codes = _pick(there, places, old.codes, np.asarray(new.codes, dtype=np.int64), ABSENT)
    scores = _pick(there, places, scores_of(old), scores_of(new), np.nan)
    names = [
        _pick(there, places, _names(then, len(old)), _names(now, len(new)), None)
        for then, now in ((old.segments, new.segments), (old.segments_zh, new.segments_zh))
    ]
    english, chinese = (None if pd.isna(texts).all() else texts for texts in names)
    seen = TierAssignment(
        codes=codes,
        tiers=new.tiers,
        segments=english,
        scores=None if np.isnan(scores).all() else scores,
        ids=places.ids,
        kind=new.kind,
        as_of=day,
        version=new.version,
        segments_zh=chinese,
    )
    return seen, np.where(there, codes, ABSENT)


def refuse_other_tiers(before: TierAssignment, after: TierAssignment) -> None:
    """Raise unless a state and an assignment are of the same tiers."""
    if before.tiers != after.tiers:
        first, second = ([tier.name for tier in one.tiers] for one in (before, after))
        raise InvalidDataError(
            f"The state has the tiers {first}, the assignment {second}. Assign by the same tiers, or begin anew with "
            "previous=None."
        )


def refuse_second_thoughts(state: TierState, assignment: TierAssignment, day: date) -> None:
    """Raise if a day lies before that of the state, or is the same and the assignment is another one."""
    if day < state.as_of:
        raise InvalidDataError(
            f"The step is of {day}, the state already of {state.as_of}. Steps go forward in time: pass the state before that "
            "day."
        )
    seen, rows = state.evidence, _unique(assignment).get_indexer(index_of(state.ids))
    there = (state.standing.codes >= 0) & (state.standing.missing_since == NO_DAY)
    same = np.array_equal(rows >= 0, there) and int(there.sum()) == len(assignment)
    if same:
        codes, scores = np.asarray(assignment.codes)[rows[there]], scores_of(assignment)[rows[there]]
        same = np.array_equal(codes, seen.codes[there])
        same = same and np.array_equal(scores, scores_of(seen)[there], equal_nan=True)
    if not same:
        raise InvalidDataError(
            f"The state is of {day} already, from an assignment with other customers, tiers or scores. Step from the state before "
            "that day."
        )


def _unique(assignment: TierAssignment) -> pd.Index:
    ids = index_of(assignment.ids)
    repeated = int(ids.duplicated().sum())
    if repeated:
        raise InvalidDataError(
            f"The assignment names {repeated} of {len(ids)} customers again. One row per customer is needed."
        )
    return ids


def _is_number(ids: pd.Index) -> bool:
    return bool(pd.api.types.is_numeric_dtype(ids.infer_objects()))


def _names(texts: NDArray[np.object_] | None, n: int) -> NDArray[np.object_]:
    return np.full(n, None, dtype=object) if texts is None else np.asarray(texts, dtype=object)


def _pick(
    there: NDArray[np.bool_], places: Places, old: NDArray[Any], new: NDArray[Any], nothing: Any
) -> NDArray[Any]:
    """Return the new value of those who are there, of the others the old one."""
    blank = np.array([nothing], dtype=new.dtype)
    then, now = np.concatenate([old, blank])[places.before], np.concatenate([new, blank])[places.now]
    return np.where(there, now, then)
