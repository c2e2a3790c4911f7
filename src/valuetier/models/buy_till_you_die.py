"""What the buy-till-you-die models in continuous time have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from valuetier import _validate as validate
from valuetier._core.compress import Floats, counted_rows
from valuetier._core.discount import discounted_within
from valuetier._core.likelihood import Part, Sample
from valuetier._core.optimise import maximise
from valuetier.errors import InvalidDataError, NotConvergedError
from valuetier.models.base import MaximumLikelihood, Problem, checked_weights, drawn_rows, per_row
from valuetier.models.covariates import Covariates, coefficients, design, effects_by_role, read_covariates
from valuetier.models.observed import counts, histories, times
from valuetier.models.uncertainty import Uncertain


class BuyTillYouDie(Uncertain, MaximumLikelihood):
    """A model of purchases until an unseen dropout, observed as (x, t_x, T).

    A subclass names its parameters, its equations (a module of functions on arrays), the
    terms of its likelihood, its starting points, and the parameter that covariates of each
    role act on, with the sign that makes more of it. ``cheap`` names the equations that cost
    less than finding equal customers; with ``stages`` the purchases of a living customer
    depend on t_x too.
    """

    data_kind: ClassVar = "histories in continuous time"
    equations: ClassVar[ModuleType]
    cheap: ClassVar[tuple[str, ...]] = ()
    stages: ClassVar[bool] = False
    acts_on: ClassVar[Mapping[str, tuple[str, float]]]

    @abstractmethod
    def _parts(self) -> tuple[Part, ...]:
        """Return the terms of the log-likelihood over the columns (x, t_x, T)."""

    @abstractmethod
    def _starts(self, rate: float, length: float) -> list[Floats]:
        """Return starting points in log-parameters, from a mean purchase rate and age."""

    def _options(self) -> dict[str, Any]:
        """Return what the equations need beside columns and parameters."""
        return {}

    @classmethod
    def from_params(
        cls,
        *,
        rate_coefficients: Mapping[str, float] | None = None,
        dropout_coefficients: Mapping[str, float] | None = None,
        **params: Any,
    ) -> Self:
        """Return a fitted model with the given parameters and, by name, effects of covariates.

        Raises
        ------
        InvalidParameterError
            If a parameter is missing, unknown or not positive.
        """
        model = cls()
        model._set_parameters(params)
        model.rate_coefficients_ = coefficients("rate_coefficients", rate_coefficients)
        model.dropout_coefficients_ = coefficients("dropout_coefficients", dropout_coefficients)
        return model

    def fit(
        self,
        x: ArrayLike,
        t_x: ArrayLike,
        T: ArrayLike,
        weights: ArrayLike | None = None,
        *,
        rate_covariates: Any = None,
        dropout_covariates: Any = None,
    ) -> Self:
        """Return the model fitted by maximum likelihood.

        Parameters
        ----------
        x : (n,) array-like
            Repeat purchases.
        t_x, T : (n,) array-like
            Age at the last purchase and at the end of the observation, in one unit
            of time (days, if they come from :func:`valuetier.summarize`).
        weights : (n,) array-like, optional
            How many customers a row stands for. Default: 1 each.
        rate_covariates, dropout_covariates : frame or (n, m) array, optional
            Attributes of the customers. A coefficient γ multiplies the mean purchase rate,
            or the odds or rate of dropout, by exp(γ z): positive is more of it.

        Raises
        ------
        InvalidDataError
            If values are missing, negative or contradict each other.
        NotConvergedError
            If no finite likelihood exists; the model stays as it was.
        """
        problem = self._problem(
            x, t_x, T, weights, rate_covariates=rate_covariates, dropout_covariates=dropout_covariates
        )
        found = effects_by_role(problem.names, self._keep(problem, self._maximised(problem)))
        self.rate_coefficients_, self.dropout_coefficients_ = found["rate"], found["dropout"]
        return self

    def log_likelihood(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike,
        *, rate_covariates: Any = None, dropout_covariates: Any = None,
    ) -> Floats:  # fmt: skip
        """Return the log-likelihood of each customer."""
        columns = histories(x, t_x, T)
        return self._each("log_likelihood", columns, (rate_covariates, dropout_covariates))

    def probability_alive(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, t: ArrayLike = 0.0,
        *, rate_covariates: Any = None, dropout_covariates: Any = None,
    ) -> Floats:  # fmt: skip
        """Return the probability, in [0, 1], that each customer is still one at T + t."""
        *history, later = _paired(histories(x, t_x, T), t=times("t", t))
        columns = (*history, later) if later.any() else history
        return self._each("probability_alive", columns, (rate_covariates, dropout_covariates))

    def expected_purchases(
        self, t: ArrayLike, *, rate_covariates: Any = None, dropout_covariates: Any = None
    ) -> Floats:
        """Return the purchases expected of a new customer within ``t``, its first one apart."""
        return self._each("expected_purchases", (times("t", t),), (rate_covariates, dropout_covariates))

    def conditional_expected_purchases(
        self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike,
        *, rate_covariates: Any = None, dropout_covariates: Any = None,
    ) -> Floats:  # fmt: skip
        """Return the purchases expected of each customer in (T, T + t]; ≥ 0, never NaN."""
        *history, t = _paired(histories(x, t_x, T), t=times("t", t))
        effects = rate_covariates, dropout_covariates
        if_alive = self._each("expected_if_alive", (t, *self._state(history)), effects)
        return self._each("probability_alive", history, effects) * if_alive

    def probability_of_purchases(
        self, n: ArrayLike, t: ArrayLike, *, rate_covariates: Any = None, dropout_covariates: Any = None
    ) -> Floats:
        """Return the probability that a new customer makes ``n`` purchases within ``t``."""
        columns = counts("n", n, "t", t)
        return self._each("probability_of_purchases", columns, (rate_covariates, dropout_covariates))

    def discounted_expected_purchases(
        self, horizon: ArrayLike, discount: float, x: ArrayLike, t_x: ArrayLike, T: ArrayLike,
        *, rate_covariates: Any = None, dropout_covariates: Any = None,
    ) -> Floats:  # fmt: skip
        """Return the purchases expected in (T, T + horizon], discounted to T.

        Parameters
        ----------
        horizon : float or (n,) array
            In the model's unit of time.
        discount : float
            Continuous rate per unit of time: log(1 + annual rate) / 365 for days.
        x, t_x, T : (n,) array-like
        rate_covariates, dropout_covariates : frame or (n, m) array, optional
            As in ``fit``.
        """
        discount = validate.positive_number("discount", discount, zero=True)
        *history, ends = _paired(histories(x, t_x, T), horizon=times("horizon", horizon))
        return self._discounted((ends, *history), discount, (rate_covariates, dropout_covariates))

    def dert(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, discount: float,
        *, rate_covariates: Any = None, dropout_covariates: Any = None,
    ) -> Floats:  # fmt: skip
        """Return the discounted expected residual transactions, over an infinite horizon.

        ``discount`` is a continuous rate per unit of time, > 0.
        """
        discount = validate.positive_number("discount", discount)
        history = histories(x, t_x, T)
        forever = np.full_like(history[0], np.inf)
        return self._discounted((forever, *history), discount, (rate_covariates, dropout_covariates))

    def simulate(
        self, n: int, T: ArrayLike, rng: np.random.Generator,
        *, rate_covariates: Any = None, dropout_covariates: Any = None,
    ) -> tuple[Floats, ...]:  # fmt: skip
        """Return (x, t_x, T) of ``n`` simulated customers observed until ``T``: one age, or ``n``."""
        n, T = validate.whole_number("n", n, 0), times("T", T)
        if len(T) not in (1, n):
            raise InvalidDataError(f"T must be one time or {n}, one per customer, got {len(T)} times.")
        T = np.array(np.broadcast_to(T, (n,)))
        params = {**self.params(), **self._moved((rate_covariates, dropout_covariates), n)}
        x, t_x, *rest = self.equations.simulate(T, rng, **params, **self._options())
        return (x, t_x, T, *rest)

    def _each(self, name: str, columns: Sequence[Floats], effects: tuple[Any, Any]) -> Floats:
        """Return an equation's value for each customer."""
        function = getattr(self.equations, name)
        return self._per_row(
            lambda params, *some: function(*some, **params), columns, effects, cheap=name in self.cheap
        )

    def _state(self, history: Sequence[Floats]) -> tuple[Floats, Floats, Floats]:
        """Return what the purchases of a living customer depend on."""
        x, t_x, T = history
        return x, t_x if self.stages else np.zeros_like(t_x), T

    def _discounted(self, columns: Sequence[Floats], discount: float, effects: tuple[Any, Any]) -> Floats:
        """Return the discounted purchases of customers (horizon, x, t_x, T)."""

        def value(params: dict[str, Any], horizon: Floats, *history: Floats) -> Floats:
            def expectation(t: Floats, rows: NDArray[np.intp]) -> Floats:
                some = {name: p[rows] if np.ndim(p) else p for name, p in params.items()}
                return self.equations.expected_if_alive(t, *(column[rows] for column in history), **some)

            x, _, T = history
            scale = self.equations.time_scale(x, T, **params)
            return discounted_within(expectation, horizon, discount, scale, stepwise=self.stages)

        horizon, *history = columns
        if_alive = self._per_row(value, (horizon, *self._state(history)), effects)
        return self._each("probability_alive", history, effects) * if_alive

    def _per_row(
        self,
        function: Callable[..., Floats],
        columns: Sequence[Floats],
        effects: tuple[Any, Any],
        *,
        cheap: bool = False,
    ) -> Floats:
        """Return function(parameters, *columns), with the parameters of each customer."""
        fixed = {**self.params(), **self._options()}
        if len(columns[0]) == 1:  # one time for customers of many attributes
            n = max([1, *(len(values) for values in effects if values is not None)])
            columns = [np.array(np.broadcast_to(column, (n,))) for column in columns]
        moved = self._moved(effects, len(columns[0]))
        size = len(columns)

        def with_parameters(*some: Floats) -> Floats:
            return function({**fixed, **dict(zip(moved, some[size:], strict=True))}, *some[:size])

        return per_row(with_parameters, *columns, *moved.values(), cheap=cheap)

    def _moved(self, effects: tuple[Any, Any], n: int) -> dict[str, Floats]:
        """Return the parameters that covariates move, per customer."""
        params, moved = self.params(), {}
        for (role, (parameter, sign)), values in zip(self.acts_on.items(), effects, strict=True):
            expected = getattr(self, f"{role}_coefficients_")
            found = read_covariates(f"{role}_covariates", values, n, tuple(expected))
            if found is not None:
                moved[parameter] = params[parameter] * np.exp(sign * found.effect(expected))
        return moved

    def _estimates(self) -> Floats:
        effects = (*self.rate_coefficients_.values(), *self.dropout_coefficients_.values())
        return np.array([*self.params().values(), *effects])

    def _problem(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, weights: ArrayLike | None = None,
        *, rate_covariates: Any = None, dropout_covariates: Any = None,
    ) -> Problem:  # fmt: skip
        columns = histories(x, t_x, T)
        counted = checked_weights(weights, columns[0])
        n = len(columns[0])
        if not (columns[0] > 0).any():
            raise NotConvergedError(
                f"{type(self).__name__} cannot be fitted: none of {n} customers bought "
                "again, so the purchase rate and dropout cannot be told apart. Observe longer."
            )
        effects = [
            (role, *self.acts_on[role], read_covariates(f"{role}_covariates", values, n))
            for role, values in (("rate", rate_covariates), ("dropout", dropout_covariates))
        ]
        return self._problem_of(columns, counted, effects)

    def _problem_of(
        self,
        columns: Sequence[Floats],
        weights: Floats | None,
        effects: Sequence[tuple[str, str, float, Covariates | None]],
    ) -> Problem:
        """Return the likelihood of the distinct customers and where to start."""
        width = len(columns)
        extra = [column for *_, found in effects if found is not None for column in found.values.T]
        rows, counted = counted_rows(*columns, *extra, weights=weights)
        (x, _, T), at = rows[:3], width
        kept = []
        for role, parameter, sign, found in effects:
            if found is not None:
                found = Covariates(found.names, np.column_stack(rows[at : at + len(found.names)]))
                at += len(found.names)
            kept.append((role, parameter, sign, found))
        made = design(self.parameter_names, kept, len(counted))
        with np.errstate(all="ignore"):
            length = np.average(T, weights=counted)
            starts = self._starts(np.average(x, weights=counted) / length, length)
        sample = Sample(self._parts(), rows[:width], counted, made.matrices)
        if made.matrices is not None:
            starts = [_widened(self._without(sample, starts), made.matrices)]
        return Problem(sample, starts, made.names, len(self.parameter_names), made.back, made.searched)

    def _without(self, sample: Sample, starts: list[Floats]) -> Floats:
        """Return the log-parameters that are best without covariates."""
        plain = Sample(sample.parts, sample.columns, sample.weights)
        return maximise(plain, starts, self.parameter_names).working

    def _simulated(self, problem: Problem, rng: np.random.Generator) -> Problem:
        """Return the problem of customers simulated with these parameters, observed as long."""
        sample = problem.sample
        places = drawn_rows(sample, rng)
        params: dict[str, Any] = self.params()
        if sample.designs is not None:
            working = problem.working(self._estimates())
            params = dict(zip(params, np.exp(_log_parameters(sample.designs, working)), strict=True))
            params = {name: values[places] for name, values in params.items()}
        T = sample.columns[2][places]
        x, t_x, *_ = self.equations.simulate(T, rng, **params, **self._options())
        if sample.designs is None:
            rows, counted = counted_rows(x, t_x, T)
            return problem._replace(sample=Sample(sample.parts, rows, counted))
        designs = tuple(design[places] for design in sample.designs)
        return problem._replace(sample=Sample(sample.parts, (x, t_x, T), np.ones(len(T)), designs))

    def _set_estimates(self, values: Floats, fitted: Any) -> None:
        super()._set_estimates(values, fitted)
        rest = iter(values[len(self.parameter_names) :].tolist())
        self.rate_coefficients_ = {name: next(rest) for name in fitted.rate_coefficients_}
        self.dropout_coefficients_ = {name: next(rest) for name in fitted.dropout_coefficients_}


def _log_parameters(designs: Sequence[Floats], working: Floats) -> list[Floats]:
    """Return each row's log-parameters."""
    ends = np.cumsum([matrix.shape[1] for matrix in designs])[:-1]
    return [matrix @ part for matrix, part in zip(designs, np.split(working, ends), strict=True)]


def _widened(log_parameters: Floats, matrices: Sequence[Floats]) -> Floats:
    """Return log-parameters with coefficients of 0 for the covariates."""
    return np.concatenate([
        [value, *np.zeros(matrix.shape[1] - 1)]
        for value, matrix in zip(log_parameters, matrices, strict=True)
    ])  # fmt: skip


def _paired(history: Sequence[Floats], **times: Floats) -> list[Floats]:
    """Return the history's columns and the times at one length."""
    names = dict(zip(("x", "t_x", "T"), history, strict=True))
    return validate.broadcast_floats(**names, **times)
