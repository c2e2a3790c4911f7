"""What a disparity report allows to say, in English and Chinese."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from valuetier.evaluate._percent import percent

if TYPE_CHECKING:
    from valuetier.evaluate.disparity import Disparity

MORE, LESS, OPEN, SMALL = range(4)
FOUR_FIFTHS = 0.8

OUTCOMES = {
    "en": ("more often", "less often", "no difference can be shown", "too small to say"),
    "zh": ("比例偏高", "比例偏低", "看不出差异", "人数太少，无法判断"),
}
NOT_STATED = {"en": "(not stated)", "zh": "（未说明）"}
LINKS = {"en": ", ", "zh": "、"}

TEXTS: Mapping[str, Mapping[str, str]] = {
    "setting": {
        "en": "{customers:,} customers in {groups} groups; for {missing:,} no group is stated.",
        "zh": "共 {customers:,} 位客户，分为 {groups} 组；其中 {missing:,} 位未说明所属组别。",
    },
    "top": {
        "en": "In the top ({tiers}) are {share} of all customers{largest}.",
        "zh": "高层级（{tiers}）占全部客户的 {share}{largest}。",
    },
    "price": {
        "en": "An action that affects the price goes to {share} of all customers{largest}.",
        "zh": "{share} 的客户会得到影响价格的动作{largest}。",
    },
    "largest": {
        "en": "; the largest share is that of {best}, {share}",
        "zh": "；比例最高的是“{best}”，为 {share}",
    },
    "adverse": {
        "en": "Look into {group}: {share}, {ratio:.2f} times that of {best} and below four fifths, and less often than all others by more than chance makes ({points:+.1f} points, {low:+.1f} to {high:+.1f}).",
        "zh": "须查明原因：“{group}”为 {share}，是“{best}”的 {ratio:.2f} 倍，低于五分之四，且低于其余客户的幅度超出偶然（{points:+.1f} 个百分点，{low:+.1f} 至 {high:+.1f}）。",
    },
    "below": {
        "en": "{group}: {share}, {ratio:.2f} times that of {best} and below four fifths; against all others no shortfall beyond chance can be shown ({points:+.1f} points, {low:+.1f} to {high:+.1f}).",
        "zh": "“{group}”为 {share}，是“{best}”的 {ratio:.2f} 倍，低于五分之四；但与其余客户相比，看不出超出偶然的不足（{points:+.1f} 个百分点，{low:+.1f} 至 {high:+.1f}）。",
    },
    "less": {
        "en": "{group}: {share}, less often than all others by more than chance makes ({points:+.1f} points, {low:+.1f} to {high:+.1f}), yet not below four fifths of {best}.",
        "zh": "“{group}”为 {share}，低于其余客户的幅度超出偶然（{points:+.1f} 个百分点，{low:+.1f} 至 {high:+.1f}），但未低于“{best}”的五分之四。",
    },
    "fine": {
        "en": "No group is below four fifths of the largest share, nor below all others by more than chance makes.",
        "zh": "没有一组低于最高比例的五分之四，也没有一组低于其余客户的幅度超出偶然。",
    },
    "small": {
        "en": "Fewer than {least} customers, too few to say anything: {names}.",
        "zh": "不足 {least} 位客户、无法判断的组：{names}。",
    },
    "all_small": {
        "en": "Every group has fewer than {least} customers: nothing can be said.",
        "zh": "各组均不足 {least} 位客户：无法判断。",
    },
    "missing": {
        "en": "Of those without a stated group {share} are in the top. Who says nothing may be a group of its own.",
        "zh": "未说明组别的客户有 {share} 处于高层级。不作说明者本身可能就是一个群体。",
    },
    "service": {
        "en": "Service for a customer: from {low:,.1f} minutes ({low_group}) to {high:,.1f} ({high_group}).",
        "zh": "每位客户的服务时间：从 {low:,.1f} 分钟（“{low_group}”）到 {high:,.1f} 分钟（“{high_group}”）。",
    },
    "method": {
        "en": "Four fifths is a rule of thumb from hiring (US Uniform Guidelines 1978, 29 CFR 1607.4(D)), no verdict on what is fair. The tests are corrected for their number; a difference may have reasons that are fair, and equal shares may hide that they are not.",
        "zh": "五分之四是招聘领域的经验法则（美国《统一指南》1978，29 CFR 1607.4(D)），并非公平与否的定论。检验已按次数校正；差异可能有正当理由，比例相等也未必公平。",
    },
}  # fmt: skip


def verdict(found: Disparity, lang: str) -> str:
    """Return the findings, one a line."""
    table = found.table
    lines = [
        _say("setting", lang, customers=found.customers, groups=len(found.groups), missing=found.not_stated),
        *_about(found, "top", lang),
        *(_about(found, "price", lang) if found.with_actions else ()),
        *_service(found, lang),
        *_small(found, lang),
    ]
    if found.not_stated:
        row = table[(table["about"] == "top") & table["group"].isna()].iloc[0]
        lines.append(_say("missing", lang, share=percent(row["share"], lang, 1)))
    return "\n".join([*lines, _say("method", lang)])


def _say(text: str, lang: str, **values: Any) -> str:
    return TEXTS[text][lang].format(**values)


def _about(found: Disparity, about: str, lang: str) -> Iterator[str]:
    """Yield who has most, and each group that has too little or far less than the others."""
    rows = _judged(found, about)
    if rows.empty:
        if about == "top":
            yield _say("all_small", lang, least=found.min_customers)
        return
    best = rows.loc[rows["share"].idxmax()]
    tiers = LINKS[lang].join(tier.label(lang) for tier in found.tiers[: found.top_tiers])
    share, best_share = (percent(one, lang, 1) for one in (found.overall[about], best["share"]))
    differ = best["share"] > rows["share"].min()
    largest = _say("largest", lang, best=best["group"], share=best_share) if differ else ""
    yield _say(about, lang, tiers=tiers, share=share, largest=largest)
    named = [_group(row, best["group"], lang) for row in rows.to_dict("records")]
    yield from [text for text in named if text] or [_say("fine", lang)]


def _judged(found: Disparity, about: str) -> Any:
    table = found.table
    return table[(table["about"] == about) & table["group"].notna() & (table["outcome"] != SMALL)]


def _group(row: Mapping[Any, Any], best: str, lang: str) -> str:
    less, below = row["outcome"] == LESS, row["below_four_fifths"]
    if not (less or below):
        return ""
    points = {name: 100.0 * row[key] for name, key in _POINTS}
    text = "adverse" if less and below else "below" if below else "less"
    share = percent(row["share"], lang, 1)
    return _say(text, lang, group=row["group"], share=share, ratio=row["ratio"], best=best, **points)


_POINTS = (("points", "difference"), ("low", "low"), ("high", "high"))


def _service(found: Disparity, lang: str) -> Iterator[str]:
    rows = _judged(found, "top")
    if found.with_actions and len(rows) > 1:
        least, most = rows.loc[rows["minutes"].idxmin()], rows.loc[rows["minutes"].idxmax()]
        if least["minutes"] == most["minutes"]:
            return
        yield _say(
            "service", lang, low=least["minutes"], low_group=least["group"], high=most["minutes"],
            high_group=most["group"],
        )  # fmt: skip


def _small(found: Disparity, lang: str) -> Iterator[str]:
    table = found.table
    rows = table[(table["about"] == "top") & table["group"].notna() & (table["outcome"] == SMALL)]
    if 0 < len(rows) < len(found.groups):
        shape = {"en": "{} ({:,})", "zh": "{}（{:,}）"}[lang]
        named = [shape.format(name, n) for name, n in zip(rows["group"], rows["customers"], strict=True)]
        yield _say("small", lang, least=found.min_customers, names=LINKS[lang].join(named))


def outcome_of(p_adjusted: float, difference: float, alpha: float, small: bool) -> int:
    """Return the code of what can be said of a group."""
    if small:
        return SMALL
    if np.isnan(p_adjusted) or p_adjusted > alpha:
        return OPEN
    return MORE if difference > 0 else LESS
