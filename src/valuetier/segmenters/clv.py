"""Customer lifetime value: expected orders × expected order value × margin, discounted, then cut."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import clone

from valuetier import _validate as validate
from valuetier._core.changes import SMALLEST, CodesAt, Rows
from valuetier._core.compress import significant
from valuetier._core.cuts import Codes
from valuetier._validate import Floats
from valuetier.base import Assessment, BaseSegmenter, Names
from valuetier.cuts import Cut, ShareCut, new_cut
from valuetier.errors import InvalidParameterError
from valuetier.explain.levers import NONE, Lever
from valuetier.models.bgnbd import BGNBD
from valuetier.models.gamma_gamma import GammaGamma
from valuetier.segmenters.lifetime_value import DAYS_PER_YEAR, Customers, Terms, lifetime_value
from valuetier.segmenters.value_draws import drawn_cut, drawn_models, drawn_values
from valuetier.tables import read_columns
from valuetier.words import number, say, threshold_sentence

PURCHASES = (
    "fit",
    "conditional_expected_purchases",
    "discounted_expected_purchases",
    "probability_alive",
)
VALUES = ("fit", "expected_value")
EFFECTS = ("rate_covariates", "dropout_covariates")

TEXTS = {
    "en": (
        "alive with probability {alive}, {orders} orders expected within {days} days ({discounted} discounted), "
        "{value} each{margin} → value "
    ),
    "zh": "存活概率 {alive}，未来 {days} 天预计购买 {orders} 次（折现后 {discounted} 次），每单 {value}{margin} → 客户价值 ",
}
LIFETIME_TEXTS = {
    "en": (
        "alive with probability {alive}, {orders} orders expected within {days} days, {discounted} "
        "(discounted) in its whole lifetime, {value} each{margin} → value "
    ),
    "zh": "存活概率 {alive}，未来 {days} 天预计购买 {orders} 次，整个生命周期折现后 {discounted} 次，每单 {value}{margin} → 客户价值 ",
}
MARGINS = {"en": ", margin {share}", "zh": "，利润率 {share}"}


class CLVSegmenter(BaseSegmenter):
    """Tiers by expected lifetime value over a horizon, from the customer's own history.

    Value = discounted expected orders within ``horizon_days`` × expected order value ×
    margin. Times are in days, as :func:`valuetier.summarize` makes them.

    Parameters
    ----------
    model : purchase model, optional
        Anything with ``fit(x, t_x, T)``, ``conditional_expected_purchases``,
        ``discounted_expected_purchases`` and ``probability_alive``. Default: ``BGNBD()``.
        A ``CNBDK()`` that is to find its k reads the column ``sum_log_gaps`` in ``fit``.
    spend : order value model, optional
        Anything with ``fit(x, m_x)`` and ``expected_value``. Default: ``GammaGamma()``.
    cut : Cut, optional
        Default: the best 20 %, the next 30 % and the rest of the customers.
    horizon_days : float
        How far to look ahead; ``math.inf`` for the whole lifetime, where the discount rate
        must be above 0.
    discount_rate : float
        Annual effective rate: 0.10 makes 1.00 in 365 days worth 1/1.10 today. Orders are
        discounted at the time they are expected.
    margin : float or str
        Share of an order's value that is earned, or the column that holds it.
    rate_covariates, dropout_covariates : sequence of str
        Columns that move the purchase rate and dropout of the purchase model.
    allow_protected : sequence of str
        Columns to use although they tell of age, sex, origin, health and the like; refused otherwise.

    Attributes
    ----------
    model_, spend_ : fitted models
    cut_ : Cut

    Examples
    --------
    >>> import valuetier as vt
    >>> orders = vt.datasets.load_cdnow_orders()
    >>> customers = vt.summarize(orders).customers
    >>> clv = CLVSegmenter(horizon_days=365, margin=0.3).fit(customers)
    >>> clv.assign(customers).counts().to_dict()
    {'High': 4714, 'Medium': 7075, 'Low': 11781}
    """

    kind: ClassVar[str] = "clv"

    def __init__(
        self,
        *,
        model: Any = None,
        spend: Any = None,
        cut: Cut | None = None,
        horizon_days: float = 365,
        discount_rate: float = 0.10,
        margin: float | str = 1.0,
        rate_covariates: Sequence[str] = (),
        dropout_covariates: Sequence[str] = (),
        allow_protected: Sequence[str] = (),
    ) -> None:
        self.model = model
        self.spend = spend
        self.cut = cut
        self.horizon_days = horizon_days
        self.discount_rate = discount_rate
        self.margin = margin
        self.rate_covariates = rate_covariates
        self.dropout_covariates = dropout_covariates
        self.allow_protected = allow_protected

    def fit(self, X: Any, y: Any = None, *, histories: Any = None) -> Self:
        """Fit the models by maximum likelihood and learn the cut; return the segmenter.

        Parameters
        ----------
        X : customer table
        y : ignored
        histories : table, optional
            All customers counted by history: the columns of ``counted_columns`` and
            ``customers``, how many have it. The purchase model then learns from these, and ``X``
            may be a sample from which the order values and the cut are learned.

        Raises
        ------
        NotConvergedError
            If a model cannot be fitted to these customers.
        """
        self._check()
        columns, width = self._read_to_fit(X, self._gaps())
        customers = self._customers(columns)
        model = self._fitted_purchases(columns if histories is None else self._counted(histories), histories)
        spend = clone(GammaGamma() if self.spend is None else self.spend, safe=False)
        spend = spend.fit(customers.history[0], customers.m_x)
        value = lifetime_value(customers, model, spend, self._terms())["clv"]
        cut = self._new_cut().fit(value, name="clv")
        self.model_, self.spend_, self.cut_ = model, spend, cut
        self.n_features_in_ = width
        return self

    def counted_columns(self) -> tuple[str, ...]:
        """Return the columns that make a customer's history, as ``fit(histories=)`` takes them."""
        return ("x", "t_x", "T", *self.rate_covariates, *self.dropout_covariates, *self._gaps())

    def _gaps(self) -> tuple[str, ...]:
        return ("sum_log_gaps",) if getattr(self.model, "k", 1) is None else ()

    def _counted(self, histories: Any) -> Floats:
        """Return counted histories as columns in the order of the customer table's."""
        read = read_columns(histories, (*self.counted_columns(), "customers"))
        unknown = np.full((len(read), 1 + isinstance(self.margin, str)), np.nan)
        return np.column_stack([read[:, :3], unknown, read[:, 3:]])

    def _fitted_purchases(self, columns: Floats, histories: Any) -> Any:
        """Return the purchase model of the customers, or of counted histories."""
        options = {}
        if histories is not None:
            columns, options["weights"] = columns[:, :-1], columns[:, -1]
        if self._gaps():
            options["sum_log_gaps"] = columns[:, -1]
        customers = self._customers(columns, margins=False)
        model = clone(BGNBD() if self.model is None else self.model, safe=False)
        return model.fit(*customers.history, **customers.effects, **options)

    def tier_probabilities(
        self, X: Any, *, population: Any = None, n_draws: int = 200, kind: str = "asymptotic",
        random_state: int = 0,
    ) -> Floats:  # fmt: skip
        """Return how probable each tier is for each customer: (n, tiers), rows sum to 1.

        The models' parameters are uncertain, so are the values and the tiers that follow.
        A customer's share of draws in a tier is its probability. Purchase and order value
        models are drawn independently, as the Gamma-Gamma model assumes.

        Parameters
        ----------
        X : customer table
        population : customer table, optional
            The customers that models and cut were learned from. With it the cut is learned
            anew in each draw; without it the line stays where it is.
        n_draws : int
        kind : str
            ``"asymptotic"``: parameters from their asymptotic distribution;
            ``"weighted"`` and ``"parametric"``: refits by the bootstrap, which need
            ``population``.
        random_state : int

        Raises
        ------
        NotConvergedError
            If a fit has no covariance.
        """
        columns = self._read(X)
        if not len(columns):
            return np.empty((0, len(self._tier_names())))
        customers, everyone = self._customers(columns), self._population(population)
        shares = np.zeros((len(customers.m_x), len(self._tier_names())))
        places = np.arange(len(shares))
        drawn = 0
        for value, model, spend in self._draws(customers, everyone, n_draws, kind, random_state):
            cut = drawn_cut(self.cut_, everyone, self._terms(), model, spend)
            shares[places, cut.apply(value)] += 1.0
            drawn += 1
        return shares / drawn

    def value_intervals(
        self, X: Any, *, level: float = 0.95, population: Any = None, n_draws: int = 200,
        kind: str = "asymptotic", random_state: int = 0,
    ) -> Floats:  # fmt: skip
        """Return the ends of an interval for each customer's expected lifetime value: (n, 2).

        What is uncertain is the expectation, through the models' parameters; what the
        customer will really bring varies more. Arguments as in :meth:`tier_probabilities`.
        """
        share = validate.positive_number("level", level)
        if share >= 1:
            raise InvalidParameterError(f"level must be a share in (0, 1), got {level!r}. 95 % is 0.95.")
        customers, everyone = self._customers(self._read(X)), self._population(population)
        draws = [value for value, *_ in self._draws(customers, everyone, n_draws, kind, random_state)]
        return np.quantile(draws, [(1.0 - share) / 2.0, (1.0 + share) / 2.0], axis=0).T

    def _draws(
        self, customers: Customers, population: Customers | None, n: int, kind: str, seed: int
    ) -> Iterator[tuple[Floats, Any, Any]]:
        rng = np.random.default_rng(seed)
        once = any((some.history[0] == 0).any() for some in (customers, population) if some is not None)
        models = drawn_models(self.model_, self.spend_, population, n, kind, rng, once=once)
        return drawn_values(customers, self._terms(), models)

    def _population(self, population: Any) -> Customers | None:
        return None if population is None else self._customers(self._read(population))

    def _terms(self) -> Terms:
        return Terms(float(self.horizon_days), float(self.discount_rate))

    def _customers(self, columns: Floats, *, margins: bool = True) -> Customers:
        """Return what the models need, from the columns that were read."""
        at = 4 + isinstance(self.margin, str)
        effects = {}
        for role, names in zip(EFFECTS, (self.rate_covariates, self.dropout_covariates), strict=True):
            if names:
                effects[role] = columns[:, at : at + len(names)]
                at += len(names)
        x, t_x, T, m_x = columns[:, :4].T
        margin = self._margins(columns) if margins else np.ones(len(columns))
        return Customers((x, t_x, T), m_x, margin, effects)

    def _new_cut(self) -> Cut:
        return new_cut(self.cut, ShareCut((0.2, 0.3, 0.5)))

    def _check(self) -> None:
        for name, model, needed in (("model", self.model, PURCHASES), ("spend", self.spend, VALUES)):
            lacking = [method for method in needed if not hasattr(model, method)]
            if isinstance(model, type) or (model is not None and lacking):
                raise InvalidParameterError(
                    f"{name} must be a model with the methods {list(needed)}, got {model!r}."
                )
        forever = self.horizon_days == math.inf
        if not forever:
            validate.positive_number("horizon_days", self.horizon_days)
        validate.positive_number("discount_rate (annual)", self.discount_rate, zero=not forever)
        if forever and self.model is not None and not hasattr(self.model, "dert"):
            raise InvalidParameterError(
                f"horizon_days=inf needs a model with the method 'dert', got {self.model!r}."
            )
        for name in EFFECTS:
            if isinstance(getattr(self, name), str):
                raise InvalidParameterError(
                    f"{name} must be a sequence of column names, got {getattr(self, name)!r}. "
                    "One column is a sequence of one."
                )
        if not isinstance(self.margin, str):
            validate.positive_number("margin", self.margin)
            if self.margin > 1:
                raise InvalidParameterError(
                    f"margin must be a share in (0, 1] or a column name, got {self.margin!r}. 30 % is 0.3."
                )

    def _columns(self) -> tuple[str, ...]:
        margin = (self.margin,) if isinstance(self.margin, str) else ()
        return ("x", "t_x", "T", "m_x", *margin, *self.rate_covariates, *self.dropout_covariates)

    def _may_be_missing(self) -> tuple[str, ...]:
        return ("m_x",)

    def _margins(self, columns: Floats) -> Floats:
        """Return the margin of each customer, a share in (0, 1]."""
        if isinstance(self.margin, str):
            values = columns[:, 4]
            good = (values > 0) & (values <= 1)
            validate.refuse(f"margin {self.margin!r}", ~good, "are not in (0, 1]", "30 % is 0.3.")
        return columns[:, 4] if isinstance(self.margin, str) else np.full(len(columns), float(self.margin))

    def _assess(self, columns: Floats) -> Assessment:
        if not len(columns):
            evidence = {name: np.empty(0) for name in self._evidence_names()}
        else:
            evidence = lifetime_value(self._customers(columns), self.model_, self.spend_, self._terms())
        return Assessment(self.cut_.apply(evidence["clv"]), evidence["clv"], evidence)

    def _evidence_names(self) -> tuple[str, ...]:
        return ("probability_alive", "expected_orders", "discounted_orders", "expected_order_value", "clv")

    def _tier_names(self) -> Names:
        return self._new_cut().tier_names()

    def _levers(self, columns: Floats, found: Assessment) -> Mapping[str, Lever]:
        """Return the order value, and the margin if it is a column: the value is linear in each."""
        if not len(columns):
            return {}
        lines = self.cut_.thresholds_
        x, m_x = columns[:, 0], columns[:, 3]
        now = found.evidence["expected_order_value"]
        known = (x > 0) & ~np.isnan(m_x)
        moved = 2.0 * np.abs(m_x) + 1.0
        slope = (self.spend_.expected_value(x, np.where(known, moved, np.nan)) - now) / (moved - m_x)
        with np.errstate(divide="ignore", invalid="ignore"):
            needed = lines / (found.evidence["discounted_orders"] * self._margins(columns))[:, None]
            turns = m_x[:, None] + (needed - now[:, None]) / slope[:, None]
        found_levers = {
            "m_x": Lever(
                NONE, np.where(known[:, None] & np.isfinite(turns), turns, np.nan), 0.0, monotone=True
            )
        }
        if isinstance(self.margin, str):
            found_levers[self.margin] = Lever(
                NONE, self._margin_turns(columns, found), SMALLEST, 1.0, monotone=True
            )
        return found_levers

    def _margin_turns(self, columns: Floats, found: Assessment) -> Floats:
        each = found.evidence["discounted_orders"] * found.evidence["expected_order_value"]
        with np.errstate(divide="ignore", invalid="ignore"):
            turns = self.cut_.thresholds_ / each[:, None]
        return np.where(np.isfinite(turns), turns, np.nan)

    def _codes_at(self, columns: Floats, found: Assessment, name: str) -> CodesAt:
        """Return the function that gives the codes for other order values or margins, the orders as they are."""
        x, margins = columns[:, 0], self._margins(columns)
        orders, value = found.evidence["discounted_orders"], found.evidence["expected_order_value"]

        def codes_at(rows: Rows, moved: Floats) -> Codes:
            of_order = name == "m_x"
            each = self.spend_.expected_value(x[rows], moved) if of_order else value[rows]
            return self.cut_.apply(significant(orders[rows] * each * (margins[rows] if of_order else moved)))

        return codes_at

    def _score_lines(self) -> Floats:
        return np.asarray(self.cut_.thresholds_)

    def _reasons(self, columns: Floats, found: Assessment, lang: str) -> list[str]:
        tiers = self.get_tier_names_out(lang)
        rows = np.column_stack([*(found.evidence[n] for n in self._evidence_names()), self._margins(columns)])
        sentences, ahead = [], float(self.horizon_days)
        texts = LIFETIME_TEXTS if ahead == math.inf else TEXTS
        for (alive, orders, discounted, value, clv, margin), code in zip(rows, found.codes, strict=True):
            text = say(
                texts, lang, alive=f"{alive:.2f}", orders=f"{orders:.2f}", discounted=f"{discounted:.2f}",
                value=f"{value:,.2f}", days=number(min(ahead, DAYS_PER_YEAR) if ahead == math.inf else ahead),
                margin="" if margin == 1 else say(MARGINS, lang, share=f"{margin:.0%}"),
            )  # fmt: skip
            sentences.append(text + threshold_sentence(clv, code, self.cut_.thresholds_, tiers[code], lang))
        return sentences
