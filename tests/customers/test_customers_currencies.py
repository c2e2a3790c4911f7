"""Money of several currencies is converted at the rate of its day, and what has none is counted."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import valuetier as vt
from tests.customers.carried import (
    CONVERTED,
    Rate,
)
from tests.customers.carried_kinds import (
    WAYS,
    log_of,
    notes,
    rates_table,
    refused,
    spends,
)

every_way = pytest.mark.parametrize("way", WAYS)

# --- currencies -------------------------------------------------------------------------------

MONEY = {"money": ["EUR", "USD", "USD", "EUR"]}


@every_way
def test_the_last_rate_on_or_before_the_day_holds(way: str, tmp_path: Path) -> None:
    """A rate holds from its day; a later one does not reach back."""
    log = log_of(way, tmp_path, **MONEY)
    table = rates_table(
        [
            Rate("EUR", date(2020, 1, 1), 1.0),
            Rate("USD", date(2024, 1, 3), 4.0),
            Rate("USD", date(2023, 6, 1), 2.0),
            Rate("USD", date(2024, 1, 4), 99.0),
        ]
    )
    assert spends(log, currency="money", rates=table) == {1: 5.0, 2: 16.0, 3: 8.0}
    assert notes(log, currency="money", rates=table) == [(CONVERTED, 2, 2, 20.0)]
    late = table.assign(date=[date(2020, 1, 1), *[date(2024, 1, 3)] * 1, date(2024, 1, 5), date(2024, 1, 6)])
    refused(
        r"^money: 1 of 4 rows have the exchange rate missing\. Correct", log, currency="money", rates=late
    )


@every_way
def test_a_mapping_has_one_rate_for_all_days(way: str, tmp_path: Path) -> None:
    """Costs are converted, too; rates may be whole numbers, decimals or text of numbers."""
    log = log_of(way, tmp_path, cost=[1.0, 1.0, 1.0, 4.0], **MONEY)
    for half in (0.5, Decimal("0.5"), "0.5") if way == "pandas" else (0.5,):
        options = {"currency": "money", "rates": {"EUR": 1, "USD": half}, "cost": "cost"}
        table = vt.summarize(log, as_="pandas", **options).customers
        assert table[["spend", "cost", "profit"]].to_numpy().tolist() == [
            [2.0, 1.5, 0.5],
            [2.0, 0.5, 1.5],
            [8.0, 4.0, 4.0],
        ]


@pytest.mark.parametrize("as_table", ["pandas", "polars", "arrow", "relation", "text", "timestamps"])
@pytest.mark.parametrize("way", ["pandas", "relation"])
def test_rates_may_be_a_table_of_any_kind(way: str, as_table: str, tmp_path: Path) -> None:
    """Days of rates may be dates, datetimes or ISO text."""
    table = rates_table([Rate("EUR", date(2024, 1, 1), 1.0), Rate("USD", date(2024, 1, 1), 0.5)])
    made = {
        "pandas": lambda: table,
        "polars": lambda: pl.from_pandas(table).lazy(),
        "arrow": lambda: pa.Table.from_pandas(table),
        "relation": lambda: duckdb.connect().from_arrow(pa.Table.from_pandas(table)),
        "text": lambda: table.assign(date=["2024-01-01"] * 2),
        "timestamps": lambda: table.assign(date=pd.to_datetime(table["date"])),
    }[as_table]()
    assert spends(log_of(way, tmp_path, **MONEY), currency="money", rates=made) == {1: 2.0, 2: 2.0, 3: 8.0}


@every_way
def test_what_has_no_currency_or_rate_is_counted(way: str, tmp_path: Path) -> None:
    """Rows without either are bad rows, told apart; one currency needs no rates."""
    log = log_of(way, tmp_path, money=["EUR", "USD", None, "CNY"])
    options: dict[str, Any] = {"currency": "money", "rates": {"EUR": 1.0, "CNY": 0.5}}
    refused(r"^money: 1 of 4 .* currency missing\. money: 1 of 4 .* exchange rate missing\.", log, **options)
    report = vt.summarize(log, bad_rows="drop", **options).report
    assert [(line.reason, line.rows, line.customers, line.money) for line in report.lines] == [
        ("used", 2, 2, 5.0), ("currency missing", 1, 1, 0.0), ("exchange rate missing", 1, 1, 0.0),
    ]  # fmt: skip
    assert report.reconciles
    refused(r"^money holds 3 currencies, which cannot be added up\. Pass rates=", log, currency="money")
    one = log_of(way, tmp_path, money=["EUR"] * 4)
    assert spends(one, currency="money") == {1: 3.0, 2: 4.0, 3: 8.0}


def _rates(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {"currency": ["EUR", "USD"], "date": [date(2024, 1, 1)] * 2, "rate": [1.0, 0.5]} | columns
    )


@pytest.mark.parametrize(
    ("rates", "match"),
    [
        *[
            (_rates(rate=[1.0, bad]), r"^rates: 1 of 2 rates are not above 0\. A rate is what one unit")
            for bad in (0.0, -1.0, np.nan, np.inf, None, "two")
        ],
        ({"EUR": 1.0, "USD": 0}, "^rates: 1 of 2 rates are not above 0"),
        (_rates(currency=["USD", "USD"]), r"^rates: 1 of 2 rows repeat a currency and day\. Keep one rate a day"),
        *[
            (_rates(date=days), r"^rates: date must hold dates\. Convert the column first")
            for days in ([20240101, 20240102], ["01/02/2024"] * 2, [None, date(2024, 1, 1)], [1.5, 2.5])
        ],
        (_rates()[["currency", "rate"]], r"^rates lacks \['date'\]\. It has \['currency', 'rate'\]"),
    ],
)  # fmt: skip
def test_bad_rates_are_refused(rates: Any, match: str) -> None:
    """Rates that are no factors, days that are no dates and two rates of a day are counted and refused."""
    refused(match, log_of("pandas", Path(), **MONEY), currency="money", rates=rates)


def test_rates_need_a_currency() -> None:
    """Without currency= nobody knows which rate is meant."""
    log = log_of("pandas", Path(), **MONEY)
    refused(r"^rates needs currency=, the column of", log, vt.InvalidParameterError, rates={"EUR": 1.0})
    match = r"^rates must be a table with the columns \['currency', 'date', 'rate'\] or a mapping, got float"
    refused(match, log, vt.InvalidParameterError, currency="money", rates=0.5)
    refused(r"lacks \['monney'\].*Did you mean 'money'", log, vt.MissingColumnsError, currency="monney")
