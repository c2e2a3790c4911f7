"""The page: facts as tables, pictures inline, nothing loaded from elsewhere."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd

from valuetier._validate import Floats
from valuetier.customers import Summary
from valuetier.errors import MissingDependencyError, require_choice
from valuetier.evaluate import Concentration
from valuetier.report.words import WORDS
from valuetier.tiers import TierAssignment

try:
    import jinja2
    import matplotlib.pyplot as plt
except ImportError as error:  # the extra is not installed
    raise MissingDependencyError(
        "The report needs jinja2 and matplotlib. Install them: pip install 'valuetier[report]'."
    ) from error

from valuetier.plots import plot_lorenz, plot_segments, plot_tiers, plot_whale
from valuetier.plots.style import style


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """What the page tells about one segmenter.

    Attributes
    ----------
    name : str
    assignment : TierAssignment
    spend : (n,) array
        Spend of each customer, in the order of the assignment.
    actions : DataFrame
        As :meth:`valuetier.StrategyMapper.map` makes it.
    note : str
        A remark shown under the heading.
    """

    name: str
    assignment: TierAssignment
    spend: Floats
    actions: pd.DataFrame
    note: str = ""


def render_report(
    title: str, summary: Summary, concentration: Concentration, sections: list[Section], *, lang: str = "en"
) -> str:
    """Return the HTML page: what came in, how value is spread, tiers and actions by segmenter.

    Parameters
    ----------
    title : str
    summary : Summary
    concentration : Concentration
        Of the customers' spend.
    sections : list of Section
        One per segmenter.
    lang : str
        ``"en"`` or ``"zh"``.
    """
    require_choice("lang", lang, WORDS)
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    source = files("valuetier.report").joinpath("templates", "page.html.j2").read_text(encoding="utf-8")
    return environment.from_string(source).render(
        lang=lang,
        words=WORDS[lang],
        title=title,
        summary=summary,
        ingest=summary.report,
        concentration=concentration,
        pictures=[
            _svg(lambda: plot_lorenz(concentration, lang=lang), lang),
            _svg(lambda: plot_whale(concentration, lang=lang), lang),
        ],
        sections=[_section(section, lang) for section in sections],
    )


def _section(section: Section, lang: str) -> dict[str, Any]:
    pictures = [_svg(lambda: plot_tiers(section.assignment, section.spend, lang=lang), lang)]
    if section.assignment.segments is not None:
        pictures.append(_svg(lambda: plot_segments(section.assignment, lang=lang), lang))
    return {
        "name": section.name,
        "note": section.note,
        "assignment": section.assignment,
        "tiers": tier_table(section.assignment, section.spend, lang),
        "pictures": pictures,
        "actions": action_table(section.actions),
    }


def tier_table(assignment: TierAssignment, spend: Floats, lang: str = "en") -> list[dict[str, Any]]:
    """Return per tier its customers and spend with their shares, best tier first."""
    n = len(assignment.tiers)
    customers = np.bincount(assignment.codes, minlength=n)
    worth = np.bincount(assignment.codes, weights=spend, minlength=n)
    total = worth.sum() or 1.0
    return [
        {
            "tier": tier.label(lang),
            "customers": int(customers[tier.code]),
            "customer_share": customers[tier.code] / max(len(assignment), 1),
            "spend": worth[tier.code],
            "spend_share": worth[tier.code] / total,
        }
        for tier in assignment.tiers
    ]


def action_table(actions: pd.DataFrame) -> list[dict[str, Any]]:
    """Return each action with its tiers, the customers it is for and what one round takes."""
    rows = []
    for (_, action), group in actions.groupby(["action_id", "action"], sort=False, observed=True):
        first = group.iloc[0]
        rows.append(
            {
                "action": action,
                "who": ", ".join(_who(group)),
                "channel": first["channel"],
                "owner": first["owner"],
                "cadence": None if pd.isna(first["cadence"]) else int(first["cadence"]),
                "customers": len(group),
                "cost": group["cost"].sum(),
                "hours": group["minutes"].sum() / 60,
                "reason": first["reason"],
            }
        )
    return sorted(rows, key=lambda row: -row["hours"])


def _who(group: pd.DataFrame) -> list[str]:
    """Return the segments that get an action, or the tiers where no segments are named."""
    segments = group["segment"].dropna()
    if len(segments):
        return [str(name) for name in segments.value_counts().index]
    return [str(tier) for tier in group["tier"].cat.remove_unused_categories().cat.categories]


def _svg(draw: Callable[[], Any], lang: str) -> str:
    """Return what ``draw`` draws as inline SVG; its text is text, in the reader's fonts."""
    buffer = io.StringIO()
    with style(lang), warnings.catch_warnings():
        # the fonts that count are those of the browser
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = draw().figure
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    plt.close(figure)
    text = buffer.getvalue()
    return text[text.index("<svg") :]
