"""The sBG model of contracts."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from valuetier import _validate as validate
from valuetier._core import sbg
from valuetier._core.compress import Floats, counted_rows
from valuetier._core.likelihood import Sample
from valuetier.errors import InvalidDataError
from valuetier.models.base import Problem, checked_weights, per_row
from valuetier.models.observed import times
from valuetier.models.uncertainty import Uncertain


class SBG(Uncertain):
    """sBG: how long contracts are renewed, when some customers are more loyal than others.

    At each renewal a customer leaves with a chance θ that stays the same, and
    θ ~ Beta(α, β) over customers. The loyal ones remain, so retention rises with age.
    Time is counted in renewals.

    Attributes
    ----------
    alpha_, beta_ : float
        α/(α + β) is the share lost at the first renewal.
    log_likelihood_ : float
    report_ : FitReport
    standard_errors_ : dict
    covariance_ : (2, 2) array

    References
    ----------
    Fader & Hardie (2007), "How to Project Customer Retention", Journal of Interactive
    Marketing 21(1), 76-90; (2010), "Customer-Base Valuation in a Contractual Setting: The
    Perils of Ignoring Heterogeneity", Marketing Science 29(1), 85-93.

    Examples
    --------
    >>> model = SBG().fit_survivors([1000, 631, 468, 382, 326, 289, 262, 241])
    >>> model.survival([1, 7, 12]).round(3).tolist()
    [0.627, 0.239, 0.17]
    >>> model.retention([1, 2, 10]).round(3).tolist()
    [0.627, 0.756, 0.935]
    """

    parameter_names: ClassVar = ("alpha", "beta")
    data_kind: ClassVar = "contracts"
    reasons: ClassVar = {
        "alpha → ∞, beta → ∞": "Customers seem to leave with one common chance.",
        "alpha, beta": "Customers seem to leave with one common chance.",
        "alpha → 0, beta → 0": "Customers seem either to leave at once or never to.",
        "alpha → ∞": "Every customer leaves at the first renewal.",
        "beta → 0": "Customers seem either to leave at once or never to.",
        "alpha → 0": "Hardly any customer leaves.",
        "beta → ∞": "Hardly any customer leaves.",
    }

    def fit(self, periods: ArrayLike, churned: ArrayLike, weights: ArrayLike | None = None) -> Self:
        """Return the model fitted by maximum likelihood.

        Parameters
        ----------
        periods : (n,) array-like
            The renewal at which a customer left: 1, 2, …; the renewals seen of one who is
            still there.
        churned : (n,) array-like of bool
            Whether the customer has left.
        weights : (n,) array-like, optional
            How many customers a row stands for. Default: 1 each.

        Raises
        ------
        InvalidDataError
            If values are missing or contradict each other.
        NotConvergedError
            If no finite likelihood exists; the model stays as it was.
        """
        problem = self._problem(periods, churned, weights)
        self._keep(problem, self._maximised(problem))
        return self

    def fit_survivors(self, survivors: ArrayLike) -> Self:
        """Return the model fitted to the numbers still there: at the start, after renewal 1, 2, …."""
        (there,) = validate.broadcast_floats(survivors=survivors)
        validate.refuse_not_finite("survivors", there)
        if len(there) < 2 or (np.diff(there) > 0).any() or there[0] <= 0 or there[-1] < 0:
            raise InvalidDataError(
                f"survivors: {len(there)} values must be at least 2, never rise and start above 0. "
                "Pass the number at the start, then after each renewal."
            )
        left = np.arange(1.0, len(there))
        periods, lost = np.append(left, left[-1]), np.append(-np.diff(there), there[-1])
        churned = np.append(np.ones_like(left), 0.0)
        some = lost > 0
        return self.fit(periods[some], churned[some], weights=lost[some])

    def log_likelihood(self, periods: ArrayLike, churned: ArrayLike) -> Floats:
        """Return the log-likelihood of each customer."""
        renewals, left = _checked(periods, churned)
        return sbg.log_likelihood(renewals, left, **self.params())

    def survival(self, t: ArrayLike) -> Floats:
        """Return the chance that a new customer is still there after ``t`` renewals."""
        return sbg.survival(times("t", t), **self.params())

    def retention(self, t: ArrayLike) -> Floats:
        """Return the share that renews at renewal ``t`` = 1, 2, … of those who got there."""
        t = times("t", t)
        validate.refuse("t", t < 1, "are below 1", "Renewals are counted from 1.")
        return sbg.retention(t, **self.params())

    def expected_renewals(self, t: ArrayLike, renewed: ArrayLike = 0) -> Floats:
        """Return the renewals expected of a customer at its next ``t``, after ``renewed`` in the past."""
        t, renewed = validate.broadcast_floats(t=times("t", t), renewed=times("renewed", renewed))
        params = self.params()
        return per_row(lambda ahead, made: sbg.expected_renewals(ahead, made, **params), t, renewed)

    def derl(self, discount: float, renewed: ArrayLike = 0) -> Floats:
        """Return the discounted expected residual lifetime just before a renewal.

        The renewals expected of a customer who has made ``renewed`` of them; the one at hand
        counts in full, the next 1/(1 + discount), and so on without end.

        Parameters
        ----------
        discount : float
            Effective rate per period, > 0: 0.1 for 10 %.
        renewed : (n,) array-like
            Renewals made.
        """
        discount = validate.positive_number("discount", discount)
        past = times("renewed", renewed)
        params = self.params()
        return per_row(lambda made: sbg.discounted_renewals(np.array(np.inf), discount, made, **params), past)

    def simulate(self, n: int, T: ArrayLike, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Return (periods, churned) of ``n`` simulated customers seen for ``T`` renewals: one number, or each's."""
        n, T = validate.whole_number("n", n, 0), times("T", T)
        validate.refuse("T", np.floor(T) != T, "are not whole numbers", "Renewals are counted.")
        if len(T) not in (1, n):
            raise InvalidDataError(f"T must be one number or {n}, one per customer, got {len(T)} numbers.")
        return sbg.simulate(np.array(np.broadcast_to(T, (n,))), rng, **self.params())

    def _problem(self, periods: ArrayLike, churned: ArrayLike, weights: ArrayLike | None = None) -> Problem:
        columns = _checked(periods, churned)
        if not columns[0].any():
            raise InvalidDataError(
                f"periods: all of {len(columns[0])} are 0, no renewal was seen. Observe longer."
            )
        rows, counted = counted_rows(*columns, weights=checked_weights(weights, columns[0]))
        lost = float(np.clip((rows[1] * counted).sum() / max((rows[0] * counted).sum(), 1.0), 1e-3, 0.99))
        starts = [np.log([size * lost, size * (1.0 - lost)]) for size in (2.0, 20.0, 0.5)]
        return Problem(Sample(sbg.PARTS, rows, counted), starts, self.parameter_names, 2, np.eye(2))

    def _simulated(self, problem: Problem, rng: np.random.Generator) -> Problem:
        """Return the problem of simulated customers, seen as long as the longest: leavers' ends are unknown."""
        sample = problem.sample
        longest = np.full(round(sample.total), sample.columns[0].max())
        rows, counted = counted_rows(*sbg.simulate(longest, rng, **self.params()))
        return problem._replace(sample=Sample(sample.parts, rows, counted))


def _checked(periods: ArrayLike, churned: ArrayLike) -> tuple[Floats, Floats]:
    periods, churned = validate.broadcast_floats(periods=periods, churned=churned)
    if not len(periods):
        raise InvalidDataError("periods and churned are empty: pass at least one customer.")
    for name, column in (("periods", periods), ("churned", churned)):
        validate.refuse_not_finite(name, column)
    validate.refuse(
        "periods", (periods < 0) | (periods != np.floor(periods)), "are no counts", "Pass 1, 2, …."
    )
    validate.refuse("churned", ~np.isin(churned, (0.0, 1.0)), "are neither 0 nor 1", "Pass booleans.")
    validate.refuse("periods", (churned == 1) & (periods == 0), "are 0 although churned", "Count from 1.")
    return periods, churned
