"""Whether other customers, another seed or another quarter would have given the same tiers."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from valuetier import _validate as validate
from valuetier._core.agreement import DOUBTFUL, STABLE, adjusted_rand, contingency, jaccard
from valuetier._core.cuts import Codes
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError, require_choice
from valuetier.evaluate._percent import percent
from valuetier.evaluate._refits import bootstrap_codes, codes_of, refitted
from valuetier.evaluate._stability_words import JACCARD, KEPT, LEVELS, PERIODS, SEEDS, SWITCHED, TIER, TIERS
from valuetier.tables import materialised
from valuetier.tiers import LANGUAGES, Segmenter, Tier, assign

MIDDLE = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Adjusted Rand index of groupings of the same customers: 1 the same, about 0 unrelated.

    Attributes
    ----------
    mean, low, high : float
        Mean and range: the middle 95 % of refits to resamples, the least and the most of others.
    comparisons : int
    """

    mean: float
    low: float
    high: float
    comparisons: int


@dataclass(frozen=True, slots=True, eq=False)
class Stability:
    """How far tiers are found again.

    Attributes
    ----------
    tiers : tuple of Tier
    customers : (k,) int array
    jaccard : (k,) array
        Mean over refits to resamples: customers in the tier both times by customers in it at
        all; NaN for a tier without customers. From .75 stable, below .6 not to be trusted
        (Hennig 2007).
    jaccard_low, jaccard_high : (k,) array
        The middle 95 % of the refits.
    best_match : (k,) array
        The same with whichever tier of the refit fits best: high where the group is found again
        but under another name.
    kept : (k,) array
        Mean share of the tier's customers who keep it.
    refits, seeds, periods : Agreement or None
        Adjusted Rand index: with the segmenter learned from resampled customers; with other
        seeds, where it has any; of the cuts of neighbouring periods on the later one's customers.
    """

    tiers: tuple[Tier, ...]
    customers: Codes
    jaccard: Floats
    jaccard_low: Floats
    jaccard_high: Floats
    best_match: Floats
    kept: Floats
    refits: Agreement
    seeds: Agreement | None = None
    periods: Agreement | None = None

    @property
    def levels(self) -> tuple[str | None, ...]:
        """Of each tier ``"stable"``, ``"doubtful"`` or ``"unstable"``; None without customers."""
        return tuple(None if np.isnan(value) else _level(value) for value in self.jaccard)

    def to_frame(self, lang: str = "en") -> pd.DataFrame:
        """Return one row per tier: customers, jaccard with its range, best_match, kept, level."""
        require_choice("lang", lang, LANGUAGES)
        names = ("customers", "jaccard", "jaccard_low", "jaccard_high", "best_match", "kept")
        levels = [None if level is None else LEVELS[level][lang] for level in self.levels]
        columns = {name: getattr(self, name) for name in names}
        return pd.DataFrame({"tier": [tier.label(lang) for tier in self.tiers], **columns, "level": levels})

    def agreements(self) -> pd.DataFrame:
        """Return the adjusted Rand indices, one row each: refits, and seeds and periods where known."""
        known = {name: getattr(self, name) for name in ("refits", "seeds", "periods")}
        rows = [(name, a.mean, a.low, a.high, a.comparisons) for name, a in known.items() if a is not None]
        return pd.DataFrame(rows, columns=["between", "mean", "low", "high", "comparisons"])

    def verdict(self, lang: str = "en") -> str:
        """Return which tiers can be trusted, and how much else agrees."""
        require_choice("lang", lang, LANGUAGES)
        kept = float(np.nansum(self.kept * self.customers) / self.customers.sum())
        said = [
            JACCARD[lang].format(said=self._by_level(lang)),
            KEPT[lang].format(kept=percent(kept, lang, 1), rand=self.refits.mean),
        ]
        switched = [t.label(lang) for t, here in zip(self.tiers, self._switched(), strict=True) if here]
        if switched:
            said.append(SWITCHED[lang].format(tiers=_listed(switched, lang)))
        for found, words in ((self.seeds, SEEDS), (self.periods, PERIODS)):
            if found is not None:
                said.append(words[lang].format(mean=found.mean, low=found.low))
        return ("" if lang == "zh" else " ").join(said)

    def __str__(self) -> str:
        return f"{self.to_frame()}\n{self.agreements()}\n{self.verdict()}"

    def _switched(self) -> list[bool]:
        """Return which tiers are not to be trusted by name, but stable as groups."""
        pairs = zip(self.levels, self.best_match, strict=True)
        return [level == "unstable" and bool(best >= STABLE) for level, best in pairs]

    def _by_level(self, lang: str) -> str:
        parts = []
        for level, name in LEVELS.items():
            here = [
                TIER[lang].format(tier=tier.label(lang), jaccard=value)
                for tier, value, its in zip(self.tiers, self.jaccard, self.levels, strict=True)
                if its == level
            ]
            if here:
                parts.append(TIERS[lang].format(level=name[lang], tiers=_listed(here, lang)))
        return ("；" if lang == "zh" else "; ").join(parts)


def stability(
    segmenter: Segmenter,
    X: Any,
    *,
    periods: Sequence[Any] = (),
    n_resamples: int = 50,
    n_seeds: int = 5,
    random_state: int = 0,
) -> Stability:
    """Return how far the tiers are found again in resampled customers, with other seeds and in other periods.

    Parameters
    ----------
    segmenter : Segmenter
        Fitted or not: copies of it are fitted, it stays as it is.
    X : table
        One row per customer.
    periods : sequence of tables, optional
        Customer tables of successive dates, the earliest first; at least two. The cuts of each are
        held against those of the next, on the customers of the next.
    n_resamples : int
        Resamples of the customers, drawn with replacement; each takes a fit.
    n_seeds : int
        Other seeds to try; for segmenters with a parameter ``random_state``, also in a part of them.
    random_state : int
        Seed of the resamples.

    Raises
    ------
    InvalidDataError
        If ``periods`` is a single table, or no resample can be learned from.

    References
    ----------
    Hennig (2007), "Cluster-wise assessment of cluster stability", Computational Statistics & Data
    Analysis 52. Hubert & Arabie (1985), "Comparing partitions", Journal of Classification 2.

    Examples
    --------
    >>> import valuetier as vt
    >>> customers = vt.checks.make_customers()
    >>> found = stability(vt.PyramidSegmenter(preset="hml"), customers)
    >>> found.to_frame()[["tier", "customers", "jaccard", "kept", "level"]].round(2)
           tier  customers  jaccard  kept   level
    0      High         61     0.92  0.96  stable
    1    Medium         90     0.87  0.93  stable
    2       Low        149     0.95  0.97  stable
    3  No value          0      NaN   NaN     NaN
    """
    validate.whole_number("n_resamples", n_resamples, 1)
    validate.whole_number("n_seeds", n_seeds, 0)
    tables = _checked(periods)
    X = materialised(X)
    reference = refitted(segmenter, X)
    tiers, codes = assign(reference, X).tiers, codes_of(reference, X)
    found = bootstrap_codes(segmenter, X, n_resamples=n_resamples, random_state=random_state)
    compared = [_compared(codes, again, len(tiers)) for (again,) in found]
    similar, best, kept, rand = (np.array(each) for each in zip(*compared, strict=True))
    low, high = np.quantile(similar, MIDDLE, axis=0)
    least, most = np.quantile(rand, MIDDLE)
    return Stability(
        tiers=tiers,
        customers=np.bincount(codes, minlength=len(tiers)),
        jaccard=similar.mean(axis=0),
        jaccard_low=low,
        jaccard_high=high,
        best_match=best.mean(axis=0),
        kept=kept.mean(axis=0),
        refits=Agreement(float(rand.mean()), float(least), float(most), len(rand)),
        seeds=_range(_between_seeds(segmenter, X, codes, n_seeds)),
        periods=_range(_between_periods(segmenter, tables)),
    )


def _checked(periods: Sequence[Any]) -> list[Any]:
    tables = [materialised(table) for table in periods] if isinstance(periods, (list, tuple)) else [periods]
    if len(tables) == 1:
        raise InvalidDataError(
            "periods must be a list of two customer tables at least, the earliest first, got one. "
            "Add the table of another date."
        )
    return tables


def _compared(codes: Codes, again: Codes, n_tiers: int) -> tuple[Floats, Floats, Floats, float]:
    """Return per tier Jaccard similarity, that of the best match and the share who stay; and the Rand index."""
    size = max(n_tiers, int(again.max()) + 1)
    both = contingency(codes, again, shape=(size, size))
    similar = jaccard(both)
    people = both.sum(axis=1)
    somebody = people[:n_tiers] > 0
    share = np.diag(both) / np.maximum(people, 1.0)
    per_tier = (np.diag(similar), similar.max(axis=1), share)
    same, best, kept = (np.where(somebody, each[:n_tiers], np.nan) for each in per_tier)
    return same, best, kept, adjusted_rand(both)


def _between_seeds(segmenter: Any, X: Any, codes: Codes, n_seeds: int) -> Iterable[float]:
    """Yield the agreement with the segmenter under seeds 1, 2, …; nothing if it has no seed."""
    params = segmenter.get_params(deep=True) if hasattr(segmenter, "get_params") else {}
    names = [name for name in params if name.rpartition("__")[2] == "random_state"]
    taken = {params[name] for name in names if isinstance(params[name], Integral)}
    others = [seed for seed in range(n_seeds + len(taken)) if seed not in taken][:n_seeds] if names else []
    for seed in others:
        again = refitted(copy.deepcopy(segmenter).set_params(**dict.fromkeys(names, seed)), X)
        yield adjusted_rand(contingency(codes, codes_of(again, X)))


def _between_periods(segmenter: Any, tables: list[Any]) -> Iterable[float]:
    """Yield the agreement of the cuts of each period with those of the next, on the customers of the next."""
    fitted = [refitted(segmenter, table) for table in tables]
    for (earlier, later), table in zip(pairwise(fitted), tables[1:], strict=True):
        yield adjusted_rand(contingency(codes_of(earlier, table), codes_of(later, table)))


def _range(values: Iterable[float]) -> Agreement | None:
    found = list(values)
    return Agreement(float(np.mean(found)), min(found), max(found), len(found)) if found else None


def _level(value: float) -> str:
    return "stable" if value >= STABLE else "doubtful" if value >= DOUBTFUL else "unstable"


def _listed(names: list[str], lang: str) -> str:
    return ("、" if lang == "zh" else ", ").join(names)
