"""Order logs with costs, currencies, parent accounts and further columns, and what ``summarize`` must say of them.

The oracle prepares and judges each row by itself, lets the one of :mod:`tests.customers.logs` count the good rows,
and aggregates the further columns over lists.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import strategies as st

from tests.customers import logs
from tests.customers.logs import START, Expected, Order, Total, records

ROLLED_UP = "rolled up to a parent account"
CONVERTED = "converted from another currency"
MATCHED = "refund netted with the order it names"
UNMATCHED = "refund that names an order not in the log"
EPOCH = datetime(1970, 1, 1)  # the day of a line without one, as far as its money is concerned

# Every aggregate of every type that has it.
EXTRA: dict[str, Any] = {
    f"{how} of {column}": (column, how)
    for column, hows in {
        "channel": ("min", "max", "n_unique", "first", "last"),
        "units": ("sum", "mean", "min", "max", "n_unique", "first", "last"),
        "score": ("sum", "mean", "min", "max", "n_unique", "first", "last"),
        "vip": ("sum", "mean", "min", "max", "n_unique", "first", "last"),
    }.items()
    for how in hows
}


class Row(NamedTuple):
    """A row of a log; None is missing, money is in cents and infinite cents are float infinity."""

    customer: int | None
    at: datetime | None
    cents: float | None
    order: int | None
    refund_of: int | None = None
    money: str | None = "EUR"
    cost: float | None = 0
    channel: str | None = None
    units: int | None = None
    score: float | None = None
    vip: bool | None = None


class Rate(NamedTuple):
    """What one unit of a currency is worth from a day on."""

    currency: str
    date: date
    rate: float


@dataclass
class Carried:
    """What ``summarize`` must say: the table and report of plain orders, further columns, notes."""

    plain: Expected
    further: dict[Any, dict[str, Any]]
    notes: dict[str, Total]
    scale: dict[Any, float]


# --- the oracle -------------------------------------------------------------------------------


def expected(
    rows: list[Row],
    *,
    as_of: date | None = None,
    since: date | None = None,
    order_id: str | None = None,
    refund_of: str | None = None,
    cost: str | None = None,
    margin: str | None = None,
    currency: str | None = None,
    rates: list[Rate] | None = None,
    parents: dict[int, int] | None = None,
    extra: dict[str, tuple[str, str]] | None = None,
    **rules: Any,
) -> Carried | None:
    """Return what ``summarize`` must say, None where it must refuse the log."""
    needs = {"currency": currency, "rate": rates, "order": order_id, "cost": cost or margin}
    reason = "cost" if cost else "margin"
    fates: dict[str, list[Order]] = defaultdict(list)
    good: list[tuple[Row, Row, float | None]] = []  # as it came, as it counts, its rate
    for row in rows:
        rate = None if rates is None else _rate(row, rates)
        line = _prepared(row, rate, parents or {}, converts=rates is not None, by_order=refund_of is not None)
        fate = _fate(line, rate, needs, reason, as_of, since)
        fates[fate].append(_order(line))
        if fate == "good":
            good.append((row, line, rate))
    whole = [order for own in fates.values() for order in own]
    used = fates.pop("good", [])
    if not used:
        return None
    last_day = as_of or max(order.at.date() for order in used)
    marks = [(row.customer, row.money if currency else None) for row, _, _ in good]
    plain = logs.expected(used, as_of=last_day, order_id=order_id, telling=marks, **rules)
    if plain is None:
        return None
    lines = {**plain.lines, **{fate: logs._total(own) for fate, own in fates.items()}}
    plain = replace(plain, lines=lines, whole=logs._total(whole))
    counted = _counted([line for _, line, _ in good], marks, order_id, **rules)
    own = {who: [line for line in counted if line.customer == who] for who in plain.table}
    return Carried(
        plain,
        {who: _further(own[who], plain.table[who]["spend"], cost, margin, extra or {}) for who in own},
        _notes(good, refund_of),
        {who: plain.gross[who] + sum(abs(line.cost or 0) for line in own[who]) for who in own},
    )


def _rate(row: Row, rates: list[Rate]) -> float | None:
    """Return the last rate of the currency on or before the day of the row."""
    day = (row.at or EPOCH).date()
    known = [rate for rate in rates if rate.currency == row.money and rate.date <= day]
    return max(known, key=lambda rate: rate.date).rate if known else None


def _prepared(
    row: Row, rate: float | None, parents: dict[int, int], *, converts: bool, by_order: bool
) -> Row:
    who = row.customer
    while who in parents:
        who = parents[who]
    if by_order and row.refund_of is not None:
        row = row._replace(order=row.refund_of)
    if converts:
        row = row._replace(cents=_times(row.cents, rate), cost=_times(row.cost, rate))
    return row._replace(customer=who)


def _times(cents: float | None, rate: float | None) -> float | None:
    return None if cents is None or rate is None else cents * rate


def _order(row: Row) -> Order:
    return Order(row.customer, row.at, row.cents, row.order)


def _fate(
    row: Row,
    rate: float | None,
    needs: dict[str, Any],
    reason: str,
    as_of: date | None,
    since: date | None,
) -> str:
    faults = {
        "customer missing": row.customer is None,
        "date missing or unreadable": row.at is None,
        "currency missing": needs["currency"] is not None and row.money is None,
        "exchange rate missing": needs["rate"] is not None and rate is None,
        "amount missing or unreadable": row.cents is None,
        "amount infinite": row.cents is not None and math.isinf(row.cents),
        "order id missing": needs["order"] is not None and row.order is None,
        f"{reason} missing or unreadable": needs["cost"] is not None
        and (row.cost is None or not math.isfinite(row.cost)),
        "after as_of": row.at is not None and as_of is not None and row.at.date() > as_of,
        "before since": row.at is not None and since is not None and row.at.date() < since,
    }
    return next((fault for fault, there in faults.items() if there), "good")


def _counted(
    lines: list[Row], marks: list[Any], order_id: str | None, *, refunds: str, duplicates: str, **_: Any
) -> list[Row]:
    """Return the lines that further columns are made of: without what is dropped."""
    if duplicates == "drop":
        again: dict[Any, list[Row]] = defaultdict(list)
        for line, mark in zip(lines, marks, strict=True):
            again[(*_order(line)[: 4 if order_id else 3], mark)].append(line)
        lines = [
            own[0]._replace(
                **{
                    name: min(_known(own, name), default=None)
                    for name in ("cost", "channel", "units", "score", "vip")
                }
            )
            for own in again.values()
        ]
    if refunds != "drop":
        return lines
    if order_id is None:
        return [line for line in lines if line.cents >= 0]
    total: dict[Any, float] = defaultdict(float)
    for line in lines:
        total[line.customer, line.order] += line.cents
    return [line for line in lines if total[line.customer, line.order] >= 0]


def _known(lines: list[Row], name: str) -> list[Any]:
    values = [getattr(line, name) for line in lines]
    return [value for value in values if value is not None and value == value]


def _further(
    lines: list[Row], spend: float, cost: str | None, margin: str | None, extra: dict[str, tuple[str, str]]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    total = sum(line.cost or 0 for line in lines) / 100
    if cost:
        found["cost"] = total
    if cost or margin:
        found["profit"] = spend - total if cost else total
        found["margin"] = found["profit"] / spend if spend > 0 else None
    return found | {name: _aggregate(lines, column, how) for name, (column, how) in extra.items()}


def _aggregate(lines: list[Row], column: str, how: str) -> Any:
    known = _known(lines, column)
    if how in ("sum", "n_unique"):
        return float(sum(known)) if how == "sum" else len(set(known))
    if not known:
        return None
    if how == "mean":
        return sum(known) / len(known)
    if how in ("first", "last"):
        there = [line for line in lines if _known([line], column)]
        end = (min if how == "first" else max)(line.at for line in there)
        return min(getattr(line, column) for line in there if line.at == end)
    return min(known) if how == "min" else max(known)


def _notes(good: list[tuple[Row, Row, float | None]], refund_of: str | None) -> dict[str, Total]:
    children = [
        _order(line)._replace(customer=row.customer) for row, line, _ in good if row.customer != line.customer
    ]
    converted = [_order(line) for _, line, rate in good if rate not in (None, 1.0)]
    orders = {(line.customer, line.order) for row, line, _ in good if row.refund_of is None}
    refunds = [_order(line) for row, line, _ in good if refund_of and row.refund_of is not None]
    found = {
        ROLLED_UP: children,
        CONVERTED: converted,
        MATCHED: [order for order in refunds if (order.customer, order.order) in orders],
        UNMATCHED: [order for order in refunds if (order.customer, order.order) not in orders],
    }
    return {reason: logs._total(own) for reason, own in found.items() if own}


# --- comparing --------------------------------------------------------------------------------


def assert_is(summary: Any, wanted: Carried) -> None:
    """Assert that table, report and notes are those of the oracle, further columns in their order."""
    logs.assert_is(summary, wanted.plain)
    for row in records(summary.customers):
        own = wanted.further[row["customer_id"]]
        assert list(row)[10:] == list(own)
        for name, value in own.items():
            _assert_equal(name, row[name], value, 1e-12 * (1 + wanted.scale[row["customer_id"]] / 100))
    found = {note.reason: (note.rows, note.customers) for note in summary.report.notes}
    assert found == {reason: tuple(total[:2]) for reason, total in wanted.notes.items()}
    for note in summary.report.notes:
        assert math.isclose(note.money, wanted.notes[note.reason].cents / 100, abs_tol=1e-6)


def _assert_equal(name: str, found: Any, wanted: Any, tolerance: float) -> None:
    if isinstance(wanted, float):
        assert math.isclose(found, wanted, rel_tol=1e-9, abs_tol=tolerance), name
    else:
        assert (found is None) == (wanted is None), name
        assert found == wanted, name


# --- strategies -------------------------------------------------------------------------------

# Rates are powers of two: with them money stays exact, and equal amounts stay equal.
some_rates = st.lists(
    st.builds(
        Rate,
        st.sampled_from(("EUR", "USD", "CNY")),
        st.sampled_from((-400, 0, 5, 12, 20, 90)).map(lambda days: (START + timedelta(days=days)).date()),
        st.sampled_from((0.25, 0.5, 1.0, 1.0, 2.0)),
    ),
    min_size=2,
    max_size=8,
    unique_by=lambda rate: rate[:2],
)
costs = st.sampled_from((0, 100, 505, 1010, -505, 700))
details: dict[str, Any] = {
    "cost": costs,
    "channel": st.sampled_from(("app", "web", "shop", "网店", None)),
    "units": st.sampled_from((0, 1, 2, 2, 7, None)),
    "score": st.sampled_from((-1.5, 0.0, 0.25, 4.0, None, math.nan)),
    "vip": st.sampled_from((True, False, None)),
}


def rows_of(**fields: Any) -> st.SearchStrategy[Row]:
    """Return the strategy of good rows with some fields replaced."""
    good = {
        "customer": logs.customers,
        "at": logs.times,
        "cents": logs.cents,
        "order": logs.order_ids,
        "refund_of": st.one_of(st.none(), st.none(), st.integers(1, 4)),
        "money": st.sampled_from(("EUR", "EUR", "USD", "CNY")),
        **details,
    }
    return st.builds(Row, **(good | fields))


bad_rows = st.one_of(
    rows_of(customer=st.none()),
    rows_of(at=st.none()),
    rows_of(cents=st.sampled_from((None, math.inf, -math.inf))),
    rows_of(order=st.none()),
    rows_of(money=st.none()),
    rows_of(cost=st.sampled_from((None, math.inf))),
    rows_of(
        customer=st.none(), at=st.none(), cents=st.none(), order=st.none(), money=st.none(), cost=st.none()
    ),
)
# A row in which nothing is missing, so that no column is without type in a CSV file.
WHOLE = Row(1, START, 1010, 1, 1, "EUR", 505, "web", 2, 0.25, True)
rows = st.builds(
    lambda good, bad, again: [WHOLE, *good, *bad, *(good[place % len(good)] for place in again)],
    st.lists(rows_of(), min_size=8, max_size=30),
    st.lists(bad_rows, max_size=5),
    st.lists(st.integers(0, 99), max_size=4),
)
rules = st.fixed_dictionaries(
    {
        "period": st.sampled_from(("D", "h", "W")),
        "refunds": st.sampled_from(("net", "net", "drop")),
        "duplicates": st.sampled_from(("keep", "drop")),
        "order_id": st.sampled_from((None, "order")),
    }
)
