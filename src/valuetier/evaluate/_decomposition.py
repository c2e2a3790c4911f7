"""Why tiers changed: behaviour, moved cuts, entry and exit, and what of it is noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from valuetier._core.cuts import Codes
from valuetier._core.migration import causes, parts, path_sums
from valuetier._validate import Floats
from valuetier.errors import InvalidParameterError, require_choice
from valuetier.evaluate._migration_words import CAUSED, MORE, NO_MORE, SAME_CUTS, TOTAL
from valuetier.evaluate._percent import percent
from valuetier.evaluate._refits import bootstrap_codes
from valuetier.tiers import LANGUAGES, Tier

Parts = Mapping[str, Floats]


@dataclass(frozen=True, slots=True, eq=False)
class FalseMoves:
    """Customers whom learning the cuts anew moves though nothing has changed.

    Two segmenters are fitted to two resamples of the same customers, of as many as each date
    had, and asked about the same customers. Where they disagree, chance decides.

    Attributes
    ----------
    rate : float
        Mean share of the customers about whom the two disagree.
    low, high : float
        The middle 95 % of the resamples.
    by_tier : (k,) array
        The mean share among the customers of each tier; NaN for a tier without customers.
    resamples : int
        Pairs of refits that could be learned.
    """

    rate: float
    low: float
    high: float
    by_tier: Floats
    resamples: int


@dataclass(frozen=True, slots=True, eq=False)
class Decomposition:
    """Why the tiers are not what they were.

    Attributes
    ----------
    tiers : tuple of Tier
    customers : mapping of str to (k,) array
        Of each tier: ``before``; ``moved``, who crossed the old cuts, in less out; ``entry``;
        ``exit``, negative; ``cuts``, whom the new cuts let in less those they put out; ``after``.
        ``before`` and the parts sum to ``after``.
    value : mapping of str to (k,) array, or None
        The same in value, with ``in_place``: what those whom the old cuts keep in the tier spend
        more or less.
    moves : mapping of str to int
        Customers in both tables: ``behaviour`` crossed the old cuts, ``cuts`` were moved by the
        new ones, ``both`` by either; these three changed tier. ``offset`` crossed the old cuts and
        were put back by the new ones; ``stayed`` did neither.
    recut : int
        Customers of the after table in another tier by the new cuts than by the old.
    noise : FalseMoves
    """

    tiers: tuple[Tier, ...]
    customers: Parts
    value: Parts | None
    moves: Mapping[str, int]
    recut: int
    noise: FalseMoves

    @property
    def recut_by_chance(self) -> float:
        """Customers whom refits to unchanged customers would put elsewhere, on average."""
        return self.noise.rate * float(self.customers["after"].sum())

    @property
    def recut_beyond_chance(self) -> float:
        """What is left of ``recut``; below 0 if the new cuts moved fewer than chance does."""
        return self.recut - self.recut_by_chance

    def beyond_noise(self) -> bool:
        """Return whether the new cuts moved more customers than 97.5 % of refits do by chance."""
        return self.recut > self.noise.high * float(self.customers["after"].sum())

    def to_frame(self, of: str = "customers", lang: str = "en") -> pd.DataFrame:
        """Return one row per tier, and the total: before, the parts of the change, after.

        ``of`` is ``"customers"`` or ``"value"``.
        """
        require_choice("of", of, ("customers", "value"))
        require_choice("lang", lang, LANGUAGES)
        found = self.customers if of == "customers" else self.value
        if found is None:
            raise InvalidParameterError(
                "of 'value' needs values_before and values_after. Pass them to migration."
            )
        names = [*(tier.label(lang) for tier in self.tiers), TOTAL[lang]]
        frame = pd.DataFrame({name: [*part, part.sum()] for name, part in found.items()})
        frame = frame.astype(np.int64) if of == "customers" else frame
        return frame.set_axis(pd.Index(names, name="tier"), axis=0)

    def verdict(self, lang: str = "en") -> str:
        """Return what moved the customers, in two sentences."""
        require_choice("lang", lang, LANGUAGES)
        everyone = int(self.customers["after"].sum())
        moved = sum(self.moves[cause] for cause in ("behaviour", "cuts", "both"))
        words = (MORE if self.beyond_noise() else NO_MORE) if self.recut else SAME_CUTS
        told = {name: self.moves[name] for name in ("behaviour", "cuts", "both", "offset")}
        noise = {name: percent(getattr(self.noise, name), lang, 1) for name in ("rate", "low", "high")}
        size = {
            "recut": self.recut,
            "customers": everyone,
            "share": percent(self.recut / max(everyone, 1), lang, 1),
        }
        glue = "" if lang == "zh" else " "
        return glue.join((CAUSED[lang].format(moved=moved, **told), words[lang].format(**size, **noise)))

    def __str__(self) -> str:
        return f"{self.to_frame()}\n{self.verdict()}"


def decompose(
    tiers: tuple[Tier, ...],
    ways: tuple[Codes, Codes, Codes],
    values: tuple[Floats, Floats] | None,
    noise: FalseMoves,
) -> Decomposition:
    """Return the decomposition of the ways of all customers: before, at the old cuts, after."""
    size = len(tiers) + 1
    paths = path_sums(*ways, size)
    in_value = None if values is None else parts(*(path_sums(*ways, size, each) for each in values))
    in_customers = {name: part for name, part in parts(paths, paths).items() if name != "in_place"}
    return Decomposition(
        tiers=tiers,
        customers=MappingProxyType(in_customers),
        value=None if in_value is None else MappingProxyType(in_value),
        moves=MappingProxyType(causes(paths)),
        recut=int((ways[1] != ways[2]).sum()),
        noise=noise,
    )


def false_moves(
    segmenter: Any,
    X: Any,
    codes: Codes,
    n_tiers: int,
    *,
    sizes: tuple[int, int],
    n_resamples: int,
    random_state: int,
) -> FalseMoves:
    """Return about how many customers of ``X`` two refits to resamples of these sizes disagree."""
    pairs = bootstrap_codes(segmenter, X, n_resamples=n_resamples, random_state=random_state, sizes=sizes)
    moves, rates = np.zeros(len(codes)), []
    for one, other in pairs:
        differ = one != other
        moves += differ
        rates.append(differ.mean())
    low, high = np.quantile(rates, (0.025, 0.975))
    people = np.bincount(codes, minlength=n_tiers).astype(np.float64)
    moved = np.bincount(codes, weights=moves / len(rates), minlength=n_tiers)
    by_tier = np.divide(moved, people, out=np.full(n_tiers, np.nan), where=people > 0)
    return FalseMoves(float(np.mean(rates)), float(low), float(high), by_tier, len(rates))
