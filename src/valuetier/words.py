"""Sentences in English and Chinese, and how numbers are written in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

COLUMNS_ZH: Mapping[str, str] = {
    "recency_days": "距上次购买天数",
    "orders": "购买次数",
    "spend": "消费金额",
    "x": "重复购买次数",
    "t_x": "首次到末次购买的天数",
    "T": "首次购买至今的天数",
    "m_x": "重复订单均额",
    "mean_order_amount": "平均每单金额",
    "profit": "利润",
    "loyalty": "忠诚度",
    "clv": "客户终身价值",
    "referral_value": "推荐价值",
    "probability_alive": "存活概率",
    "probability_not_alive": "流失概率",
    "value_at_risk": "面临流失的价值",
    "qualifying_points": "定级积分",
    "qualifying_spend": "定级消费",
    "balance": "积分余额",
}


def column_label(name: str, lang: str) -> str:
    """Return the name of a column in the language; columns of the user keep their name."""
    return COLUMNS_ZH.get(name, name) if lang == "zh" else name


def number(value: float) -> str:
    """Return a number as people write it: up to six significant digits, no needless zeros.

    Examples
    --------
    >>> number(1234.0), number(0.123456789), number(2500000.0)
    ('1,234', '0.123457', '2,500,000')
    """
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.2f}" if abs(value) >= 100 else f"{value:.6g}"


def apart(*values: float, write: Callable[[float], str] = number) -> list[str]:
    """Return numbers as people write them, in full where different ones would look equal.

    Examples
    --------
    >>> apart(1234.5, 99.0), apart(2.0000001, 2.0)
    (['1,234.50', '99'], ['2.0000001', '2.0'])
    """
    texts = [write(value) for value in values]
    seen = {float(text.replace(",", "")) for text in texts}
    return texts if len(seen) == len(set(values)) else [f"{float(value):,}" for value in values]


def say(texts: Mapping[str, str], lang: str, **values: Any) -> str:
    """Return the text of the language with its values filled in."""
    return texts[lang].format(**values)


def threshold_sentence(score: float, code: int, thresholds: Any, tier: str, lang: str) -> str:
    """Return how a score compares with the thresholds around its tier."""
    lowest = [float(thresholds[code])] if code < len(thresholds) else []
    above = [float(thresholds[code - 1])] if code > 0 else []
    shown, *limits = apart(float(score), *lowest, *above)
    signs = ["≥"] * len(lowest) + ["<"] * len(above)
    link = "，" if lang == "zh" else ", "
    bounds = link.join(f"{sign} {limit}" for sign, limit in zip(signs, limits, strict=True))
    return f"{shown} ({bounds}) → {tier}"
