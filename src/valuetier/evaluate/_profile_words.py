"""A profile in words, English and Chinese."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valuetier.evaluate._percent import percent
from valuetier.words import apart, column_label

if TYPE_CHECKING:
    from valuetier.evaluate._marks import Mark
    from valuetier.evaluate._short_rules import ShortRule
    from valuetier.evaluate.profile import Profile
    from valuetier.tiers import Tier

MOST = 3

# Words for the size of Cliff's delta: Romano, Kromrey, Coraggio & Skowronek (2006).
SIZES = ((0.474, ("large", "大")), (0.33, ("medium", "中")), (0.0, ("small", "小")))

WORDS = {
    "en": {
        "matched": "{matched:,} of {customers:,} customers have attributes.",
        "strangers": " {strangers:,} in the table are in no tier and are left out.",
        "missing": " Missing: {parts}.",
        "one_missing": "{attribute} for {missing:,}",
        "tier": "{tier} ({customers:,} customers): {parts}.",
        "nobody": "{tier}: nobody in the table of attributes.",
        "nothing": "no attribute can be shown to mark it by more than a trifle",
        "more": "{attribute} is higher (median {inside} against {outside}, {size} effect, delta {effect:+.2f})",
        "less": "{attribute} is lower (median {inside} against {outside}, {size} effect, delta {effect:+.2f})",
        "often": "{attribute} = {level} is more frequent ({inside} against {outside}, lift {lift:.2f}, {size} effect)",
        "seldom": "{attribute} = {level} is less frequent ({inside} against {outside}, lift {lift:.2f}, {size} effect)",
        "rules": "Confirmed on the half of the customers they were not found on: {rules}.",
        "no_rules": "No rule of one or two conditions could be confirmed on customers it was not found on.",
        "comma": ", ",
        "link": "; ",
    },
    "zh": {
        "matched": "{customers:,} 位客户中有 {matched:,} 位有属性数据。",
        "strangers": "属性表中另有 {strangers:,} 位不属于任何层级，未计入。",
        "missing": "缺失值：{parts}。",
        "one_missing": "{attribute} {missing:,} 位",
        "tier": "“{tier}”层（{customers:,} 位）：{parts}。",
        "nobody": "“{tier}”层：属性表中没有该层客户。",
        "nothing": "没有发现能够明显区分该层的属性",
        "more": "{attribute} 较高（中位数 {inside}，其他层 {outside}，效应量{size}，δ = {effect:+.2f}）",
        "less": "{attribute} 较低（中位数 {inside}，其他层 {outside}，效应量{size}，δ = {effect:+.2f}）",
        "often": "{attribute} = {level} 的比例较高（{inside}，其他层 {outside}，提升度 {lift:.2f}，效应量{size}）",
        "seldom": "{attribute} = {level} 的比例较低（{inside}，其他层 {outside}，提升度 {lift:.2f}，效应量{size}）",
        "rules": "经另一半客户（未用于寻找规则）验证：{rules}。",
        "no_rules": "在未用于寻找规则的客户上，没有任何一两个条件的规则得到验证。",
        "comma": "，",
        "link": "；",
    },
}


def verdict(profile: Profile, lang: str) -> str:
    """Return who was compared, what marks each tier, and the rules that were confirmed; one line each."""
    lines = [_compared(profile, lang)]
    lines += [_tier(profile, tier, lang) for tier in profile.tiers if profile.customers[tier.code]]
    return "\n".join([*lines, _rules(profile.rules, lang)])


def _compared(profile: Profile, lang: str) -> str:
    words = WORDS[lang]
    said = words["matched"].format(matched=int(profile.matched.sum()), customers=int(profile.customers.sum()))
    if profile.strangers:
        said += words["strangers"].format(strangers=profile.strangers)
    missing = [
        words["one_missing"].format(attribute=column_label(test.attribute, lang), missing=test.missing)
        for test in profile.tests
        if test.missing
    ]
    return said + words["missing"].format(parts=words["comma"].join(missing)) if missing else said


def _tier(profile: Profile, tier: Tier, lang: str) -> str:
    words, matched = WORDS[lang], int(profile.matched[tier.code])
    if not matched:
        return words["nobody"].format(tier=tier.label(lang))
    parts = [_mark(mark, lang) for mark in profile.telling(tier)[:MOST]]
    return words["tier"].format(
        tier=tier.label(lang), customers=matched, parts=words["link"].join(parts) or words["nothing"]
    )


def _mark(mark: Mark, lang: str) -> str:
    size = next(names for least, names in SIZES if abs(mark.effect) >= least)[lang == "zh"]
    attribute, up = column_label(mark.attribute, lang), mark.effect > 0
    if mark.level is None:
        inside, outside = apart(mark.inside, mark.outside)
        return WORDS[lang]["more" if up else "less"].format(
            attribute=attribute, inside=inside, outside=outside, size=size, effect=mark.effect
        )
    return WORDS[lang]["often" if up else "seldom"].format(
        attribute=attribute,
        level=mark.level_zh if lang == "zh" else mark.level,
        inside=percent(mark.inside, lang),
        outside=percent(mark.outside, lang),
        lift=mark.lift,
        size=size,
    )


def _rules(rules: tuple[ShortRule, ...], lang: str) -> str:
    confirmed = [rule.text(lang) for rule in rules if rule.confirmed]
    words = WORDS[lang]
    return words["rules"].format(rules=words["link"].join(confirmed)) if confirmed else words["no_rules"]
