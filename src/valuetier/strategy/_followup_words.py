"""What follow-ups say, in English and Chinese: what to do, and why on this day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier.strategy.followup_rules import TOPICS
from valuetier.strategy.followup_tables import People
from valuetier.tiers import TierAssignment

Words = Mapping[str, str]

ACTIONS: Mapping[str, Words] = {
    "after_order": {
        "en": "Ask whether the order arrived and all is well",
        "zh": "回访：确认收货情况，询问是否满意",
    },
    "after_order_again": {
        "en": "Ask how it is in use, and help where it is not yet",
        "zh": "再次回访：了解使用情况，协助解决问题",
    },
    "reminder": {
        "en": "Remind of the next order, and make it easy to repeat the last one",
        "zh": "提醒复购，并提供一键再次下单",
    },
    "refill": {
        "en": "Remind to reorder before it runs out{product}",
        "zh": "用完之前提醒补货{product}",
    },
    "wake_up": {
        "en": "Ask what has changed, and give a reason to come back",
        "zh": "唤醒：了解未再购买的原因，给出回来的理由",
    },
    "review": {
        "en": "Review the account: tier, trend, open promises",
        "zh": "客户复核：层级、走势与待兑现的承诺",
    },
}

REASONS: Mapping[str, Words] = {
    "after_order": {
        "en": "Last order on {last}; follow-up {days} days after an order.",
        "zh": "最近一次下单为 {last}，下单后第 {days} 天回访。",
    },
    "reminder": {
        "en": "Orders about every {rhythm} days ({basis}); the next order is expected around {expected}.",
        "zh": "约每 {rhythm} 天下单一次（{basis}），下一单预计在 {expected} 前后。",
    },
    "refill": {
        "en": "What was bought lasts until about {expected}.",
        "zh": "已购数量预计用到 {expected} 前后。",
    },
    "wake_up": {
        "en": "No order since {last}, more than {days} days, where about every {rhythm} days is usual ({basis}).",
        "zh": "自 {last} 起未再下单，已超过 {days} 天；通常约每 {rhythm} 天一单（{basis}）。",
    },
    "review": {
        "en": "Customers of the tier {tier} are reviewed every {days} days.",
        "zh": "“{tier}”层级的客户每 {days} 天复核一次。",
    },
}

# Whose rhythm it is, best known first; the last entry stands for none.
BASES: tuple[Words, ...] = (
    {"en": "own rhythm", "zh": "本人节奏"},
    {"en": "median of the tier", "zh": "所在层级的中位数"},
    {"en": "median of all customers", "zh": "全部客户的中位数"},
)

OF_PRODUCT: Words = {"en": ": {product}", "zh": "：{product}"}

SUMMARY: Words = {
    "en": "{n:,} follow-ups for {customers:,} customers in the {horizon} days after {as_of} ({kinds}); "
    "{merged:,} more went into a nearer one of the same customer.",
    "zh": "{as_of} 之后 {horizon} 天内，{customers:,} 位客户共有 {n:,} 项跟进（{kinds}）；"
    "另有 {merged:,} 项并入同一客户日期相近的跟进。",
}

SUMMARY_OF: Words = {"en": "{shown}: {action}", "zh": "{shown}：{action}"}

DESCRIPTION: Words = {
    "en": "{reason}\nChannel: {channel}. Owner: {owner}.",
    "zh": "{reason}\n渠道：{channel}。负责人：{owner}。",
}


# The facts in the reason for each topic.
FACTS: Mapping[str, tuple[str, ...]] = {
    "after_order": ("last", "days"),
    "after_order_again": ("last", "days"),
    "reminder": ("rhythm", "basis", "expected"),
    "refill": ("expected",),
    "wake_up": ("last", "days", "rhythm", "basis"),
    "review": ("tier", "days"),
}


class Texts(NamedTuple):
    """Kind, action and reason of contacts, one entry each."""

    kind: Any
    action: Any
    reason: Any


def in_words(
    contacts: pd.DataFrame, assignment: TierAssignment, people: People, products: Sequence[str], lang: str
) -> Texts:
    """Return what the contacts are, what to do and why; equal ones are put into words once."""
    row, topic = contacts["row"].to_numpy(), contacts["topic"].to_numpy()
    facts = {
        "topic": topic,
        "days": contacts["days"].to_numpy(),
        "expected": contacts["expected"].to_numpy(),
        "product": contacts["product"].to_numpy(),
        "last": people.last[row],
        "rhythm": np.maximum(np.round(np.nan_to_num(people.rhythm[row])), 1).astype(np.int64),
        "basis": people.basis[row],
        "tier": assignment.codes[row],
    }
    told = {name: _where_told(name, values, topic) for name, values in facts.items()}
    place, rows = _distinct(told)
    tiers = [tier.label(lang) for tier in assignment.tiers]
    said = [_said(one, tiers, products, lang) for one in rows]
    columns = zip(*said, strict=True) if said else ([], [], [])
    return Texts(
        *(pd.Series(list(texts), dtype=None if said else object).array.take(place) for texts in columns)
    )


def _where_told(name: str, values: NDArray[np.int64], topic: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the values of a fact, 0 where the topic does not speak of it."""
    always = name in ("topic", "days", "product")
    speaks = np.array([always or name in FACTS[one] for one in TOPICS])
    return np.where(speaks[topic], values, 0)


def _distinct(facts: Mapping[str, NDArray[np.int64]]) -> tuple[NDArray[np.intp], list[dict[str, int]]]:
    """Return which of the distinct rows each row is, and the distinct rows."""
    place = np.zeros(len(facts["topic"]), dtype=np.intp)
    for values in facts.values():
        code, distinct = pd.factorize(values)
        place = pd.factorize(place * max(len(distinct), 1) + code)[0]
    first = np.unique(place, return_index=True)[1]
    columns = [values[first].tolist() for values in facts.values()]
    return place, [dict(zip(facts, row, strict=True)) for row in zip(*columns, strict=True)]


def _said(
    fact: Mapping[str, int], tiers: Sequence[str], products: Sequence[str], lang: str
) -> tuple[str, str, str]:
    """Return kind, action and reason of one contact."""
    topic = TOPICS[fact["topic"]]
    base = topic.removesuffix("_again")
    kind = (
        f"after_order_{fact['days']}" if base == "after_order" else "reminder" if base == "refill" else base
    )
    product = products[fact["product"]] if base == "refill" else ""
    named = OF_PRODUCT[lang].format(product=product) if product else ""
    reason = REASONS[base][lang].format(
        last=_day(fact["last"]), expected=_day(fact["expected"]), days=fact["days"], rhythm=fact["rhythm"],
        basis=BASES[min(fact["basis"], len(BASES) - 1)][lang], tier=tiers[fact["tier"]],
    )  # fmt: skip
    return kind, ACTIONS[topic][lang].format(product=named), reason


def _day(days: int) -> str:
    return str(date(1970, 1, 1) + timedelta(days))
