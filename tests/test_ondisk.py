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


# --- what the command is told -----------------------------------------------------------------


@pytest.fixture
def told_all(tmp_path: Path) -> list[str]:
    """A small CSV file of two currencies, a refund and a branch, and the command that reads it."""
    lines = [
        "id,day,paid,number,refunds,money,cost", "007,2024-01-01,10,1,,EUR,3", "007,2024-02-01,20,2,,USD,3",
        "7,2024-01-05,5,3,,EUR,1", "8,2024-03-01,50,4,,EUR,10", "8,2024-03-05,-5,9,4,EUR,-1",
        "9,2023-03-06,15,10,,EUR,1",
    ]  # fmt: skip
    (tmp_path / "orders.csv").write_text("\n".join(lines))
    (tmp_path / "parents.csv").write_text("customer_id,parent_id\n007,7\n")
    (tmp_path / "rates.csv").write_text("currency,date,rate\nEUR,2023-01-01,1\nUSD,2024-01-01,0.5\n")
    return [
        "run", str(tmp_path / "orders.csv"), "--customer", "id", "--date", "day", "--amount", "paid", "--order-id",
        "number", "--refund-of", "refunds", "--currency", "money", "--rates", str(tmp_path / "rates.csv"),
        "--parents", str(tmp_path / "parents.csv"), "--cost", "cost", "--since", "2024-01-01", "--period", "W",
        "--segmenter", "pyramid", "--quiet", "--out", str(tmp_path / "out"),
    ]  # fmt: skip


@pytest.mark.parametrize("where", ["--on-disk", "--in-memory"])
def test_the_command_takes_what_summarize_takes(where: str, told_all: list[str], tmp_path: Path) -> None:
    """Refunds by id, rates, parents, cost, window and period reach the customer table; 007 is not 7."""
    from valuetier.cli import app

    done = CliRunner().invoke(app, [*told_all, where])
    assert done.exit_code == 0, done.output
    customers = read_table(tmp_path / "out" / "customers.parquet").set_index("customer_id")
    assert customers["spend"].to_dict() == {"7": 25.0, "8": 45.0}
    assert customers["orders"].to_dict() == {"7": 2, "8": 1}
    assert customers["cost"].to_dict() == {"7": 5.5, "8": 9.0}


def test_the_command_says_what_is_wrong_in_one_line(
    told_all: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file and no folder are errors of ours, with exit code 1."""
    from valuetier import cli

    out = tmp_path / "orders.csv"
    for arguments, said in (
        (["run", str(tmp_path / "none.csv")], "No files found"),
        ([*told_all[:-1], str(out), "--on-disk"], "out must be a folder"),
        ([*told_all[:-1], str(out), "--in-memory"], "out must be a folder"),
    ):
        monkeypatch.setattr("sys.argv", ["valuetier", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 1
        assert said in capsys.readouterr().err


def test_a_segmenter_without_playbook_is_refused_before_the_log_is_read(path: Path, tmp_path: Path) -> None:
    """That no playbook comes with a kind is told at once, not after the log was read."""

    class Own(vt.PyramidSegmenter):
        kind = "own"

    said: list[str] = []
    with pytest.raises(vt.UncoveredTiersError, match="No playbook comes with the kind 'own'"):
        vt.run_on_disk(path, segmenter=Own(), out=tmp_path / "new", progress=said.append)
    assert not said
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("run", [vt.run, vt.run_on_disk])
@pytest.mark.parametrize("name", ["customers.parquet", "*.parquet"])
def test_the_log_is_not_overwritten(run: Any, name: str, log: pd.DataFrame, tmp_path: Path) -> None:
    """A log that lies where the results go is refused, by name or by glob, and stays as it was."""
    log.to_parquet(tmp_path / "customers.parquet", index=False)
    before = (tmp_path / "customers.parquet").read_bytes()
    with pytest.raises(
        vt.InvalidParameterError, match=r"^out holds \['customers.parquet'\], which orders reads"
    ):
        run(tmp_path / name, segmenter="pyramid", out=tmp_path)
    assert (tmp_path / "customers.parquet").read_bytes() == before
    assert run(tmp_path / name, segmenter="pyramid", out=tmp_path / "out").files
