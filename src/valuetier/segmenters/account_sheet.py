"""One account on one sheet: ratings, weights, both scores, stability, and what would change the quadrant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from valuetier import tables
from valuetier._core.compress import significant
from valuetier._validate import Floats
from valuetier.segmenters.indicators import Ratings
from valuetier.words import apart, column_label, number, say

AXES = ("attractiveness", "strength")
NAMES = {
    "en": {"attractiveness": "attractiveness", "strength": "relative strength"},
    "zh": {"attractiveness": "客户吸引力", "strength": "相对竞争力"},
}
TITLE = {"en": "Account {id}: {tier}", "zh": "客户 {id}：{tier}"}
SCORE = {
    "en": "{axis} {score} ({side} the line {line}, distance {distance})",
    "zh": "{axis} {score}（{side}分界线 {line}，距离 {distance}）",
}
SIDES = {"en": ("below", "on or above"), "zh": ("低于", "不低于")}
INDICATOR = {
    "en": "  {name} {value}: rating {rating}, weight {weight}{spread}",
    "zh": "  {name} {value}：评分 {rating}，权重 {weight}{spread}",
}
UNRATED = {
    "en": "  {name}: not rated, weight {weight} not counted",
    "zh": "  {name}：未评分，权重 {weight} 不计入",
}
SPREAD = {"en": ", raters {spread} apart", "zh": "，评分人相差 {spread}"}
STABILITY = {
    "en": "Stability: changes quadrant in {risk} of the draws of weights within ±20 %{doubt}",
    "zh": "稳定性：权重在±20%内随机变动时，{risk} 的情形会换象限{doubt}",
}
DOUBT = {"en": "; doubtful", "zh": "；存疑"}
CHANGES = {"en": "What would change the quadrant, each alone:", "zh": "象限变化条件（仅一项变动）："}
TURN = {
    "en": "  {axis} stands on its line with {name} {at} (now {value})",
    "zh": "  {axis}：{name}为 {at} 时到达分界线（现为 {value}）",
}
NO_TURN = {
    "en": "  no single indicator carries {axis} across its line",
    "zh": "  {axis}：没有哪一项指标能单独使其越过分界线",
}
NEXT = {
    "en": "next in line: key accounts are limited to {n} (mean of both axes {score}, {need})",
    "zh": "候补：关键客户上限为 {n} 个（两轴均值 {score}，{need}）",
}
NEEDED = {"en": "needed {line}", "zh": "须达 {line}"}
TOO_MANY = {"en": "and too many equal ones are the best", "zh": "并列最高者超出上限"}


@dataclass(frozen=True, slots=True, eq=False)
class AccountSheet:
    """What the matrix says about one account; prints as a sheet.

    Attributes
    ----------
    customer_id : id
    tier : str
        In the language of the sheet.
    scores, lines, distances : mapping of str to float
        By axis, ``"attractiveness"`` and ``"strength"``; a distance is score less line.
    flip_risk : float
        Share of draws of weights within ±20 % that change the quadrant.
    doubtful : bool
    next_in_line : bool
        High on both axes, and a key account but for ``max_key``.
    indicators : DataFrame
        One row per axis and indicator: axis, indicator, value, rating (to 100), weight, turns_at (the
        value at which this indicator alone brings the axis to its line; NaN: it cannot) and
        spread of the raters, where the table has it.
    lang : str
    max_key : int or None
    key_line : float
        Lowest mean of both axes that a key account needs; -inf without a cap.
    """

    customer_id: Any
    tier: str
    scores: Mapping[str, float]
    lines: Mapping[str, float]
    distances: Mapping[str, float]
    flip_risk: float
    doubtful: bool
    next_in_line: bool
    indicators: pd.DataFrame
    lang: str = "en"
    max_key: int | None = None
    key_line: float = -np.inf

    def __str__(self) -> str:
        lang = self.lang
        lines = [say(TITLE, lang, id=self.customer_id, tier=self.tier)]
        for axis in AXES:
            rows = self.indicators[self.indicators["axis"] == axis]
            lines += [self._score(axis), *(self._indicator(row) for row in rows.itertuples())]
        doubt = DOUBT[lang] if self.doubtful else ""
        lines.append(say(STABILITY, lang, risk=f"{self.flip_risk:.0%}", doubt=doubt))
        lines += [CHANGES[lang], *(text for axis in AXES for text in self._turns(axis))]
        if self.next_in_line:
            mean = float(_rounded(sum(self.scores.values()) / 2.0))
            why = why_not_key(mean, self.key_line, self.max_key, lang)
            lines.append(why[0].upper() + why[1:])
        return "\n".join(lines)

    def _score(self, axis: str) -> str:
        score, line = apart(self.scores[axis], self.lines[axis], write=_short)
        return say(
            SCORE, self.lang, axis=NAMES[self.lang][axis], score=score, line=line,
            side=SIDES[self.lang][int(self.distances[axis] >= 0)], distance=_short(self.distances[axis]),
        )  # fmt: skip

    def _indicator(self, row: Any) -> str:
        name, weight = column_label(row.indicator, self.lang), number(row.weight)
        if np.isnan(row.rating):
            return say(UNRATED, self.lang, name=name, weight=weight)
        spread = "" if np.isnan(row.spread) else say(SPREAD, self.lang, spread=number(row.spread))
        return say(
            INDICATOR, self.lang, name=name, value=_readable(row.value), rating=_short(row.rating),
            weight=weight, spread=spread,
        )  # fmt: skip

    def _turns(self, axis: str) -> list[str]:
        name = NAMES[self.lang][axis]
        here = self.indicators[(self.indicators["axis"] == axis) & self.indicators["turns_at"].notna()]
        if not len(here):
            return [say(NO_TURN, self.lang, axis=name)]
        return [self._turn(name, row) for row in here.itertuples()]

    def _turn(self, axis: str, row: Any) -> str:
        at, value = apart(row.turns_at, row.value, write=_readable)
        return say(
            TURN, self.lang, axis=axis, name=column_label(row.indicator, self.lang), at=at, value=value
        )


def why_not_key(score: float, key_line: float, max_key: int | None, lang: str) -> str:
    """Return why an account that is high on both axes is not a key account."""
    shown, *line = apart(score, *([key_line] if np.isfinite(key_line) else []), write=_short)
    need = say(NEEDED, lang, line=line[0]) if line else TOO_MANY[lang]
    return say(NEXT, lang, n=max_key, score=shown, need=need)


def indicator_rows(
    axis: str,
    weights: Mapping[str, float],
    values: Mapping[str, float],
    ratings: Ratings,
    gap: float,
    spreads: Mapping[str, float],
) -> list[dict[str, Any]]:
    """Return one row per indicator of an axis; ``gap`` is what its score lacks to its line."""
    rated = {name: float(ratings[name].rate(np.array([values[name]]))[0]) for name in weights}
    in_use = sum(weight for name, weight in weights.items() if not np.isnan(rated[name]))
    return [
        {
            "axis": axis,
            "indicator": name,
            "value": values[name],
            "rating": rated[name],
            "weight": float(weight),
            "turns_at": _turns_at(ratings, name, values[name], rated[name] + gap * in_use / weight),
            "spread": spreads.get(name, np.nan),
        }
        for name, weight in weights.items()
    ]


def _turns_at(ratings: Ratings, name: str, now: float, level: float) -> float:
    """Return the value of an indicator with which its axis stands on the line."""
    return np.nan if np.isnan(now) else ratings[name].value_at(float(_rounded(level)), now)


def _rounded(level: float) -> Floats:
    return significant(np.array(level))


def _readable(value: float) -> str:
    """Return a value in four digits, or in whole units where it has more."""
    return number(float(f"{value:.4g}") if abs(value) < 1000 else round(value))


def _short(value: float) -> str:
    return number(round(value, 1))


def raters_spreads(X: Any, names: Sequence[str], row: int) -> dict[str, float]:
    """Return how far raters are apart, for the indicators of which the table says it."""
    frame = tables.as_frame(X)
    there = set() if frame is None else set(frame.columns)
    known = [name for name in names if f"{name}_spread" in there]
    if not known:
        return {}
    columns = [f"{name}_spread" for name in known]
    read = tables.read_columns(X, columns, optional=columns)
    return dict(zip(known, read[row].tolist(), strict=True))
