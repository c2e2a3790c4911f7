"""What an action brought, tier by tier, with what chance leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from valuetier.errors import InvalidDataError, require_choice
from valuetier.evaluate import Effect
from valuetier.plots.style import CUSTOMERS, REFERENCE, VALUE, axes_of, style
from valuetier.tiers import LANGUAGES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WORDS = {
    "en": {
        "title": "Spend of the treated against control",
        "axis": "lift, interval of {level:.0%}",
        "shown": "more or less than chance makes",
        "open": "no effect can be shown",
    },
    "zh": {
        "title": "实验组与对照组的消费对比",
        "axis": "提升幅度（{level:.0%} 区间）",
        "shown": "超出偶然",
        "open": "看不出效果",
    },
}

WIDEST = 2.0
"""Lifts beyond are arrows: an interval without an end would leave no room for the others."""

LEGEND_ROW = 24
"""Points between the intervals and the title, where the legend stands."""


def plot_effect(found: Effect, *, lang: str = "en", ax: Axes | None = None) -> Axes:
    """Return axes with the lift in spend of each tier, and of all of them, with its interval.

    Tiers of which nothing can be said, or in which control spent nothing, have no lift and no row.
    An interval that goes on beyond +200 % ends in an arrow; a lift beyond has no point.

    Parameters
    ----------
    found : Effect
    lang : str
        ``"en"`` or ``"zh"``.
    ax : matplotlib Axes, optional

    Raises
    ------
    InvalidDataError
        If no tier has a lift.

    Examples
    --------
    >>> import numpy as np, pandas as pd, valuetier as vt
    >>> ids = np.arange(200)
    >>> groups = pd.DataFrame({"customer_id": ids, "group": np.where(ids % 4 > 0, "treated", "control")})
    >>> orders = pd.DataFrame({"customer_id": ids, "date": pd.Timestamp("2024-01-05"), "amount": 5.0 + ids})
    >>> found = vt.evaluate.effect(groups, orders, start="2024-01-01", n_resamples=200)
    >>> [label.get_text() for label in plot_effect(found).get_yticklabels()]
    ['all tiers']
    """
    require_choice("lang", lang, LANGUAGES)
    rows = found.to_frame(lang=lang)
    rows = rows[rows["lift_low"].notna()]
    if rows.empty:
        raise InvalidDataError("No tier has a lift: nothing can be said, or control spent nothing.")
    low, lift, high = (rows[name].to_numpy(dtype=float) for name in ("lift_low", "lift", "lift_high"))
    lift, beyond = np.where(lift > WIDEST, np.nan, lift), high > WIDEST
    low, high = np.minimum(low, WIDEST), np.minimum(high, WIDEST)
    shown = ((rows["low"] > 0) | (rows["high"] < 0)).to_numpy()
    words, places = WORDS[lang], np.arange(len(rows))
    with style(lang):
        ax = axes_of(ax, (6.4, 1.2 + 0.45 * len(rows)))
        ax.axvline(0.0, color=REFERENCE, zorder=0)
        for which, colour, word in ((shown, VALUE, "shown"), (~shown, CUSTOMERS, "open")):
            if which.any():
                ax.hlines(places[which], low[which], high[which], colour)
                ax.plot(lift[which], places[which], "o", color=colour, label=words[word])
                ends = np.where(beyond, WIDEST, np.nan)[which]
                ax.plot(ends, places[which], ">", color=colour)
        ax.set_yticks(places, rows["tier"].tolist())
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.xaxis.set_major_formatter(lambda x, _: f"{x:+.0%}")
        ax.set_xlabel(words["axis"].format(level=found.level))
        ax.set_title(words["title"], pad=LEGEND_ROW)
        ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.3, borderpad=0.3)
    return ax
