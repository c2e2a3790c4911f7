"""Channels and owners of actions in words, in English and Chinese."""

from __future__ import annotations

CHANNELS_ZH = {
    "visit": "拜访",
    "phone": "电话",
    "email": "邮件",
    "sms": "短信",
    "app": "应用内",
    "mail": "信函",
    "web": "网站",
    "internal": "内部",
}
OWNERS_ZH = {
    "account_manager": "客户经理",
    "sales": "销售",
    "service": "客服",
    "marketing": "市场",
    "crm": "客户运营",
    "finance": "财务",
    "automation": "自动化",
    "management": "管理层",
}


def in_words(name: str, lang: str) -> str:
    """Return a channel or an owner as people call it.

    Examples
    --------
    >>> in_words("account_manager", "en"), in_words("account_manager", "zh")
    ('account manager', '客户经理')
    """
    return (OWNERS_ZH | CHANNELS_ZH)[name] if lang == "zh" else name.replace("_", " ")
