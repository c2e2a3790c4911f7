"""What a migration says in words, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping

Words = Mapping[str, str]

NEW: Words = {"en": "new", "zh": "新增"}
GONE: Words = {"en": "gone", "zh": "离开"}
TOTAL: Words = {"en": "total", "zh": "合计"}

BETWEEN: Words = {"en": "from {before} to {after}", "zh": "{before} 至 {after}"}
UNDATED: Words = {"en": "between the two dates", "zh": "两期之间"}
MOVED: Words = {
    "en": (
        "{when}, {moved:,} of the {both:,} customers seen at both ({share}) changed tier: {up:,} up, "
        "{down:,} down; {entered:,} came and {left:,} went."
    ),
    "zh": (
        "{when}，两期都在的 {both:,} 位客户中有 {moved:,} 位（{share}）变动了层级："
        "上升 {up:,} 位，下降 {down:,} 位；新增 {entered:,} 位，离开 {left:,} 位。"
    ),
}
TOP: Words = {
    "en": "{tier}: {before:,} → {after:,} customers; {into:,} in{worth_in}, {out:,} out{worth_out}.",
    "zh": "“{tier}”：{before:,} → {after:,} 位客户；流入 {into:,} 位{worth_in}，流出 {out:,} 位{worth_out}。",
}
WORTH: Words = {"en": " (worth {value:,.2f} {date})", "zh": "（{date}价值 {value:,.2f}）"}
NOW: Words = {"en": "now", "zh": "现在"}
THEN: Words = {"en": "then", "zh": "当时"}
CAUSED: Words = {
    "en": (
        "Of the {moved:,} moves, {behaviour:,} are behaviour (they cross the old cuts), {cuts:,} moved cuts "
        "and {both:,} both; for {offset:,} customers the new cuts undo what behaviour did."
    ),
    "zh": (
        "{moved:,} 次变动中，{behaviour:,} 次源于客户行为（按原分界线已换层），{cuts:,} 次源于分界线移动，"
        "{both:,} 次两者兼有；另有 {offset:,} 位客户的行为变化被新分界线抵消。"
    ),
}
SAME_CUTS: Words = {
    "en": (
        "Old and new cuts agree about every customer. Learning them anew would move {rate} of customers by chance "
        "alone (95 % of refits: {low} to {high})."
    ),
    "zh": (
        "新旧分界线对每位客户的判断都相同。若重新学习分界线，仅因偶然就会有 {rate} 的客户换层"
        "（95% 的重拟合在 {low} 至 {high} 之间）。"
    ),
}
MORE: Words = {
    "en": (
        "The new cuts put {recut:,} of {customers:,} customers ({share}) into another tier than the old ones, "
        "more than chance does: refits to the same customers disagree about {rate} "
        "(95 % of them: {low} to {high})."
    ),
    "zh": (
        "新分界线使 {customers:,} 位客户中的 {recut:,} 位（{share}）与原分界线的结果不同，超出偶然波动："
        "对同一批客户重新拟合，平均有 {rate} 的客户结果不一致（95% 在 {low} 至 {high} 之间）。"
    ),
}
NO_MORE: Words = {
    "en": (
        "The new cuts put {recut:,} of {customers:,} customers ({share}) into another tier than the old ones, "
        "no more than chance does: refits to the same customers disagree about {rate} "
        "(95 % of them: {low} to {high})."
    ),
    "zh": (
        "新分界线使 {customers:,} 位客户中的 {recut:,} 位（{share}）与原分界线的结果不同，未超出偶然波动："
        "对同一批客户重新拟合，平均有 {rate} 的客户结果不一致（95% 在 {low} 至 {high} 之间）。"
    ),
}

SURVIVAL: Words = {
    "en": "Of {spells:,} stays in {tier} {said}.",
    "zh": "“{tier}”的 {spells:,} 段停留中，{said}。",
}
STILL: Words = {
    "en": "{share} last to date {step} after the first{interval}",
    "zh": "持续到其后第 {step} 期的占 {share}{interval}",
}
INTERVAL: Words = {"en": " (95 %: {low} to {high})", "zh": "（95%：{low} 至 {high}）"}
LEFT: Words = {
    "en": "of those that ended, {up:,} went up, {down:,} down and {gone:,} out of the table",
    "zh": "结束的停留中，上升 {up:,} 段，下降 {down:,} 段，不再在客户表中 {gone:,} 段",
}
