"""The Gamma-Gamma model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from valuetier import _validate as validate
from valuetier._core import gamma_gamma
from valuetier._core.compress import Floats, counted_rows
from valuetier._core.likelihood import SAMPLE, Sample
from valuetier.errors import InvalidDataError
from valuetier.models.base import Problem, checked_weights, drawn_rows
from valuetier.models.uncertainty import Uncertain
from valuetier.store import storable

# A rank correlation from here on, and a p-value below, speak against independence.
NOTABLE = 0.3
SIGNIFICANT = 0.01


@storable
@dataclass(frozen=True, slots=True)
class Independence:
    """Whether order values go with order counts, which the model takes for independent.

    Attributes
    ----------
    correlation : float
        Pearson's, between x and m_x of the customers used; NaN if x is constant.
    rank_correlation : float
        Spearman's, which large amounts do not dominate; of an even sample of them if there
        are many.
    p_value : float
        Of the rank correlation, two-sided.
    holds : bool
        False if the rank correlation is both notable (0.3 or more) and significant (1 %).
    """

    correlation: float
    rank_correlation: float
    p_value: float

    @property
    def holds(self) -> bool:
        """True unless the data speak against independence."""
        return not (abs(self.rank_correlation) >= NOTABLE and self.p_value < SIGNIFICANT)

    def __str__(self) -> str:
        verdict = (
            "Nothing notable speaks against independence."
            if self.holds
            else "Order values depend on the number of orders: expected values are biased, "
            f"{'low' if self.rank_correlation > 0 else 'high'} for frequent buyers."
        )
        return (
            f"{verdict} Correlation of x and m_x: {self.correlation:.2f}, by ranks "
            f"{self.rank_correlation:.2f} (p = {self.p_value:.2g})."
        )


class GammaGamma(Uncertain):
    """Gamma-Gamma: how much an order is worth, independent of how often one orders.

    A customer's order values are Gamma(p, ν) and the ν are Gamma(q, v) over customers.

    Attributes
    ----------
    p_, q_, v_ : float
        Shape within customers, shape over customers, scale in the currency of m_x.
    log_likelihood_ : float
    report_ : FitReport
        Its message says so if q ≤ 1: the mean order value of the population is infinite then.
    standard_errors_ : dict
    covariance_ : (3, 3) array
    n_used_ : int
        Rows of customers with a repeat order of positive mean value: only they say something.
    n_ignored_ : int
        Rows of customers without repeat order, or with a mean value of exactly 0.
    independence_ : Independence
        Whether x and m_x are independent among those used, as the model assumes; prints as
        a sentence.
    correlation_ : float
        Pearson's correlation of the two.

    References
    ----------
    Fader & Hardie (2013), "The Gamma-Gamma Model of Monetary Value", note 025.

    Examples
    --------
    >>> GammaGamma.from_params(p=6, q=4, v=16).expected_value([3], [35.0]).round(4).tolist()
    [34.5714]
    """

    parameter_names: ClassVar = ("p", "q", "v")
    data_kind: ClassVar = "order values"
    reasons: ClassVar = {
        "p → ∞, v → 0": "Each customer seems to spend the same on every order.",
        "p → ∞": "Each customer seems to spend the same on every order.",
        "q → ∞, v → ∞": "All customers seem to spend alike.",
        "q → ∞": "All customers seem to spend alike.",
        "v → ∞": "All customers seem to spend alike.",
        "v → 0": "Each customer seems to spend the same on every order.",
        "q, v": "All customers seem to spend alike.",
    }

    def fit(self, x: ArrayLike, m_x: ArrayLike, weights: ArrayLike | None = None) -> Self:
        """Return the model fitted by maximum likelihood.

        Parameters
        ----------
        x : (n,) array-like
            Repeat orders.
        m_x : (n,) array-like
            Mean value of the repeat orders; anything (or NaN) where x is 0.
        weights : (n,) array-like, optional
            How many customers a row stands for. Default: 1 each.

        Raises
        ------
        InvalidDataError
            If values are missing or negative where x > 0, or fewer than 2 customers remain.
        """
        columns = _checked(x, m_x)
        problem = self._problem_of(*columns, weights)
        found = self._maximised(problem)
        independence = _independence(problem.sample)
        if found.working[1] <= 0:
            found = found._replace(report=replace(found.report, message=f"{found.report.message} {HEAVY}"))
        self._keep(problem, found)
        self.independence_, self.correlation_ = independence, independence.correlation
        used = int(_says_something(*columns).sum())
        self.n_used_, self.n_ignored_ = used, len(columns[0]) - used
        return self

    def _problem(self, x: ArrayLike, m_x: ArrayLike, weights: ArrayLike | None = None) -> Problem:
        return self._problem_of(*_checked(x, m_x), weights)

    def _problem_of(self, x: Floats, m: Floats, weights: ArrayLike | None) -> Problem:
        counted = checked_weights(weights, x)
        use = _says_something(x, m)
        columns = x[use], m[use]
        if not use.any() or np.ptp(columns[1]) == 0:
            raise InvalidDataError(
                f"m_x: {int(use.sum())} of {len(m)} customers have a repeat order of positive value, "
                "and at least 2 different values are needed. Observe longer."
            )
        rows, total = counted_rows(*columns, weights=None if counted is None else counted[use])
        mean = float(np.exp(np.average(np.log(rows[1]), weights=total)))  # tails may have no mean
        starts = [np.log([p, q, q * mean / p]) for p, q in ((2, 3), (6, 4), (1, 8), (20, 2))]
        sample = Sample(gamma_gamma.PARTS, (*rows, np.log(rows[1])), total)
        return Problem(sample, starts, self.parameter_names, 3, np.eye(3))

    def _simulated(self, problem: Problem, rng: np.random.Generator) -> Problem:
        sample = problem.sample
        x = sample.columns[0][drawn_rows(sample, rng)]
        (x, m), counted = counted_rows(x, gamma_gamma.simulate(x, rng, **self.params()))
        return problem._replace(sample=Sample(sample.parts, (x, m, np.log(m)), counted))

    def log_likelihood(self, x: ArrayLike, m_x: ArrayLike) -> Floats:
        """Return the log-likelihood of each customer; 0 for x = 0, who say nothing."""
        x, m = _checked(x, m_x)
        use = _says_something(x, m)
        result = np.zeros_like(x)
        result[use] = gamma_gamma.log_likelihood(x[use], m[use], **self.params())
        return result

    def expected_value(self, x: ArrayLike, m_x: ArrayLike) -> Floats:
        """Return the expected mean order value of each customer, in the currency of m_x.

        For x = 0 this is the mean of the population, p v / (q - 1).

        Raises
        ------
        InvalidDataError
            If q ≤ 1 and a customer has x = 0: the population mean is infinite then. If p x + q ≤ 1
            for one with x ≥ 1: so is the mean given these few orders.
        """
        x, m = _checked(x, m_x)
        result = gamma_gamma.expected_value(x, m, **self.params())
        validate.refuse(
            "x", np.isinf(result) & (x > 0), f"are too few: with p = {self.p_:.3g} and q = {self.q_:.3g} the "
            "mean order value given so few orders is infinite", "Value customers with p x + q > 1.",
        )  # fmt: skip
        validate.refuse(
            "x", np.isinf(result), f"are 0, and with q = {self.q_:.3g} ≤ 1 the mean order value of "
            "the population is infinite", "Value only customers with x ≥ 1.",
        )  # fmt: skip
        return result

    def simulate(self, x: ArrayLike, rng: np.random.Generator) -> Floats:
        """Return a simulated mean order value for each entry of ``x``; NaN for x = 0."""
        (orders,) = validate.broadcast_floats(x=x)
        whole = np.isfinite(orders) & (orders >= 0) & (orders == np.floor(orders))
        validate.refuse("x", ~whole, "are not counts", "Pass 0, 1, 2, ….")
        return gamma_gamma.simulate(orders, rng, **self.params())


HEAVY = (
    "q ≤ 1: a few customers spend so much more that the mean order value of the population is "
    "infinite; those with enough repeat orders (p x + q > 1) can be valued, new ones cannot."
)


def _checked(x: ArrayLike, m_x: ArrayLike) -> tuple[Floats, Floats]:
    x, m = validate.broadcast_floats(x=x, m_x=m_x)
    validate.refuse_not_finite("x", x)
    validate.refuse("x", x < 0, "are negative", "x counts repeat orders.")
    repeat = x > 0
    validate.refuse("m_x", repeat & ~np.isfinite(m), "are missing although x > 0", "Drop these customers.")
    validate.refuse("m_x", repeat & (m < 0), "are negative although x > 0", "Order values are not negative.")
    return x, m


def _says_something(x: Floats, m: Floats) -> Any:
    return (x > 0) & (m > 0)


def _independence(sample: Sample) -> Independence:
    """Return the correlations of x and m over rows that stand for several customers."""
    plain = _correlation(sample.columns[0], sample.columns[1], sample.weights)
    some = sample.subsample() if len(sample) > 2 * SAMPLE else sample
    ranks = [_ranks(column, some.weights) for column in some.columns[:2]]
    ranked = _correlation(ranks[0], ranks[1], some.weights)
    n = sample.total if some is sample else float(SAMPLE)
    if not np.isfinite(ranked) or n < 3:
        return Independence(plain, ranked, 1.0)
    t = ranked * np.sqrt((n - 2.0) / max(1.0 - ranked**2, 1e-300))
    return Independence(plain, ranked, float(2.0 * stats.t.sf(abs(t), n - 2.0)))


def _ranks(values: Floats, weights: Floats) -> Floats:
    """Return the middle rank of each value among rows that count ``weights`` times."""
    distinct, inverse = np.unique(values, return_inverse=True)
    total = np.bincount(inverse, weights=weights, minlength=len(distinct))
    return np.asarray((np.cumsum(total) - total / 2.0)[inverse], dtype=np.float64)


def _correlation(x: Floats, m: Floats, weights: Floats) -> float:
    """Return the weighted correlation of x and m; NaN if x is constant."""
    x, m = x - np.average(x, weights=weights), m - np.average(m, weights=weights)
    covariance, *spreads = (
        np.einsum("n,n,n->", one, other, weights) for one, other in ((x, m), (x, x), (m, m))
    )
    spread = float(np.sqrt(spreads[0] * spreads[1]))
    return float(covariance) / spread if spread > 0 else float("nan")
