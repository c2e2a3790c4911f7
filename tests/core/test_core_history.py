"""Orders grouped by customer and occasion, against plain Python."""

from itertools import groupby

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from valuetier._core.history import distinct_visits, history, repeated_rows

N_CUSTOMERS = 4
LENGTH = 3  # times of one period

orders = st.lists(
    st.tuples(st.integers(0, N_CUSTOMERS - 1), st.integers(-5, 20), st.integers(0, 40).map(lambda k: k / 4)),
    max_size=30,
)


def grouped(rows):
    """Return the history of the rows."""
    customers, times, amounts = (np.array([row[place] for row in rows]) for place in range(3))
    customers, times = customers.astype(np.int32), times.astype(np.int64)
    visits = distinct_visits(customers, times, N_CUSTOMERS)
    return history(visits, customers, times, amounts.astype(float), length=LENGTH, offset=1)


def slow_history(rows, customer):
    """Return (orders, first, last occasion, last, purchases, repeat purchases) of one customer."""
    mine = sorted((time, amount) for who, time, amount in rows if who == customer)
    occasions = [list(found) for _, found in groupby(mine, key=lambda order: (order[0] + 1) // LENGTH)]
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
    assert found.orders.sum() == len({(who, (time + 1) // LENGTH) for who, time, _ in rows})
    assert (found.repeat_purchases <= found.purchases).all()
    assert (found.first <= found.last_occasion).all()
    assert (found.last_occasion <= found.last).all()


@given(rows=orders, far=st.sampled_from([0, 2**40]))
def test_visits_are_the_distinct_pairs(rows, far):
    """Each pair of customer and time once, sorted, however far apart; who has one twice is crowded."""
    pairs = [(who, time * (far or 1)) for who, time, _ in rows]
    customers, times = (np.array([pair[place] for pair in pairs], dtype=np.int64) for place in range(2))
    found = distinct_visits(customers, times, N_CUSTOMERS)
    assert list(zip(found.customers.tolist(), found.times.tolist(), strict=True)) == sorted(set(pairs))
    twice = {pair[0] for pair in pairs if pairs.count(pair) > 1}
    assert set(np.flatnonzero(found.crowded).tolist()) == twice


@given(rows=orders)
def test_repeated_rows_leave_each_row_once(rows):
    """Without the repeated rows, each combination of customer, time and amount is there once."""
    customers, times, amounts = (np.array([row[place] for row in rows]) for place in range(3))
    customers, times = customers.astype(np.int32), times.astype(np.int64)
    visits = distinct_visits(customers, times, N_CUSTOMERS)
    again = repeated_rows(visits, customers, times, amounts)
    assert again.tolist() == [place for place, row in enumerate(rows) if row in rows[:place]]
