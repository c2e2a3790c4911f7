"""One self-contained HTML page about a run."""

from valuetier.report.page import Section, render_report, section_of, tier_table

__all__ = ["Section", "render_report", "section_of", "tier_table"]
