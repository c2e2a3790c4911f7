"""``run``: from an order log to customers, tiers, actions and a report, in one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from valuetier.customers import Summary, summarize
from valuetier.errors import require_choice
from valuetier.evaluate import Concentration, concentration
from valuetier.files import FORMATS, output_folder, refuse_to_overwrite, write_table
from valuetier.plugins import get_segmenter
from valuetier.store import save
from valuetier.strategy import Playbook, StrategyMapper, SuppressionList, Withheld, read_suppression
from valuetier.strategy.consent import suppressed_channels
from valuetier.tiers import TierAssignment, assign

Progress = Callable[[str], None]

TITLES = {"en": "Customer tiers and actions", "zh": "客户分级与服务动作"}


@dataclass(frozen=True, slots=True, eq=False)
class RunResult:
    """What a run made.

    Attributes
    ----------
    summary : Summary
        Customer table and ingest report.
    segmenter : Segmenter
        Fitted.
    assignment : TierAssignment
    actions : DataFrame
        One row per customer and action.
    concentration : Concentration
        Of the spend.
    files : mapping of str to Path
        What was written, by name: customers, tiers, actions, report, model.
    withheld : Withheld or None
        What the suppression list kept from customers, where there is one.
    """

    summary: Summary
    segmenter: Any
    assignment: TierAssignment
    actions: pd.DataFrame
    concentration: Concentration
    files: Mapping[str, Path] = field(default_factory=dict)
    withheld: Withheld | None = None

    def __repr__(self) -> str:
        return f"RunResult({self.assignment!r}, actions={len(self.actions)}, files={sorted(self.files)})"


def run(
    orders: Any,
    *,
    customer: str = "customer_id",
    date: str = "date",
    amount: str = "amount",
    segmenter: Any = "rfm",
    playbook: Playbook | str | Path | None = None,
    out: str | Path | None = None,
    file_format: str = "parquet",
    lang: str = "en",
    suppress: Any = None,
    progress: Progress | None = None,
    **summarize_options: Any,
) -> RunResult:
    """Return customers, tiers, actions and the fitted segmenter of an order log.

    Parameters
    ----------
    orders : table or path
        As :func:`valuetier.summarize` takes it.
    customer, date, amount : str
        Columns of the log.
    segmenter : str or Segmenter
        Name of an installed segmenter, or one with parameters of your own.
    playbook : Playbook or path, optional
        Default: the one that comes with the segmenter's kind.
    out : path, optional
        Folder for customers, tiers and actions, report.html and model.json (the model only
        for segmenters that can be stored).
    file_format : str
        ``"parquet"`` or ``"csv"``.
    lang : str
        ``"en"`` or ``"zh"``: language of tiers, actions and report.
    suppress : sequence, table or path, optional
        Customers who must not be contacted, see :func:`valuetier.strategy.read_suppression`: they get
        no action, and what is withheld is counted in the result and in the report. The written tiers
        have the column ``suppressed``: the channels that are closed, or ``all``.
    progress : callable, optional
        Called with one line of text before each step.
    **summarize_options
        Further parameters of :func:`valuetier.summarize`, such as ``as_of``.

    Raises
    ------
    ValueTierError
        Whatever a step finds wrong; nothing is written then.

    Examples
    --------
    >>> import valuetier as vt
    >>> result = run(vt.datasets.load_cdnow_orders(), segmenter="pyramid")
    >>> result.assignment.counts().to_dict()
    {'Vital': 235, 'Major': 4465, 'Ordinary': 7051, 'Small': 11751, 'No value': 68}
    """
    require_choice("file_format", file_format, FORMATS)
    require_choice("lang", lang, ("en", "zh"))
    say = progress or (lambda _: None)
    fitted = get_segmenter(segmenter) if isinstance(segmenter, str) else segmenter
    mapper = _mapper(playbook)
    listed = None if suppress is None else read_suppression(suppress)
    if out is not None:
        refuse_to_overwrite(orders, Path(out))
    say("reading the order log")
    summary = summarize(orders, customer, date, amount, as_="pandas", **summarize_options)
    customers = summary.customers
    result = run_on_customers(summary, fitted, mapper, lang=lang, progress=say, suppress=listed)
    if out is None:
        return result
    say("writing")
    folder = output_folder(out)
    tables = {
        "customers": customers,
        "tiers": _tier_table(result.assignment, listed, lang),
        "actions": result.actions,
    }
    files = {name: write_table(table, folder, name, file_format) for name, table in tables.items()}
    files |= _report_and_model(result, folder, lang)
    return replace(result, files=files)


def _tier_table(assignment: TierAssignment, listed: SuppressionList | None, lang: str) -> pd.DataFrame:
    """Return the tiers, and which channels are closed to whom: the table may become a mailing list."""
    table = assignment.to_frame(lang)
    if listed is None:
        return table
    return table.assign(suppressed=suppressed_channels(listed, assignment.ids, on=assignment.as_of))


def run_on_customers(
    summary: Summary,
    segmenter: Any,
    mapper: StrategyMapper,
    *,
    lang: str,
    progress: Progress,
    suppress: SuppressionList | None = None,
) -> RunResult:
    """Return tiers and actions for a customer table that is there already."""
    customers = summary.customers
    progress("learning the tiers")
    segmenter.fit(customers)
    progress("assigning the customers")
    assignment = assign(segmenter, customers, as_of=summary.as_of)
    progress("mapping tiers to actions")
    actions, withheld = mapper.map_and_count(assignment, customers, lang, suppress=suppress)
    return RunResult(
        summary, segmenter, assignment, actions, concentration(customers["spend"]), withheld=withheld
    )


def write_report(title: str, results: Mapping[str, tuple[RunResult, str]], path: Path, lang: str) -> Path:
    """Write one page about several runs on the same customers: name → (result, note)."""
    from valuetier.report import render_report, section_of  # needs an extra

    sections = [
        section_of(
            name, r.assignment, r.summary.customers["spend"].to_numpy(), r.actions, note, lang, r.withheld
        )
        for name, (r, note) in results.items()
    ]
    first, _ = next(iter(results.values()))
    path.write_text(
        render_report(title, first.summary, first.concentration, sections, lang=lang), encoding="utf-8"
    )
    return path


def _mapper(playbook: Playbook | str | Path | None) -> StrategyMapper:
    if isinstance(playbook, (str, Path)):
        return StrategyMapper.from_yaml(playbook)
    return StrategyMapper(playbook)


def _report_and_model(result: RunResult, folder: Path, lang: str) -> dict[str, Path]:
    kind = result.assignment.kind
    report = write_report(TITLES[lang], {kind: (result, "")}, folder / "report.html", lang)
    files = {"report": report}
    if hasattr(result.segmenter, "save"):
        save(result.segmenter, folder / "model.json")
        files["model"] = folder / "model.json"
    return files
