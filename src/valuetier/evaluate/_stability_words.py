"""What stability and drift say in words, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping

Words = Mapping[str, str]

# Names of the levels of bootstrap Jaccard similarity, the best first.
LEVELS: Mapping[str, Words] = {
    "stable": {"en": "stable", "zh": "稳定"},
    "doubtful": {"en": "doubtful", "zh": "存疑"},
    "unstable": {"en": "not to be trusted", "zh": "不可信"},
}
TIERS: Words = {"en": "{level}: {tiers}", "zh": "{level}：{tiers}"}
TIER: Words = {"en": "{tier} ({jaccard:.2f})", "zh": "{tier}（{jaccard:.2f}）"}
JACCARD: Words = {
    "en": "Learned anew from resampled customers (Jaccard; stable from 0.75, not to be trusted below 0.60), {said}.",
    "zh": "用重抽样的客户重新学习后（Jaccard 相似度；0.75 及以上为稳定，低于 0.60 不可信），{said}。",
}
KEPT: Words = {
    "en": "On average {kept} of the customers keep their tier; the adjusted Rand index is {rand:.2f}.",
    "zh": "平均 {kept} 的客户层级不变；调整兰德指数为 {rand:.2f}。",
}
SEEDS: Words = {
    "en": "With other seeds it is {mean:.2f} on average and {low:.2f} at worst.",
    "zh": "更换随机种子后，该指数平均 {mean:.2f}，最低 {low:.2f}。",
}
PERIODS: Words = {
    "en": "Between the cuts of neighbouring periods it is {mean:.2f} on average and {low:.2f} at worst.",
    "zh": "相邻两期的分界线之间，该指数平均 {mean:.2f}，最低 {low:.2f}。",
}
SWITCHED: Words = {
    "en": "The groups of {tiers} are found again, but under other names: their order is what is unstable.",
    "zh": "“{tiers}”的客户群能被重新找到，但名称不同：不稳定的是层级的次序。",
}

DRIFT_LEVELS: Mapping[str, Words] = {
    "little": {"en": "little change", "zh": "变化很小"},
    "moderate": {"en": "moderate change", "zh": "中等变化"},
    "large": {"en": "significant change", "zh": "显著变化"},
}
ADVICE: Mapping[str, Words] = {
    "keep": {"en": "Keep the cuts.", "zh": "建议沿用现有分界线。"},
    "watch": {
        "en": "Keep the cuts for now, and look again at the next date.",
        "zh": "建议暂时沿用现有分界线，下一期再检查。",
    },
    "refit": {
        "en": "Learn the cuts anew, and tell apart who moved and which cuts did when you compare the tiers with earlier ones.",
        "zh": "建议重新学习分界线；与以往层级比较时，应区分客户自身的变动与分界线移动造成的变动。",
    },
}
INPUT: Words = {
    "en": "Of {n} inputs {name} has moved most, chance allowed for: PSI {psi:.2f}, {level} (little below 0.10, significant from 0.25).",
    "zh": "计入偶然波动后，{n} 个输入变量中“{name}”变化最大：PSI 为 {psi:.2f}，{level}（低于 0.10 为变化很小，0.25 及以上为显著变化）。",
}
CHANCE: Words = {
    "en": "Among so few customers that may be chance (up to {by_chance:.2f}).",
    "zh": "在如此少的客户中，这可能出于偶然（不超过 {by_chance:.2f}）。",
}
BEYOND: Words = {
    "en": "New cuts would put {recut} of the customers into another tier, more than chance does ({high} at most in 97.5 % of refits).",
    "zh": "新分界线会使 {recut} 的客户换层，超出偶然波动（97.5% 的重拟合不超过 {high}）。",
}
WITHIN: Words = {
    "en": "New cuts would put {recut} of the customers into another tier, no more than chance does ({high} at most in 97.5 % of refits).",
    "zh": "新分界线会使 {recut} 的客户换层，未超出偶然波动（97.5% 的重拟合不超过 {high}）。",
}
