"""A state as a flat table of text, numbers and dates, and back."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier import _validate as validate
from valuetier._core.compress import significant
from valuetier._core.cuts import Codes
from valuetier._core.policy import NO_DAY, Days, Standing
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError, InvalidParameterError, MissingColumnsError, suggestion
from valuetier.policy.overrides import Overrides, from_rows
from valuetier.tables import ID, SUM_DIGITS, as_frame, check_unique, materialised
from valuetier.tiers import Tier, TierAssignment

DAYS = ("since", "valid_until", "next_review", "grace_until", "missing_since")
SUPPORTED = "supported_"
MILLISECONDS = 86_400_000  # of a day
NEEDED = (
    ID, "policy_tier", *DAYS, "override_tier", "override_reason", "override_until", "assigned_tier",
    "score", "segment", "segment_zh", "as_of", "about",
)  # fmt: skip

Parts = tuple[date, TierAssignment, Standing, Overrides]


def to_table(
    as_of: date, seen: TierAssignment, standing: Standing, given: Overrides, lang: str
) -> pd.DataFrame:
    """Return the parts of a state as one table, one row per customer."""
    names = np.array([*(tier.label(lang) for tier in seen.tiers), None], dtype=object)
    holds = np.where(given.codes >= 0, given.codes, standing.codes)
    days = {name: as_dates(getattr(standing, name)) for name in DAYS}
    below = standing.supported > standing.codes[:, None]
    past = {f"{SUPPORTED}{i}": codes for i, codes in enumerate(standing.supported.T, 1)}
    nothing = np.full(len(seen), None, dtype=object)
    return pd.DataFrame(
        {
            ID: seen.ids,
            "tier": _named(names, holds),
            "policy_tier": _named(names, standing.codes),
            "since": days["since"],
            "valid_until": days["valid_until"],
            "next_review": days["next_review"],
            "reviews_below": np.cumprod(below, axis=1, dtype=np.int64).sum(axis=1),
            "grace_until": days["grace_until"],
            "missing_since": days["missing_since"],
            "override_tier": _named(names, given.codes),
            "override_reason": given.reasons,
            "override_until": as_dates(given.until),
            "assigned_tier": _named(names, seen.codes),
            "score": np.full(len(seen), np.nan) if seen.scores is None else seen.scores,
            "segment": nothing if seen.segments is None else seen.segments,
            "segment_zh": nothing if seen.segments_zh is None else seen.segments_zh,
            **{name: _named(names, codes) for name, codes in past.items()},
            "as_of": np.datetime64(as_of, "s"),
            "about": _about(seen),
        }
    )


def from_table(table: Any) -> Parts:
    """Return the parts of the state that a table holds."""
    frame = _read(table)
    as_of = np.datetime64(int(_same("as_of", _days(frame, "as_of"))), "D").astype(object)
    kind, version, tiers = _read_about(_same("about", _texts(frame["about"])))
    scores = significant(validate.float_column("score", frame["score"]), SUM_DIGITS)
    english, chinese = (_texts(frame[name]) for name in ("segment", "segment_zh"))
    seen = TierAssignment(
        codes=_codes(frame, "assigned_tier", tiers, missing=False),
        tiers=tiers,
        segments=_if_any(english),
        scores=None if np.isnan(scores).all() else scores,
        ids=np.asarray(frame[ID]),
        kind=kind,
        as_of=as_of,
        version=version,
        segments_zh=_if_any(chinese),
    )
    reasons = _texts(frame["override_reason"])
    given = Overrides(_codes(frame, "override_tier", tiers), _days(frame, "override_until"), reasons)
    return as_of, seen, _standing(frame, tiers), given


def as_dates(days: Days) -> NDArray[np.datetime64]:
    """Return day numbers as dates; ``NO_DAY`` is NaT."""
    return days.astype("datetime64[D]").astype("datetime64[s]")


def _about(seen: TierAssignment) -> str:
    tiers = [[tier.name, tier.name_zh] for tier in seen.tiers]
    return json.dumps({"kind": seen.kind, "version": seen.version, "tiers": tiers}, ensure_ascii=False)


def _read_about(text: Any) -> tuple[str, str | None, tuple[Tier, ...]]:
    try:
        about = json.loads(text)
        tiers = tuple(Tier(i, str(en), str(zh)) for i, (en, zh) in enumerate(about["tiers"]))
        return str(about["kind"]), about["version"], tiers
    except (TypeError, ValueError, KeyError):
        raise InvalidDataError(
            "The column about of the table of a state cannot be read. Keep it as TierState.to_frame made it."
        ) from None


def _named(names: NDArray[np.object_], codes: Codes) -> NDArray[np.object_]:
    return np.asarray(names[np.maximum(codes, -1)])


def _read(table: Any) -> pd.DataFrame:
    frame = as_frame(materialised(from_rows(table)))
    if frame is None:
        raise InvalidParameterError(
            f"A state must be a TierState, its table or None, got a {type(table).__name__}. A step returns a pair: state, "
            "events = policy.step(…); pass the state."
        )
    there = list(frame.collect_schema().names())
    missing = [name for name in NEEDED if name not in there]
    if missing:
        hints = "".join(suggestion(name, there) for name in missing)
        raise MissingColumnsError(
            f"The table of a state lacks {missing}. It has {there}.{hints} Pass what TierState.to_frame made."
        )
    eager = frame.lazy().collect()
    if not len(eager):
        raise InvalidDataError("The table of a state has no rows. Begin anew with previous=None.")
    check_unique(eager[ID])
    return eager.to_pandas()


def _standing(frame: pd.DataFrame, tiers: tuple[Tier, ...]) -> Standing:
    past = [name for name in (f"{SUPPORTED}{i}" for i in range(1, len(frame.columns))) if name in frame]
    reviews = [_codes(frame, name, tiers) for name in past]
    days = {name: _days(frame, name) for name in DAYS}
    supported = np.array(reviews, dtype=np.int64).reshape(len(reviews), len(frame)).T
    return Standing(codes=_codes(frame, "policy_tier", tiers), supported=supported, **days)


def _same(name: str, values: NDArray[Any]) -> Any:
    """Return what stands in every row of a column."""
    found = list(pd.unique(values))
    if len(found) != 1:
        raise InvalidDataError(
            f"The table of a state must have one {name}, got {len(found)}. Pass the rows of one step."
        )
    return found[0]


def _codes(frame: pd.DataFrame, name: str, tiers: tuple[Tier, ...], *, missing: bool = True) -> Codes:
    """Return the codes of a column of tier names; -1 where there is none."""
    known = {tier.name_zh: tier.code for tier in tiers} | {tier.name: tier.code for tier in tiers}
    values = pd.Series(_texts(frame[name]))
    codes = values.map(known)
    wrong = int((codes.isna() & (values.notna() | (not missing))).sum())
    if wrong:
        raise InvalidDataError(
            f"The column {name} of the table of a state: {wrong} of {len(values)} values are none of its tiers "
            f"{[tier.name for tier in tiers]}."
        )
    return np.asarray(codes.fillna(-1), dtype=np.int64)


def _days(frame: pd.DataFrame, name: str) -> Days:
    """Return the days of a column as numbers; ``NO_DAY`` where there is none."""
    codes, levels = pd.factorize(frame[name])  # so many customers, so few different days
    try:
        return np.append(_read_days(pd.Series(levels)), NO_DAY)[codes]
    except ValueError:
        raise InvalidDataError(
            f"The column {name} of the table of a state must hold dates, got values of type {frame[name].dtype}."
        ) from None


def _read_days(values: pd.Series) -> Days:
    """Return the days of dates, date objects, ISO text or the milliseconds that pandas writes to JSON."""
    if pd.api.types.is_datetime64_any_dtype(values):
        days = values.dt.tz_localize(None).to_numpy()
    elif _is_numeric(values):
        days, rest = np.divmod(values.to_numpy(dtype=np.int64), MILLISECONDS)
        if rest.any():
            raise ValueError
    else:
        texts = values.astype(object).map(str).str.slice(0, 10)
        if not texts.str.fullmatch(r"\d{4}-\d\d-\d\d|NaT").all():
            raise ValueError
        days = texts.to_numpy()
    return days.astype("datetime64[D]").astype(np.int64)


def _texts(values: pd.Series) -> NDArray[np.object_]:
    """Return text, also what a file made numbers of; None where there is none."""
    texts = values.map(lambda number: f"{number:.15g}", na_action="ignore") if _is_numeric(values) else values
    return texts.astype(object).where(values.notna(), None).to_numpy(dtype=object)


def _is_numeric(values: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(values)) and bool(values.notna().any())


def _if_any(texts: NDArray[np.object_]) -> NDArray[np.object_] | None:
    return None if pd.isna(texts).all() else texts


def scores_of(assignment: TierAssignment) -> Floats:
    """Return the scores of an assignment to as many digits as a table keeps; NaN where there are none."""
    if assignment.scores is None:
        return np.full(len(assignment), np.nan)
    return significant(validate.float_column("scores", assignment.scores), SUM_DIGITS)
