"""How large a control group must be, and what one of a given size can show."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from valuetier import _validate as validate
from valuetier._core.power import (
    MOST,
    power_of_means,
    power_of_rates,
    skewness,
    smallest_difference,
    smallest_size,
)
from valuetier.errors import InvalidDataError, InvalidParameterError, require_choice
from valuetier.strategy.control import Shares, control_sizes, shares_of, tier_shares
from valuetier.tiers import LANGUAGES, TierAssignment

# Customers per unit of squared skewness from which normal theory holds: Cochran (1977), § 2.15.
COCHRAN = 25.0
FEWEST = 2

SIZE = {
    "en": "{size.customers:,} customers, {size.control:,} of them in control, show a difference of {size.difference:,.4g} ({size.lift:+.1%}) with a power of {size.power:.0%} at alpha = {size.alpha:g}.",
    "zh": "共需 {size.customers:,} 位客户，其中对照组 {size.control:,} 位，才能以 {size.power:.0%} 的把握看出 {size.difference:,.4g}（{size.lift:+.1%}）的差异（显著性水平 {size.alpha:g}）。",
}  # fmt: skip

PowerAt = Callable[[float, float, float], float]


@dataclass(frozen=True, slots=True)
class SampleSize:
    """How many customers show a difference.

    Attributes
    ----------
    treated, control : int
        Customers of the two groups.
    difference : float
        What shall be seen, in the unit of the measure, above 0.
    lift : float
        The same as a share of what customers do without the action.
    power : float
        Probability that it is seen.
    alpha : float
        Probability that a difference is seen where there is none.
    """

    treated: int
    control: int
    difference: float
    lift: float
    power: float
    alpha: float

    @property
    def customers(self) -> int:
        """Both groups together."""
        return self.treated + self.control

    def verdict(self, lang: str = "en") -> str:
        """Return the size in one sentence, in English or Chinese."""
        require_choice("lang", lang, LANGUAGES)
        return SIZE[lang].format(size=self)

    def __str__(self) -> str:
        return self.verdict()


def sample_size(
    lift: float,
    *,
    values: ArrayLike | None = None,
    mean: float | None = None,
    sd: float | None = None,
    rate: float | None = None,
    share: float = 0.1,
    power: float = 0.8,
    alpha: float = 0.05,
    correlation: float = 0.0,
) -> SampleSize:
    """Return how many customers must be treated and held out to see a lift, by a two-sided test.

    Parameters
    ----------
    lift : float
        Relative change that shall be seen: 0.1 is 10 % more per customer.
    values : (n,) array, optional
        What customers did in a pilot or in an earlier window as long as the horizon, such as their
        spend, those with 0 included.
    mean, sd : float, optional
        Instead: mean and standard deviation per customer.
    rate : float, optional
        Instead: share of customers who do it anyway, such as buying at all.
    share : float
        Of control, among all; above 0 and below 1.
    power : float
        Probability with which the lift shall be seen.
    alpha : float
        Probability of seeing something where nothing is.
    correlation : float
        Between the measure and the same one before the start, where the read-out is adjusted by
        it: the variance falls by its square.

    Returns
    -------
    SampleSize

    Raises
    ------
    InvalidParameterError
        If not exactly one of values, mean with sd, and rate is given, or one is out of range.
    InvalidDataError
        If values are no numbers, missing, or do not vary.

    Notes
    -----
    The t-test assumes that means are normal. Where a few customers spend most of the money, they are
    so from about 25 × skewness² customers a group on (Cochran 1977, Sampling Techniques, § 2.15).

    Examples
    --------
    >>> print(sample_size(0.5, mean=1.0, sd=1.0, share=0.5))  # Cohen (1988): d = 0.5 needs 64 a group
    128 customers, 64 of them in control, show a difference of 0.5 (+50.0%) with a power of 80% at alpha = 0.05.
    >>> sample_size(0.1, rate=0.2, share=0.1).control
    3656
    """
    change = validate.finite_number("lift", lift)
    base, power_at = _measure(values, mean, sd, rate, _alpha(alpha), correlation)
    held_out, wanted = _inside("share", share), _power(power, alpha)
    difference = abs(change) * base
    if difference == 0 or (rate is not None and not 0 <= base * (1 + change) <= 1):
        raise InvalidParameterError(
            f"lift must change what customers do and keep a rate within 0 and 1, got {lift!r}."
        )

    n = _smallest(partial(power_at, change * base), held_out, wanted)
    if n is None:
        raise InvalidParameterError(
            f"lift = {lift!r} takes more than {MOST:,} customers to be seen. Look for a larger one."
        )
    control = _held_out(n, held_out)
    return SampleSize(n - control, control, difference, change, wanted, alpha)


def detectable_effect(
    treated: int,
    control: int,
    *,
    values: ArrayLike | None = None,
    mean: float | None = None,
    sd: float | None = None,
    rate: float | None = None,
    power: float = 0.8,
    alpha: float = 0.05,
    correlation: float = 0.0,
) -> float:
    """Return the smallest lift that so many customers show with the given power: 0.1 is 10 % more.

    Parameters are those of :func:`sample_size`. NaN where no lift would be seen: with fewer than
    two customers in a group, or a rate that cannot rise so far.

    Examples
    --------
    >>> round(detectable_effect(64, 64, mean=1.0, sd=1.0), 3)
    0.499
    """
    n_treated = validate.whole_number("treated", treated, 0)
    n_control = validate.whole_number("control", control, 0)
    base, power_at = _measure(values, mean, sd, rate, _alpha(alpha), correlation)
    wanted = _power(power, alpha)
    if min(n_treated, n_control) < FEWEST:
        return math.nan
    most = math.inf if rate is None else (1.0 - base) / base
    return smallest_difference(lambda lift: power_at(lift * base, n_treated, n_control), wanted, 1.0, most)


def power_table(
    assignment: TierAssignment,
    values: ArrayLike,
    *,
    share: Shares = 0.1,
    power: float = 0.8,
    alpha: float = 0.05,
    lift: float = 0.1,
    lang: str = "en",
) -> pd.DataFrame:
    """Return what a control group of each tier could show, before it is held out.

    Parameters
    ----------
    assignment : TierAssignment
    values : (n,) array
        What each customer did in an earlier window as long as the horizon, in the order of the
        assignment.
    share : float or mapping
        As in :func:`valuetier.strategy.control_group`: of each tier, or one for each by its name.
    power, alpha
        As in :func:`sample_size`. Tiers with two customers in each group are looked at together, and
        corrected for their number (Šidák), as :func:`valuetier.evaluate.effect` does.
    lift : float
        For which ``needed`` is stated.
    lang : str
        ``"en"`` or ``"zh"``.

    Returns
    -------
    DataFrame with tier, customers, treated, control, mean, sd, skewness, detectable (smallest lift
    that would be seen; NaN where none would), needed (customers of the tier that show ``lift``, <NA>
    where nothing is spent or held out) and normal (whether control is large enough for its skewness).

    Examples
    --------
    >>> import valuetier as vt
    >>> customers = vt.summarize(vt.datasets.load_cdnow_orders()).customers
    >>> assignment = vt.PyramidSegmenter(preset="hml").fit(customers).assign(customers)
    >>> power_table(assignment, customers["spend"])[["tier", "control", "detectable"]].round(2).head(3)
         tier  control  detectable
    0    High      470        0.20
    1  Medium      705        0.04
    2     Low     1175        0.05
    """
    spent = validate.float_column("values", values)
    validate.refuse_not_finite("values", spent)
    if len(spent) != len(assignment):
        raise InvalidDataError(
            f"values has {len(spent)} entries for {len(assignment)} customers. Pass one for each, in their order."
        )
    wanted, change = _power(power, alpha), validate.finite_number("lift", lift)
    if change == 0:
        raise InvalidParameterError(f"lift must not be 0, got {lift!r}. 10 % more is 0.1.")
    names = [tier.label(lang) for tier in assignment.tiers]
    groups = [spent[assignment.codes == tier.code] for tier in assignment.tiers]
    shares = shares_of(tier_shares(share, assignment, lang), names)
    controls = control_sizes([len(group) for group in groups], shares).tolist()
    tested = sum(min(len(group) - n, n) >= FEWEST for group, n in zip(groups, controls, strict=True))
    each = 1.0 - (1.0 - alpha) ** (1.0 / max(tested, 1))
    sizes = zip(groups, controls, shares.tolist(), strict=True)
    table = pd.DataFrame([_row(*one, wanted, each, change) for one in sizes]).astype({"needed": "Int64"})
    table.insert(0, "tier", pd.Series(pd.Categorical(names, categories=names, ordered=True)))
    return table


def _row(group: Any, control: int, share: float, power: float, alpha: float, lift: float) -> dict[str, Any]:
    n = len(group)
    mean, sd = (float(group.mean()), float(group.std(ddof=1))) if n > 1 else (math.nan, math.nan)
    skew = skewness(group) if n > 1 else math.nan
    usable = n > 1 and mean > 0 and sd > 0
    about: dict[str, Any] = {"mean": mean, "sd": sd, "power": power, "alpha": alpha}
    power_of = partial(_power_of_means, lift * mean, sd, alpha)
    return {
        "customers": n,
        "treated": n - control,
        "control": control,
        "mean": mean,
        "sd": sd,
        "skewness": skew,
        "detectable": detectable_effect(n - control, control, **about) if usable else math.nan,
        "needed": _smallest(power_of, share, power) if usable and share > 0 else None,
        "normal": bool(n > 1 and control >= COCHRAN * skew**2),
    }


def _power_of_means(difference: float, sd: float, alpha: float, treated: float, control: float) -> float:
    return power_of_means(difference, sd, treated, control, alpha)


def _smallest(power_of: Callable[[float, float], float], share: float, power: float) -> int | None:
    """Return the fewest customers, treated and control together, that have the power; None if none do."""

    def power_at(n: int) -> float:
        control = _held_out(n, share)
        return power_of(n - control, control)

    return smallest_size(power_at, power, 2 * FEWEST)


def _held_out(n: int, share: float) -> int:
    """Return the size of control among n customers, so that neither group has fewer than two."""
    return int(np.clip(control_sizes(n, share), FEWEST, n - FEWEST))


def _measure(
    values: ArrayLike | None,
    mean: float | None,
    sd: float | None,
    rate: float | None,
    alpha: float,
    correlation: float,
) -> tuple[float, PowerAt]:
    """Return what customers do without the action, and the power for a difference and two sizes."""
    given = [values is not None, mean is not None or sd is not None, rate is not None]
    if sum(given) != 1 or (mean is None) != (sd is None):
        raise InvalidParameterError(
            "What customers do must be said once: by values, by mean and sd together, or by rate."
        )
    rho = validate.finite_number("correlation", correlation)
    if not -1 < rho < 1 or (rate is not None and rho):
        raise InvalidParameterError(
            f"correlation must lie between -1 and 1, and be 0 for a rate, got {correlation!r}."
        )
    if rate is not None:
        base = _inside("rate", rate)
        return base, lambda size, t, c: power_of_rates(base, base + size, t, c, alpha)
    centre, spread = _spread(values, mean, sd)
    left = spread * math.sqrt(1.0 - rho**2)
    return centre, lambda size, t, c: power_of_means(size, left, t, c, alpha)


def _spread(values: ArrayLike | None, mean: float | None, sd: float | None) -> tuple[float, float]:
    if values is None:
        return validate.positive_number("mean", mean), validate.positive_number("sd", sd)
    found = validate.float_column("values", values)
    validate.refuse_not_finite("values", found)
    if len(found) < FEWEST or not found.mean() > 0 or not found.std() > 0:
        raise InvalidDataError(
            "values must vary and have a mean above 0: a lift is a share of it. Pass mean and sd, or others."
        )
    return float(found.mean()), float(found.std(ddof=1))


def _power(power: object, alpha: float) -> float:
    wanted = _inside("power", power)
    if wanted <= _alpha(alpha):
        raise InvalidParameterError(
            f"power must be above alpha, {alpha:g}, got {power!r}: so often a difference is seen where none is."
        )
    return wanted


def _alpha(alpha: object) -> float:
    return _inside("alpha", alpha)


def _inside(name: str, value: object) -> float:
    number = validate.positive_number(name, value)
    if number >= 1:
        raise InvalidParameterError(f"{name} must be above 0 and below 1, got {value!r}. 10 % is 0.1.")
    return number
