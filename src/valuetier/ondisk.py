"""``run_on_disk``: from an order log larger than memory to customers, tiers, actions and a report.

The customer table is made in the engine and written; the segmenter learns from a bounded part of it;
the customers then pass through in batches. Memory does not grow with the log, but for one number per
customer from which the concentration is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from valuetier.customers import Summary, summarize
from valuetier.errors import require_choice
from valuetier.evaluate import Concentration, concentration
from valuetier.files import FORMATS, output_folder, own_engine, refuse_to_overwrite, write_relation
from valuetier.learning import LearningReport, fit
from valuetier.pipeline import TITLES
from valuetier.plugins import get_segmenter
from valuetier.store import save
from valuetier.strategy import Playbook, StrategyMapper, SuppressionList, Withheld, read_suppression
from valuetier.strategy.consent import Meeting, screen, suppressed_channels
from valuetier.strategy.mapper import ABOUT_ACTION, matched_steps, step_table
from valuetier.tiers import assign, kind_of, version_of

Progress = Callable[[str], None]

VECTORS = 122  # of 2,048 rows each: a quarter of a million customers in a batch
WRITTEN = {
    "customers": "SELECT * REPLACE (CASE WHEN NOT isnan(m_x) THEN m_x END AS m_x) FROM customers",
    "tiers": "SELECT * EXCLUDE (spend) FROM tiers",
    "actions": "SELECT * EXCLUDE (step) FROM matched JOIN steps USING (step)",
}
MEMORY_LIMIT = "1GB"  # of the engine that reads and writes while customers pass


@dataclass(frozen=True, slots=True, eq=False)
class DiskRun:
    """What a run on disk made: totals in memory, customers in files.

    Attributes
    ----------
    summary : Summary
        ``customers`` is a DuckDB relation on the written table.
    segmenter : Segmenter
        Fitted.
    learned_from : LearningReport
        How many customers the segmenter learned from, and how far shares may be off.
    tiers : DataFrame
        tier, customers, customer_share, spend, spend_share; best tier first.
    concentration : Concentration
        Of the spend.
    files : mapping of str to Path
        What was written, by name: customers, tiers, actions, report, model.
    withheld : Withheld or None
        What the suppression list kept from customers, where there is one.
    """

    summary: Summary
    segmenter: Any
    learned_from: LearningReport
    tiers: pd.DataFrame
    concentration: Concentration
    files: Mapping[str, Path]
    withheld: Withheld | None = None

    def tier_rows(self) -> list[dict[str, Any]]:
        """Return ``tiers`` as dictionaries."""
        return [{str(name): value for name, value in row.items()} for row in self.tiers.to_dict("records")]

    def __repr__(self) -> str:
        sizes = ", ".join(
            f"{tier}: {n}" for tier, n in zip(self.tiers["tier"], self.tiers["customers"], strict=True)
        )
        return f"DiskRun(customers={self.learned_from.customers}, {sizes}, files={sorted(self.files)})"


def run_on_disk(
    orders: Any,
    *,
    out: str | Path,
    segmenter: Any = "rfm",
    playbook: Playbook | str | Path | None = None,
    file_format: str = "parquet",
    lang: str = "en",
    learn_from: int = 1_000_000,
    suppress: Any = None,
    progress: Progress | None = None,
    **summarize_options: Any,
) -> DiskRun:
    """Return tiers and totals of an order log of any size; customers, tiers and actions go to files.

    Parameters
    ----------
    orders : path
        Parquet or CSV files, a glob for several. Anything else that :func:`valuetier.summarize`
        takes works, too.
    out : path
        Folder for customers, tiers and actions, report.html and model.json.
    segmenter, playbook, file_format, lang, suppress
        As in :func:`valuetier.run`.
    learn_from : int
        Most customers to learn from, see :func:`valuetier.fit`.
    progress : callable, optional
        Called with one line of text before each step and each batch.
    **summarize_options
        Parameters of :func:`valuetier.summarize` but ``as_``, such as ``customer`` or ``as_of``.

    Raises
    ------
    InvalidParameterError
        If ``out`` is no folder, or a file in it is both read and to be written.
    ValueTierError
        Whatever a step finds wrong. What is already written stays.

    Examples
    --------
    >>> import tempfile, valuetier as vt
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = vt.datasets.load_cdnow_orders()
    ...     result = run_on_disk(log, out=folder, segmenter="pyramid")
    >>> result.tiers[["tier", "customers"]].to_dict("list")["customers"]
    [235, 4465, 7051, 11751, 68]
    """
    require_choice("file_format", file_format, FORMATS)
    require_choice("lang", lang, ("en", "zh"))
    import_module("valuetier.report")  # needs an extra: that it is not there is told at once
    say = progress or (lambda _: None)
    fitted = get_segmenter(segmenter) if isinstance(segmenter, str) else segmenter
    mapper = (
        StrategyMapper.from_yaml(playbook) if isinstance(playbook, (str, Path)) else StrategyMapper(playbook)
    )
    plan = mapper.playbook_of(kind_of(fitted))
    listed = None if suppress is None else read_suppression(suppress)
    refuse_to_overwrite(orders, Path(out))
    folder = output_folder(out)
    with TemporaryDirectory() as spare:
        table = Path(spare) / "customers.parquet" if file_format == "csv" else folder / "customers.parquet"
        summary = _summarized(orders, table, say, summarize_options)
        engine = own_engine(MEMORY_LIMIT)
        engine.execute("SET preserve_insertion_order = true")
        engine.read_parquet(str(table)).create_view("customers")
        say("learning the tiers")
        fit(fitted, engine.view("customers"), max_rows=learn_from)
        names, withheld = _pass_all(engine, fitted, plan, summary.as_of, lang, listed, say)
        say("writing")
        files = {
            name: write_relation(engine.sql(query), folder, name, file_format)
            for name, query in WRITTEN.items()
            if file_format == "csv" or name != "customers"
        }
        files["customers"] = folder / f"customers.{file_format}"
        totals = _totals(engine, names)
        spread = concentration(engine.execute("SELECT spend FROM customers").fetchnumpy()["spend"])
    read = duckdb.read_csv if file_format == "csv" else duckdb.read_parquet
    summary = replace(summary, customers=read(str(files["customers"]), connection=duckdb.connect()))
    result = DiskRun(summary, fitted, fitted.learned_from, totals.tiers, spread, files, withheld)
    return replace(result, files=files | _report_and_model(result, totals, folder, lang))


def _summarized(orders: Any, table: Path, say: Progress, options: Mapping[str, Any]) -> Summary:
    """Return the summary without its customers, which are written; the engine that made them ends here."""
    summary = summarize(orders, as_="relation", progress=say, **options)
    say("writing the customer table")
    summary.customers.write_parquet(str(table))
    return replace(summary, customers=None)


def _batches(engine: duckdb.DuckDBPyConnection) -> Iterator[pd.DataFrame]:
    reader = engine.execute("SELECT * FROM customers")
    while len(batch := reader.fetch_df_chunk(VECTORS)):
        yield batch


def _pass_all(
    engine: duckdb.DuckDBPyConnection,
    segmenter: Any,
    playbook: Playbook,
    as_of: date,
    lang: str,
    listed: SuppressionList | None,
    say: Progress,
) -> tuple[list[str], Withheld | None]:
    """Make the tables ``tiers``, ``matched`` (who gets which step of the playbook) and ``steps``.

    Returns the tiers, and what was withheld from those on the list.
    """
    writer, done = engine.cursor(), 0
    steps = step_table(playbook, lang)
    found: Meeting | None = None
    withheld: Withheld | None = None
    writer.from_df(steps.rename_axis("step").reset_index()).create("steps")
    for batch in _batches(engine):
        say(f"assigning the customers, {done:,} done")
        assignment = assign(segmenter, batch, as_of=as_of)
        tiers = (
            assignment.to_frame(lang).astype({"segment": "category"}).assign(spend=batch["spend"].to_numpy())
        )
        customer, step = matched_steps(playbook, assignment, batch)
        if listed is not None:
            part = screen(listed, assignment.ids, customer, steps.take(step), on=as_of)
            found = part.found if found is None else found | part.found
            withheld = part.withheld if withheld is None else withheld + part.withheld
            customer, step = customer[part.allowed], step[part.allowed]
            tiers = tiers.assign(suppressed=suppressed_channels(listed, assignment.ids, on=as_of))
        matched = tiers[["customer_id", "tier", "segment"]].take(customer).assign(step=step)
        for name, rows in {"tiers": tiers, "matched": matched}.items():
            texts = [column for column in ("tier", "segment", "suppressed") if column in rows]
            plain = ", ".join(f'"{column}"::VARCHAR AS "{column}"' for column in texts)
            made = writer.from_df(rows).project(f"* REPLACE ({plain})")
            made.insert_into(name) if done else made.create(name)
        done += len(batch)
    if found is not None:
        found.check()
    return [tier.label(lang) for tier in assignment.tiers], withheld


@dataclass(frozen=True, slots=True, eq=False)
class _Totals:
    """What the report tells of customers: counts."""

    tiers: pd.DataFrame
    segments: pd.Series | None
    actions: pd.DataFrame


def _totals(engine: duckdb.DuckDBPyConnection, names: list[str]) -> _Totals:
    tiers = engine.sql(
        "SELECT tier, count(*) AS customers, sum(spend) AS spend FROM tiers GROUP BY tier"
    ).df()
    tiers = tiers.set_index("tier").reindex(names, fill_value=0)
    customers, spend = tiers["customers"].to_numpy(np.int64), tiers["spend"].to_numpy(np.float64)
    shares = {
        "customer_share": customers / max(customers.sum(), 1),
        "spend_share": spend / (spend.sum() or 1.0),
    }
    segments = engine.sql(
        "SELECT segment, count(*) AS customers FROM tiers WHERE segment IS NOT NULL GROUP BY segment"
    ).df()
    actions = engine.sql(
        f"SELECT {', '.join(ABOUT_ACTION)}, count(*) AS customers FROM matched JOIN steps USING (step) GROUP BY ALL"
    ).df()
    return _Totals(
        pd.DataFrame({"tier": names, "customers": customers, "spend": spend, **shares}),
        segments.set_index("segment")["customers"] if len(segments) else None,
        actions.astype({"tier": pd.CategoricalDtype(names, ordered=True)}),
    )


def _report_and_model(result: DiskRun, totals: _Totals, folder: Path, lang: str) -> dict[str, Path]:
    from valuetier.report import Section, render_report  # needs an extra

    files = {"report": folder / "report.html"}
    segmenter = result.segmenter
    name, version = kind_of(segmenter), version_of(segmenter)
    section = Section(
        name, result.tier_rows(), totals.segments, totals.actions, version, withheld=result.withheld
    )
    page = render_report(TITLES[lang], result.summary, result.concentration, [section], lang=lang)
    files["report"].write_text(page, encoding="utf-8")
    if hasattr(segmenter, "save"):
        save(segmenter, folder / "model.json")
        files["model"] = folder / "model.json"
    return files
