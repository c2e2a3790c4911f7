"""Customer lifetime value: expected orders × expected order value × margin, discounted, then cut."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import clone

from valuetier import _validate as validate
from valuetier._core.compress import distinct_rows, significant
from valuetier._validate import Floats
from valuetier.base import Assessment, BaseSegmenter, Names
from valuetier.cuts import Cut, ShareCut, new_cut
from valuetier.errors import InvalidDataError, InvalidParameterError
from valuetier.models.bgnbd import BGNBD
from valuetier.models.gamma_gamma import GammaGamma
from valuetier.segmenters.words import number, say, threshold_sentence

DAYS_PER_YEAR = 365.0

PURCHASES = (
    "fit",
    "conditional_expected_purchases",
    "discounted_expected_purchases",
    "probability_alive",
)
VALUES = ("fit", "expected_value")

TEXTS = {
    "en": (
        "alive with probability {alive}, {orders} orders expected within {days} days ({discounted} discounted), "
        "{value} each{margin} → value "
    ),
    "zh": "存活概率 {alive}，未来 {days} 天预计购买 {orders} 次（折现后 {discounted} 次），每单 {value}{margin} → 客户价值 ",
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
    spend : order value model, optional
        Anything with ``fit(x, m_x)`` and ``expected_value``. Default: ``GammaGamma()``.
    cut : Cut, optional
        Default: the best 20 %, the next 30 % and the rest of the customers.
    horizon_days : float
        How far to look ahead.
    discount_rate : float
        Annual effective rate: 0.10 makes 1.00 in 365 days worth 1/1.10 today. Orders are
        discounted at the time they are expected.
    margin : float or str
        Share of an order's value that is earned, or the column that holds it.

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
    ) -> None:
        self.model = model
        self.spend = spend
        self.cut = cut
        self.horizon_days = horizon_days
        self.discount_rate = discount_rate
        self.margin = margin

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit the models by maximum likelihood and learn the cut; return the segmenter.

        Raises
        ------
        NotConvergedError
            If a model cannot be fitted to these customers.
        """
        self._check()
        columns, width = self._read_to_fit(X)
        x, t_x, T, m_x = columns[:, :4].T
        model = clone(BGNBD() if self.model is None else self.model, safe=False).fit(x, t_x, T)
        spend = clone(GammaGamma() if self.spend is None else self.spend, safe=False).fit(x, m_x)
        cut = self._new_cut().fit(self._value(columns, model, spend)["clv"], name="clv")
        self.model_, self.spend_, self.cut_ = model, spend, cut
        self.n_features_in_ = width
        return self

    def _new_cut(self) -> Cut:
        return new_cut(self.cut, ShareCut((0.2, 0.3, 0.5)))

    def _check(self) -> None:
        for name, model, needed in (("model", self.model, PURCHASES), ("spend", self.spend, VALUES)):
            lacking = [method for method in needed if not hasattr(model, method)]
            if isinstance(model, type) or (model is not None and lacking):
                raise InvalidParameterError(
                    f"{name} must be a model with the methods {list(needed)}, got {model!r}."
                )
        validate.positive_number("horizon_days", self.horizon_days)
        validate.positive_number("discount_rate (annual)", self.discount_rate, zero=True)
        if not isinstance(self.margin, str):
            validate.positive_number("margin", self.margin)
            if self.margin > 1:
                raise InvalidParameterError(
                    f"margin must be a share in (0, 1] or a column name, got {self.margin!r}. 30 % is 0.3."
                )

    def _columns(self) -> tuple[str, ...]:
        extra = (self.margin,) if isinstance(self.margin, str) else ()
        return ("x", "t_x", "T", "m_x", *extra)

    def _may_be_missing(self) -> tuple[str, ...]:
        return ("m_x",)

    def _value(self, columns: Floats, model: Any, spend: Any) -> dict[str, Floats]:
        """Return the evidence: chance to be alive, orders, order value and lifetime value."""
        if not len(columns):
            return {name: np.empty(0) for name in self._evidence_names()}
        x, m_x = columns[:, 0], columns[:, 3]
        rows = distinct_rows(*columns[:, :3].T)
        observed = tuple(np.ascontiguousarray(column) for column in rows.rows.T)
        discount = float(np.log1p(self.discount_rate)) / DAYS_PER_YEAR
        horizon = float(self.horizon_days)
        try:
            alive = model.probability_alive(*observed)
        except InvalidDataError:
            model.probability_alive(*columns[:, :3].T)  # counts the customers, not their distinct histories
            raise
        discounted = model.discounted_expected_purchases(horizon, discount, *observed)
        orders = model.conditional_expected_purchases(horizon, *observed)
        value = spend.expected_value(x, m_x)
        discounted_orders = discounted[rows.inverse]
        return {
            "probability_alive": alive[rows.inverse],
            "expected_orders": orders[rows.inverse],
            "discounted_orders": discounted_orders,
            "expected_order_value": value,
            "clv": significant(discounted_orders * value * self._margins(columns)),
        }

    def _margins(self, columns: Floats) -> Floats:
        """Return the margin of each customer."""
        return columns[:, 4] if isinstance(self.margin, str) else np.full(len(columns), float(self.margin))

    def _assess(self, columns: Floats) -> Assessment:
        evidence = self._value(columns, self.model_, self.spend_)
        return Assessment(self.cut_.apply(evidence["clv"]), evidence["clv"], evidence)

    def _evidence_names(self) -> tuple[str, ...]:
        return ("probability_alive", "expected_orders", "discounted_orders", "expected_order_value", "clv")

    def _tier_names(self) -> Names:
        return self._new_cut().tier_names()

    def _reasons(self, columns: Floats, found: Assessment, lang: str) -> list[str]:
        tiers = self.get_tier_names_out(lang)
        rows = np.column_stack([*(found.evidence[n] for n in self._evidence_names()), self._margins(columns)])
        sentences = []
        for (alive, orders, discounted, value, clv, margin), code in zip(rows, found.codes, strict=True):
            text = say(
                TEXTS, lang, alive=f"{alive:.2f}", orders=f"{orders:.2f}", discounted=f"{discounted:.2f}",
                value=f"{value:,.2f}", days=number(float(self.horizon_days)),
                margin="" if margin == 1 else say(MARGINS, lang, share=f"{margin:.0%}"),
            )  # fmt: skip
            sentences.append(text + threshold_sentence(clv, code, self.cut_.thresholds_, tiers[code], lang))
        return sentences
