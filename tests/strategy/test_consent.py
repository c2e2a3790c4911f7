"""Suppression lists: read from anything, never silently without effect, honoured and counted everywhere."""

import json
from datetime import date

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import valuetier as vt
from valuetier import (
    InvalidDataError,
    InvalidParameterError,
    MissingColumnsError,
    StrategyMapper,
    cli,
    ondisk,
)
from valuetier.files import read_table
from valuetier.strategy import permitted, read_suppression
from valuetier.strategy.suppression import CHANNELS

IDS = np.array([1, 1, 2, 3])
ROWS = np.array(["email", "internal", "email", "sms"], dtype=object)

channels = st.sampled_from([*CHANNELS, None, "", "all"])
days = st.none() | st.dates(date(2026, 1, 1), date(2026, 1, 9))
entries = st.lists(st.tuples(st.integers(0, 6), channels, days), max_size=8)
rows = st.lists(st.tuples(st.integers(0, 6), st.sampled_from(CHANNELS)), max_size=12)


def allowed(suppress, ids=IDS, rows=ROWS, **options):
    """Return what is permitted as a list."""
    return permitted(suppress, ids, rows, **options).tolist()


def listed(kind, **columns):
    """Return a table of one kind."""
    return {"pandas": pd.DataFrame, "polars": pl.DataFrame, "arrow": pa.table}[kind](columns)


@pytest.mark.parametrize(
    "suppress",
    [
        [1], (1, 1), {1, 99}, np.array([1]), pd.Series([1]), pd.Series([1.0]), pd.Index([1]), pl.Series([1]),
        pa.chunked_array([[1]]), pa.array([1]), {1: None}.keys(), (one for one in [1]), pd.DataFrame({"customer_id": [1]}),
        pl.LazyFrame({"customer_id": [1]}), read_suppression([1]),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_any_list_of_ids_closes_every_channel(suppress):
    """Sequences, sets, series and tables of ids withhold everything, internal steps included."""
    assert allowed(suppress) == [False, False, True, True]


@pytest.mark.parametrize(
    "suppress", [None, [], pd.DataFrame({"customer_id": []})], ids=["none", "[]", "table"]
)
def test_an_empty_list_permits_everything(suppress):
    """Nothing is withheld where nobody is listed."""
    assert allowed(suppress) == [True] * 4


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow"])
def test_a_channel_closes_that_channel_only(kind):
    """A named channel leaves the others open; no channel, an empty one and ``all`` close every one."""
    by_channel = listed(kind, customer_id=[1, 2, 3], channel=[" Email", None, "sms"])
    assert allowed(by_channel) == [False, True, False, False]
    assert allowed(listed(kind, customer_id=[1, 2], channel=["ALL", ""])) == [False, False, False, True]


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow"])
def test_an_entry_holds_through_its_last_day(kind):
    """An ended entry no longer withholds; without a day of the action every entry holds."""
    until = listed(kind, customer_id=[1, 2], until=[date(2026, 1, 5), None])
    assert allowed(until, on=date(2026, 1, 5)) == [False, False, False, True]
    assert allowed(until, on=date(2026, 1, 6)) == [True, True, False, True]
    assert allowed(until) == [False, False, False, True]
    each = np.array(["2026-01-05", "2026-01-06", "2026-01-06", "2026-01-06"], dtype="datetime64[D]")
    assert allowed(until, on=each) == [False, True, False, True]


@given(entries, rows, st.dates(date(2026, 1, 1), date(2026, 1, 9)))
def test_permission_is_what_the_entries_say_one_by_one(entries, rows, on):
    """The same as looking through all entries for each row, whatever their order and number."""
    table = pd.DataFrame(entries, columns=["customer_id", "channel", "until"], dtype=object)
    ids, wanted = np.array([i for i, _ in rows], dtype=np.int64), np.array([c for _, c in rows], dtype=object)
    expected = [
        not any(
            who == one and (not closed or closed in ("all", channel)) and (end is None or on <= end)
            for who, closed, end in entries
        )
        for one, channel in rows
    ]
    assert permitted(table, ids, wanted, on=on).tolist() == expected
    assert permitted(table[::-1], ids, wanted, on=on).tolist() == expected


def test_ids_of_other_types_are_refused():
    """Text never meets numbers: an error that says so, not a list without effect."""
    needed = (
        "customer_id is of the kind 'string', that of the customers 'integer': nobody would be suppressed"
    )
    with pytest.raises(InvalidDataError, match=needed):
        allowed(["1"])
    with pytest.raises(InvalidDataError, match=r"Give both the same type; read as text they keep"):
        allowed([17], ["00017"], ["email"])


@pytest.mark.parametrize("written", ["17", " 00017", "00017.0", "c5"])
def test_ids_written_otherwise_are_found(written):
    """Lost zeros, blanks, case and a .0 are an error that counts, and says no id."""
    with pytest.raises(InvalidDataError, match="1 of 2 ids are those of customers but for case") as raised:
        allowed([written, "nobody"], ["00017", "C5"], ["email", "email"])
    assert "17" not in str(raised.value)


def test_mixed_ids_meet_their_like():
    """Where customers have numbers and text, each meets its own, and a number written as text is refused."""
    ids = np.array([17, "a", "b"], dtype=object)
    assert permitted([17], ids, ["email"] * 3).tolist() == [False, True, True]
    with pytest.raises(InvalidDataError, match="1 of 1 ids are those of customers but for"):
        permitted(["17"], ids, ["email"] * 3)


def test_files_are_read_as_the_customers_are(tmp_path):
    """A CSV file says nothing about types: its ids are taken as numbers or as text, as the customers' are."""
    path = tmp_path / "stop.csv"
    path.write_text("customer_id,channel,until\n0001,,\n2,email,2026-01-05\nnobody,,\n", encoding="utf-8")
    assert allowed(path) == allowed(str(path)) == [False, False, False, True]
    assert allowed(path, on=date(2026, 1, 6)) == [False, False, True, True]
    assert allowed(path, np.array(["0001", "2"], dtype=object), ["sms", "sms"]) == [False, True]


@pytest.mark.parametrize(
    ("suppress", "error", "message"),
    [
        ("c17", InvalidParameterError, "got a text that names no file. Check the path, or put a single id in"),
        ({1: "email"}, InvalidParameterError, "suppress must be a sequence of customer ids, a table .* got a dict"),
        (5, InvalidParameterError, "got a int"),
        (np.ones((2, 2)), InvalidParameterError, "got a ndarray"),
        ([1, None], InvalidDataError, "suppress: 1 of 2 values of customer_id are missing. Drop these rows"),
        (pd.Series([1, np.nan]), InvalidDataError, "1 of 2 values of customer_id are missing"),
        ([2.0**60], InvalidDataError, r"from 2\*\*53 up as floats, whose last digits are lost"),
        (pd.DataFrame({"customer": [1]}), MissingColumnsError, "The suppression list lacks .*customer_id"),
        (
            pd.DataFrame({"customer_id": [1], "channel": ["e-mail"]}),
            InvalidDataError,
            r"unknown channels \['e-mail'\]. Known: \['visit', .* Did you mean 'email'",
        ),
        (
            pd.DataFrame({"customer_id": [1, 2], "until": ["31.12.2026", None]}),
            InvalidDataError,
            "1 of 2 values of until are no dates. Write them as 2027-06-30",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_a_list_is_refused(suppress, error, message):
    """Each message names the need and the way out."""
    with pytest.raises(error, match=message):
        allowed(suppress)


@pytest.fixture(scope="module")
def orders():
    """Two thousand real orders."""
    log = vt.datasets.load_cdnow_orders()
    return log[log["customer_id"] <= 700].reset_index(drop=True)


@pytest.fixture(scope="module")
def tiers(orders):
    """Their RFM tiers."""
    customers = vt.summarize(orders).customers
    return vt.RFMSegmenter().fit(customers).assign(customers)


def test_mapping_leaves_out_exactly_what_is_closed(tiers):
    """The actions that remain are those of a mapping without a list less those of the list."""
    stop = pd.DataFrame({"customer_id": [1, 2, 3, 4_000], "channel": [None, "email", "phone", None]})
    everything = StrategyMapper().map(tiers)
    closed = (everything["customer_id"] == 1) | (
        (everything["customer_id"] == 2) & (everything["channel"] == "email")
    ) | ((everything["customer_id"] == 3) & (everything["channel"] == "phone"))  # fmt: skip
    actions = StrategyMapper().map(tiers, suppress=stop)
    pd.testing.assert_frame_equal(actions, everything[~closed].reset_index(drop=True))
    counts = StrategyMapper().withheld(tiers, suppress=stop)
    left_out = everything[closed]
    assert (counts.listed, counts.met, counts.customers) == (4, 3, left_out["customer_id"].nunique())
    assert (counts.actions, counts.contractual) == (len(left_out), int(left_out["contractual"].sum()))


def test_contractual_actions_are_withheld_and_told(tiers):
    """What is owed by contract is withheld, too, and counted apart in both languages."""
    owed = StrategyMapper().map(tiers).query("contractual")
    counts = StrategyMapper().withheld(tiers, suppress=set(owed["customer_id"]))
    assert counts.contractual == len(owed) > 0
    assert f"{counts.contractual:,} of them owed by contract" in str(counts)
    assert f"其中合同约定的 {counts.contractual:,} 项" in counts.sentence("zh")
    assert StrategyMapper().map(tiers, suppress=set(owed["customer_id"]))["contractual"].sum() == 0


def test_a_withheld_count_needs_a_list(tiers):
    """Without a list there is nothing to count."""
    with pytest.raises(InvalidParameterError, match="suppress must be a sequence of customer ids"):
        StrategyMapper().withheld(tiers, suppress=None)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_runs_in_memory_and_on_disk_withhold_the_same(orders, tmp_path, monkeypatch, lang):
    """No action of a listed customer is written, the counts agree, and the report tells them."""
    monkeypatch.setattr(ondisk, "VECTORS", 1)
    log = vt.datasets.load_cdnow_orders().query("customer_id % 4 == 0")
    stop = pd.DataFrame({"customer_id": [4, 8, 20_000, 1], "channel": [None, "email", None, None]})
    here = vt.run(log, suppress=stop, out=tmp_path / "memory", lang=lang)
    there = vt.run_on_disk(log, suppress=stop, out=tmp_path / "disk", lang=lang)
    assert here.withheld == there.withheld
    assert (here.withheld.listed, here.withheld.met) == (4, 3)
    for files in (here.files, there.files):
        assert not {4, 20_000} & set(read_table(files["actions"])["customer_id"])
        assert here.withheld.sentence(lang) in files["report"].read_text(encoding="utf-8")
        closed = read_table(files["tiers"]).set_index("customer_id")["suppressed"].dropna()
        assert closed.to_dict() == {4: "all", 8: "email", 20_000: "all"}
    assert len(read_table(there.files["actions"])) == len(here.actions)
    assert "suppressed" not in read_table(vt.run(log, out=tmp_path / "plain").files["tiers"])


def test_ids_written_otherwise_are_found_on_disk(tmp_path):
    """An id is looked for among all batches before it counts as written otherwise; nothing is written then."""
    log = vt.datasets.load_cdnow_orders().query("customer_id <= 99")
    log = log.assign(customer_id="c" + log["customer_id"].astype(str))
    kept = vt.run_on_disk(log, suppress=["c1"], out=tmp_path / "good")
    assert kept.withheld.met == 1
    with pytest.raises(InvalidDataError, match="1 of 1 ids are those of customers but for"):
        vt.run_on_disk(log, suppress=["C1"], out=tmp_path / "bad")
    assert not (tmp_path / "bad" / "actions.parquet").exists()


@pytest.mark.parametrize("way", ["--in-memory", "--on-disk"])
def test_the_command_takes_a_file(orders, tmp_path, way):
    """``run --suppress`` reads CSV and parquet, withholds, and says how much in words and as JSON."""
    log, stop = tmp_path / "orders.csv", tmp_path / "stop.csv"
    orders.to_csv(log, index=False)
    stop.write_text("customer_id\n0001\n9999\n", encoding="utf-8")
    pd.DataFrame({"customer_id": [1, 9_999]}).to_parquet(tmp_path / "stop.parquet")
    call = ["run", str(log), way, "--out", str(tmp_path / "out"), "--suppress"]
    told = CliRunner().invoke(cli.app, [*call, str(stop)])
    assert "Suppression list: 2 ids, 1 of them customers here and 1 not." in told.output
    found = CliRunner().invoke(cli.app, [*call, str(tmp_path / "stop.parquet"), "--json", "--quiet"])
    assert json.loads(found.output)["withheld"]["met"] == 1
    assert 1 not in set(read_table(tmp_path / "out" / "actions.parquet")["customer_id"])
