"""Tiers and segments: how many customers, how much value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from valuetier import _validate as validate
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError
from valuetier.plots.style import CUSTOMERS, VALUE, axes_of, style
from valuetier.tiers import TierAssignment

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WORDS = {
    "en": {
        "customers": "share of customers",
        "value": "share of value",
        "title": "Customers and value by tier",
        "segments": "Customers by segment",
        "count": "customers",
    },
    "zh": {
        "customers": "客户占比",
        "value": "价值占比",
        "title": "各层级的客户与价值",
        "segments": "各分群的客户数",
        "count": "客户数",
    },
}


LEGEND_ROW = 24
"""Points between the bars and the title, where the legend stands."""


def plot_tiers(
    assignment: TierAssignment, values: ArrayLike, *, lang: str = "en", ax: Axes | None = None
) -> Axes:
    """Return axes with each tier's share of customers beside its share of value.

    Parameters
    ----------
    assignment : TierAssignment
    values : (n,) array-like
        Value of each customer, in the order of the assignment.
    lang : str
        ``"en"`` or ``"zh"``.
    ax : matplotlib Axes, optional

    Examples
    --------
    >>> import pandas as pd, valuetier as vt
    >>> customers = pd.DataFrame({"spend": [900, 80, 5]})
    >>> assignment = vt.PyramidSegmenter(preset="abc").fit(customers).assign(customers)
    >>> plot_tiers(assignment, customers["spend"]).get_title(loc="left")
    'Customers and value by tier'
    """
    value = validate.float_column("values", values)
    validate.same_length(values=value, codes=assignment.codes)
    if not value.sum() > 0:
        raise InvalidDataError(
            f"values: the sum over {len(value)} customers is not above 0, so it has no shares."
        )
    sizes = np.bincount(assignment.codes, minlength=len(assignment.tiers)) / len(assignment)
    worth = np.bincount(assignment.codes, weights=value, minlength=len(assignment.tiers)) / value.sum()
    return draw_tiers([tier.label(lang) for tier in assignment.tiers], sizes, worth, lang=lang, ax=ax)


def draw_tiers(
    names: Sequence[str], sizes: Floats, worth: Floats, *, lang: str = "en", ax: Axes | None = None
) -> Axes:
    """Return axes with the share of customers (``sizes``) and of value (``worth``) of each tier."""
    with style(lang):
        words = WORDS[lang]
        ax = axes_of(ax, (6.4, 0.6 + 0.62 * len(sizes)))
        rows = np.arange(len(sizes))
        for offset, share, colour, word in (
            (-0.2, sizes, CUSTOMERS, words["customers"]),
            (0.2, worth, VALUE, words["value"]),
        ):
            bars = ax.barh(rows + offset, share, height=0.38, color=colour, label=word)
            ax.bar_label(bars, labels=[f"{s:.1%}" for s in share], padding=3, fontsize=8)
        ax.set_yticks(rows, list(names))
        ax.invert_yaxis()
        ax.set_xlim(min(0.0, float(worth.min()) * 1.15), max(sizes.max(), worth.max()) * 1.15)
        ax.xaxis.set_major_formatter(lambda x, _: f"{x:.0%}")
        ax.set_title(words["title"], pad=LEGEND_ROW)
        # above the bars: inside there is no corner that a long bar and its label cannot reach
        ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.3, borderpad=0.3)
    return ax


def plot_segments(assignment: TierAssignment, *, lang: str = "en", ax: Axes | None = None) -> Axes:
    """Return axes with the number of customers per segment, the largest first.

    Raises
    ------
    InvalidDataError
        If the assignment names no segments.

    Examples
    --------
    >>> import pandas as pd, valuetier as vt
    >>> customers = pd.DataFrame({"recency_days": [3, 90], "orders": [9, 1], "spend": [900, 20]})
    >>> assignment = vt.RFMSegmenter().fit(customers).assign(customers)
    >>> [label.get_text() for label in plot_segments(assignment).get_yticklabels()]
    ['Champions', 'Lost']
    """
    names = assignment.segments_zh if lang == "zh" else assignment.segments
    if names is None:
        raise InvalidDataError(
            f"The {assignment.kind} assignment names no segments. Draw its tiers by plot_tiers."
        )
    return draw_segments(pd.Series(names).value_counts(), lang=lang, ax=ax)


def draw_segments(customers: pd.Series, *, lang: str = "en", ax: Axes | None = None) -> Axes:
    """Return axes with the number of customers of each segment, by which the counts are indexed."""
    sizes = customers.sort_index().sort_values(ascending=False, kind="stable")
    with style(lang):
        ax = axes_of(ax, (6.4, 0.8 + 0.32 * len(sizes)))
        bars = ax.barh(np.arange(len(sizes)), sizes.to_numpy(), height=0.7, color=VALUE)
        shares = [f"{n:,} ({n / sizes.sum():.1%})" for n in sizes]
        ax.bar_label(bars, labels=shares, padding=3, fontsize=8)
        ax.set_yticks(np.arange(len(sizes)), [str(name) for name in sizes.index])
        ax.invert_yaxis()
        ax.set_xlim(0, sizes.max() * 1.25)
        ax.set_title(WORDS[lang]["segments"])
        ax.set_xlabel(WORDS[lang]["count"])
    return ax
