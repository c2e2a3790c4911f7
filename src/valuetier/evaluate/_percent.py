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
