"""The BG/BB model."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from valuetier import _validate as validate
from valuetier._core import bgbb
from valuetier._core.compress import Floats, counted_rows
from valuetier._core.likelihood import Sample
from valuetier.errors import InvalidDataError, NotConvergedError
from valuetier.models.base import Problem, checked_weights, drawn_rows, per_row
from valuetier.models.observed import counts, opportunities, times
from valuetier.models.uncertainty import Uncertain


class BGBB(Uncertain):
    """BG/BB: who uses the opportunities to buy, give or attend, one per period, and who has left.

    A living customer uses an opportunity with a chance ~ Beta(α, β); before each
    opportunity it drops out with a chance ~ Beta(γ, δ). Time is counted in opportunities.

    Attributes
    ----------
    alpha_, beta_ : float
        Purchase: α/(α + β) is its mean chance at an opportunity.
    gamma_, delta_ : float
        Dropout: γ/(γ + δ) is its mean chance before an opportunity.
    log_likelihood_ : float
    report_ : FitReport
    standard_errors_ : dict
    covariance_ : (4, 4) array
        Of (α, β, γ, δ), in natural units.

    References
    ----------
    Fader, Hardie & Shang (2010), "Customer-Base Analysis in a Discrete-Time Noncontractual
    Setting", Marketing Science 29(6), 1086-1108.

    Examples
    --------
    >>> model = BGBB.from_params(alpha=1.204, beta=0.750, gamma=0.657, delta=2.783)
    >>> model.conditional_expected_purchases(5, x=[4], t_x=[5], n=[6]).round(2).tolist()
    [2.03]
    """

    parameter_names: ClassVar = ("alpha", "beta", "gamma", "delta")
    discrete_time: ClassVar = True
    data_kind: ClassVar = "opportunities"
    reasons: ClassVar = {
        "alpha → ∞": "Customers seem to use every opportunity while they are there.",
        "beta → 0": "Customers seem to use every opportunity while they are there.",
        "gamma → 0": "Hardly any customer seems to drop out.",
        "delta → ∞": "Hardly any customer seems to drop out.",
        "alpha → ∞, beta → ∞": "Customers seem to buy with one common chance.",
        "alpha, beta": "Customers seem to buy with one common chance.",
        "gamma → ∞, delta → ∞": "Customers seem to drop out with one common chance.",
        "gamma, delta": "Customers seem to drop out with one common chance.",
    }

    def fit(self, x: ArrayLike, t_x: ArrayLike, n: ArrayLike, weights: ArrayLike | None = None) -> Self:
        """Return the model fitted by maximum likelihood.

        Parameters
        ----------
        x : (m,) array-like
            Opportunities used, the first purchase apart.
        t_x : (m,) array-like
            The last opportunity used, 0 if none.
        n : (m,) array-like
            Opportunities there were.
        weights : (m,) array-like, optional
            How many customers a row stands for. Default: 1 each.

        Raises
        ------
        InvalidDataError
            If values are missing, no counts, or contradict each other.
        NotConvergedError
            If no finite likelihood exists; the model stays as it was.
        """
        problem = self._problem(x, t_x, n, weights)
        self._keep(problem, self._maximised(problem))
        return self

    def log_likelihood(self, x: ArrayLike, t_x: ArrayLike, n: ArrayLike) -> Floats:
        """Return the log-likelihood of each customer."""
        return self._each(bgbb.log_likelihood, *opportunities(x, t_x, n))

    def probability_alive(self, x: ArrayLike, t_x: ArrayLike, n: ArrayLike, t: ArrayLike = 0) -> Floats:
        """Return the probability that each customer is alive at opportunity n + t."""
        *history, t = _paired(x, t_x, n, t)
        return self._each(bgbb.probability_alive, *history, t)

    def expected_purchases(self, t: ArrayLike) -> Floats:
        """Return the purchases expected of a new customer over ``t`` opportunities, its first one apart."""
        return self._each(bgbb.expected_purchases, _whole("t", times("t", t)))

    def conditional_expected_purchases(
        self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, n: ArrayLike
    ) -> Floats:
        """Return the purchases expected of each customer over the next ``t`` opportunities."""
        *history, t = _paired(x, t_x, n, t)
        return self._each(bgbb.conditional_expected_purchases, t, *history)

    def probability_of_purchases(self, m: ArrayLike, t: ArrayLike) -> Floats:
        """Return the probability that a new customer uses ``m`` of ``t`` opportunities."""
        m, t = counts("m", m, "t", t)
        return self._each(bgbb.probability_of_purchases, m, _whole("t", t))

    def discounted_expected_purchases(
        self, horizon: ArrayLike, discount: float, x: ArrayLike, t_x: ArrayLike, n: ArrayLike
    ) -> Floats:
        """Return the purchases expected over the next ``horizon`` opportunities, discounted.

        One at the i-th counts 1/(1 + discount)^i: ``discount`` is the effective rate per
        opportunity, 0.1 for 10 %.
        """
        discount = validate.positive_number("discount", discount, zero=True)
        *history, ends = _paired(x, t_x, n, horizon)
        return self._discounted(discount, ends, *history)

    def dert(self, x: ArrayLike, t_x: ArrayLike, n: ArrayLike, discount: float) -> Floats:
        """Return the discounted expected residual transactions over an infinite horizon.

        ``discount`` is the effective rate per opportunity, > 0.
        """
        discount = validate.positive_number("discount", discount)
        history = opportunities(x, t_x, n)
        return self._discounted(discount, np.full_like(history[0], np.inf), *history)

    def simulate(self, n: int, T: ArrayLike, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
        """Return (x, t_x, opportunities) of ``n`` simulated customers with ``T`` opportunities: one number, or each's."""
        n, T = validate.whole_number("n", n, 0), _whole("T", times("T", T))
        if len(T) not in (1, n):
            raise InvalidDataError(f"T must be one number or {n}, one per customer, got {len(T)} numbers.")
        T = np.array(np.broadcast_to(T, (n,)))
        x, t_x = bgbb.simulate(T, rng, **self.params())
        return x, t_x, T

    def _each(self, function: Callable[..., Floats], *columns: Floats) -> Floats:
        params = self.params()
        return per_row(lambda *some: function(*some, **params), *columns)

    def _discounted(self, discount: float, ends: Floats, *history: Floats) -> Floats:
        params = self.params()

        def value(t: Floats, x: Floats, t_x: Floats, n: Floats) -> Floats:
            return bgbb.discounted_expected_purchases(t, discount, x, t_x, n, **params)

        return per_row(value, ends, *history)

    def _problem(
        self, x: ArrayLike, t_x: ArrayLike, n: ArrayLike, weights: ArrayLike | None = None
    ) -> Problem:
        columns = opportunities(x, t_x, n)
        rows, counted = counted_rows(*columns, weights=checked_weights(weights, columns[0]))
        used = float(np.average(rows[0], weights=counted) / max(np.average(rows[2], weights=counted), 1.0))
        if used == 0:
            raise NotConvergedError(
                f"BGBB cannot be fitted: none of {len(columns[0])} customers used an opportunity, so "
                "purchase and dropout cannot be told apart. Observe longer."
            )
        shapes = (1.0, 0.5, 2.0), (2.0, 0.5, 8.0), (0.5, 1.0, 1.0), (5.0, 0.2, 4.0)
        odds = (1.0 - min(used, 0.95)) / used
        starts = [np.log([a, a * odds, gamma, delta]) for a, gamma, delta in shapes]
        return Problem(Sample(bgbb.PARTS, rows, counted), starts, self.parameter_names, 4, np.eye(4))

    def _simulated(self, problem: Problem, rng: np.random.Generator) -> Problem:
        sample = problem.sample
        n = sample.columns[2][drawn_rows(sample, rng)]
        rows, counted = counted_rows(*bgbb.simulate(n, rng, **self.params()), n)
        return problem._replace(sample=Sample(sample.parts, rows, counted))


def _whole(name: str, values: Floats) -> Floats:
    validate.refuse(name, values != np.floor(values), "are not whole numbers", "Opportunities are counted.")
    return values


def _paired(x: ArrayLike, t_x: ArrayLike, n: ArrayLike, t: ArrayLike) -> list[Floats]:
    """Return the history and the opportunities ahead at one length."""
    x, t_x, n = opportunities(x, t_x, n)
    return validate.broadcast_floats(x=x, t_x=t_x, n=n, t=_whole("t", times("t", t)))
