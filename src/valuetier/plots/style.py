"""Colours, fonts and words that all pictures share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from valuetier.errors import MissingDependencyError, require_choice

try:
    import matplotlib as mpl
    import matplotlib.pyplot as plt
    from matplotlib import font_manager
except ImportError as error:  # the extra is not installed
    raise MissingDependencyError(
        "Pictures need matplotlib. Install it: pip install 'valuetier[plot]'."
    ) from error

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CUSTOMERS, VALUE, REFERENCE = "#9aa5b1", "#1f6f8b", "#c9ced6"
ACCENT = "#d1495b"

CHINESE_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Microsoft YaHei",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "SimHei",
    "Noto Sans CJK JP",
)

SETTINGS: dict[str, Any] = {
    "axes.unicode_minus": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.labelsize": 9,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "valuetier",
}


@contextmanager
def style(lang: str) -> Iterator[None]:
    """Draw in the house style; matplotlib's own settings are as before afterwards."""
    require_choice("lang", lang, ("en", "zh"))
    fonts = installed_fonts() if lang == "zh" else []
    settings: Any = {**SETTINGS, "font.family": [*fonts, "DejaVu Sans"]}
    # a notebook sets up its display now, not inside the context that would undo it
    plt.draw_if_interactive()  # type: ignore[no-untyped-call]
    with mpl.rc_context(settings):
        yield


def installed_fonts() -> list[str]:
    """Return the installed fonts that have Chinese characters, the best first."""
    installed = set(font_manager.get_font_names())
    return [name for name in CHINESE_FONTS if name in installed]


def axes_of(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return the axes to draw on: the given one or that of a new figure."""
    if ax is not None:
        return ax
    figure: Any = plt.figure(figsize=size, layout="constrained")
    return figure.add_subplot()
