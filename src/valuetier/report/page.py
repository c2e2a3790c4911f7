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
from valuetier.strategy import Withheld
from valuetier.strategy.mapper import ABOUT_ACTION
from valuetier.tiers import TierAssignment

try:
    import jinja2
    import matplotlib.pyplot as plt
except ImportError as error:  # the extra is not installed
    raise MissingDependencyError(
        "The report needs jinja2 and matplotlib. Install them: pip install 'valuetier[report]'."
    ) from error

from valuetier.plots import plot_lorenz, plot_whale
from valuetier.plots.style import style
from valuetier.plots.tiers import draw_segments, draw_tiers


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """What the page tells about one segmenter: counts, no customers.

    Attributes
    ----------
    name : str
    tiers : list of dict
        As :func:`tier_table` makes it.
    segments : Series or None
        Customers by segment.
    actions : DataFrame
        As :func:`counted_actions` makes it.
    version : str or None
        Of the cuts.
    note : str
        A remark shown under the heading.
    withheld : Withheld or None
        What a suppression list kept from customers.
    """

    name: str
    tiers: list[dict[str, Any]]
    segments: pd.Series | None
    actions: pd.DataFrame
    version: str | None
    note: str = ""
    withheld: Withheld | None = None


def section_of(
    name: str,
    assignment: TierAssignment,
    spend: Floats,
    actions: pd.DataFrame,
    note: str = "",
    lang: str = "en",
    withheld: Withheld | None = None,
) -> Section:
    """Return the section about an assignment; ``spend`` is that of each of its customers."""
    segments = assignment.segments_zh if lang == "zh" else assignment.segments
    return Section(
        name,
        tier_table(assignment, spend, lang),
        None if segments is None else pd.Series(segments).value_counts(),
        counted_actions(actions),
        assignment.version,
        note,
        withheld,
    )


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
    tiers = pd.DataFrame(section.tiers)
    sizes, worth = tiers["customer_share"].to_numpy(), tiers["spend_share"].to_numpy()
    pictures = []
    if tiers["spend"].sum() > 0:
        pictures.append(_svg(lambda: draw_tiers(list(tiers["tier"]), sizes, worth, lang=lang), lang))
    if section.segments is not None:
        segments = section.segments
        pictures.append(_svg(lambda: draw_segments(segments, lang=lang), lang))
    return {
        "name": section.name,
        "note": section.note,
        "version": section.version,
        "tiers": section.tiers,
        "pictures": pictures,
        "actions": action_table(section.actions),
        "withheld": None if section.withheld is None else section.withheld.sentence(lang),
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
            "customer_share": float(customers[tier.code] / max(len(assignment), 1)),
            "spend": float(worth[tier.code]),
            "spend_share": float(worth[tier.code] / total),
        }
        for tier in assignment.tiers
    ]


def counted_actions(actions: pd.DataFrame) -> pd.DataFrame:
    """Return an action table with ``customers``, their number, in place of the customers."""
    alike = actions.groupby(list(ABOUT_ACTION), sort=False, observed=True, dropna=False)
    return alike.size().rename("customers").reset_index()


def action_table(actions: pd.DataFrame) -> list[dict[str, Any]]:
    """Return each counted action with its tiers, the customers it is for and what one round takes."""
    rows = []
    for (_, action), group in actions.groupby(["action_id", "action"], sort=False, observed=True):
        first = group.iloc[0]
        rows.append(
            {
                "action": action,
                "who": ", ".join(_who(group)),
                "channel": first["channel"],
                "owner": first["owner"],
                "cadence": None if pd.isna(first["cadence_days"]) else int(first["cadence_days"]),
                "customers": int(group["customers"].sum()),
                "cost": (group["cost"] * group["customers"]).sum(),
                "hours": (group["minutes"] * group["customers"]).sum() / 60,
                "reason": first["reason"],
            }
        )
    return sorted(rows, key=lambda row: (-row["hours"], row["action"]))


def _who(group: pd.DataFrame) -> list[str]:
    """Return the segments that get an action, or the tiers where no segments are named."""
    by_segment = group.groupby("segment", observed=True)["customers"].sum().sort_index()
    if len(by_segment):
        return [str(name) for name in by_segment.sort_values(ascending=False, kind="stable").index]
    return [
        str(tier) for tier in group["tier"].astype("category").cat.remove_unused_categories().cat.categories
    ]


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
