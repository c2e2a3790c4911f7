"""How shares are written."""

from __future__ import annotations


def percent(share: float, lang: str, digits: int = 0) -> str:
    """Return a share in percent, as it is written in English or Chinese.

    Examples
    --------
    >>> percent(0.274, "en"), percent(0.274, "zh", 1)
    ('27 %', '27.4%')
    """
    return f"{100 * share:.{digits}f}{'%' if lang == 'zh' else ' %'}"


def percent_in_full(share: float, lang: str) -> str:
    """Return a share in percent with the digits that it has: 99.5 % is not 100 %.

    Examples
    --------
    >>> percent_in_full(0.995, "en"), percent_in_full(0.95, "zh")
    ('99.5 %', '95%')
    """
    return f"{100 * share:g}{'%' if lang == 'zh' else ' %'}"
