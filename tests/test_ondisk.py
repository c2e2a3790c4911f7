"""Runs on disk: the same customers, tiers and actions as in memory, batch by batch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import valuetier as vt
from valuetier import ondisk
from valuetier.files import read_table, rows_of_files

PARTS = ("customers", "tiers", "actions")
KAISM = {
    "attractiveness": {"spend": 1},
    "strength": {"orders": 1},
}


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    """The CDNOW orders of every fourth customer: about 5,900, three batches of the smallest size."""
    orders = vt.datasets.load_cdnow_orders()
    return orders[orders["customer_id"] % 4 == 0].reset_index(drop=True)


@pytest.fixture(scope="module")
def path(log: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same orders in two parquet files."""
    folder = tmp_path_factory.mktemp("orders")
    for name, part in (("a", log.iloc[:9_000]), ("b", log.iloc[9_000:])):
        part.to_parquet(folder / f"{name}.parquet", index=False)
    return folder / "*.parquet"


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of 2,048 customers."""
    monkeypatch.setattr(ondisk, "VECTORS", 1)


def tables_of(files: Any) -> dict[str, pd.DataFrame]:
    """Return the written tables, sorted where files have no order of their own."""
    found = {name: read_table(files[name]) for name in PARTS}
    found["actions"] = found["actions"].sort_values(
        ["customer_id", "rule_id", "action_id"], ignore_index=True
    )
    return found


@pytest.mark.parametrize(
    "segmenter", ["rfm", "pyramid", "kmeans", "clv", vt.KAISMSegmenter(**KAISM)], ids=str
)
def test_files_are_those_of_a_run_in_memory(
    segmenter: Any, path: Path, log: pd.DataFrame, tmp_path: Path
) -> None:
    """Customers, tiers and actions are the same, customer by customer, as is the model."""
    there = vt.run_on_disk(path, segmenter=segmenter, out=tmp_path / "disk")
    here = vt.run(log, segmenter=segmenter, out=tmp_path / "memory")
    assert there.learned_from == vt.LearningReport(len(here.assignment), len(here.assignment), 0.0)
    mine, theirs = tables_of(there.files), tables_of(here.files)
    for name in PARTS:
        pd.testing.assert_frame_equal(mine[name], theirs[name], rtol=1e-12)
    assert there.segmenter.version() == here.assignment.version
    assert vt.load(there.files["model"]).version() == here.assignment.version


def test_totals_are_those_of_the_customers(path: Path, tmp_path: Path) -> None:
    """The tier table, the concentration and the relation agree with the files."""
    found = vt.run_on_disk(path, segmenter="pyramid", out=tmp_path)
    tiers, customers = read_table(found.files["tiers"]), found.summary.customers.df()
    pd.testing.assert_frame_equal(customers, read_table(found.files["customers"]))
    assert customers["customer_id"].is_monotonic_increasing
    spend = customers["spend"].groupby(tiers["tier"]).agg(["size", "sum"]).loc[list(found.tiers["tier"])]
    assert found.tiers["customers"].tolist() == spend["size"].tolist()
    np.testing.assert_allclose(found.tiers["spend"], spend["sum"])
    assert found.tiers["customer_share"].sum() == pytest.approx(1.0)
    assert found.tiers["spend_share"].sum() == pytest.approx(1.0)
    assert found.concentration.total == pytest.approx(customers["spend"].sum())
    assert "DiskRun(customers=5" in repr(found)


def test_a_bounded_part_is_learned_from(path: Path, tmp_path: Path) -> None:
    """With more customers than may be learned from, a sample is, and the error of shares is stated."""
    found = vt.run_on_disk(path, segmenter="pyramid", out=tmp_path, learn_from=2_000)
    report = found.learned_from
    assert report.customers == 5_892
    assert report.used <= 2_000
    assert report.share_error == pytest.approx(np.sqrt(np.log(40) / (2 * report.used)))
    shares = found.tiers["customer_share"].to_numpy()
    wanted = np.array([0.01, 0.19, 0.30, 0.50, 0.0])
    assert (np.abs(np.cumsum(shares) - np.cumsum(wanted)) <= 2 * report.share_error).all()


def test_a_purchase_model_learns_from_counts_of_all(path: Path, log: pd.DataFrame, tmp_path: Path) -> None:
    """Of a sample only the order values and the cut are learned; the purchase model sees every customer."""
    found = vt.run_on_disk(path, segmenter="clv", out=tmp_path, learn_from=2_000)
    whole = vt.CLVSegmenter().fit(vt.summarize(log).customers)
    for name in ("r_", "alpha_", "a_", "b_"):
        assert getattr(found.segmenter.model_, name) == pytest.approx(getattr(whole.model_, name), rel=1e-9)
    assert found.segmenter.spend_.p_ != whole.spend_.p_


def test_csv_and_chinese(path: Path, tmp_path: Path) -> None:
    """Tables can be CSV, with an unknown mean left empty; tiers, actions and page can be Chinese."""
    found = vt.run_on_disk(path, segmenter="pyramid", out=tmp_path, file_format="csv", lang="zh")
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "actions.csv", "customers.csv", "model.json", "report.html", "tiers.csv",
    ]  # fmt: skip
    assert "nan" not in (tmp_path / "customers.csv").read_text(encoding="utf-8")
    assert found.tiers["tier"].tolist()[0] == "重要客户"
    assert set(read_table(found.files["tiers"])["tier"]) <= set(found.tiers["tier"])
    assert "客户分级与服务动作" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert len(found.summary.customers.df()) == 5_892


def test_the_page_is_that_of_a_run_in_memory(path: Path, log: pd.DataFrame, tmp_path: Path) -> None:
    """The report tells the same tiers, segments, actions and cuts."""
    vt.run_on_disk(path, segmenter="rfm", out=tmp_path / "disk")
    vt.run(log, segmenter="rfm", out=tmp_path / "memory")
    pages = [(tmp_path / where / "report.html").read_text(encoding="utf-8") for where in ("disk", "memory")]
    disk, memory = ([part.split("</table>")[0] for part in page.split("<table")[1:]] for page in pages)
    assert disk == memory


def test_steps_are_told(path: Path, tmp_path: Path) -> None:
    """Each step and each batch is announced."""
    said: list[str] = []
    vt.run_on_disk(path, segmenter="pyramid", out=tmp_path, progress=said.append)
    assert said[0] == "looking at the order log"
    assert "building the customer table, part 1 of 1" in said
    assert "assigning the customers, 2,048 done" in said
    assert said[-1] == "writing"


def test_what_is_wrong_is_found_before_the_log_is_read(path: Path, tmp_path: Path) -> None:
    """An unknown format, language or segmenter is refused at once."""
    for wrong in ({"file_format": "xls"}, {"lang": "fr"}):
        with pytest.raises(vt.InvalidParameterError, match="must be one of"):
            vt.run_on_disk(path, out=tmp_path / "new", **wrong)
    with pytest.raises(vt.UnknownSegmenterError, match="No segmenter is called 'piramid'"):
        vt.run_on_disk(path, out=tmp_path / "new", segmenter="piramid")
    assert not (tmp_path / "new").exists()


def test_rows_are_counted_without_reading(path: Path, log: pd.DataFrame, tmp_path: Path) -> None:
    """Footers of parquet files tell the number of rows; the size of CSV files about tells it."""
    assert rows_of_files(str(path)) == len(log)
    log.to_csv(tmp_path / "orders.csv", index=False)
    assert 0.3 * len(log) < rows_of_files(str(tmp_path / "orders.csv")) < 3 * len(log)
    with pytest.raises(vt.InvalidDataError, match="cannot be read"):
        rows_of_files(str(tmp_path / "none.parquet"))


def test_one_command_runs_on_disk(path: Path, tmp_path: Path) -> None:
    """``valuetier run`` goes to disk when asked, or by the number of rows, and tells the same."""
    from valuetier.cli import app

    def told(*options: str) -> dict[str, Any]:
        out = tmp_path / "".join(options or ("auto",))
        done = CliRunner().invoke(
            app,
            ["run", str(path), "--segmenter", "pyramid", "--json", "--quiet", *options, "--out", str(out)],
        )
        assert done.exit_code == 0, done.output
        return json.loads(done.output)

    on_disk, in_memory = told("--on-disk"), told("--in-memory")
    for name in ("as_of", "kind", "version", "rows"):
        assert on_disk[name] == in_memory[name]
    for mine, theirs in zip(on_disk["tiers"], in_memory["tiers"], strict=True):
        assert mine == pytest.approx(theirs)


def test_large_logs_go_to_disk_unasked(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From so many rows on the command keeps customers on disk."""
    from valuetier import cli

    monkeypatch.setattr(cli, "MANY_ROWS", 1_000)
    done = CliRunner().invoke(cli.app, ["run", str(path), "--segmenter", "pyramid", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "assigning the customers" in done.output or "model.json" in done.output
    assert (tmp_path / "tiers.parquet").exists()
