"""Where a customer stands in its life with us: acquisition, growth, maturity, decline, lost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from sklearn.base import clone

from valuetier import _validate as validate
from valuetier._core.compress import significant
from valuetier._core.cuts import Codes
from valuetier._validate import Floats
from valuetier.base import Assessment, BaseSegmenter, Names
from valuetier.errors import InvalidDataError, InvalidParameterError
from valuetier.explain.levers import Lever
from valuetier.models.observed import histories
from valuetier.segmenters.stages import (
    STAGES,
    Boundaries,
    activity_level,
    experience_level,
    history_levers,
    level,
    rhythm_days,
    stage_table,
    trend_level,
)
from valuetier.words import apart, number, say

BEST_FIRST = ("maturity", "growth", "acquisition", "decline", "lost")

EXPERIENCE = {
    "en": ("first order only", "building up", "established"),
    "zh": ("只有首单", "成长中", "已成熟"),
}
SILENCE = {"en": ("in rhythm", "late", "silent too long"), "zh": ("节奏正常", "逾期未购", "沉默过久")}
ALIVE = {
    "en": ("probably gone", "doubtful", "probably still a customer"),
    "zh": ("很可能已流失", "难以判断", "很可能仍是客户"),
}
TREND = {"en": ("falling", "steady", "rising"), "zh": ("下降", "平稳", "上升")}
UNKNOWN_TREND = {"en": "trend unknown: steady", "zh": "趋势未知：按平稳处理"}

EXPERIENCE_TEXTS = {
    "en": "orders {orders}{orders_lines}, age {age} days{age_lines}: {word}",
    "zh": "购买 {orders} 次{orders_lines}，成为客户 {age} 天{age_lines}：{word}",
}
SILENCE_TEXTS = {
    "en": "silent for {days} days, {silence} gaps{lines} of its rhythm of {gap} days: {word}",
    "zh": "已 {days} 天未购买，按 {gap} 天一次的节奏相当于 {silence} 个间隔{lines}：{word}",
}
TREND_TEXTS = {"en": "trend {trend}{lines}: {word}", "zh": "趋势 {trend}{lines}：{word}"}
ALIVE_TEXTS = {"en": "alive with probability {alive}{lines}: {word}", "zh": "存活概率 {alive}{lines}：{word}"}


class Signals(NamedTuple):
    """What is known about each customer; times in days, silence in gaps of its rhythm."""

    x: Floats
    age_days: Floats
    silent_days: Floats
    gap_days: Floats
    silence_gaps: Floats
    trend: Floats | None
    alive: Floats | None


class LifecycleSegmenter(BaseSegmenter):
    """Five stages of a customer's life, from age, rhythm, trend and P(alive).

    A customer is *lost* when silent for too many gaps of its own rhythm, and in *decline* when
    late, or when its trend falls. In rhythm, it is in *acquisition* until the second order, in
    *growth* while it builds up or its trend rises, and in *maturity* when established and steady.
    Its rhythm is the mean of its own gaps between orders and of the typical one.

    The tiers are the stages in the order of ``order``. By default maturity comes first: it
    brings most now and is proven. Growth is on its way there; acquisition is unproven but open;
    decline can still be turned; what is lost has to be won again.

    Parameters
    ----------
    typical_gap_days : float, optional
        Days between two orders of a typical repeat buyer. Default: learned, the median of the
        repeat buyers' mean gaps.
    gap_weight : float
        How many gaps of the customer's own the typical gap counts as, > 0. The rhythm of a
        one-time buyer is the typical gap.
    late_gaps, lost_gaps : float
        Silence, in gaps, from which a customer is late, and lost. ``math.inf`` leaves silence out.
    mature_orders : int
    mature_age_days : float, optional
        Orders and age from which a customer is established, both of them. Age by default:
        learned, the time in which a typical repeat buyer reaches so many orders.
    trend : str, optional
        Column with the trend, such as :func:`valuetier.spend_trend` makes it: missing values
        count as steady. Default: everybody is steady.
    falling, rising : float
        The trend is falling below the first, and rising from the second on.
    alive : str, optional
        Column with the probability to be a customer still.
    model : purchase model, optional
        Anything with ``fit(x, t_x, T)`` and ``probability_alive``, such as ``BGNBD()``, in place
        of a column.
    late_alive, lost_alive : float
        Below these probabilities a customer is late, and lost. Where both silence and
        probability are known, the worse one counts.
    order : sequence of str
        The five stages, most valuable first.
    allow_protected : sequence of str
        Columns to use although they tell of age, sex, origin, health and the like; refused otherwise.

    Attributes
    ----------
    boundaries_ : Boundaries
        Every line between the stages, given or learned.
    model_ : fitted model or None

    Examples
    --------
    >>> import pandas as pd
    >>> customers = pd.DataFrame(
    ...     {"x": [0, 1, 6, 6, 0], "t_x": [0, 50, 330, 180, 0], "T": [20, 80, 360, 360, 400]}
    ... )
    >>> stages = LifecycleSegmenter().fit(customers)
    >>> stages.assign(customers).to_frame()["tier"].tolist()
    ['Acquisition', 'Growth', 'Maturity', 'Lost', 'Lost']
    >>> stages.boundaries_.typical_gap_days
    50.0
    """

    kind: ClassVar[str] = "lifecycle"

    def __init__(
        self,
        *,
        typical_gap_days: float | None = None,
        gap_weight: float = 1.0,
        late_gaps: float = 2.0,
        lost_gaps: float = 4.0,
        mature_orders: int = 4,
        mature_age_days: float | None = None,
        trend: str | None = None,
        falling: float = -0.2,
        rising: float = 0.2,
        alive: str | None = None,
        model: Any = None,
        late_alive: float = 0.5,
        lost_alive: float = 0.2,
        order: Sequence[str] = BEST_FIRST,
        allow_protected: Sequence[str] = (),
    ) -> None:
        self.typical_gap_days = typical_gap_days
        self.gap_weight = gap_weight
        self.late_gaps = late_gaps
        self.lost_gaps = lost_gaps
        self.mature_orders = mature_orders
        self.mature_age_days = mature_age_days
        self.trend = trend
        self.falling = falling
        self.rising = rising
        self.alive = alive
        self.model = model
        self.late_alive = late_alive
        self.lost_alive = lost_alive
        self.order = order
        self.allow_protected = allow_protected

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the typical gap and, where there is one, fit the model; return the segmenter.

        Raises
        ------
        InvalidDataError
            If the typical gap is to be learned and nobody bought again.
        NotConvergedError
            If the model cannot be fitted to these customers.
        """
        self._check()
        columns, width = self._read_to_fit(X)
        x, t_x, T = histories(*columns[:, :3].T)
        self._known_alive(columns)
        boundaries = self._learn_boundaries(x, t_x)
        self.model_ = None if self.model is None else clone(self.model, safe=False).fit(x, t_x, T)
        self.boundaries_ = boundaries
        self.n_features_in_ = width
        return self

    def _learn_boundaries(self, x: Floats, t_x: Floats) -> Boundaries:
        gap = self.typical_gap_days
        if gap is None:
            again = x > 0
            if not again.any():
                raise InvalidDataError(
                    f"x: none of {len(x)} customers bought again, so the typical time between orders "
                    "cannot be learned. Observe longer, or pass typical_gap_days."
                )
            gap = float(np.median(t_x[again] / x[again]))
        age = (self.mature_orders - 1) * gap if self.mature_age_days is None else self.mature_age_days
        learned = significant(np.array([gap, age], dtype=np.float64)).tolist()
        return Boundaries(
            typical_gap_days=learned[0],
            gap_weight=float(self.gap_weight),
            late_gaps=float(self.late_gaps),
            lost_gaps=float(self.lost_gaps),
            mature_orders=float(self.mature_orders),
            mature_age_days=learned[1],
            falling=float(self.falling),
            rising=float(self.rising),
            late_alive=float(self.late_alive),
            lost_alive=float(self.lost_alive),
        )

    def _check(self) -> None:
        for name in ("typical_gap_days", "mature_age_days"):
            if getattr(self, name) is not None:
                validate.positive_number(name, getattr(self, name), zero=name == "mature_age_days")
        validate.positive_number("gap_weight", self.gap_weight)
        validate.whole_number("mature_orders", self.mature_orders, 2)
        for low, high, least, most in (
            ("late_gaps", "lost_gaps", 0.0, math.inf),
            ("falling", "rising", -math.inf, math.inf),
            ("lost_alive", "late_alive", 0.0, 1.0),
        ):
            _check_ascending((low, getattr(self, low)), (high, getattr(self, high)), least, most)
        if self.alive is not None and self.model is not None:
            raise InvalidParameterError(
                f"alive={self.alive!r} and a model cannot both say who is alive. Leave one of them out."
            )
        lacking = not all(hasattr(self.model, method) for method in ("fit", "probability_alive"))
        if self.model is not None and (isinstance(self.model, type) or lacking):
            raise InvalidParameterError(
                f"model must be a model with the methods ['fit', 'probability_alive'], got {self.model!r}."
            )
        self._tier_names()

    def _columns(self) -> tuple[str, ...]:
        return ("x", "t_x", "T", *(name for name in (self.trend, self.alive) if name is not None))

    def _may_be_missing(self) -> tuple[str, ...]:
        return () if self.trend is None else (self.trend,)

    def _known_alive(self, columns: Floats) -> Floats | None:
        """Return the column of probabilities, if there is one."""
        if self.alive is None:
            return None
        alive = columns[:, -1]
        outside = (alive < 0) | (alive > 1)
        validate.refuse(self.alive, outside, "are not in [0, 1]", "A probability of 90 % is 0.9.")
        return alive

    def _signals(self, columns: Floats) -> Signals:
        x, t_x, T = histories(*columns[:, :3].T) if len(columns) else columns[:, :3].T
        alive = self._known_alive(columns)
        if self.model_ is not None:
            alive = self.model_.probability_alive(x, t_x, T) if len(columns) else np.empty(0)
        gap = rhythm_days(x, t_x, self.boundaries_)
        return Signals(
            x=x,
            age_days=T,
            silent_days=significant(T - t_x),
            gap_days=gap,
            silence_gaps=significant((T - t_x) / gap),
            trend=None if self.trend is None else columns[:, 3],
            alive=None if alive is None else significant(alive),
        )

    def _assess(self, columns: Floats) -> Assessment:
        found = self._signals(columns)
        levels = (
            activity_level(found.silence_gaps, found.alive, self.boundaries_),
            experience_level(found.x, found.age_days, self.boundaries_),
            trend_level(found.trend, len(columns), self.boundaries_),
        )
        stages = stage_table()[tuple(axis - 1 for axis in levels)]
        codes = self._rank_of_stages()[stages]
        scores = significant(len(STAGES) - 1 - codes + 1 / (1 + found.silence_gaps))
        known = (found.age_days, found.gap_days, found.silence_gaps, found.trend, found.alive)
        evidence = [column for column in known if column is not None]
        return Assessment(codes, scores, dict(zip(self._evidence_names(), evidence, strict=True)))

    def _levers(self, columns: Floats, found: Assessment) -> Mapping[str, Lever]:
        """Return trend, P(alive) and history; what a model makes of a history is no closed form."""
        lines = self.boundaries_
        levers = {}
        if self.trend is not None:
            levers[self.trend] = Lever(np.array(lines.trend))
        if self.alive is not None:
            levers[self.alive] = Lever(np.array(lines.alive), lowest=0.0, highest=1.0)
        if self.model_ is not None:
            return levers
        x, t_x, T = columns[:, :3].T
        return {**history_levers(x, t_x, T, lines), **levers}

    def _rank_of_stages(self) -> Codes:
        """Return the tier code of each stage, stages in the order of life."""
        return np.array([list(self.order).index(stage) for stage in STAGES], dtype=np.int64)

    def _evidence_names(self) -> tuple[str, ...]:
        names = ["age_days", "gap_days", "silence_gaps"]
        if self.trend is not None:
            names.append("trend")
        if self.alive is not None or self.model is not None:
            names.append("probability_alive")
        return tuple(names)

    def _tier_names(self) -> Names:
        given = [] if isinstance(self.order, str) else list(self.order)
        if len(given) != len(STAGES) or set(given) != set(STAGES):
            raise InvalidParameterError(
                f"order must name each of {list(STAGES)} once, the most valuable first, got {self.order!r}."
            )
        return tuple(STAGES[stage] for stage in given)

    def _reasons(self, columns: Floats, found: Assessment, lang: str) -> list[str]:
        tiers = self.get_tier_names_out(lang)
        signals = self._signals(columns)
        rows = [[None] * len(columns) if values is None else values.tolist() for values in signals]
        link = "；" if lang == "zh" else "; "
        return [
            link.join(_parts(Signals(*row), self.boundaries_, lang)) + f" → {tiers[code]}"
            for row, code in zip(zip(*rows, strict=True), found.codes, strict=True)
        ]


def _parts(one: Any, lines: Boundaries, lang: str) -> list[str]:
    """Return what each signal of one customer says, with its lines."""
    grown = experience_level(np.array([one.x]), np.array([one.age_days]), lines)
    orders, orders_lines = _within(one.x + 1, (2.0, lines.mature_orders), lang)
    age, age_lines = _within(one.age_days, (lines.mature_age_days,), lang)
    silence, silence_lines = _within(one.silence_gaps, lines.silence, lang)
    parts = [
        say(
            EXPERIENCE_TEXTS, lang, orders=orders, orders_lines=orders_lines, age=age, age_lines=age_lines,
            word=EXPERIENCE[lang][int(grown[0]) - 1],
        ),
        say(
            SILENCE_TEXTS, lang, days=_rounded(one.silent_days), gap=_rounded(one.gap_days), silence=silence,
            lines=silence_lines, word=_word(SILENCE, one.silence_gaps, lines.silence, lang),
        ),
    ]  # fmt: skip
    if one.trend is not None:
        parts.append(_trend_part(one.trend, lines.trend, lang))
    if one.alive is not None:
        alive, alive_lines = _within(one.alive, lines.alive, lang)
        word = _word(ALIVE, one.alive, lines.alive, lang)
        parts.append(say(ALIVE_TEXTS, lang, alive=alive, lines=alive_lines, word=word))
    return parts


def _trend_part(trend: float, lines: tuple[float, float], lang: str) -> str:
    if math.isnan(trend):
        return UNKNOWN_TREND[lang]
    shown, bounds = _within(trend, lines, lang)
    return say(TREND_TEXTS, lang, trend=shown, lines=bounds, word=_word(TREND, trend, lines, lang))


def _word(words: Mapping[str, tuple[str, ...]], value: float, lines: Sequence[float], lang: str) -> str:
    return words[lang][int(level(np.array([value]), lines)[0]) - 1]


def _within(value: float, lines: Sequence[float], lang: str) -> tuple[str, str]:
    """Return a value and the lines next to it, such as ``("3", " (≥ 2, < 4)")``."""
    reached = [line for line in lines if line <= value][-1:]
    ahead = [line for line in lines if value < line < math.inf][:1]
    shown, *limits = apart(value, *reached, *ahead, write=_rounded)
    signs = ["≥"] * len(reached) + ["<"] * len(ahead)
    link = "，" if lang == "zh" else ", "
    bounds = link.join(f"{sign} {limit}" for sign, limit in zip(signs, limits, strict=True))
    return shown, f" ({bounds})" if bounds else ""


def _rounded(value: float) -> str:
    return number(round(value, 2))


def _check_ascending(low: tuple[str, Any], high: tuple[str, Any], least: float, most: float) -> None:
    """Raise unless least ≤ low ≤ high ≤ most, all of them numbers."""
    values = [low[1], high[1]]
    numbers = all(isinstance(v, (int, float, np.number)) and not isinstance(v, bool) for v in values)
    if not numbers or not least <= values[0] <= values[1] <= most:
        bounds = "" if least == -math.inf else f" between {number(least)} and " + _bound(most)
        raise InvalidParameterError(
            f"{low[0]} and {high[0]} must be two numbers{bounds}, the first not above the second, "
            f"got {low[1]!r} and {high[1]!r}."
        )


def _bound(value: float) -> str:
    return "infinity" if value == math.inf else number(value)
