"""What a holdout scorecard allows to say, in English and Chinese."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from valuetier.evaluate.holdout import HoldoutScorecard

TOO_GOOD_GINI = 0.95
FEW_RETURNED = 100

ROLES = {"en": ("segmenter", "baseline"), "zh": ("分层方法", "基准")}
OUTCOMES = {
    "en": ("better", "worse", "no difference can be shown"),
    "zh": ("更好", "更差", "看不出差异"),
}
LINKS = {"en": (", ", "; "), "zh": ("、", "；")}

TEXTS: Mapping[str, Mapping[str, str]] = {
    "one_cutoff": {
        "en": "{customers:,} customers known on {cutoff} were judged by the {days} days after it; {returned:.1%} of them came back.",
        "zh": "截至 {cutoff} 的 {customers:,} 位客户，用其后 {days} 天的实际消费检验；其中 {returned:.1%} 再次购买。",
    },
    "cutoffs": {
        "en": "At {n} cutoffs from {first} to {cutoff} the customers known were judged by the {days} days after it, {customers:,} of them at the last one; {returned:.1%} came back.",
        "zh": "从 {first} 到 {cutoff} 取 {n} 个截止日，已知客户均用其后 {days} 天的实际消费检验，最后一个截止日有客户 {customers:,} 位；平均 {returned:.1%} 再次购买。",
    },
    "found": {
        "en": "The best {share:g}% of the customers by {best} brought {value:.1%} of the later spend",
        "zh": "按“{best}”排序的前 {share:g}% 客户，贡献了后来消费额的 {value:.1%}",
    },
    "rival": {
        "en": "; by {rival}, the strongest baseline, {other:.1%}. The difference is {difference:+.2f} points ({low:+.2f} to {high:+.2f}): ",
        "zh": "；最强的基准“{rival}”为 {other:.1%}。相差 {difference:+.2f} 个百分点（{low:+.2f} 至 {high:+.2f}）：",
    },
    "better": {
        "en": "more than chance would make.",
        "zh": "超出偶然波动的范围。",
    },
    "worse": {
        "en": "the simple baseline does better than the best segmenter. Use it, or find out why.",
        "zh": "简单的基准反而胜过最好的分层方法。要么直接采用它，要么查明原因。",
    },
    "open": {
        "en": "no difference can be shown. The baseline is the simpler one.",
        "zh": "看不出差异。基准更简单。",
    },
    "whole": {
        "en": "Over the whole order (normalised Gini) {best} has {gini:.3f}, {rival}, the strongest baseline there, {other:.3f}; the difference is {difference:+.3f} ({low:+.3f} to {high:+.3f}): {outcome}.",
        "zh": "就整个排序而言（标准化基尼系数），“{best}”为 {gini:.3f}，此项最强的基准“{rival}”为 {other:.3f}；相差 {difference:+.3f}（{low:+.3f} 至 {high:+.3f}）：{outcome}。",
    },
    "depends": {
        "en": " So it depends on the use: whether only the best customers are chosen, or all are served by rank.",
        "zh": "因此要看用途：是只挑选最好的客户，还是按名次服务所有客户。",
    },
    "against": {
        "en": "The other segmenters against {name}: {groups}.",
        "zh": "其余分层方法与“{name}”相比，{groups}。",
    },
    "group": {"en": "{outcome}: {names}", "zh": "{outcome}：{names}"},
    "top": {
        "en": "The top tier of {best}, {size:.1%} of the customers, brought {value:.1%} of the later spend, {lift:.1f} times its share{truly}.",
        "zh": "“{best}”的最高层占客户的 {size:.1%}，贡献了后来消费额的 {value:.1%}，是其人数占比的 {lift:.1f} 倍{truly}。",
    },
    "truly": {
        "en": "; {precision:.0%} of it are truly among as many best customers",
        "zh": "；其中 {precision:.0%} 确实属于同样人数的最佳客户",
    },
    "as_many": {
        "en": " In as many customers {rival} finds {other:.1%}: {outcome}.",
        "zh": "“{rival}”取同样人数可得 {other:.1%}，最高层与之相比：{outcome}。",
    },
    "stays": {
        "en": "From one cutoff to the next {best} leaves {same:.0%} of the customers in their tier{kept}.",
        "zh": "从一个截止日到下一个，“{best}”使 {same:.0%} 的客户留在原层{kept}。",
    },
    "kept": {"en": ", and {kept:.0%} of its top tier stay there", "zh": "，最高层有 {kept:.0%} 留任"},
    "spend_ratio": {
        "en": "{name} predicted {ratio:.0%} of the spend that came ({low:.0%} to {high:.0%}): {judged}.",
        "zh": "“{name}”预测的消费额是实际的 {ratio:.0%}（{low:.0%} 至 {high:.0%}）：{judged}。",
    },
    "orders_ratio": {
        "en": "{name} predicted {ratio:.0%} of the orders that came ({low:.0%} to {high:.0%}): {judged}.",
        "zh": "“{name}”预测的订单数是实际的 {ratio:.0%}（{low:.0%} 至 {high:.0%}）：{judged}。",
    },
    "too_high": {"en": "too high", "zh": "偏高"},
    "too_low": {"en": "too low", "zh": "偏低"},
    "in_line": {"en": "no bias can be shown", "zh": "看不出偏差"},
    "too_good": {
        "en": "Too good to be true: {name} ranks the customers almost as the future did (normalised Gini {gini:.2f}). Look for information from after the cutoff in the log or in the segmenter.",
        "zh": "好得不真实：“{name}”的排序几乎与未来一致（标准化基尼系数 {gini:.2f}）。请检查日志或分层方法中是否混入了截止日之后的信息。",
    },
    "same_year": {
        "en": "Up to {cutoff} nothing in the log is older than a year, so last year's spend is total spend there.",
        "zh": "截至 {cutoff}，日志中没有一年以前的消费，因此近一年消费额就是累计消费额。",
    },
    "new": {
        "en": "Customers who first ordered after the cutoff brought {share:.1%} of the spend within the horizon; nobody could rank them.",
        "zh": "检验期内有 {share:.1%} 的消费额来自截止日之后的新客户，任何方法都无法事先为其排序。",
    },
    "below_zero": {
        "en": "Customers who got back more than they paid within the horizon count as 0, which leaves out refunds of {share:.1%} of the spend.",
        "zh": "检验期内退款多于付款的客户按 0 计，由此未计入的退款相当于消费额的 {share:.1%}。",
    },
    "overlap": {
        "en": "The horizons overlap, so the cutoffs are not independent of each other; the intervals allow for it.",
        "zh": "各检验期相互重叠，截止日之间并不独立；区间估计已考虑这一点。",
    },
    "few": {
        "en": "At one cutoff only {n} customers came back: take the intervals as rough.",
        "zh": "有一个截止日之后只有 {n} 位客户再次购买：区间仅供粗略参考。",
    },
    "method": {
        "en": "Intervals of {level:g}% from {n} resamples of the customers, {fit}; those of differences hold for all comparisons in one measure together.",
        "zh": "区间水平为 {level:g}%，由 {n} 次客户重抽样得出，{fit}；差异的区间对同一指标的所有比较同时成立。",
    },
    "fixed": {"en": "the fits held as they are", "zh": "分层方法的拟合结果保持不变"},
    "anew": {"en": "the segmenters fitted anew to each", "zh": "每次都重新拟合分层方法"},
}  # fmt: skip


def verdict(card: HoldoutScorecard, lang: str) -> str:
    """Return the findings, one a line."""
    table = card.to_frame(lang)
    best = table[table["role"] == ROLES[lang][0]].iloc[0]
    rivals = table[table["role"] == ROLES[lang][1]]
    rival = None if rivals.empty else str(rivals["name"].iloc[0])
    lines = [
        _setting(card, lang),
        _headline(card, best, rival, lang),
        _whole(card, best, rivals, lang),
        *(_others(card, best["name"], rival, lang) if len(card.segmenters) > 1 else ()),
        _top_tier(card, best, rival, lang),
        *_stays(card, best["name"], lang),
        *_calibration(card, lang),
        *_notes(card, table, lang),
        _say(
            "method",
            lang,
            level=100 * card.level,
            n=card.n_resamples,
            fit=_say("anew" if card.refit else "fixed", lang),
        ),
    ]
    return "\n".join(line for line in lines if line)


def _say(text: str, lang: str, **values: Any) -> str:
    return TEXTS[text][lang].format(**values)


def _setting(card: HoldoutScorecard, lang: str) -> str:
    first, last = card.cutoffs[0], card.cutoffs[-1]
    returned = float(np.mean([one.returned / one.customers for one in card.cutoffs]))
    return _say(
        "cutoffs" if len(card.cutoffs) > 1 else "one_cutoff", lang, n=len(card.cutoffs), first=first.cutoff,
        cutoff=last.cutoff, customers=last.customers, days=card.horizon_days, returned=returned,
    )  # fmt: skip


def _headline(card: HoldoutScorecard, best: Any, rival: str | None, lang: str) -> str:
    text = _say("found", lang, share=100 * card.best_share, best=best["name"], value=best["best_value"])
    if rival is None:
        return text + {"en": ".", "zh": "。"}[lang]
    found = _row(card.differences(lang=lang), best["name"], rival)
    points = {name: 100.0 * found[name] for name in ("difference", "low", "high")}
    text += _say("rival", lang, rival=rival, other=found["other_estimate"], **points)
    ending = dict(zip(OUTCOMES[lang], ("better", "worse", "open"), strict=True))[found["outcome"]]
    return text + _say(ending, lang)


def _whole(card: HoldoutScorecard, best: Any, rivals: pd.DataFrame, lang: str) -> str:
    """Return how the best segmenter and the strongest baseline compare over all customers."""
    if rivals.empty or np.isnan(best["gini"]):
        return ""
    rival = str(rivals.sort_values("gini", ascending=False, kind="stable")["name"].iloc[0])
    found = _row(card.differences("gini", lang=lang), best["name"], rival)
    text = _say(
        "whole", lang, best=best["name"], gini=found["estimate"], rival=rival, other=found["other_estimate"],
        difference=found["difference"], low=found["low"], high=found["high"], outcome=found["outcome"],
    )  # fmt: skip
    at_best = _row(card.differences(lang=lang), best["name"], str(rivals["name"].iloc[0]))
    opposed = {at_best["outcome"], found["outcome"]} == set(OUTCOMES[lang][:2])
    return text + _say("depends", lang) if opposed else text


def _row(differences: pd.DataFrame, segmenter: str, other: str) -> Any:
    return differences[(differences["segmenter"] == segmenter) & (differences["other"] == other)].iloc[0]


def _others(card: HoldoutScorecard, best: str, rival: str | None, lang: str) -> Iterator[str]:
    """Yield how the other segmenters compare with the strongest baseline, and with the best segmenter."""
    for name, against in ((rival, "baselines"), (best, "segmenters")):
        if name is not None:
            found = card.differences(against=against, lang=lang)
            found = found[(found["other"] == name) & (found["segmenter"] != best)]
            yield _say("against", lang, name=name, groups=_groups(found, lang))


def _groups(found: pd.DataFrame, lang: str) -> str:
    comma, semicolon = LINKS[lang]
    groups = ((outcome, found.loc[found["outcome"] == outcome, "segmenter"]) for outcome in OUTCOMES[lang])
    return semicolon.join(
        _say("group", lang, outcome=outcome, names=comma.join(names))
        for outcome, names in groups
        if len(names)
    )


def _top_tier(card: HoldoutScorecard, best: Any, rival: str | None, lang: str) -> str:
    if not best["top_customers"] > 0:
        return ""
    precision = best["top_precision"]
    text = _say(
        "top", lang, best=best["name"], size=best["top_customers"], value=best["top_value"],
        lift=best["top_value"] / best["top_customers"],
        truly="" if np.isnan(precision) else _say("truly", lang, precision=precision),
    )  # fmt: skip
    if rival is None:
        return text
    found = _row(card.differences("top_value", lang=lang), best["name"], rival)
    return text + _say("as_many", lang, rival=rival, other=found["other_estimate"], outcome=found["outcome"])


def _stays(card: HoldoutScorecard, best: str, lang: str) -> Iterator[str]:
    kept = card.stability[card.stability["name"] == best]
    if kept["same_tier"].notna().any():
        means = kept[["same_tier", "top_kept"]].mean()
        same, stay = means.tolist()
        ending = "" if np.isnan(stay) else _say("kept", lang, kept=stay)
        yield _say("stays", lang, best=best, same=same, kept=ending)


def _calibration(card: HoldoutScorecard, lang: str) -> Iterator[str]:
    """Yield a sentence for each total that was predicted, and whether it was too high or too low."""
    found = card.intervals(lang)
    for measure in ("spend_ratio", "orders_ratio"):
        of_measure = found[(found["measure"] == measure) & found["estimate"].notna()]
        columns = (of_measure[name].tolist() for name in ("name", "estimate", "low", "high"))
        for name, ratio, low, high in zip(*columns, strict=True):
            judged = "too_low" if high < 1 else "too_high" if low > 1 else "in_line"
            yield _say(measure, lang, name=name, ratio=ratio, low=low, high=high, judged=_say(judged, lang))


def _notes(card: HoldoutScorecard, table: pd.DataFrame, lang: str) -> Iterator[str]:
    """Yield what a reader has to know beside the findings."""
    for row in table[table["gini"] >= TOO_GOOD_GINI].itertuples():
        yield _say("too_good", lang, name=row.name, gini=row.gini)
    cutoffs = card.cutoffs
    short = [facts.cutoff for facts in cutoffs if facts.same_year]
    if short and {"last year's spend", "total spend"} <= set(card.baselines):
        yield _say("same_year", lang, cutoff=short[-1])
    value, new = sum(one.value for one in cutoffs), sum(one.new_value for one in cutoffs)
    if new > 0:
        yield _say("new", lang, share=new / (value + new))
    below_zero = -sum(one.below_zero for one in cutoffs)
    if below_zero > 0:
        yield _say("below_zero", lang, share=below_zero / value)
    if _overlap(card.cutoffs, card.horizon_days):
        yield _say("overlap", lang)
    fewest = min(one.returned for one in cutoffs)
    if fewest < FEW_RETURNED:
        yield _say("few", lang, n=fewest)


def _overlap(cutoffs: Sequence[Any], horizon_days: int) -> bool:
    return any((after.cutoff - before.cutoff).days < horizon_days for before, after in pairwise(cutoffs))
