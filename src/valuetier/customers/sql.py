"""The definition of the customer table as one DuckDB query.

Means the same as :mod:`valuetier.customers.definition` at a third of the cost. Tests hold both
to equality.

Lines have the columns ``customer``, ``at``, ``amount``, where the log has them ``order``,
``currency``, ``cost`` and ``margin``, and after a conversion ``rate``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from valuetier.customers.definition import ROUNDING
from valuetier.customers.ledger import AFTER, BEFORE
from valuetier.customers.rules import Rules

# What queries call the lines: a name that no table of the caller has, for it would be read in their place.
LINES = "valuetier_lines"

DAY = '"at"::DATE'
HOUR = "date_trunc('hour', \"at\")"

# The period whose orders are one occasion.
KEYS = {"D": DAY, "W": f"date_trunc('week', {DAY})::DATE", "h": HOUR}

# Time in days or hours from the day 0, as Python counts days.
BY_DAY = "date_diff('day', DATE '0001-01-01', {0}) + 1"
BY_HOUR = "date_diff('hour', TIMESTAMP '0001-01-01', {0}) + 24"
CLOCKS = {"D": BY_DAY, "W": BY_DAY, "h": BY_HOUR}

# What is wrong with a line, in the order in which it is looked for; those that are always
# there, and those that only lines with that column can have.
FAULTS = {
    "customer": "customer IS NULL",
    "at": '"at" IS NULL',
    "currency": "currency IS NULL",
    "rate": "rate IS NULL",
    "amount": "amount IS NULL OR NOT (isfinite(amount) OR isinf(amount))",
    "infinite": "isinf(amount)",
    "order": '"order" IS NULL',
    "cost": "cost IS NULL OR NOT isfinite(cost)",
    "margin": "margin IS NULL OR NOT isfinite(margin)",
}
# A first purchase so many times the rest leaves the rest too few digits of the total.
DOUBTFUL = 4

ALWAYS = ("customer", "at", "amount", "infinite")
GOOD = "good"


@dataclass(frozen=True, slots=True)
class Judgement:
    """Which fate a line meets: SQL of its number, and the fates by number."""

    sql: str
    fates: tuple[str, ...]

    @property
    def is_good(self) -> str:
        """SQL that is true for lines that can be used."""
        return f"({self.sql}) = {self.fates.index(GOOD)}"


def judgement(columns: Collection[str], rules: Rules) -> Judgement:
    """Return how lines with these columns are judged."""
    checks = {name: sql for name, sql in FAULTS.items() if name in ALWAYS or name in columns}
    if rules.as_of is not None:
        checks[AFTER] = f"{DAY} > DATE '{rules.as_of.isoformat()}'"
    if rules.since is not None:
        checks[BEFORE] = f"{DAY} < DATE '{rules.since.isoformat()}'"
    cases = " ".join(f"WHEN {sql} THEN {place}" for place, sql in enumerate(checks.values()))
    return Judgement(f"CASE {cases} ELSE {len(checks)} END", (*checks, GOOD))


def audit_query(judged: Judgement) -> str:
    """Return rows and money by fate and day, those of negative amounts apart."""
    money = "CASE WHEN isfinite(amount) THEN amount ELSE 0 END"
    return (
        f"SELECT {judged.sql} AS fate, {DAY} AS day, count(*) AS rows, sum({money}) AS money, "
        f"count(*) FILTER (amount < 0) AS refunds FROM {LINES} GROUP BY 1, 2"
    )


@dataclass(frozen=True, slots=True)
class Baskets:
    """What is judged as one purchase or refund: SQL of them, made of good lines.

    Attributes
    ----------
    judged : Judgement
        Of the lines; None if every line is good.
    has_order : bool
        The lines of an order id are one, at its earliest time.
    different : bool
        Equal lines are one.
    part : str or None
        SQL of which customers to look at.
    without_refunds : bool
    telling : tuple of str
        Columns that tell otherwise equal lines apart.
    """

    judged: Judgement | None
    has_order: bool
    different: bool = False
    part: str | None = None
    without_refunds: bool = False
    telling: tuple[str, ...] = ()

    def sql(self) -> str:
        """Return the query: customer, at, amount and rows, the rows of the log behind each."""
        tests = [test for test in (self.judged and self.judged.is_good, self.part) if test]
        where = f" WHERE {' AND '.join(tests)}" if tests else ""
        lines = f"SELECT {self.key}, 1 AS rows FROM {LINES}{where}"
        if self.different:
            lines = f"SELECT {self.key}, 1 AS rows FROM ({lines}) GROUP BY ALL"
        if self.has_order:
            total = f"CASE WHEN abs(sum(amount)) <= sum(abs(amount)) * {ROUNDING} THEN 0 ELSE sum(amount) END"
            lines = (
                f'SELECT customer, min("at") AS "at", {total} AS amount, sum(rows) AS rows '
                f'FROM ({lines}) GROUP BY customer, "order"'
            )
        return f"SELECT * FROM ({lines}) WHERE amount >= 0" if self.without_refunds else lines

    @property
    def key(self) -> str:
        """SQL of what repeated lines have in common."""
        order = ('"order"',) if self.has_order else ()
        return ", ".join(("customer", '"at"', "amount", *order, *self.telling))


def repeated_query(baskets: Baskets, crowded: str | None = None) -> str:
    """Return rows, customers and money of lines that repeat another one.

    ``crowded`` is the SQL of the customers who can have some; None looks at all.
    """
    tests = [test for test in (baskets.judged and baskets.judged.is_good, crowded) if test]
    where = f" WHERE {' AND '.join(tests)}" if tests else ""
    again = (
        f"SELECT {baskets.key}, count(*) - 1 AS again FROM {LINES}{where} GROUP BY ALL HAVING count(*) > 1"
    )
    return f"SELECT coalesce(sum(again), 0), count(DISTINCT customer), coalesce(sum(again * amount), 0) FROM ({again})"


def refunds_query(baskets: Baskets) -> str:
    """Return rows, customers and money of the refunds."""
    return (
        "SELECT coalesce(sum(rows), 0), count(DISTINCT customer), coalesce(sum(amount), 0) "
        f"FROM ({baskets.sql()}) WHERE amount < 0"
    )


def customers_query(baskets: Baskets, period: str, *, has_refunds: bool, exact: bool = True) -> str:
    """Return one row per customer; those with refunds only have ``orders`` 0.

    ``crowded`` counts the rows that share their period with another one of the customer:
    only they can repeat one. ``born`` and ``last_seen`` are times of the first and the last
    occasion, in hours for the period ``h``, else in days.

    What was bought after the first occasion is added up if ``exact``. Else the first purchase
    is taken from the total, which is faster; where it outweighs the rest so much that digits
    are lost, ``doubtful`` says so.
    """
    clock = CLOCKS[period]
    repeats, joined = "", ""
    repeat_purchases, doubtful = (
        "bought - first_bought",
        f"first_bought > {DOUBTFUL} * (bought - first_bought)",
    )
    if exact:
        repeat_purchases, doubtful = "repeat_purchases", "false"
        joined = "LEFT JOIN repeats ON found.customer = repeats.customer"
        repeats = """,
        repeats AS (
            SELECT occasions.customer, sum(purchases) AS repeat_purchases
            FROM occasions JOIN found ON occasions.customer = found.customer AND opened > first
            GROUP BY occasions.customer
        )"""
    return f"""
        WITH occasions AS {"MATERIALIZED" if exact else ""} ({_occasions(baskets, period, has_refunds)}),
        found AS (
            SELECT customer, sum(rows)::BIGINT AS rows, count(opened) AS orders, sum(amount) AS spend,
                   min(opened) AS first, max(opened) AS last_occasion, max(closed) AS last,
                   {_sum_of("purchases", not exact and has_refunds, "sum(amount)")} AS bought,
                   {"0" if exact else "arg_min(purchases, opened)"} AS first_bought,
                   coalesce(sum(rows) FILTER (rows > 1), 0)::BIGINT AS crowded,
                   {_sum_of("refund_rows", has_refunds)}::BIGINT AS refund_rows,
                   {_sum_of("refund_money", has_refunds)}::DOUBLE AS refund_money
            FROM occasions GROUP BY customer
        ){repeats}
        SELECT found.customer, rows, orders, spend, first::TIMESTAMP AS first, last::TIMESTAMP AS last,
               coalesce({clock.format("first")}, 0) AS born,
               coalesce({clock.format("last_occasion")}, 0) AS last_seen,
               {repeat_purchases} AS repeat_purchases, orders > 1 AND {doubtful} AS doubtful,
               crowded, refund_rows, refund_money
        FROM found {joined}
    """


def _occasions(baskets: Baskets, period: str, has_refunds: bool) -> str:
    """Return one row per customer and period; ``opened`` is null where nothing was bought."""
    bought = " FILTER (amount >= 0)" if has_refunds else ""
    columns = {
        "customer": "customer",
        "key": KEYS[period],
        "amount": "sum(amount)",
        "purchases": f"sum(amount){bought}",
        "rows": "sum(rows)" if baskets.has_order else "count(*)",
    }
    if has_refunds:
        columns |= {
            "refund_rows": "sum(rows) FILTER (amount < 0)",
            "refund_money": "sum(amount) FILTER (amount < 0)",
        }
    if period == "W":
        columns |= {"opened": f"min({DAY}){bought}", "closed": f"max({DAY}){bought}"}
    made = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
    occasions = f"SELECT {made} FROM ({baskets.sql()}) GROUP BY 1, 2"
    if period == "W":
        return occasions
    moment = "CASE WHEN purchases IS NOT NULL THEN key END"
    return f"SELECT *, {moment} AS opened, {moment} AS closed FROM ({occasions})"


def _sum_of(name: str, there: bool, otherwise: str = "0") -> str:
    return f"coalesce(sum({name}), 0)" if there else otherwise
