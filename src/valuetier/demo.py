"""The demonstration: five segmenters on the real CDNOW order log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from valuetier.customers import summarize
from valuetier.datasets import load_cdnow_orders
from valuetier.files import output_folder, write_table
from valuetier.pipeline import RunResult, run_on_customers, write_report
from valuetier.plugins import get_segmenter
from valuetier.report import tier_table
from valuetier.store import save
from valuetier.strategy import StrategyMapper

FIVE: Mapping[str, Mapping[str, Any]] = {
    "rfm": {},
    "pyramid": {},
    "kaism": {"max_key": 50},  # practice keeps to fifty key accounts at most
    "kmeans": {},
    "clv": {},
}

TITLES = {
    "en": {
        "page": "CDNOW: customer tiers and actions",
        "rfm": "RFM",
        "pyramid": "Customer pyramid",
        "kaism": "KAISM",
        "kmeans": "k-means",
        "clv": "Customer lifetime value (BG/NBD, Gamma-Gamma)",
    },
    "zh": {
        "page": "CDNOW：客户分级与服务动作",
        "rfm": "RFM 模型",
        "pyramid": "客户金字塔",
        "kaism": "KAISM 大客户矩阵",
        "kmeans": "k-means 聚类",
        "clv": "客户生命周期价值（BG/NBD、Gamma-Gamma）",
    },
}
NOTES = {
    "en": {
        "kaism": (
            "KAISM is made for rated business accounts. This consumer log has no ratings, so spend stands in "
            "for attractiveness, and orders with recency for our strength. Key accounts are limited to 50."
        )
    },
    "zh": {
        "kaism": (
            "KAISM 面向有评分的企业客户。此消费者日志没有评分，"
            "因此以消费金额代替客户吸引力，以购买次数和最近购买时间代替相对竞争力。关键客户上限为 50 个。"
        )
    },
}


def run_demo(
    out: Path, lang: str, progress: Callable[[str], None]
) -> tuple[dict[str, RunResult], dict[str, Path]]:
    """Return the result of each segmenter on CDNOW, and the files written to ``out``."""
    progress("reading the CDNOW order log")
    summary = summarize(load_cdnow_orders())
    results = {}
    for name, params in FIVE.items():
        segmenter = get_segmenter(name, **params)
        results[name] = run_on_customers(
            summary, segmenter, StrategyMapper(), lang=lang, progress=_prefixed(name, progress)
        )
    progress("writing")
    output_folder(out)
    files = {"customers": write_table(summary.customers, out, "customers", "parquet")}
    for name, result in results.items():
        files[f"{name} tiers"] = write_table(
            result.assignment.to_frame(lang), out, f"{name}-tiers", "parquet"
        )
        files[f"{name} actions"] = write_table(result.actions, out, f"{name}-actions", "parquet")
        save(result.segmenter, out / f"{name}-model.json")
        files[f"{name} model"] = out / f"{name}-model.json"
    pages = {TITLES[lang][name]: (result, NOTES[lang].get(name, "")) for name, result in results.items()}
    files["report"] = write_report(TITLES[lang]["page"], pages, out / "report.html", lang)
    return results, files


def _prefixed(name: str, progress: Callable[[str], None]) -> Callable[[str], None]:
    return lambda step: progress(f"{name}: {step}")


def tier_rows(result: RunResult) -> list[dict[str, Any]]:
    """Return per tier its customers and spend with their shares."""
    spend = result.summary.customers["spend"].to_numpy()
    return [
        {key: value if isinstance(value, (str, int)) else float(value) for key, value in row.items()}
        for row in tier_table(result.assignment, spend)
    ]
