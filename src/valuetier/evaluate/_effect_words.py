"""What an experiment allows to say, in English and Chinese."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from valuetier.evaluate._effect_tables import FEWEST, LESS, MORE, OPEN, POWER, UNKNOWN
from valuetier.evaluate._percent import percent

if TYPE_CHECKING:
    from valuetier.evaluate.effect import Effect

OUTCOMES = {
    "en": ("more", "less", "no effect can be shown", "cannot be said"),
    "zh": ("更多", "更少", "看不出效果", "无法判断"),
}
APART = {
    "en": ("more before the start", "less before the start", "no more apart than chance", "cannot be said"),
    "zh": ("实验前偏高", "实验前偏低", "差异未超出偶然", "无法判断"),
}
ALL = {"en": "all tiers", "zh": "全部层级"}
LINKS = {"en": ("; ", ", "), "zh": ("；", "、")}

TEXTS: Mapping[str, Mapping[str, str]] = {
    "setting": {
        "en": "From {start} on, {treated:,} treated customers and {control:,} in control were watched for {days} days, {bought} of them bought.",
        "zh": "自 {start} 起观察 {days} 天：实验组 {treated:,} 位客户，对照组 {control:,} 位，其中 {bought} 有购买。",
    },
    "spend": {
        "en": "With the tiers weighted alike the treated spent {treated:,.2f} per customer, control {control:,.2f}: {difference:+,.2f} ({low:+,.2f} to {high:+,.2f}){lift}.",
        "zh": "两组按相同的层级权重计，实验组人均消费 {treated:,.2f}，对照组 {control:,.2f}：相差 {difference:+,.2f}（{low:+,.2f} 至 {high:+,.2f}）{lift}。",
    },
    "spend_one": {
        "en": "The treated spent {treated:,.2f} per customer, control {control:,.2f}: {difference:+,.2f} ({low:+,.2f} to {high:+,.2f}){lift}.",
        "zh": "实验组人均消费 {treated:,.2f}，对照组 {control:,.2f}：相差 {difference:+,.2f}（{low:+,.2f} 至 {high:+,.2f}）{lift}。",
    },
    "all_flat": {
        "en": " No customer's spend differs from another's of the same tier, so there is no effect to see.",
        "zh": "同一层级内各客户的消费没有任何差别，无从看出效果。",
    },
    "lift": {"en": ", {lift} ({low} to {high})", "zh": "，即 {lift}（{low} 至 {high}）"},
    "unbounded": {"en": "no upper limit", "zh": "无上限"},
    "more": {
        "en": " More than chance would make: for all treated about {total:,.0f} ({low:,.0f} to {high:,.0f}). What the action cost is not taken off.",
        "zh": "超出偶然波动的范围：实验组合计约增收 {total:,.0f}（{low:,.0f} 至 {high:,.0f}），未扣除动作成本。",
    },
    "less": {
        "en": " The treated spent less, and by more than chance would make. Stop the action, or find out why.",
        "zh": "实验组反而消费更少，且超出偶然波动的范围。应暂停该动作，或查明原因。",
    },
    "open": {
        "en": " No effect can be shown. With these customers only a difference of {detectable:,.2f}{share} or more would have been seen in {power} of such experiments; a smaller one may be there.",
        "zh": "看不出效果。以现有人数，只有差异达到 {detectable:,.2f}{share}以上，才有 {power} 的把握看得出来；更小的效果可能存在，但无从得知。",
    },
    "share": {"en": " ({share})", "zh": "（{share}）"},
    "nothing": {
        "en": "Nothing can be said about the effect: no tier has enough customers in both groups. Hold out a larger share, or wait for more customers.",
        "zh": "效果无法判断：没有一个层级的两组都有足够的客户。请提高对照组比例，或等待更多客户。",
    },
    "tiers": {"en": "By tier: {groups}.", "zh": "分层级看，{groups}。"},
    "group": {"en": "{outcome}: {names}", "zh": "{outcome}：{names}"},
    "shown": {
        "en": "{tier} ({difference:+,.2f}, {low:+,.2f} to {high:+,.2f})",
        "zh": "{tier}（{difference:+,.2f}，{low:+,.2f} 至 {high:+,.2f}）",
    },
    "not_shown": {
        "en": "{tier} ({difference:+,.2f}; seen only from {detectable:,.2f} on)",
        "zh": "{tier}（{difference:+,.2f}；须达到 {detectable:,.2f} 才看得出）",
    },
    "flat": {"en": "{tier} (nothing varies)", "zh": "{tier}（数值无变化）"},
    "too_few": {
        "en": "{tier} ({treated:,} treated, {control:,} in control)",
        "zh": "{tier}（实验组 {treated:,} 位，对照组 {control:,} 位）",
    },
    "orders": {
        "en": "Orders per customer: {treated:.3f} against {control:.3f}, {difference:+.3f} ({low:+.3f} to {high:+.3f}): {outcome}.",
        "zh": "人均订单数：{treated:.3f} 对 {control:.3f}，相差 {difference:+.3f}（{low:+.3f} 至 {high:+.3f}）：{outcome}。",
    },
    "bought": {
        "en": "Customers who bought: {share} against {other_share}, {points:+.1f} points ({points_low:+.1f} to {points_high:+.1f}): {outcome}.",
        "zh": "有购买的客户占比：{share} 对 {other_share}，相差 {points:+.1f} 个百分点（{points_low:+.1f} 至 {points_high:+.1f}）：{outcome}。",
    },
    "reached": {
        "en": "{share} of the treated were reached (less the share reached in control); per customer reached that is {value:+,.2f} ({low:+,.2f} to {high:+,.2f}). Who is reached is not drawn by lot, so the groups are compared as a whole and the effect is shared out.",
        "zh": "实验组中有 {share} 真正被触达（已扣除对照组的触达率）；折合每位被触达客户 {value:+,.2f}（{low:+,.2f} 至 {high:+,.2f}）。谁能被触达并非随机，因此先比较两组全体，再按触达率折算。",
    },
    "adjusted": {
        "en": "Adjusted by the same measures in the {days} days before the start, which changes the variance of the difference in spend by {shrunk}.",
        "zh": "已用实验前 {days} 天的同一指标作校正，消费差异的方差变化 {shrunk}。",
    },
    "alike": {
        "en": "In the {days} days before the start the treated spent {treated:,.2f} per customer and control {control:,.2f}: no more apart than chance makes.",
        "zh": "实验前 {days} 天，实验组人均消费 {treated:,.2f}，对照组 {control:,.2f}：差异未超出偶然。",
    },
    "apart": {
        "en": "Warning: in the {days} days before the start the groups already differed by more than chance makes ({where}). Find out how they were drawn before you trust the effect.{advice}",
        "zh": "警告：实验前 {days} 天两组的差异就已超出偶然（{where}）。请先查明分组方式，再决定是否采信上述效果。{advice}",
    },
    "advice": {
        "en": " Passing before_days= takes earlier spend into account.",
        "zh": "设定 before_days= 可校正此前的消费差异。",
    },
    "unchecked": {
        "en": "The log knows nothing from before the start, so whether the groups were alike cannot be checked.",
        "zh": "日志中没有实验前的记录，无法检查两组原本是否相当。",
    },
    "left_out": {
        "en": "The total leaves out {names}: too few customers in a group.",
        "zh": "合计未含 {names}：有一组人数过少。",
    },
    "absent": {
        "en": "{n:,} of the {customers:,} customers are nowhere in the log, and count as 0. If they have ordered before, their ids are written in another way there.",
        "zh": "{customers:,} 位客户中有 {n:,} 位在日志中从未出现，按 0 计。若他们曾有订单，说明日志中的客户编号写法不同，请核对。",
    },
    "outsiders": {
        "en": "{n:,} other customers ordered within the {days} days, for {spend:,.2f} in all; they are in neither group and do not count.",
        "zh": "这 {days} 天内另有 {n:,} 位客户下单，合计 {spend:,.2f}；他们不属于任何一组，未计入。",
    },
    "short": {
        "en": "The log ends on {end}, {missing} days before the horizon does: if orders are still to come, this is the effect so far.",
        "zh": "日志止于 {end}，比观察期早 {missing} 天结束：若还有订单未入库，这只是迄今的效果。",
    },
    "method": {
        "en": "Intervals of {level} from {n:,} other ways the lot could have fallen within the tiers; those of the {k} tiers hold for all of them together.",
        "zh": "区间水平为 {level}，由层级内 {n:,} 次重新随机分组得出；{k} 个层级的区间同时成立。",
    },
    "method_one": {
        "en": "Intervals of {level} from {n:,} other ways the lot could have fallen.",
        "zh": "区间水平为 {level}，由 {n:,} 次重新随机分组得出。",
    },
}  # fmt: skip


def verdict(found: Effect, lang: str) -> str:
    """Return the findings, one a line."""
    total = found.overall("spend")
    lines = [_setting(found, lang), _headline(found, total, lang)]
    if total["outcome"] != UNKNOWN:
        lines += [_tiers(found, lang), *_others(found, lang), *_reached(total, lang)]
        lines += [*_adjusted(found, total, lang), _balance(found, lang)]
    lines += [*_notes(found, lang), _method(found, lang)]
    return "\n".join(line for line in lines if line)


def _say(text: str, lang: str, **values: Any) -> str:
    return TEXTS[text][lang].format(**values)


def _setting(found: Effect, lang: str) -> str:
    return _say(
        "setting", lang, start=found.start, treated=found.treated, control=found.control,
        days=found.horizon_days, bought=percent(found.bought, lang, 1),
    )  # fmt: skip


def _headline(found: Effect, total: Any, lang: str) -> str:
    if total["outcome"] == UNKNOWN:
        return _say("nothing", lang)
    several = len(found.by_tier("spend")) > 1
    text = _say("spend" if several else "spend_one", lang, **_means(total), lift=_lift(total, lang))
    if total["outcome"] == OPEN:
        if np.isnan(total["detectable"]):
            return text + _say("all_flat", lang)
        share = total["detectable"] / total["mean_control"] if total["mean_control"] > 0 else np.nan
        said = "" if np.isnan(share) else _say("share", lang, share=percent(share, lang))
        power = percent(POWER, lang)
        return text + _say("open", lang, detectable=total["detectable"], share=said, power=power)
    scaled = {name: total[key] * total["treated"] for name, key in _SCALED}
    return text + _say("more" if total["outcome"] == MORE else "less", lang, **scaled)


_SCALED = (("total", "difference"), ("low", "low"), ("high", "high"))


def _means(row: Any) -> dict[str, float]:
    names = ("difference", "low", "high")
    return {
        "treated": row["mean_treated"],
        "control": row["mean_control"],
        **{name: row[name] for name in names},
    }


def _lift(row: Any, lang: str) -> str:
    if np.isnan(row["lift_low"]):
        return ""
    lift, low, high = (_signed(row[name], lang) for name in ("lift", "lift_low", "lift_high"))
    return _say("lift", lang, lift=lift, low=low, high=high)


def _signed(share: float, lang: str) -> str:
    if np.isinf(share):
        return _say("unbounded", lang)
    return ("+" if share >= 0 else "") + percent(share, lang, 1)


def _tiers(found: Effect, lang: str) -> str:
    rows = found.by_tier("spend")
    if len(rows) < 2:
        return ""
    semicolon, comma = LINKS[lang]
    groups = []
    for code in (MORE, LESS, OPEN, UNKNOWN):
        names = [_tier(row, lang) for row in rows.to_dict("records") if row["outcome"] == code]
        if names:
            groups.append(_say("group", lang, outcome=OUTCOMES[lang][code], names=comma.join(names)))
    return _say("tiers", lang, groups=semicolon.join(groups))


def _tier(row: Mapping[Any, Any], lang: str) -> str:
    flat = row["outcome"] == OPEN and np.isnan(row["detectable"])
    text = "flat" if flat else ("shown", "shown", "not_shown", "too_few")[row["outcome"]]
    names = ("tier", "difference", "low", "high", "detectable", "treated", "control")
    return _say(text, lang, **{name: row[name] for name in names})


def _others(found: Effect, lang: str) -> Iterator[str]:
    for measure in ("orders", "bought"):
        row = found.overall(measure)
        points = {name: 100.0 * row[key] for name, key in _POINTS}
        share, other = (percent(row[name], lang, 1) for name in ("mean_treated", "mean_control"))
        shares = {"share": share, "other_share": other}
        yield _say(measure, lang, **_means(row), **points, **shares, outcome=OUTCOMES[lang][row["outcome"]])


_POINTS = (("points", "difference"), ("points_low", "low"), ("points_high", "high"))


def _reached(total: Any, lang: str) -> Iterator[str]:
    if not np.isnan(total["per_reached"]):
        yield _say(
            "reached", lang, share=percent(total["share_reached"], lang, 1), value=total["per_reached"],
            low=total["per_reached_low"], high=total["per_reached_high"],
        )  # fmt: skip


def _adjusted(found: Effect, total: Any, lang: str) -> Iterator[str]:
    if found.adjusted and not np.isnan(total["shrunk"]):
        yield _say("adjusted", lang, days=found.before_days, shrunk=_signed(-total["shrunk"], lang))


def _balance(found: Effect, lang: str) -> str:
    if not found.before_days:
        return _say("unchecked", lang)
    total, rows = found.overall("spend before"), found.by_tier("spend before")
    apart = pd.concat([rows, total.to_frame().T]) if len(rows) else total.to_frame().T
    apart = apart[apart["outcome"].isin([MORE, LESS])]
    if apart.empty:
        return _say("alike", lang, days=found.before_days, **_means(total))
    named = [
        _say("shown", lang, **{str(name): row[name] for name in row} | {"tier": row["tier"] or ALL[lang]})
        for row in apart.to_dict("records")
    ]
    advice = "" if found.adjusted else _say("advice", lang)
    return _say("apart", lang, days=found.before_days, where=LINKS[lang][1].join(named), advice=advice)


def _notes(found: Effect, lang: str) -> Iterator[str]:
    """Yield what a reader has to know beside the findings."""
    rows = found.by_tier("spend")
    few = rows[(rows[["treated", "control"]] < FEWEST).any(axis=1) | (rows["outcome"] == UNKNOWN)]
    if found.overall("spend")["treated"] < rows["treated"].sum():
        yield _say("left_out", lang, names=LINKS[lang][1].join(few["tier"]))
    if found.absent:
        yield _say("absent", lang, n=found.absent, customers=found.treated + found.control)
    if found.outsiders:
        yield _say("outsiders", lang, n=found.outsiders, days=found.horizon_days, spend=found.outside_spend)
    missing = (found.end - found.log_end).days
    if missing > 0:
        yield _say("short", lang, end=found.log_end, missing=missing)


def _method(found: Effect, lang: str) -> str:
    tested = int((found.by_tier("spend")["outcome"] != UNKNOWN).sum())
    name = "method" if tested > 1 else "method_one"
    return _say(name, lang, level=percent(found.level, lang), n=found.n_resamples, k=tested)
