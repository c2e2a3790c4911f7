"""Order logs in pandas: the definition of the customer table on arrays, several times as fast.

Means the same as :mod:`valuetier.customers.definition`; tests hold both to equality.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier._core.history import (
    History,
    Integers,
    Visits,
    customer_time_order,
    distinct_visits,
    history,
    repeated_rows,
)
from valuetier._validate import Floats
from valuetier.customers.definition import ROUNDING
from valuetier.customers.ledger import (
    AFTER,
    BAD,
    BEFORE,
    DUPLICATE,
    NO_ORDER,
    REFUND,
    Ledger,
    used_line,
)
from valuetier.customers.report import IngestLine, IngestReport
from valuetier.customers.rules import Columns, Rules
from valuetier.customers.suspicions import Accounts, Suspicion, count_spellings, find_suspicions

DAY = 86_400_000_000  # microseconds
HOUR = DAY // 24
# Length and offset in days of periods longer than a day: 1970-01-01 was three days after a Monday.
PERIODS = {"W": (7, 3)}
MISSING = np.iinfo(np.int64).min  # NaT
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class ArrayLog:
    """Rows of a log as arrays: codes of ids (-1 is missing), microseconds, amounts.

    ``rows`` counts the rows of the log behind each; None is one each. ``faults`` says by
    name which rows lack something else that they need, and ``telling`` has codes that tell
    otherwise equal rows apart.
    """

    customers: NDArray[np.int32]
    at: Integers
    amounts: Floats
    orders: Integers | None = None
    rows: Integers | None = None
    faults: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    telling: Integers | None = None

    def take(self, index: NDArray[Any]) -> ArrayLog:
        """Return some of the rows."""
        return ArrayLog(
            customers=self.customers[index],
            at=self.at[index],
            amounts=self.amounts[index],
            orders=None if self.orders is None else self.orders[index],
            rows=None if self.rows is None else self.rows[index],
            telling=None if self.telling is None else self.telling[index],
        )

    def line(self, reason: str, chosen: NDArray[np.bool_]) -> IngestLine:
        """Return rows, customers and finite money of the chosen rows."""
        if not chosen.any():
            return IngestLine(reason, 0, 0, 0.0)
        codes, amounts = self.customers[chosen], self.amounts[chosen]
        money = float(amounts[np.isfinite(amounts)].sum())
        who = np.bincount(codes + 1)[1:]  # without the missing ones, -1
        return IngestLine(reason, self.count(chosen), int(np.count_nonzero(who)), money)

    def count(self, chosen: NDArray[np.bool_]) -> int:
        """Return the rows of the log behind the chosen rows."""
        return int(np.count_nonzero(chosen) if self.rows is None else self.rows[chosen].sum())


def summarize_arrays(
    log: ArrayLog, ids: Any, rules: Rules, columns: Columns
) -> tuple[pd.DataFrame, IngestReport, date]:
    """Return the customer table sorted by id and indexed by customer code, the report and the last day."""
    money = float(log.amounts[np.isfinite(log.amounts)].sum())
    ledger = Ledger(rules, columns, len(log.at), len(ids), money)
    log = _without_bad(log, ledger)
    if not len(log.at):
        raise ledger.nothing_left()
    unit = HOUR if rules.period == "h" else DAY
    whole, visits = log, distinct_visits(log.customers, log.at // unit, len(ids))
    log = _without_duplicates(log, visits, ledger)
    last_day = rules.as_of or date.fromordinal(EPOCH_ORDINAL + int(log.at.max() // DAY))
    if log.orders is not None:
        log = _merged_orders(log, len(ids))
    refund = log.amounts < 0
    if ledger.enter_refunds(log.line(REFUND, refund)):
        log, refund = log.take(~refund), np.zeros(np.count_nonzero(~refund), dtype=bool)
    bought = log.take(~refund) if refund.any() else log
    if bought is not whole:
        visits = distinct_visits(bought.customers, bought.at // unit, len(ids))
    length, offset = PERIODS.get(rules.period, (1, 0))
    found = history(visits, bought.customers, bought.at // unit, bought.amounts, length=length, offset=offset)
    spend = found.purchases + np.bincount(
        log.customers[refund], weights=log.amounts[refund], minlength=len(ids)
    )
    has_order = found.orders > 0
    used = has_order[log.customers]
    report = ledger.close(
        used_line(log.count(used), int(has_order.sum()), float(spend[has_order].sum())),
        log.line(NO_ORDER, ~used),
    )
    report = replace(report, warnings=_looked_over(whole, ids))
    table = _table(found, spend, has_order, ids, rules.period, last_day)
    return table, report, last_day


def _without_bad(log: ArrayLog, ledger: Ledger) -> ArrayLog:
    """Return the rows that can be used; the others go into the ledger under their first fault."""
    bad = np.zeros(len(log.at), dtype=bool)
    found = {}
    for name, check in fates(log, ledger.rules).items():
        fresh = check & ~bad
        if fresh.any():
            found[name] = log.line(name, fresh)
            bad |= fresh
    ledger.enter_bad(found)
    return log.take(~bad) if bad.any() else log


def fates(log: ArrayLog, rules: Rules) -> dict[str, NDArray[np.bool_]]:
    """Return which rows cannot be used, by reason, in the order in which reasons are looked for."""
    checks = {
        "customer": log.customers < 0,
        "at": log.at == MISSING,
        "amount": np.isnan(log.amounts),
        "infinite": np.isinf(log.amounts),
        **log.faults,
    }
    if log.orders is not None:
        checks["order"] = log.orders < 0
    found = {name: checks[name] for name in BAD if name in checks}
    if rules.as_of is not None:
        found[AFTER] = log.at >= (rules.as_of.toordinal() - EPOCH_ORDINAL + 1) * DAY
    if rules.since is not None:
        found[BEFORE] = log.at < (rules.since.toordinal() - EPOCH_ORDINAL) * DAY
    return found


def _without_duplicates(log: ArrayLog, visits: Visits, ledger: Ledger) -> ArrayLog:
    others = [column for column in (log.orders, log.telling) if column is not None]
    again = np.zeros(len(log.at), dtype=bool)
    again[repeated_rows(visits, log.customers, log.at, log.amounts, *others)] = True
    return log.take(~again) if ledger.enter_duplicates(log.line(DUPLICATE, again)) else log


def _looked_over(log: ArrayLog, ids: Any) -> tuple[Suspicion, ...]:
    """Return what looks wrong in the days and the customers of rows that can be used."""
    days = log.at // DAY
    first = int(days.min())
    rows = np.bincount(days - first)
    there = np.flatnonzero(rows)
    by_day = pd.DataFrame({"day": (there + first).astype("datetime64[D]"), "rows": rows[there]})
    customers = np.bincount(log.customers, minlength=len(ids))
    known = ids[np.flatnonzero(customers)]
    accounts = Accounts(int(customers.max()), len(known), len(days))
    return find_suspicions(by_day, accounts, count_spellings(list(known)) if are_text(known) else None)


def are_text(ids: Any) -> bool:
    """Return whether ids are text, all of them; categories are what they stand for."""
    if isinstance(ids.dtype, pd.CategoricalDtype):
        ids = ids.categories
    return pd.api.types.infer_dtype(ids, skipna=True) == "string"


def _merged_orders(log: ArrayLog, n_customers: int) -> ArrayLog:
    """Return one row per customer and order id: its earliest time and its total amount."""
    assert log.orders is not None
    order = customer_time_order(log.customers, log.orders, n_customers)
    log = log.take(order)
    assert log.orders is not None
    new = np.ones(len(order), dtype=bool)
    new[1:] = (log.customers[1:] != log.customers[:-1]) | (log.orders[1:] != log.orders[:-1])
    opens = np.flatnonzero(new)
    return replace(
        log.take(opens),
        at=np.minimum.reduceat(log.at, opens),
        amounts=_totals(log.amounts, opens),
        rows=np.diff(np.append(opens, len(order))),
    )


def _totals(amounts: Floats, opens: NDArray[np.intp]) -> Floats:
    """Return the total of each group; lines that cancel out are 0, whatever their order."""
    total, gross = np.add.reduceat(amounts, opens), np.add.reduceat(np.abs(amounts), opens)
    return np.where(np.abs(total) <= ROUNDING * gross, 0.0, total)


def _table(
    found: History, spend: Floats, has_order: NDArray[np.bool_], ids: Any, period: str, last_day: date
) -> pd.DataFrame:
    """Return the customer table, ages in days at the end of the last day."""
    per_day = 24 if period == "h" else 1
    codes: Any = slice(None) if has_order.all() else np.flatnonzero(has_order)
    orders, first, last = found.orders[codes], found.first[codes], found.last[codes]
    as_of_day = last_day.toordinal() - EPOCH_ORDINAL
    end = max(as_of_day * per_day, int(last.max()) if period == "h" else as_of_day)
    x = orders - 1
    repeat = found.repeat_purchases[codes]
    return pd.DataFrame(
        {
            "customer_id": ids[codes],
            "first_order": _midnight(first // per_day),
            "last_order": _midnight(last // per_day),
            "orders": orders,
            "spend": spend[codes],
            "recency_days": as_of_day - last // per_day,
            "x": x,
            "t_x": (found.last_occasion[codes] - first) / per_day,
            "T": (end - first) / per_day,
            "m_x": np.divide(repeat, x, out=np.full(len(x), np.nan), where=x > 0),
        },
        index=None if has_order.all() else codes,
    )


def _midnight(days: Integers) -> NDArray[np.datetime64]:
    return (days * DAY).view("datetime64[us]")
