"""Further columns may have any name, and what cannot be aggregated is refused by column and type."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

import valuetier as vt
from tests.customers.carried_kinds import (
    WAYS,
    carried,
    simple,
    sources,
)
from tests.customers.logs import records

every_way = pytest.mark.parametrize("way", WAYS)


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
