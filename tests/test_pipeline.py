"""From an order log to files, in one call and on the command line."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import valuetier as vt
from valuetier import InvalidDataError, InvalidParameterError, cli
from valuetier.files import read_table

runner = CliRunner()


@pytest.fixture(scope="module")
def orders():
    """Two thousand real orders."""
    log = vt.datasets.load_cdnow_orders()
    return log[log["customer_id"] <= 700].reset_index(drop=True)


@pytest.fixture(scope="module")
def log_file(orders, tmp_path_factory):
    """The orders as a CSV file."""
    path = tmp_path_factory.mktemp("log") / "orders.csv"
    orders.to_csv(path, index=False)
    return path


class Links(HTMLParser):
    """Collects what a page loads from elsewhere."""

    def __init__(self):
        super().__init__()
        self.loaded, self.tags = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loaded += [v for k, v in attrs if k in ("src", "href") and not (v or "").startswith("#")]


@pytest.mark.parametrize("segmenter", ["rfm", "pyramid", "kaism", "kmeans", "clv"])
def test_run_agrees_with_the_steps(orders, segmenter):
    """``run`` gives what summarize, fit, assign and map give one by one."""
    result = vt.run(orders, segmenter=segmenter)
    customers = vt.summarize(orders).customers
    by_hand = vt.get_segmenter(segmenter).fit(customers).assign(customers)
    pd.testing.assert_frame_equal(result.assignment.to_frame(), by_hand.to_frame())
    pd.testing.assert_frame_equal(result.actions, vt.StrategyMapper().map(by_hand))
    assert result.files == {}


@pytest.mark.parametrize("file_format", ["parquet", "csv"])
def test_run_writes_what_it_found(orders, tmp_path, file_format):
    """Customers, tiers, actions, report and model are written, and read back as they were."""
    result = vt.run(orders, segmenter="pyramid", out=tmp_path, file_format=file_format)
    assert sorted(result.files) == ["actions", "customers", "model", "report", "tiers"]
    tiers = read_table(result.files["tiers"])
    assert tiers["tier"].tolist() == result.assignment.to_frame()["tier"].astype(str).tolist()
    assert len(read_table(result.files["actions"])) == len(result.actions)
    customers = read_table(result.files["customers"])
    assert customers["spend"].to_numpy() == pytest.approx(result.summary.customers["spend"].to_numpy())
    model = vt.load(result.files["model"])
    assert (model.predict(customers) == result.assignment.codes).all()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_report_stands_alone(orders, tmp_path, lang):
    """The page loads nothing from elsewhere, has pictures and the tiers, and no customer."""
    renamed = orders.assign(customer_id=[f"secret-{i}" for i in orders["customer_id"]])
    result = vt.run(renamed, out=tmp_path, lang=lang)
    page = result.files["report"].read_text(encoding="utf-8")
    links = Links()
    links.feed(page)
    assert links.loaded == []
    assert links.tags.count("svg") == 4
    assert "script" not in links.tags
    assert "secret-" not in page
    for tier in result.assignment.tiers:
        assert tier.label(lang) in page
    assert f'lang="{lang}"' in page


def test_run_takes_a_segmenter_and_a_playbook_of_ones_own(orders, tmp_path):
    """A configured segmenter, a playbook file and options of summarize are used."""
    from tests.strategy.books import book, rule

    path = tmp_path / "book.yaml"
    path.write_text(book([rule("all", {}, "call")]), encoding="utf-8")
    result = vt.run(orders, segmenter=vt.PyramidSegmenter(preset="abc"), playbook=path, as_of="1997-12-31")
    assert result.actions["rule_id"].unique().tolist() == ["all"]
    assert str(result.summary.as_of) == "1997-12-31"
    assert "actions=" in repr(result)


def test_progress_is_told(orders):
    """Each step is announced."""
    steps = []
    vt.run(orders, progress=steps.append)
    assert steps[0] == "reading the order log"
    assert len(steps) >= 4


def test_wrong_options_are_refused_before_any_work(orders):
    """Unknown formats and languages are refused."""
    with pytest.raises(InvalidParameterError, match="file_format must be one of"):
        vt.run(orders, file_format="xlsx")
    with pytest.raises(InvalidParameterError, match="lang must be one of"):
        vt.run(orders, lang="fr")


def invoke(*arguments):
    """Run the command line; return exit code and output."""
    result = runner.invoke(cli.app, [str(a) for a in arguments])
    if isinstance(result.exception, Exception) and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_command_run_assign_explain(log_file, tmp_path):
    """A model from ``run`` gives the same tiers to the same customers by ``assign``, and explains them."""
    made = invoke("run", log_file, "--segmenter", "rfm", "--out", tmp_path / "a", "--json")
    found = json.loads(made.stdout)
    assert found["kind"] == "rfm"
    assert found["rows"]["used"] == len(read_table(log_file))
    files = found["files"]
    again = invoke("assign", files["model"], files["customers"], "--out", tmp_path / "b", "--json")
    sizes = json.loads(again.stdout)["tiers"]
    assert sizes == {row["tier"]: row["customers"] for row in found["tiers"]}
    first = read_table(tmp_path / "b" / "tiers.parquet")
    told = invoke("explain", files["model"], files["customers"], "--customer", "3", "--json")
    (reason,) = json.loads(told.stdout)
    assert reason["tier"] == first.loc[first["customer_id"] == 3, "tier"].item()
    chinese = invoke("explain", files["model"], files["customers"], "--customer", "3", "--lang", "zh")
    assert re.search("[\u4e00-\u9fff]", chinese.stdout)
    assert {"to_next", "to_lose", "version", "cuts_as_of", "as_of"} <= set(reason)
    assert "升级：" in chinese.stdout
    everybody = invoke("explain", files["model"], files["customers"]).stdout.splitlines()
    assert len(everybody) == len(first) + 1
    assert all(line.count(" | ") == 2 for line in everybody[:-1])
    assert everybody[-1].startswith(f"Cuts {found['version']} of ")


def test_command_run_prints_a_table(log_file, tmp_path):
    """Without --json the tiers are a table; with --quiet nothing is printed."""
    shown = invoke("run", log_file, "--segmenter", "pyramid", "--out", tmp_path)
    assert "Vital" in shown.stdout
    assert "report.html" in shown.stdout
    assert invoke("run", log_file, "--out", tmp_path, "--quiet").stdout == ""


def test_command_demo(tmp_path):
    """The demonstration runs five segmenters on the whole CDNOW log and writes the page."""
    shown = invoke("demo", "--out", tmp_path, "--json")
    found = json.loads(shown.stdout)
    assert set(found["segmenters"]) == {"rfm", "pyramid", "kaism", "kmeans", "clv"}
    for result in found["segmenters"].values():
        assert sum(row["customers"] for row in result["tiers"]) == 23_570
        assert sum(row["spend_share"] for row in result["tiers"]) == pytest.approx(1)
    assert found["segmenters"]["kaism"]["tiers"][0]["customers"] <= 50
    assert (tmp_path / "report.html").stat().st_size > 50_000


def test_command_list_and_check_playbook(tmp_path):
    """``list`` names the segmenters; ``check-playbook`` counts rules and actions."""
    assert {"rfm", "pyramid", "kaism", "kmeans", "clv"} <= set(json.loads(invoke("list", "--json").stdout))
    assert "pyramid" in invoke("list").stdout
    from tests.strategy.books import book, rule

    path = tmp_path / "book.yaml"
    path.write_text(book([rule("all", {}, "call")]), encoding="utf-8")
    assert "1 rules, 1 actions" in invoke("check-playbook", path).stdout
    assert json.loads(invoke("check-playbook", path, "--json").stdout)["rules"] == ["all"]


def test_check_playbook_against_a_model_and_customers(tmp_path):
    """``--model`` brings the tiers and segments, ``--customers`` the columns that a playbook must fit."""
    customers = pd.DataFrame({"customer_id": [1, 2, 3], "spend": [90.0, 8.0, 1.0]})
    customers.to_csv(tmp_path / "customers.csv", index=False)
    vt.PyramidSegmenter(preset="abc").fit(customers).save(tmp_path / "model.json")
    from tests.strategy.books import book, rule

    def check(when, *options):
        path = tmp_path / "book.yaml"
        path.write_text(book([rule("some", when), rule("rest", {})]), encoding="utf-8")
        with pytest.raises(vt.ValueTierError) as caught:
            invoke("check-playbook", path, *options)
        return str(caught.value)

    assert "names the tiers ['Gold']" in check({"tier": "Gold"}, "--model", tmp_path / "model.json")
    young = {"recency_days": {"<": 9}}
    for options in ((), ("--model", tmp_path / "model.json")):
        assert "looks at ['recency_days']" in check(
            young, "--customers", tmp_path / "customers.csv", *options
        )


def test_errors_are_one_line_and_exit_code_one(tmp_path, monkeypatch, capsys):
    """An error of ours ends with code 1 and its message on standard error, without traceback."""
    monkeypatch.setattr("sys.argv", ["valuetier", "run", str(tmp_path / "none.parquet")])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert "none.parquet' cannot be read" in captured.err
    assert "Traceback" not in captured.err


def test_a_file_that_is_not_there_is_one_line(tmp_path, monkeypatch, capsys):
    """A model that is not there ends like any other error, without traceback."""
    monkeypatch.setattr("sys.argv", ["valuetier", "assign", str(tmp_path / "none.json"), "customers.csv"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 1
    assert "none.json'. Check the path." in capsys.readouterr().err


def test_explaining_an_unknown_customer_is_an_error(log_file, tmp_path):
    """An id that is not there is refused without repeating it."""
    files = json.loads(invoke("run", log_file, "--out", tmp_path, "--json").stdout)["files"]
    with pytest.raises(InvalidDataError, match="has no customer with that id"):
        invoke("explain", files["model"], files["customers"], "--customer", "unknown")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_shows_what_looks_wrong(lang: str, tmp_path: Path) -> None:
    """A warning of the ingest report stands on the page, in its language."""
    orders = vt.datasets.load_cdnow_orders()
    orders.loc[5, "date"] = pd.Timestamp("2097-03-01")
    result = vt.run(orders, segmenter="pyramid", out=tmp_path, lang=lang)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    (warning,) = result.summary.report.warnings
    assert (warning.text_zh if lang == "zh" else warning.text).split("'")[0] in page


def test_the_page_says_what_was_done_to_rows_used_all_the_same(tmp_path):
    """Refunds matched to their orders are used, and told below the table of rows."""
    orders = pd.DataFrame(
        {
            "customer_id": [1, 1, 2, 3],
            "date": pd.to_datetime(["2024-01-01", "2024-01-09", "2024-01-03", "2024-02-01"]),
            "amount": [50.0, -20.0, 30.0, 10.0],
            "order_id": ["a", "r", "b", "c"],
            "refund_of": [None, "a", None, None],
        }
    )
    options = {"order_id": "order_id", "refund_of": "refund_of"}
    result = vt.run(orders, segmenter="pyramid", out=tmp_path, **options)
    notes = result.summary.report.notes
    assert notes
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert all(f"{line.reason}: {line.rows:,} rows, {line.money:,.2f}" in page for line in notes)
