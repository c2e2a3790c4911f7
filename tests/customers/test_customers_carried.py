"""Costs, margins and further columns are what a plain reading of each aggregate gives, from every kind of log."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import ibis
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import valuetier as vt
from tests.customers.carried import EXTRA, Row, assert_is, expected, rows, rules
from tests.customers.carried_kinds import ELSEWHERE, IN_PANDAS, KINDS, as_pandas, as_polars
from tests.customers.logs import records

FAST = (Phase.explicit, Phase.generate)
earnings = st.sampled_from(({}, {"cost": "cost"}, {"margin": "cost"}))
extras = st.lists(st.sampled_from(sorted(EXTRA)), min_size=4, max_size=8, unique=True).map(
    lambda names: {name: EXTRA[name] for name in names}
)
every_kind = pytest.mark.parametrize("kind", KINDS)

DAYS = [datetime(2024, 1, day) for day in (1, 2, 2, 3, 4)]


def check(source: Any, log: list[Row], **chosen: Any) -> None:
    """Assert that summarize says what the oracle says, or refuses what it refuses."""
    wanted = expected(log, **chosen)
    if wanted is None:
        with pytest.raises(vt.InvalidDataError, match="order that counts"):
            vt.summarize(source, bad_rows="drop", **chosen)
    else:
        assert_is(vt.summarize(source, bad_rows="drop", **chosen), wanted)


# --- against the oracle -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", IN_PANDAS)
@given(log=rows, chosen=rules, earned=earnings, extra=extras)
@settings(max_examples=10, phases=FAST)
def test_pandas_logs_carry_what_the_oracle_carries(
    kind: str,
    tmp_path_factory: pytest.TempPathFactory,
    log: list[Row],
    chosen: dict[str, Any],
    earned: dict[str, str],
    extra: dict[str, Any],
) -> None:
    """Aggregates of text, integers, floats and booleans, with gaps and NaN, with all rules of the log."""
    source = IN_PANDAS[kind](log, tmp_path_factory.getbasetemp())
    check(source, log, extra=extra, **chosen, **earned)


@pytest.mark.parametrize("kind", ELSEWHERE)
@given(log=rows, chosen=rules, earned=earnings, extra=extras)
@settings(max_examples=4, phases=FAST)
def test_engines_carry_what_the_oracle_carries(
    kind: str,
    tmp_path_factory: pytest.TempPathFactory,
    log: list[Row],
    chosen: dict[str, Any],
    earned: dict[str, str],
    extra: dict[str, Any],
) -> None:
    """So they are in Polars and DuckDB and from files."""
    source = ELSEWHERE[kind](log, tmp_path_factory.mktemp("log"))
    check(source, log, extra=extra, **chosen, **earned)


def simple(**columns: Any) -> dict[str, Any]:
    """Return the columns of a log of two customers, the first with three orders on two days."""
    return {"customer_id": [1, 1, 1, 2, 2], "date": DAYS, "amount": [1.0, 2.0, 4.0, 8.0, 16.0], **columns}


def sources(columns: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a log as one kind of input for each way in which logs are read."""
    frame = pl.DataFrame(columns, strict=False)
    frame.write_csv(folder / "orders.csv")
    return {
        "pandas": pd.DataFrame(columns),
        "Polars": frame,
        "relation": duckdb.connect().from_arrow(frame.to_arrow()),
        "CSV": folder / "orders.csv",
    }


WAYS = ("pandas", "Polars", "relation", "CSV")
every_way = pytest.mark.parametrize("way", WAYS)


def carried(source: Any, extra: Any, **options: Any) -> list[list[Any]]:
    """Return the values of the further columns."""
    found = records(vt.summarize(source, extra=extra, as_="polars", **options).customers)
    return [[row[name] for row in found] for name in extra]


# --- columns and types ------------------------------------------------------------------------

TYPES: dict[str, Any] = {
    "sum": pl.Float64,
    "mean": pl.Float64,
    "n_unique": pl.Int64,
}


@every_kind
def test_columns_have_the_same_names_order_and_types_everywhere(kind: str, tmp_path: Path) -> None:
    """Earnings come after the plain columns, then the further ones as they were asked for."""
    log = [Row(1, DAYS[0], 1000, 1, 1, "EUR", 500, "web", 2, 0.5, True)]
    table = vt.summarize(KINDS[kind](log, tmp_path), cost="cost", extra=EXTRA, as_="polars").customers
    assert table.columns[10:] == ["cost", "profit", "margin", *EXTRA]
    own = {"channel": pl.String, "units": pl.Int64, "score": pl.Float64, "vip": pl.Boolean}
    for name, (column, how) in EXTRA.items():
        assert table.schema[name] == TYPES.get(how, own[column]), name
    assert table.select("cost", "profit", "margin").dtypes == [pl.Float64] * 3


def test_margin_alone_brings_profit_and_margin() -> None:
    """Where the log has what is earned, there is no cost to show."""
    table = vt.summarize(pd.DataFrame(simple(earned=[1.0, 1.0, 1.5, 6.0, 6.0])), margin="earned").customers
    assert table.columns.tolist()[10:] == ["profit", "margin"]
    assert table[["profit", "margin"]].to_numpy().tolist() == [[3.5, 0.5], [12.0, 0.5]]


@pytest.mark.parametrize("as_", ["pandas", "polars", "arrow", "relation"])
@every_way
def test_further_columns_come_in_the_kind_of_table_asked_for(way: str, as_: str, tmp_path: Path) -> None:
    """as_= hands the further columns on."""
    log = sources(simple(channel=["a", "b", "b", None, None]), tmp_path)[way]
    found = records(vt.summarize(log, extra={"channels": ("channel", "n_unique")}, as_=as_).customers)
    assert [row["channels"] for row in found] == [2, 0]


@pytest.mark.parametrize("as_", [None, "pandas"])
def test_an_ibis_table_carries_them_too(as_: str | None) -> None:
    """Ibis computes the further columns in its engine."""
    frame = pl.DataFrame(simple(channel=["a", "b", "b", None, None], cost=[0.5, 1.0, 2.0, 2.0, 10.0]))
    extra = {"channels": ("channel", "n_unique"), "last": ("channel", "last"), "paid": ("cost", "sum")}
    found = vt.summarize(ibis.memtable(frame.to_arrow()), cost="cost", extra=extra, as_=as_).customers
    table = found if as_ else found.to_pyarrow().to_pandas()
    assert table["channels"].tolist() == [2, 0]
    assert table["last"].tolist()[0] == "b"
    assert table["paid"].tolist() == table["cost"].tolist() == [3.5, 12.0]
    assert table["profit"].tolist() == [3.5, 12.0]


# --- what each aggregate means ----------------------------------------------------------------


@every_way
def test_missing_values_do_not_count(way: str, tmp_path: Path) -> None:
    """NaN and null are skipped; of nothing the sum is 0, the count 0 and all else missing."""
    log = sources(simple(score=[None, 3.0, float("nan"), None, float("nan")]), tmp_path)[way]
    extra = {how: ("score", how) for how in ("sum", "mean", "min", "max", "first", "last")}
    assert carried(log, extra) == [[3.0, 0.0], *[[3.0, None]] * 5]
    assert carried(log, {"scores": ("score", "n_unique")}) == [[1, 0]]


@every_way
def test_of_several_values_at_one_time_the_smallest_is_taken(way: str, tmp_path: Path) -> None:
    """First and last do not depend on the order of the rows."""
    log = sources(simple(channel=["b", "z", "y", "d", "c"], date=[DAYS[0], *DAYS[1:3] * 2]), tmp_path)[way]
    assert carried(log, {"head": ("channel", "first"), "end": ("channel", "last")}) == [
        ["b", "c"],
        ["y", "c"],
    ]


@every_way
def test_first_and_last_are_the_first_and_last_known(way: str, tmp_path: Path) -> None:
    """A gap at either end is passed over."""
    log = sources(simple(channel=[None, "b", None, "d", None]), tmp_path)[way]
    assert carried(log, {"head": ("channel", "first"), "end": ("channel", "last")}) == [
        ["b", "d"],
        ["b", "d"],
    ]


@every_way
@pytest.mark.parametrize("drop", [{"refunds": "drop"}, {"duplicates": "drop"}, {"as_of": "2024-01-03"}])
def test_rows_that_are_left_out_bring_nothing(way: str, drop: dict[str, str], tmp_path: Path) -> None:
    """What is dropped as refund, as repeated or as too late has no cost and no channel."""
    columns = simple(
        amount=[1.0, 2.0, 2.0, 8.0, -3.0], channel=["a", "b", "c", "d", "e"], cost=[1.0, 1.0, 2.0, 3.0, 5.0]
    )
    log = sources(columns, tmp_path)[way]
    extra = {"channels": ("channel", "n_unique"), "paid": ("cost", "sum")}
    wanted = {
        "refunds": [[3, 1], [4.0, 3.0]],
        "duplicates": [[2, 2], [2.0, 8.0]],
        "as_of": [[3, 1], [4.0, 3.0]],
    }
    assert carried(log, extra, **drop) == wanted[next(iter(drop))]


@every_way
def test_an_order_that_is_refunded_takes_its_lines_along(way: str, tmp_path: Path) -> None:
    """With order ids a refund is a whole order: none of its lines counts if it is dropped."""
    columns = simple(
        amount=[1.0, 2.0, -4.0, 8.0, 16.0], order=[1, 2, 2, 3, 4], channel=["a", "b", "c", "d", "d"]
    )
    log = sources(columns, tmp_path)[way]
    extra = {"channels": ("channel", "n_unique")}
    assert carried(log, extra, order_id="order", refunds="drop") == [[1, 1]]
    assert carried(log, extra, refunds="drop") == [[2, 1]]


@every_way
def test_the_share_of_nothing_is_missing(way: str, tmp_path: Path) -> None:
    """Where purchases and refunds cancel out but for rounding, or less than nothing is spent, there is no margin."""
    columns = simple(amount=[0.1, 0.2, -0.3, 8.0, -9.0], cost=[1.0, 1.0, 1.0, 2.0, 0.0])
    columns["customer_id"] = [1, 1, 1, 2, 2]
    table = records(vt.summarize(sources(columns, tmp_path)[way], cost="cost", as_="polars").customers)
    assert [row["margin"] for row in table] == [None, None]
    assert [row["profit"] for row in table] == pytest.approx([-3.0, -3.0])


def test_the_order_of_the_rows_changes_nothing() -> None:
    """Shuffled, the log gives the same further columns."""
    log = [
        Row(who % 3, DAYS[who % 5], 100, 1, None, "EUR", 50, "abc"[who % 2], who % 4, 0.5, who % 2 == 0)
        for who in range(30)
    ]
    frame = as_pandas(log)
    wanted = vt.summarize(frame, cost="cost", extra=EXTRA).customers
    found = vt.summarize(frame.sample(frac=1, random_state=3), cost="cost", extra=EXTRA).customers
    pd.testing.assert_frame_equal(found, wanted)


@every_way
def test_numbers_of_a_csv_are_not_lost_where_text_comes_late(way: str, tmp_path: Path) -> None:
    """A column that looks like numbers or dates at its beginning keeps every value."""
    n = 30_000
    texts = [*["7"] * n, "seven"]
    columns = {
        "customer_id": [1] * (n + 1), "date": [DAYS[0]] * n + [DAYS[1]], "amount": [1.0] * (n + 1),
        "code": texts, "born": ["31/12/1990"] * (n + 1),
    }  # fmt: skip
    log = sources(columns, tmp_path)[way]
    extra = {"codes": ("code", "n_unique"), "code": "last", "born": "first"}
    assert carried(log, extra) == [[2], ["seven"], ["31/12/1990"]]
    with pytest.raises(vt.InvalidDataError, match=r"^code must hold numbers, got values of type (S|s)tring"):
        vt.summarize(log, extra={"total": ("code", "sum")})


# --- names ------------------------------------------------------------------------------------

# What the queries and frames call their own columns and tables, and what needs quotes.
HOSTILE = [
    "customer", "first", "last", "rows", "born", "last_seen", "repeat_purchases", "key", "lines", "customers",
    "small", "at", "order", "child", "rate", "gross", "seen", "extra_1", "extra_0", 'it\'s "q"', "a.b", "客户 名",
]  # fmt: skip


@every_way
def test_further_columns_may_have_any_name(way: str, tmp_path: Path) -> None:
    """No name that the definition uses itself, and none that needs quotes, changes a value."""
    log = sources(simple(channel=["a", "b", "b", None, None], units=[1, 2, 3, 4, 5]), tmp_path)[way]
    plain = records(vt.summarize(log, as_="polars").customers)
    extra = {
        name: ("units", "sum") if place % 2 else ("channel", "first") for place, name in enumerate(HOSTILE)
    }
    found = records(vt.summarize(log, extra=extra, cost="units", as_="polars").customers)
    assert list(found[0])[10:] == ["cost", "profit", "margin", *HOSTILE]
    assert [{name: row[name] for name in plain[0]} for row in found] == plain
    for place, name in enumerate(HOSTILE):
        assert [row[name] for row in found] == ([6.0, 9.0] if place % 2 else ["a", None]), name


@every_way
def test_columns_of_the_log_may_have_any_name(way: str, tmp_path: Path) -> None:
    """Neither has a column of the log."""
    columns = {name: ["a", f"{place}", "b", None, None] for place, name in enumerate(HOSTILE)}
    log = sources(simple(**columns), tmp_path)[way]
    assert carried(log, dict.fromkeys(HOSTILE, "min")) == [
        [f"{place}", None] for place in range(len(HOSTILE))
    ]


@every_way
def test_a_column_may_have_several_roles(way: str, tmp_path: Path) -> None:
    """Amount, date and customer can be aggregated, too, and a cost may be summed as well."""
    log = sources(simple(cost=[1.0, 1.0, 1.0, 2.0, 2.0]), tmp_path)[way]
    extra = {"largest": ("amount", "max"), "ids": ("customer_id", "n_unique"), "days": ("date", "n_unique")}
    assert carried(log, {**extra, "paid": ("cost", "sum")}, cost="cost") == [
        [4.0, 16.0],
        [1, 1],
        [2, 2],
        [3.0, 4.0],
    ]


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extra", "match"),
    [
        ({"a": ("units", "summ")}, r"^extra\['a'\] must be one of \['sum'.*\], got 'summ'\. Did you mean 'sum'\?"),
        ({"a": ("units", "median")}, r"^extra\['a'\] must be one of \['sum'.*\], got 'median'"),
        ({"a": ("units",)}, r"^extra\['a'\] must be an aggregate, or a column.*got \('units',\)"),
        ({"a": ("units", "sum", 1)}, r"^extra\['a'\] must be an aggregate, or a column"),
        ({"a": (["units"], "sum")}, r"^extra\['a'\] must be an aggregate, or a column"),
        ({"a": None}, r"^extra\['a'\] must be an aggregate, or a column.*got None"),
        ({1: ("units", "sum")}, r"^extra must have text as names of new columns, got 1"),
        ([("units", "sum")], r"^extra must map names of new columns"),
        ({"spend": ("units", "sum")}, r"^extra cannot make a column called 'spend'.*Choose another name"),
        ({"profit": ("units", "sum")}, r"^extra cannot make a column called 'profit'"),
        ({"X": ("units", "sum")}, r"^extra cannot make a column called 'X'"),
        ({"a": "sum", "A": "sum"}, r"^extra cannot make a column called 'A'"),
    ],
)  # fmt: skip
def test_what_is_badly_said_is_refused(extra: Any, match: str) -> None:
    """Unknown aggregates, half a wish and names that are taken, if only in another case, are refused."""
    with pytest.raises(vt.InvalidParameterError, match=match):
        vt.summarize(pd.DataFrame(simple(units=1)), extra=extra)


@every_way
def test_a_column_that_is_not_there_is_refused(way: str, tmp_path: Path) -> None:
    """Whatever role it has, with what was probably meant."""
    log = sources(simple(channel=["a"] * 5), tmp_path)[way]
    for options in ({"extra": {"n": ("chanel", "n_unique")}}, {"cost": "chanel"}, {"margin": "chanel"}):
        with pytest.raises(vt.MissingColumnsError, match=r"lacks \['chanel'\].*Did you mean 'channel'\?"):
            vt.summarize(log, **options)


def test_cost_and_margin_exclude_each_other() -> None:
    """Either says what is earned."""
    with pytest.raises(
        vt.InvalidParameterError, match=r"^cost and margin both say what is earned\. Pass one"
    ):
        vt.summarize(pd.DataFrame(simple(units=1)), cost="units", margin="units")


@every_way
@pytest.mark.parametrize("how", ["sum", "mean"])
def test_text_cannot_be_added_up(way: str, how: str, tmp_path: Path) -> None:
    """The message has the column and the type, not an error of the engine."""
    log = sources(simple(channel=["a", "b", None, "d", "e"]), tmp_path)[way]
    with pytest.raises(
        vt.InvalidDataError, match=r"^channel must hold numbers, got values of type (S|s)tring"
    ):
        vt.summarize(log, extra={"n": ("channel", how)})


@pytest.mark.parametrize("way", ["pandas", "Polars", "relation"])
@pytest.mark.parametrize("how", ["min", "n_unique", "last"])
def test_values_without_order_are_refused(way: str, how: str, tmp_path: Path) -> None:
    """Lists can neither be told apart nor compared everywhere."""
    log = sources(simple(), tmp_path)[way]
    column: Any = [[1], [2], [3], [4], [5]]
    log = {
        "pandas": lambda: log.assign(tags=pd.Series(column)),
        "Polars": lambda: log.with_columns(tags=pl.Series(column)),
        "relation": lambda: log.project("*, [1, 2] AS tags"),
    }[way]()
    with pytest.raises(vt.InvalidDataError, match=r"^tags must hold values of one type that can be compared"):
        vt.summarize(log, extra={"tags": how})


def test_values_of_several_types_are_refused() -> None:
    """Text among numbers has no smallest value; objects that have one are taken."""
    log = pd.DataFrame(simple(mixed=pd.Series([1, "a", 2, 3, 4], dtype=object)))
    with pytest.raises(vt.InvalidDataError, match=r"^mixed must hold values of one type.*mixed-integer"):
        vt.summarize(log, extra={"mixed": "min"})
    log = log.assign(
        mixed=pd.Series([Decimal("1.5"), Decimal("0.5"), None, Decimal(4), Decimal(4)], dtype=object)
    )
    assert carried(log, {"total": ("mixed", "sum"), "n": ("mixed", "n_unique")}) == [[2.0, 8.0], [2, 1]]


def test_categories_have_the_order_of_their_values() -> None:
    """Categories of pandas without order are compared as what they are."""
    log = pd.DataFrame(simple(size=pd.Categorical(["b", "a", None, "c", "c"], categories=["c", "b", "a"])))
    extra = {"low": ("size", "min"), "sizes": ("size", "n_unique"), "end": ("size", "last")}
    assert carried(log, extra, duplicates="drop") == [["a", "c"], [2, 1], ["a", "c"]]


@every_way
def test_a_missing_cost_is_a_bad_row(way: str, tmp_path: Path) -> None:
    """Costs that are not known, or infinite, are counted like amounts."""
    log = sources(simple(cost=[1.0, None, float("inf"), 2.0, float("nan")]), tmp_path)[way]
    match = r"^cost: 3 of 5 rows have the {} missing or unreadable\. Correct them"
    for role in ("cost", "margin"):
        with pytest.raises(vt.InvalidDataError, match=match.format(role)):
            vt.summarize(log, **{role: "cost"})
    report = vt.summarize(log, cost="cost", bad_rows="drop").report
    assert [(line.reason, line.rows, line.money) for line in report.dropped] == [
        ("cost missing or unreadable", 3, 22.0)
    ]
    assert report.reconciles


def test_a_message_about_repeated_rows_names_what_they_have_in_common() -> None:
    """Neither cost nor currency makes two rows different."""
    log = pd.DataFrame(simple(cost=[1.0, 2.0, 3.0, 4.0, 5.0], amount=[1.0, 2.0, 2.0, 3.0, 4.0]))
    with pytest.raises(
        vt.InvalidDataError, match=r"^1 of 5 rows repeat another one in \['customer_id', 'date', 'amount'\]\."
    ):
        vt.summarize(log, cost="cost", duplicates="error")


@pytest.mark.parametrize("kind", ["pandas", "pandas objects", "pandas categories", "Polars", "PyArrow"])
def test_the_log_is_left_as_it_was(kind: str, tmp_path: Path) -> None:
    """Neither values nor types of the user's frame change."""
    log = [Row(1, DAYS[0], 1000, 1, None, "EUR", 500, "web", 2, 0.5, True), Row(2, DAYS[1], 100, 2)]
    used, before = (KINDS[kind](log, tmp_path) for _ in range(2))
    vt.summarize(used, cost="cost", extra=EXTRA, duplicates="drop", refunds="drop", order_id="order")
    if isinstance(used, pd.DataFrame):
        pd.testing.assert_frame_equal(used, before)
    else:
        assert used.equals(before)


def test_large_integers_keep_their_last_digits() -> None:
    """Aggregates that pick a value do not turn it into a float."""
    log = [Row(1, DAYS[0], 100, 1, units=2**60 + 1), Row(1, DAYS[1], 100, 1, units=2**60 + 3)]
    extra = {how: ("units", how) for how in ("min", "max", "first", "last")}
    for source in (as_pandas(log), as_polars(log), duckdb.connect().from_arrow(as_polars(log).to_arrow())):
        assert carried(nw.to_native(source, pass_through=True), extra) == [
            [2**60 + 1], [2**60 + 3], [2**60 + 1], [2**60 + 3],
        ]  # fmt: skip


def test_nothing_is_carried_unless_asked_for() -> None:
    """extra={} is no wish."""
    log = pd.DataFrame(simple())
    pd.testing.assert_frame_equal(vt.summarize(log, extra={}).customers, vt.summarize(log).customers)
    assert np.array_equal(
        vt.summarize(log, extra=None).customers.columns, vt.summarize(log).customers.columns
    )
