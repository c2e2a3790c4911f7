"""Orders grouped by customer and occasion, against plain Python."""

from itertools import groupby

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from valuetier._core.history import customer_time_order, history, repeated_rows

N_CUSTOMERS = 4
LENGTH = 3  # times of one period

orders = st.lists(
    st.tuples(st.integers(0, N_CUSTOMERS - 1), st.integers(-5, 20), st.integers(0, 40).map(lambda k: k / 4)),
    max_size=30,
)


def grouped(rows):
    """Return the history of the rows, sorted as it must be."""
    customers, times, amounts = (np.array([row[place] for row in rows]) for place in range(3))
    customers, times = customers.astype(np.int32), times.astype(np.int64)
    order = customer_time_order(customers, times, N_CUSTOMERS)
    return history(
        customers[order], times[order], times[order] // LENGTH, amounts.astype(float)[order], N_CUSTOMERS
    )


def slow_history(rows, customer):
    """Return (orders, first, last occasion, last, purchases, repeat purchases) of one customer."""
    mine = sorted((time, amount) for who, time, amount in rows if who == customer)
    occasions = [list(found) for _, found in groupby(mine, key=lambda order: order[0] // LENGTH)]
    if not occasions:
        return (0, 0, 0, 0, 0.0, 0.0)
    money = [sum(amount for _, amount in occasion) for occasion in occasions]
    return (len(occasions), mine[0][0], occasions[-1][0][0], mine[-1][0], sum(money), sum(money[1:]))


@given(rows=orders)
def test_equals_plain_python(rows):
    """Occasions, first and last times, and money equal those of a loop over customers."""
    found = grouped(rows)
    by_customer = list(zip(*(column.tolist() for column in found), strict=True))
    assert by_customer == [slow_history(rows, customer) for customer in range(N_CUSTOMERS)]


@given(rows=orders, data=st.data())
def test_row_order_changes_nothing(rows, data):
    """Shuffled orders give the same history."""
    shuffled = data.draw(st.permutations(rows))
    for column, again in zip(grouped(rows), grouped(shuffled), strict=True):
        np.testing.assert_array_equal(column, again)


@given(rows=orders, customer=st.integers(0, N_CUSTOMERS - 1))
def test_a_customer_depends_on_the_own_orders_alone(rows, customer):
    """A customer's history among all is the one from the own orders."""
    alone = grouped([row for row in rows if row[0] == customer])
    for column, own in zip(grouped(rows), alone, strict=True):
        assert column[customer] == own[customer]


@given(rows=orders)
def test_money_and_occasions_reconcile(rows):
    """All customers together have spent what the log holds; what is not repeated is the first occasion."""
    found = grouped(rows)
    assert found.purchases.sum() == sum(amount for _, _, amount in rows)
    assert found.orders.sum() == len({(who, time // LENGTH) for who, time, _ in rows})
    assert (found.repeat_purchases <= found.purchases).all()
    assert (found.first <= found.last_occasion).all()
    assert (found.last_occasion <= found.last).all()


@given(rows=orders)
def test_repeated_rows_leave_each_row_once(rows):
    """Without the repeated rows, each combination of customer, time and amount is there once."""
    rows = sorted(rows, key=lambda row: row[:2])
    customers, times, amounts = (np.array([row[place] for row in rows]) for place in range(3))
    again = repeated_rows(customers.astype(np.int32), times.astype(np.int64), amounts)
    kept = [row for place, row in enumerate(rows) if place not in set(again.tolist())]
    assert sorted(kept) == sorted(set(rows))
