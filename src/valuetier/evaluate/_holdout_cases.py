"""One cutoff of a holdout: segmenters fitted to what was known, beside what the customers then did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from valuetier import tables
from valuetier._core.cuts import Codes
from valuetier._core.gain import Places, places
from valuetier._validate import Floats
from valuetier.customers import Split, split, summarize
from valuetier.customers.ledger import NO_ORDER
from valuetier.customers.splitting import HOLDOUT
from valuetier.errors import InvalidDataError
from valuetier.evaluate._refits import taken
from valuetier.tiers import Segmenter, assign

Found = tuple[Codes, Places, tuple[Floats, Floats] | None]

DAYS_PER_YEAR = 365

# Scores that need no model; larger is better. The name in English is the key.
BASELINES: Mapping[str, str] = {
    "last year's spend": "近一年消费额",
    "days since last order": "距上次购买天数",
    "total spend": "累计消费额",
    "random": "随机排序",
}


@dataclass(frozen=True, slots=True)
class Log:
    """An order log and how it is to be read."""

    orders: Any
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """The customers known at one cutoff, how each ranking placed them, and what they did.

    Segmenters come first in ``places``, baselines after them. ``predicted`` holds the orders and the
    spend (NaN where unknown) that each segmenter expects, None where it expects nothing.
    ``unordered`` is the money of refunds of customers without an order within the horizon.
    """

    segmenters: Mapping[str, Segmenter]
    known: nw.DataFrame[Any]
    parts: Split
    ids: NDArray[Any]
    value: Floats
    orders: Floats
    below_zero: Floats
    unordered: float
    codes: tuple[Codes, ...]
    places: tuple[Places, ...]
    predicted: tuple[tuple[Floats, Floats] | None, ...]
    same_year: bool

    @property
    def cutoff(self) -> date:
        """Last day that was known."""
        return self.parts.cutoff


def build_case(segmenters: Mapping[str, Segmenter], baselines: Sequence[str], log: Log, parts: Split) -> Case:
    """Return the segmenters' and the baselines' rankings of the customers of a split log."""
    table = tables.materialised(parts.customers)
    known = nw.from_native(table).drop(*HOLDOUT.values())
    orders, spend, so_far, recency = tables.read_columns(
        table, (*HOLDOUT.values(), "spend", "recency_days")
    ).T
    _require_value(spend, parts)
    ids = tables.read_ids(table)
    last_year = _last_year(log, parts.cutoff, ids)
    found = _all_judged(segmenters, known, known, parts)
    scores = dict(zip(BASELINES, (last_year, -recency, so_far, np.zeros(len(ids))), strict=True))
    return Case(
        segmenters=segmenters,
        known=known,
        parts=parts,
        ids=ids,
        value=np.maximum(spend, 0.0),
        orders=orders,
        below_zero=np.minimum(spend, 0.0),
        unordered=sum(line.money for line in parts.report.dropped if line.reason == NO_ORDER),
        codes=tuple(codes for codes, _, _ in found),
        places=(*(ranked for _, ranked, _ in found), *(places(scores[name]) for name in baselines)),
        predicted=tuple(made for _, _, made in found),
        same_year=bool(np.array_equal(last_year, so_far)),
    )


def learned_anew(case: Case, counts: Floats) -> Case:
    """Return the case with segmenters fitted to a resample: each customer as often as ``counts`` says."""
    rows = np.repeat(np.arange(len(counts)), counts.astype(np.intp))
    drawn = nw.from_native(taken(case.known.to_native(), rows), eager_only=True)
    codes, ranked, made = zip(*_all_judged(case.segmenters, drawn, case.known, case.parts), strict=True)
    baselines = case.places[len(codes) :]
    return replace(case, codes=codes, places=(*ranked, *baselines), predicted=made)


def split_at(log: Log, cutoffs: Sequence[date], horizon_days: int | None) -> list[Split]:
    """Return the log split at each cutoff, all with one horizon: the last cutoff's, if none is given."""
    parts: list[Split] = []
    for cutoff in reversed(cutoffs):
        parts.append(split(log.orders, cutoff, horizon_days, **log.options))
        horizon_days = parts[-1].horizon_days
    return parts[::-1]


def _require_value(spend: Floats, parts: Split) -> None:
    if not (spend > 0).any():
        raise InvalidDataError(
            f"None of the {len(spend)} customers known on {parts.cutoff} spent anything in the "
            f"{parts.horizon_days} days after it, so there is no value to be found. "
            "Choose another cutoff or a longer horizon_days."
        )


def _last_year(log: Log, cutoff: date, ids: NDArray[Any]) -> Floats:
    """Return what each customer spent in the 365 days up to the cutoff; 0 without an order in them."""
    first = cutoff - timedelta(days=DAYS_PER_YEAR - 1)
    try:
        found = tables.materialised(summarize(log.orders, **log.options, as_of=cutoff, since=first).customers)
    except InvalidDataError:  # the log as a whole is fine: it can only lack an order in that year
        return np.zeros(len(ids))
    there = pd.Index(tables.read_ids(found)).get_indexer(pd.Index(ids))
    spend = np.append(tables.read_columns(found, ("spend",))[:, 0], 0.0)
    return np.asarray(spend[there])


def _all_judged(
    segmenters: Mapping[str, Segmenter], sample: nw.DataFrame[Any], known: nw.DataFrame[Any], parts: Split
) -> list[Found]:
    """Return what copies of the segmenters, fitted to the sample, say of the known customers."""
    found = []
    for name, segmenter in segmenters.items():
        try:
            found.append(_judged(segmenter, sample, known, parts))
        except Exception as error:
            error.add_note(f"This happened to the segmenter {name!r} at the cutoff {parts.cutoff}.")
            raise
    return found


def _judged(segmenter: Segmenter, sample: nw.DataFrame[Any], known: nw.DataFrame[Any], parts: Split) -> Found:
    """Return tiers, places and predictions by one copy; it gets copies of the tables, too."""
    copy = clone(segmenter, safe=False)
    result = copy.fit(sample.clone().to_native())
    fitted = copy if result is None else result
    customers = known.clone().to_native()
    found = assign(fitted, customers, as_of=parts.cutoff)
    made = _predicted(fitted, customers, parts.horizon_days)
    levels = -found.codes.astype(np.float64)
    ranked = places(levels) if found.scores is None else places(levels, found.scores)
    return found.codes, ranked, made


def _predicted(fitted: Any, customers: Any, horizon_days: int) -> tuple[Floats, Floats] | None:
    """Return the orders and the spend expected within the horizon; None from a segmenter that predicts none."""
    names = [str(name) for name in getattr(fitted, "get_feature_names_out", list)()]
    if "expected_orders" not in names or not hasattr(fitted, "transform"):
        return None
    if "horizon_days" in getattr(fitted, "get_params", dict)():
        fitted = deepcopy(fitted).set_params(horizon_days=horizon_days)
    evidence = dict(zip(names, np.asarray(fitted.transform(customers), dtype=np.float64).T, strict=True))
    orders = evidence["expected_orders"]
    return orders, orders * evidence.get("expected_order_value", np.nan)
