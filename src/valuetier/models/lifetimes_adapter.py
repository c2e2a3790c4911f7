"""A model that was fitted with the package lifetimes, where ours go."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple, Self

from sklearn.base import BaseEstimator

from valuetier import _validate as validate
from valuetier.errors import InvalidParameterError
from valuetier.models.base import MaximumLikelihood
from valuetier.models.bgbb import BGBB
from valuetier.models.bgnbd import BGNBD, MBGNBD
from valuetier.models.gamma_gamma import GammaGamma
from valuetier.models.pareto_nbd import ParetoNBD


class _Counterpart(NamedTuple):
    """Our model for one of theirs, and which of its parameters are times."""

    model: type[MaximumLikelihood]
    times: tuple[str, ...] = ()


class _Taken(NamedTuple):
    """What is needed of a fitted model of lifetimes: its kind and its parameters."""

    kind: str
    params_: dict[str, float]


class LifetimesAdapter(BaseEstimator):
    """A fitted model of lifetimes with the methods and the exact numbers of ours.

    Its parameters are taken over, not its functions: these give NaN or wrong digits for
    some customers. ``fit`` does nothing, so that the model stays as it was fitted.

    Parameters
    ----------
    fitted : lifetimes model
        A fitted BetaGeoFitter, ModifiedBetaGeoFitter, ParetoNBDFitter,
        BetaGeoBetaBinomFitter or GammaGammaFitter, or a subclass.
    days_per_unit : float
        Days in the unit of time that it was fitted in: 7 for weeks. Customer tables are in
        days, and a model in weeks used on days would be wrong by a factor without a word.

    Attributes
    ----------
    model_ : fitted model
        The same model as ours, in days. All its methods are those of the adapter.

    Examples
    --------
    >>> from lifetimes import BetaGeoFitter
    >>> from lifetimes.datasets import load_cdnow_summary
    >>> weeks = load_cdnow_summary()
    >>> theirs = BetaGeoFitter().fit(weeks["frequency"], weeks["recency"], weeks["T"])
    >>> ours = LifetimesAdapter(theirs, days_per_unit=7)
    >>> ours.conditional_expected_purchases(273, x=[2], t_x=[213], T=[272]).round(2).tolist()
    [1.23]
    """

    counterparts: ClassVar = {
        "BetaGeoFitter": _Counterpart(BGNBD, ("alpha",)),
        "ModifiedBetaGeoFitter": _Counterpart(MBGNBD, ("alpha",)),
        "ParetoNBDFitter": _Counterpart(ParetoNBD, ("alpha", "beta")),
        "BetaGeoBetaBinomFitter": _Counterpart(BGBB),
        "GammaGammaFitter": _Counterpart(GammaGamma),
    }

    def __init__(self, fitted: Any, *, days_per_unit: float = 1.0) -> None:
        self.fitted = fitted
        self.days_per_unit = days_per_unit

    @property
    def model_(self) -> Any:
        """Our model with the parameters of the fitted one, in days."""
        counterpart = self._counterpart()
        unit = validate.positive_number("days_per_unit", self.days_per_unit)
        params = {name: float(value) for name, value in self.fitted.params_.items()}
        for name in counterpart.times:
            params[name] *= unit
        return counterpart.model.from_params(**params)

    @property
    def stored_as_(self) -> Any:
        """What is written in its place when a segmenter that holds it is saved: our model."""
        return self.model_

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: kind and parameters, without the customers that theirs keep."""
        taken = _Taken(self._kind(), {name: float(value) for name, value in self.fitted.params_.items()})
        return {"fitted": taken, "days_per_unit": self.days_per_unit}

    def _counterpart(self) -> _Counterpart:
        return self.counterparts[self._kind()]

    def _kind(self) -> str:
        """Return the name of the lifetimes class."""
        if isinstance(self.fitted, _Taken):
            return self.fitted.kind
        classes = [cls.__name__ for cls in type(self.fitted).__mro__]
        known = [name for name in classes if name in self.counterparts]
        if not known or not hasattr(self.fitted, "params_"):
            raise InvalidParameterError(
                f"fitted must be a fitted model of lifetimes, one of {list(self.counterparts)}, "
                f"got {classes[0]}."
            )
        return known[0]

    def fit(self, *data: Any, **options: Any) -> Self:
        """Return the adapter: the model is fitted already."""
        self._counterpart()
        return self

    def __getattr__(self, name: str) -> Any:
        """Return a method or attribute of our model."""
        if name.startswith("_") or name in ("fitted", "days_per_unit"):
            raise AttributeError(name)
        return getattr(self.model_, name)
