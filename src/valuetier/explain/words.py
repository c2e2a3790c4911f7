"""Explanations in English and Chinese: what would change a tier, and one customer step by step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, NamedTuple

import numpy as np

from valuetier._core.changes import Change, above, below
from valuetier._validate import Floats
from valuetier.words import column_label, number, say

NO_REASON = {"en": "This segmenter does not say why.", "zh": "该分层方法不说明分层依据。"}
UNKNOWN = {
    "to_next": {
        "en": "This segmenter does not say what reaches a better tier.",
        "zh": "该分层方法不说明如何升级。",
    },
    "to_lose": {
        "en": "This segmenter does not say what loses this tier.",
        "zh": "该分层方法不说明何时降级。",
    },
}
LAST = {
    "to_next": {"en": "The best tier.", "zh": "已是最高层级。"},
    "to_lose": {"en": "The last tier.", "zh": "已是最低层级。"},
}
NOTHING = {
    "to_next": {
        "en": "No column alone reaches a better tier",
        "zh": "任何一项指标单独变动都不足以升级",
    },
    "to_lose": {
        "en": "No column alone loses this tier",
        "zh": "任何一项指标单独变动都不会导致降级",
    },
}
NOT_BY = {
    "to_next": {
        "en": "No better tier by {known} alone; what {others} would change is not stated",
        "zh": "仅靠{known}不足以升级，{others}变动的影响未作说明",
    },
    "to_lose": {
        "en": "Not lost by {known} alone; what {others} would change is not stated",
        "zh": "仅{known}变动不会导致降级，{others}变动的影响未作说明",
    },
}
BY_SCORE = {
    "to_next": {
        "en": "; {tier} begins at a score of {line}{gap}",
        "zh": "；得分达到 {line} 即为“{tier}”{gap}",
    },
    "to_lose": {
        "en": "; {tier} begins below a score of {line}{gap}",
        "zh": "；得分低于 {line} 即为“{tier}”{gap}",
    },
}
TO = {
    "to_next": {"en": "to {tier}: {ways}", "zh": "升为“{tier}”：{ways}"},
    "to_lose": {"en": "to {tier}: {ways}", "zh": "降为“{tier}”：{ways}"},
}
OR, ALSO, STOP = {"en": ", or ", "zh": "，或"}, {"en": "; ", "zh": "；"}, {"en": ".", "zh": "。"}
AND = {"en": ", ", "zh": "、"}

# By whether the value lies above, and whether it is the first that counts or the last that does not.
BOUNDS: Mapping[tuple[bool, bool], Mapping[str, str]] = {
    (True, True): {"en": "{name} from {bound}", "zh": "{name}达到 {bound}"},
    (True, False): {"en": "{name} above {bound}", "zh": "{name}超过 {bound}"},
    (False, True): {"en": "{name} at most {bound}", "zh": "{name}不超过 {bound}"},
    (False, False): {"en": "{name} below {bound}", "zh": "{name}低于 {bound}"},
}
RECENCY: Mapping[tuple[bool, bool], Mapping[str, str]] = {
    (True, True): {"en": "no order for {bound} {days}", "zh": "满 {bound} 天未购买"},
    (True, False): {"en": "no order for more than {bound} {days}", "zh": "超过 {bound} 天未购买"},
    (False, True): {"en": "last order within {bound} {days}", "zh": "最近一次购买在 {bound} 天以内"},
    (False, False): {"en": "last order less than {bound} {days} ago", "zh": "最近一次购买不足 {bound} 天"},
}
TODAY = {"en": "last order today", "zh": "当天有购买"}
RECENCY_GAPS = {
    ("to_next", True): {"en": " ({gap} more)", "zh": "（还差 {gap} 天）"},
    ("to_next", False): {"en": " ({gap} fewer)", "zh": "（需减少 {gap} 天）"},
    ("to_lose", True): {"en": " ({gap} away)", "zh": "（尚余 {gap} 天）"},
    ("to_lose", False): {"en": " ({gap} away)", "zh": "（尚余 {gap} 天）"},
}
GAPS = {
    ("to_next", True): {"en": " ({gap} more)", "zh": "（还差 {gap}）"},
    ("to_next", False): {"en": " ({gap} less)", "zh": "（需减少 {gap}）"},
    ("to_lose", True): {"en": " ({gap} away)", "zh": "（尚余 {gap}）"},
    ("to_lose", False): {"en": " ({gap} away)", "zh": "（尚余 {gap}）"},
}

CUTS = {"en": "Cuts {version}{day}", "zh": "分层标准 {version}{day}"}
OF_DAY = {"en": " of {day}", "zh": "（{day}）"}
NO_VERSION = {"en": "without a version", "zh": "无版本号"}

BLOCK = {
    "en": ("Customer {customer}: {tier}", "  Why: {reason}", "  Up: {up}", "  Down: {down}", "  {cuts}"),
    "zh": ("客户 {customer}：{tier}", "  依据：{reason}", "  升级：{up}", "  降级：{down}", "  {cuts}"),
}
HELD = {"en": "  {name} {value}{points}{keeps}", "zh": "  {name} {value}{points}{keeps}"}
POINTS = {"en": ", points {points}", "zh": "，得分 {points}"}
MISSING = {"en": "missing", "zh": "缺失"}
KEEPS = {
    (True, True): {"en": ": keeps the tier {low}, {high}", "zh": "：{low}且{high}时层级不变"},
    (True, False): {"en": ": keeps the tier {low}", "zh": "：{low}时层级不变"},
    (False, True): {"en": ": keeps the tier {high}", "zh": "：{high}时层级不变"},
    (False, False): {"en": ": keeps the tier whatever it is", "zh": "：取任何值层级都不变"},
}
ENDS = {
    ("low", True): {"en": "from {bound}", "zh": "不低于 {bound} "},
    ("low", False): {"en": "above {bound}", "zh": "高于 {bound} "},
    ("high", True): {"en": "up to {bound}", "zh": "不高于 {bound} "},
    ("high", False): {"en": "below {bound}", "zh": "低于 {bound} "},
}


# From here on numbers are written with an exponent.
HUGE = 1e15


class Column(NamedTuple):
    """A column that is a lever: its values, and what it changes alone."""

    name: str
    values: Floats
    change: Change


def last_words(side: str, *, known: bool, lang: str) -> str:
    """Return what is said in the first or last tier, or where nothing is known."""
    return (LAST if known else UNKNOWN)[side][lang]


def change_sentence(side: str, columns: Sequence[Column], row: int, tiers: Sequence[str], lang: str) -> str:
    """Return which columns alone reach a better tier (``"to_next"``) or lose this one; empty where none does."""
    ways: dict[int, list[str]] = {}
    for column in columns:
        change = column.change
        to, codes = (
            (change.to_next, change.next_code) if side == "to_next" else (change.to_lose, change.lose_code)
        )
        if not math.isnan(to[row]):
            ways.setdefault(int(codes[row]), []).append(_way(side, column, row, float(to[row]), lang))
    if not ways:
        return ""
    nearest_first = sorted(ways, reverse=side == "to_next")
    parts = [say(TO[side], lang, tier=tiers[code], ways=OR[lang].join(ways[code])) for code in nearest_first]
    text = ALSO[lang].join(parts)
    return text[0].upper() + text[1:] + STOP[lang]


def nothing_sentence(side: str, known: Sequence[str], others: Sequence[str], by_score: str, lang: str) -> str:
    """Return that no lever alone is enough, of which columns nothing is said, and the score that is needed."""
    if not known:
        return UNKNOWN[side][lang]
    if not others:
        return NOTHING[side][lang] + by_score + STOP[lang]
    names = (AND[lang].join(column_label(name, lang) for name in some) for some in (known, others))
    return (
        say(NOT_BY[side], lang, **dict(zip(("known", "others"), names, strict=True))) + by_score + STOP[lang]
    )


def score_words(side: str, score: float, line: float, tier: str, lang: str) -> str:
    """Return the score from which the tier above, or below which the one beneath, begins."""
    if not (math.isfinite(line) and math.isfinite(score)):
        return ""
    shown, gap = _shown_and_gap(line, score, side == "to_next")
    text = "" if gap is None else say(GAPS[side, True], lang, gap=gap)
    return say(BY_SCORE[side], lang, tier=tier, line=shown, gap=text)


def _way(side: str, column: Column, row: int, to: float, lang: str) -> str:
    """Return a column's value, with how far it is: ``spend from 100 (20 more)``."""
    value = float(column.values[row])
    up = to > value
    first, bound = _bound(to, up)
    name = column_label(column.name, lang)
    bounds, gaps = (RECENCY, RECENCY_GAPS) if column.name == "recency_days" else (BOUNDS, GAPS)
    shown, gap = _shown_and_gap(bound, value, up)
    days = "day" if shown == "1" else "days"
    text = say(bounds[up, first], lang, name=name, bound=shown, days=days)
    if bounds is RECENCY and not up and first and bound == 0:
        text = TODAY[lang]
    return text if gap is None else text + say(gaps[side, up], lang, gap=gap)


def _shown_and_gap(bound: float, value: float, up: bool) -> tuple[str, str | None]:
    """Return a bound as it is written, and how far that is from the value; None where it is no distance."""
    shown = rounded(bound, up)
    gap = abs(Decimal(shown.replace(",", "")) - Decimal(repr(value)))
    return shown, rounded(float(gap), True) if gap else None


def _bound(to: float, up: bool) -> tuple[bool, float]:
    """Return the first value that counts, or the last one that does not, whichever is shorter to write."""
    if to == int(to):
        return True, to
    before = float((below if up else above)(np.array([to]), False)[0])
    return (True, to) if len(repr(to)) <= len(repr(before)) else (False, before)


def rounded(value: float, up: bool) -> str:
    """Return a number as people write it, rounded away from the side on which it would not be true.

    Examples
    --------
    >>> rounded(1204.0, True), rounded(286.994, False), rounded(286.994, True), rounded(0.1234561, True)
    ('1,204', '286.99', '287.00', '0.123457')
    >>> rounded(1.23456789e40, True)
    '1.23457e+40'
    """
    exact, rounding = Decimal(repr(value)), ROUND_CEILING if up else ROUND_FLOOR
    if abs(value) >= HUGE:
        return f"{exact.quantize(Decimal(1).scaleb(exact.adjusted() - 5), rounding).normalize():e}"
    text = number(value)
    shown = Decimal(text.replace(",", ""))
    if shown == exact:
        return text
    return f"{exact.quantize(Decimal(1).scaleb(int(shown.as_tuple().exponent)), rounding):,}"


def cuts_sentence(version: str | None, day: date | None, lang: str) -> str:
    """Return the version of the cuts and their day, where they are known."""
    when = "" if day is None else say(OF_DAY, lang, day=day.isoformat())
    return say(CUTS, lang, version=version or NO_VERSION[lang], day=when)


def customer_block(
    customer: Any,
    tier: str,
    reason: str,
    held: Sequence[tuple[str, float, float | None, tuple[float, float] | None]],
    told: Mapping[str, str],
    cuts: str,
    lang: str,
) -> str:
    """Return one customer in lines: tier, reason, each value with its interval, what would change it, cuts."""
    head, why, up, down, end = BLOCK[lang]
    lines = [head.format(customer=customer, tier=tier), why.format(reason=reason)]
    lines += [_held_line(*one, lang) for one in held]
    lines += [up.format(up=told["to_next"]), down.format(down=told["to_lose"]), end.format(cuts=cuts)]
    return "\n".join(lines)


def _held_line(
    name: str, value: float, points: float | None, ends: tuple[float, float] | None, lang: str
) -> str:
    return say(
        HELD, lang, name=column_label(name, lang),
        value=MISSING[lang] if math.isnan(value) else number(value),
        points="" if points is None or math.isnan(points) else say(POINTS, lang, points=number(points)),
        keeps="" if ends is None or math.isnan(ends[0]) else _keeps(*ends, lang),
    )  # fmt: skip


def _keeps(start: float, end: float, lang: str) -> str:
    """Return the interval of values that keep the tier in words."""
    low, high = "", ""
    if start > -math.inf:
        first, bound = _bound(start, True)
        low = say(ENDS["low", first], lang, bound=rounded(bound, True))
    if end < math.inf:
        reached, bound = _bound(end, True)
        high = say(ENDS["high", not reached], lang, bound=rounded(bound, False))
    return say(KEEPS[bool(low), bool(high)], lang, low=low, high=high)
