"""The concentration report of a value column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from valuetier import _validate as validate
from valuetier._core.concentration import (
    Measures,
    WhaleCurve,
    bootstrap,
    customers_for,
    gini,
    lorenz,
    lorenz_exact,
    top_share,
    whale_curve,
)
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError, InvalidParameterError, require_choice
from valuetier.evaluate._abc import AbcClass, abc_classes
from valuetier.evaluate._percent import percent, percent_in_full
from valuetier.tiers import LANGUAGES

TOP = (0.01, 0.05, 0.10, 0.20, 0.30, 0.50)
NEEDED = (0.50, 0.80, 0.95)
POINTS = 101
WHALE = ("peak", "peak_share", "erosion", "break_even_share")

Intervals = Mapping[str, tuple[float, float]]

WORDS = {
    "en": {
        "top": "The best 20 % of {customers:,} customers bring {share} of the value{between}",
        "needed": "; {needed} of them{between} bring 80 %.",
        "abc": " Customers in class A: {customers:,}.",
        "losses": " As much as all together is brought by the first {rank:,} customers, the best first: beyond them gains "
        "and losses cancel out. Losses take {erosion} of the total{between}.",
        "nothing": " Losses outweigh gains: the total is not above 0.",
        "between": " ({level} interval {low} to {high})",
    },
    "zh": {
        "top": "{customers:,} 位客户中，最优的 20% 贡献了 {share} 的价值{between}",
        "needed": "；{needed} 的客户{between}贡献了 80% 的价值。",
        "abc": "A 类客户共 {customers:,} 位。",
        "losses": "从最优客户起，前 {rank:,} 位的累计价值已等于全部客户的合计，其余客户盈亏相抵。"
        "亏损客户侵蚀的价值相当于合计的 {erosion}{between}。",
        "nothing": "亏损大于盈利，合计不为正。",
        "between": "（{level} 置信区间 {low} 至 {high}）",
    },
}


@dataclass(frozen=True, slots=True, eq=False)
class Concentration:
    """How unequally value is spread over customers.

    Attributes
    ----------
    customers : int
    total : float
        Sum of the values, those below 0 included.
    gini : float
        0 equal, towards 1 one customer has all. Values below 0 count as 0.
    top_shares : mapping of float to float
        Share of value (values below 0 as 0) that the best share of customers brings.
    whale : WhaleCurve
        Peak, erosion and break-even of the cumulative value; values below 0 count whole.
    lorenz_x, lorenz_y : (101,) arrays
        Share of customers and of value, the least valuable first.
    whale_x, whale_y : (101,) arrays
        Share of customers, the best first, and cumulative share of the total.
    needed_shares : mapping of float to float
        Share of customers, best first, that brings this share of value (values below 0 as 0).
    break_even_rank : int or None
        How many customers, best first, bring the total; None where it is not above 0.
    abc : tuple of AbcClass
        Who brings the first 80 % of the value, the next 15 %, the rest, and nothing.
    intervals : mapping of str to (float, float), or None
        Bootstrap interval of ``"gini"``, ``"top 0.2"`` …, ``"needed 0.8"`` …, ``"peak"``, ``"peak_share"``,
        ``"erosion"`` and ``"break_even_share"``; None unless asked for.
    level : float or None
        Of the intervals.
    """

    customers: int
    total: float
    gini: float
    top_shares: Mapping[float, float]
    whale: WhaleCurve
    lorenz_x: Floats
    lorenz_y: Floats
    whale_x: Floats
    whale_y: Floats
    needed_shares: Mapping[float, float]
    break_even_rank: int | None
    abc: tuple[AbcClass, ...]
    intervals: Intervals | None = None
    level: float | None = None

    def to_frame(self) -> pd.DataFrame:
        """Return the shares of value by share of customers, best first; with low and high where intervals are known."""
        frame = pd.DataFrame(
            {"best customers": list(self.top_shares), "share of value": list(self.top_shares.values())}
        )
        if self.intervals is not None:
            frame[["low", "high"]] = [self.intervals[_top(share)] for share in self.top_shares]
        return frame

    def abc_frame(self, lang: str = "en") -> pd.DataFrame:
        """Return the ABC table: class, customers, customer_share, value, value_share, lowest_value."""
        require_choice("lang", lang, LANGUAGES)
        rows = [
            {"class": one.name_zh if lang == "zh" else one.name}
            | {name: getattr(one, name) for name in AbcClass.__slots__[2:]}
            for one in self.abc
        ]
        return pd.DataFrame(rows)

    def measures(self) -> pd.DataFrame:
        """Return every number of the report: measure, value, and low, high where intervals are known."""
        values = _named(
            self.gini, self.top_shares, self.needed_shares, [getattr(self.whale, name) for name in WHALE]
        )
        frame = pd.DataFrame({"measure": list(values), "value": list(values.values())})
        if self.intervals is not None:
            frame[["low", "high"]] = [self.intervals[name] for name in values]
        return frame

    def verdict(self, lang: str = "en") -> str:
        """Return in words how concentrated the value is, in English or Chinese."""
        require_choice("lang", lang, LANGUAGES)
        words = WORDS[lang]
        said = words["top"].format(
            customers=self.customers,
            share=percent(self.top_shares[0.2], lang),
            between=self._between(_top(0.2), lang),
        )
        said += words["needed"].format(
            needed=percent(self.needed_shares[0.8], lang, 1), between=self._between(_needed(0.8), lang)
        )
        said += words["abc"].format(customers=self.abc[0].customers)
        if self.break_even_rank is None:
            return said + words["nothing"]
        if self.whale.erosion <= 0:
            return said
        return said + words["losses"].format(
            rank=self.break_even_rank,
            erosion=percent(self.whale.erosion, lang),
            between=self._between("erosion", lang),
        )

    def _between(self, name: str, lang: str) -> str:
        if self.intervals is None or np.isnan(self.intervals[name]).any():
            return ""
        low, high = (percent(end, lang, 1) for end in self.intervals[name])
        return WORDS[lang]["between"].format(
            level=percent_in_full(self.level or 0.0, lang), low=low, high=high
        )

    def __str__(self) -> str:
        shares = ", ".join(f"top {top:.0%}: {share:.1%}" for top, share in self.top_shares.items())
        return (
            f"{self.customers:,} customers, total {self.total:,.2f}, Gini {self.gini:.3f}; {shares}; "
            f"peak {self.whale.peak:.1%} of the total at {self.whale.peak_share:.1%} of customers"
        )


def concentration(
    values: ArrayLike, *, n_bootstrap: int = 0, level: float = 0.95, random_state: int = 0
) -> Concentration:
    """Return how concentrated the value is: Lorenz curve, Gini, top shares, ABC table and whale curve.

    Parameters
    ----------
    values : (n,) array-like
        Value per customer: spend, profit … Profit may be negative.
    n_bootstrap : int
        Resamples of the customers for intervals; 0 for none. Take 1,000 for a report.
    level : float
        Of the intervals, between 0 and 1: the quantiles of the resampled values. They say what other
        customers of the same kind would have shown, not what these will do next.
    random_state : int
        Seed of the resamples. The order of the customers does not matter.

    Raises
    ------
    InvalidDataError
        If values are missing, or none is positive.
    InvalidParameterError
        If ``n_bootstrap`` or ``level`` cannot work.

    Notes
    -----
    Where few customers hold much of the value, resamples miss them or repeat them, and the
    intervals are too short; compare two periods then. An interval is NaN where resamples have
    no positive total.

    Examples
    --------
    >>> report = concentration([80, 10, 5, 3, 2])
    >>> report.top_shares[0.2], round(report.gini, 3)
    (0.8, 0.652)
    >>> [(one.name, one.customers) for one in report.abc]
    [('A', 1), ('B', 2), ('C', 2), ('No value', 0)]
    """
    validate.whole_number("n_bootstrap", n_bootstrap, 0)
    _check_level(level)
    array = validate.float_column("values", values)
    validate.refuse_not_finite("values", array)
    if not (array > 0).any():
        raise InvalidDataError(
            f"values: none of {len(array)} is above 0, so there is no value to be concentrated. "
            "Pass a column of spend or profit."
        )
    ordered = np.sort(array)
    positive = np.maximum(ordered, 0.0)
    lorenz_x, lorenz_y = lorenz(positive, POINTS)
    whale_x, whale_y = _whale_points(ordered)
    whale = whale_curve(ordered)
    asked = n_bootstrap > 0
    return Concentration(
        customers=len(array),
        total=float(array.sum()),
        gini=gini(positive),
        top_shares=_by(TOP, top_share(positive, np.array(TOP))),
        whale=whale,
        lorenz_x=lorenz_x,
        lorenz_y=lorenz_y,
        whale_x=whale_x,
        whale_y=whale_y,
        needed_shares=_by(NEEDED, customers_for(lorenz_exact(positive), np.array(NEEDED))),
        break_even_rank=None if np.isnan(whale.peak) else round(whale.break_even_share * len(array)),
        abc=abc_classes(ordered),
        intervals=_intervals(ordered, n_bootstrap, level, random_state) if asked else None,
        level=level if asked else None,
    )


def _check_level(level: float) -> None:
    if not 0 < validate.positive_number("level", level) < 1:
        raise InvalidParameterError(f"level must be between 0 and 1, got {level!r}. Use 0.95.")


def _by(keys: tuple[float, ...], values: Floats) -> Mapping[float, float]:
    return MappingProxyType(dict(zip(keys, values.tolist(), strict=True)))


def _top(share: float) -> str:
    return f"top {share:g}"


def _needed(share: float) -> str:
    return f"needed {share:g}"


def _named(
    gini: Any, top: Mapping[float, Any], needed: Mapping[float, Any], whale: Sequence[Any]
) -> dict[str, Any]:
    """Return the measures by name, in the order of the core."""
    shares = {_top(share): value for share, value in top.items()}
    shares |= {_needed(share): value for share, value in needed.items()}
    return {"gini": gini, **shares, **dict(zip(WHALE, whale, strict=True))}


def _intervals(ordered: Floats, n_bootstrap: int, level: float, seed: int) -> Intervals:
    rng = np.random.default_rng(seed)
    draws = bootstrap(ordered, Measures(np.array(TOP), np.array(NEEDED)), n_bootstrap, rng)
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0).tolist()
    names = _named(None, dict.fromkeys(TOP), dict.fromkeys(NEEDED), WHALE)
    return MappingProxyType(dict(zip(names, zip(low, high, strict=True), strict=True)))


def _whale_points(ordered: Floats) -> tuple[Floats, Floats]:
    """Return the whale curve at 101 shares of customers; NaN where the total is not positive."""
    cumulative = np.concatenate([[0.0], np.cumsum(ordered[::-1])])
    shares = np.linspace(0.0, 1.0, POINTS)
    at = np.interp(shares * len(ordered), np.arange(len(ordered) + 1), cumulative)
    total = cumulative[-1]
    return shares, at / total if total > 0 else np.full(POINTS, np.nan)
