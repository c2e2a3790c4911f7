"""Lorenz and whale curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valuetier.evaluate.concentration import Concentration
from valuetier.plots.style import ACCENT, REFERENCE, VALUE, axes_of, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WORDS = {
    "en": {
        "lorenz": "Lorenz curve, Gini {gini:.2f}",
        "whale": "Cumulative value, best customers first",
        "least": "share of customers, least valuable first",
        "best": "share of customers, best first",
        "value": "share of value",
        "equal": "all equal",
        "top": "top 20 %: {share:.0%} of value",
        "peak": "peak {peak:.0%}",
    },
    "zh": {
        "lorenz": "洛伦兹曲线，基尼系数 {gini:.2f}",
        "whale": "累计价值（从最优客户起）",
        "least": "客户占比（从价值最低起）",
        "best": "客户占比（从价值最高起）",
        "value": "价值占比",
        "equal": "完全平均",
        "top": "前 20% 客户：{share:.0%} 的价值",
        "peak": "峰值 {peak:.0%}",
    },
}


def plot_lorenz(result: Concentration, *, lang: str = "en", ax: Axes | None = None) -> Axes:
    """Return axes with the Lorenz curve of a concentration report.

    Examples
    --------
    >>> from valuetier.evaluate import concentration
    >>> plot_lorenz(concentration([80, 10, 5, 3, 2])).get_title(loc="left")
    'Lorenz curve, Gini 0.65'
    """
    with style(lang):
        words = WORDS[lang]
        ax = axes_of(ax, (4.6, 4.0))
        ax.plot([0, 1], [0, 1], color=REFERENCE, label=words["equal"])
        ax.fill_between(result.lorenz_x, result.lorenz_y, result.lorenz_x, color=VALUE, alpha=0.12)
        ax.plot(result.lorenz_x, result.lorenz_y, color=VALUE)
        ax.set_title(words["lorenz"].format(gini=result.gini))
        _percent_axes(ax, words["least"], words["value"])
        ax.legend(loc="upper left")
    return ax


def plot_whale(result: Concentration, *, lang: str = "en", ax: Axes | None = None) -> Axes:
    """Return axes with the whale curve: cumulative value, the best customers first.

    Examples
    --------
    >>> from valuetier.evaluate import concentration
    >>> plot_whale(concentration([10, 5, -5])).get_ylabel()
    'share of value'
    """
    with style(lang):
        words = WORDS[lang]
        ax = axes_of(ax, (4.6, 4.0))
        ax.axhline(1.0, color=REFERENCE)
        ax.plot(result.whale_x, result.whale_y, color=VALUE)
        at = result.whale_y[20]
        ax.plot([0.2], [at], "o", color=ACCENT)
        ax.annotate(
            words["top"].format(share=at), (0.2, at), textcoords="offset points", xytext=(10, -12), fontsize=9
        )
        if result.whale.erosion > 0:
            ax.plot([result.whale.peak_share], [result.whale.peak], "^", color=ACCENT)
            ax.annotate(
                words["peak"].format(peak=result.whale.peak), (result.whale.peak_share, result.whale.peak),
                textcoords="offset points", xytext=(0, 8), ha="center", fontsize=9,
            )  # fmt: skip
        ax.set_title(words["whale"])
        _percent_axes(ax, words["best"], words["value"])
        ax.set_ylim(0, max(1.08, result.whale.peak * 1.12))
    return ax


def _percent_axes(ax: Axes, x: str, y: str) -> None:
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.set_xlim(0, 1)
    ax.xaxis.set_major_formatter(lambda v, _: f"{v:.0%}")
    ax.yaxis.set_major_formatter(lambda v, _: f"{v:.0%}")
