"""Order logs for the tests, and what a customer table and a report are, in plain Python.

The oracle knows dicts, dates and whole cents: no frame, no array, no floating-point sum.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import narwhals as nw
import pandas as pd
from hypothesis import strategies as st

START = datetime(2023, 12, 20)
WHOLE_COLUMNS = ("orders", "recency_days", "x")
DAY_COLUMNS = ("t_x", "T")
MONEY_COLUMNS = ("spend", "m_x")


class Order(NamedTuple):
    """A row of a log; None is missing, and infinite cents are float infinity."""

    customer: Any
    at: datetime | None
    cents: float | None
    order: int | None

    @property
    def amount(self) -> float:
        """The amount in the log's money."""
        return math.nan if self.cents is None else self.cents / 100


class Total(NamedTuple):
    """Rows of the log that share a fate: how many, of how many customers, with how much money."""

    rows: int
    customers: int
    cents: int


class Basket(NamedTuple):
    """What is judged as one purchase or refund: a row, or all rows of an order id."""

    customer: Any
    at: datetime
    cents: int
    rows: int


@dataclass
class Expected:
    """What ``summarize`` must say of a log."""

    table: dict[Any, dict[str, Any]]
    gross: dict[Any, int]
    lines: dict[str, Total]
    whole: Total
    refunds: Total
    duplicates: int
    as_of: date


# --- the oracle -------------------------------------------------------------------------------


def expected(
    orders: list[Order],
    *,
    as_of: date | None = None,
    period: str = "D",
    refunds: str = "net",
    duplicates: str = "keep",
    order_id: str | None = None,
    telling: list[Any] | None = None,
) -> Expected | None:
    """Return what ``summarize`` must say, None where it must refuse the log.

    ``telling`` is what tells otherwise equal rows apart; given only for logs without bad rows.
    """
    fates: dict[str, list[Any]] = defaultdict(list)
    for order in orders:
        fates[_fate(order, as_of, order_id)].append(order)
    good = fates.pop("good", [])
    if not good:
        return None
    last_day = as_of or max(order.at.date() for order in good)
    different, repeated = _split_repeated(good, order_id, telling or [None] * len(good))
    if duplicates == "drop" and repeated:
        good = different
        fates["duplicate"] = repeated
    baskets = _baskets(good, order_id)
    if refunds == "drop":
        dropped = [basket for basket in baskets if basket.cents < 0]
        baskets = [basket for basket in baskets if basket.cents >= 0]
        if dropped:
            fates["refund dropped"] = dropped
    buyers = {basket.customer for basket in baskets if basket.cents >= 0}
    used = [basket for basket in baskets if basket.customer in buyers]
    without = [basket for basket in baskets if basket.customer not in buyers]
    if without:
        fates["refund of a customer without order"] = without
    if not used:
        return None
    table = {who: [b for b in used if b.customer == who] for who in sorted(buyers)}
    end = _end(table, last_day, period)
    return Expected(
        table={who: _customer(own, last_day, end, period) for who, own in table.items()},
        gross={who: sum(abs(basket.cents) for basket in own) for who, own in table.items()},
        lines={"used": _total(used), **{fate: _total(rows) for fate, rows in fates.items()}},
        whole=_total(orders),
        refunds=_total([basket for basket in used if basket.cents < 0]),
        duplicates=len(repeated),
        as_of=last_day,
    )


def _fate(order: Order, as_of: date | None, order_id: str | None) -> str:
    if order.customer is None:
        return "customer missing"
    if order.at is None:
        return "date missing or unreadable"
    if order.cents is None:
        return "amount missing or unreadable"
    if math.isinf(order.cents):
        return "amount infinite"
    if order_id is not None and order.order is None:
        return "order id missing"
    if as_of is not None and order.at.date() > as_of:
        return "after as_of"
    return "good"


def _split_repeated(
    orders: list[Order], order_id: str | None, telling: list[Any]
) -> tuple[list[Order], list[Order]]:
    seen, different, repeated = set(), [], []
    for order, mark in zip(orders, telling, strict=True):
        key = (*(order if order_id is not None else order[:3]), mark)
        (repeated if key in seen else different).append(order)
        seen.add(key)
    return different, repeated


def _baskets(orders: list[Order], order_id: str | None) -> list[Basket]:
    if order_id is None:
        return [Basket(order.customer, order.at, order.cents, 1) for order in orders]
    groups: dict[Any, list[Order]] = defaultdict(list)
    for order in orders:
        groups[order.customer, order.order].append(order)
    return [
        Basket(who, min(o.at for o in own), sum(o.cents for o in own), len(own))
        for (who, _), own in groups.items()
    ]


def _total(rows: list[Any]) -> Total:
    return Total(
        sum(getattr(row, "rows", 1) for row in rows),
        len({row.customer for row in rows} - {None}),
        sum(row.cents for row in rows if row.cents is not None and math.isfinite(row.cents)),
    )


def _clock(at: datetime, period: str) -> float:
    """Return a time in days; of the hours only ``period="h"`` knows."""
    return (at.toordinal() * 24 + at.hour) / 24 if period == "h" else at.toordinal()


def _end(table: dict[Any, list[Basket]], last_day: date, period: str) -> float:
    last_order = max(b.at for own in table.values() for b in own if b.cents >= 0)
    return max(last_day.toordinal(), _clock(last_order, period))


def _customer(own: list[Basket], last_day: date, end: float, period: str) -> dict[str, Any]:
    occasions: dict[Any, list[Basket]] = defaultdict(list)
    bought = [basket for basket in own if basket.cents >= 0]
    for basket in bought:
        occasions[_period(basket.at, period)].append(basket)
    keys = sorted(occasions)
    opened = [_clock(min(basket.at for basket in occasions[key]), period) for key in keys]
    repeat = sum(basket.cents for key in keys[1:] for basket in occasions[key])
    first, last = min(b.at for b in bought), max(b.at for b in bought)
    return {
        "first_order": first.date(),
        "last_order": last.date(),
        "orders": len(keys),
        "spend": sum(basket.cents for basket in own) / 100,
        "recency_days": (last_day - last.date()).days,
        "x": len(keys) - 1,
        "t_x": opened[-1] - opened[0],
        "T": end - opened[0],
        "m_x": repeat / (len(keys) - 1) / 100 if len(keys) > 1 else None,
    }


def _period(at: datetime, period: str) -> Any:
    if period == "h":
        return at.replace(minute=0, second=0)
    return at.isocalendar()[:2] if period == "W" else at.date()


# --- comparing --------------------------------------------------------------------------------


def records(customers: Any) -> list[dict[str, Any]]:
    """Return a customer table of any kind as plain rows; missing numbers are None."""
    frame = nw.from_native(customers)
    names = frame.collect_schema().names()
    if isinstance(frame, nw.LazyFrame):
        rows = customers.fetchall()
    else:
        rows = zip(*(frame[name].to_list() for name in names), strict=True)
    return [dict(zip(names, map(_plain, row), strict=True)) for row in rows]


def _plain(value: Any) -> Any:
    missing = value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))
    return None if missing else value


def assert_is(summary: Any, wanted: Expected) -> None:
    """Assert that table, report and last day are those of the oracle, in order of the ids."""
    assert summary.as_of == wanted.as_of
    found = records(summary.customers)
    assert [row["customer_id"] for row in found] == list(wanted.table)
    for row in found:
        who = row["customer_id"]
        _assert_customer(row, wanted.table[who], tolerance=1e-12 * wanted.gross[who] / 100)
    assert_report_is(summary.report, wanted)


def _assert_customer(row: dict[str, Any], wanted: dict[str, Any], tolerance: float) -> None:
    for name in ("first_order", "last_order"):
        assert row[name] == datetime.combine(wanted[name], datetime.min.time()), name
    for name in WHOLE_COLUMNS:
        assert row[name] == wanted[name], name
    for name in DAY_COLUMNS:
        assert math.isclose(row[name], wanted[name], rel_tol=1e-12, abs_tol=1e-9), name
    for name in MONEY_COLUMNS:
        if wanted[name] is None:
            assert row[name] is None, name
        else:
            assert abs(row[name] - wanted[name]) <= tolerance, name


def assert_report_is(report: Any, wanted: Expected) -> None:
    """Assert rows, customers and money of every reason, and of the whole log."""
    found = {line.reason: (line.rows, line.customers) for line in report.lines}
    assert found == {reason: (total.rows, total.customers) for reason, total in wanted.lines.items()}
    for line in report.lines:
        assert math.isclose(line.money, wanted.lines[line.reason].cents / 100, abs_tol=1e-6)
    assert (report.rows, report.customers) == (wanted.whole.rows, wanted.whole.customers)
    assert math.isclose(report.money, wanted.whole.cents / 100, abs_tol=1e-6)
    assert (report.refunds.rows, report.refunds.customers) == wanted.refunds[:2]
    assert math.isclose(report.refunds.money, wanted.refunds.cents / 100, abs_tol=1e-6)
    assert report.duplicates == wanted.duplicates
    assert report.reconciles


# --- strategies -------------------------------------------------------------------------------

# Few customers, days, hours and amounts: repeats, ties and refunds that cancel are common.
times = st.builds(
    lambda day, hour, minute: START + timedelta(days=day, hours=hour, minutes=minute),
    st.integers(0, 24),
    st.sampled_from((0, 9, 10, 23)),
    st.sampled_from((0, 20, 59)),
)
cents = st.sampled_from((0, 1010, 1010, 2020, 2999, 12345, -3030, -1010))
customers = st.integers(1, 6)
order_ids = st.integers(1, 3)

good_rows = st.builds(Order, customers, times, cents, order_ids)
bad_rows = st.one_of(
    st.builds(Order, st.none(), times, cents, order_ids),
    st.builds(Order, customers, st.none(), cents, order_ids),
    st.builds(Order, customers, times, st.sampled_from((None, math.inf, -math.inf)), order_ids),
    st.builds(Order, customers, times, cents, st.none()),
    st.builds(Order, st.none(), st.none(), st.none(), st.none()),
)


def _mixed(good: list[Order], bad: list[Order], again: list[int], seed: int) -> list[Order]:
    rows = [*good, *bad, *(good[place % len(good)] for place in again)]
    random.Random(seed).shuffle(rows)
    return rows


good_orders = st.lists(good_rows, min_size=1, max_size=40)
any_orders = st.builds(
    _mixed,
    good=st.lists(good_rows, min_size=12, max_size=40),
    bad=st.lists(bad_rows, max_size=8),
    again=st.lists(st.integers(0, 99), max_size=4),
    seed=st.integers(0, 999),
)
as_of_days = st.sampled_from((None, None, None, 30, 24, 18, 12, 12, 0, -1)).map(
    lambda days: None if days is None else (START + timedelta(days=days)).date()
)
options = st.fixed_dictionaries(
    {
        "period": st.sampled_from(("D", "h", "W")),
        "refunds": st.sampled_from(("net", "net", "drop")),
        "duplicates": st.sampled_from(("keep", "drop")),
        "order_id": st.sampled_from((None, "order")),
        "as_of": as_of_days,
    }
)
