"""Values from churn rates, and after costs and risk; and their way into a customer table."""

from __future__ import annotations

from functools import partial

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import valuetier as vt
from valuetier.values import (
    churn_clv,
    customer_equity,
    expected_loss,
    financing_cost,
    retention_what_if,
    risk_adjusted_value,
    with_value,
)

SHARES = st.floats(0.0, 1.0)
RATES = st.floats(0.01, 0.5)


def _message(error: type[Exception], call) -> str:
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


@given(retention=st.floats(0.0, 0.99), rate=RATES, margin=st.floats(-1e6, 1e6))
def test_the_formula_is_the_sum_of_the_discounted_margins(retention, rate, margin):
    """Σ margin × r^t / (1 + d)^t over the years t = 1, 2, …; with t = 0 where the first is paid at once."""
    years = np.arange(1, 5000)
    later = margin * np.sum((retention / (1 + rate)) ** years)
    assert churn_clv(margin, retention, annual_discount_rate=rate)[0] == pytest.approx(later, rel=1e-9)
    at_once = churn_clv(margin, retention, annual_discount_rate=rate, first_payment="at_once")[0]
    assert at_once == pytest.approx(later + margin, rel=1e-9)
    assert at_once == pytest.approx(margin * (1 + rate) / (1 + rate - retention), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("retention", "rate", "multiple"),
    [
        (0.60, 0.10, 1.20),
        (0.70, 0.12, 1.67),
        (0.80, 0.10, 2.67),
        (0.80, 0.14, 2.35),
        (0.90, 0.10, 4.50),
        (0.90, 0.16, 3.46),
    ],
)
def test_margin_multiples_are_those_of_the_literature(retention, rate, multiple):
    """r / (1 + i - r) to two decimals, as margin multiples are tabulated (Gupta & Lehmann 2003)."""
    assert round(float(churn_clv(1.0, retention, annual_discount_rate=rate)[0]), 2) == multiple


@given(low=SHARES, high=SHARES, rate=RATES)
def test_more_retention_and_less_discount_are_worth_more(low, high, rate):
    """The value grows with the retention and falls with the discount rate."""
    low, high = sorted((low, high))
    below, above = churn_clv(100.0, [low, high], annual_discount_rate=rate)
    assert below <= above
    assert churn_clv(100.0, high, annual_discount_rate=rate + 0.1)[0] <= above


def test_equity_is_the_sum_over_customers_whatever_their_order():
    """Segments with sizes are customers one by one; the order changes nothing, to the last bit."""
    margins, retentions = np.array([100.0, 20.1, 0.3]), np.array([0.9, 0.6, 0.71])
    one_by_one = customer_equity(np.repeat(margins, [2, 3, 4]), np.repeat(retentions, [2, 3, 4]))
    assert customer_equity(margins, retentions, customers=[2, 3, 4]) == pytest.approx(one_by_one)
    assert customer_equity(margins[::-1], retentions[::-1]) == customer_equity(margins, retentions)


def test_the_what_if_moves_every_retention():
    """Each row is the equity at the moved retentions; 0 points change nothing; shares stay shares."""
    margins, retentions, sizes = [100.0, 20.0], [0.97, 0.6], [50.0, 500.0]
    table = retention_what_if(margins, retentions, customers=sizes)
    assert table["points"].tolist() == [-5, -1, 0, 1, 5]
    for row in table.itertuples():
        moved = np.clip(np.array(retentions) + row.points / 100, 0, 1)
        equity = customer_equity(margins, moved, customers=sizes)
        assert row.customer_equity == pytest.approx(equity)
        assert row.annual_retention == pytest.approx(np.average(moved, weights=sizes))
        assert row.change_share == pytest.approx(equity / table["customer_equity"][2] - 1)
    assert table["change"][2] == 0
    five = retention_what_if(margins, retentions, customers=sizes, points=5)
    assert five["change_share"].tolist() == table["change_share"].tolist()[-1:]
    assert (np.diff(table["customer_equity"]) > 0).all()


def test_the_expected_loss_is_what_is_lost_on_average():
    """Drawn defaults lose probability × exposure × loss share in the mean."""
    rng = np.random.default_rng(0)
    defaults = rng.random(200_000) < 0.05
    assert np.mean(defaults * 1000 * 0.4) == pytest.approx(expected_loss(0.05, 1000, 0.4)[0], rel=0.05)


def test_waiting_costs_compound_interest():
    """A year costs the annual rate, two half-years as much as one year, no delay nothing."""
    cost = financing_cost(100.0, [0, 365, 182.5], annual_interest_rate=0.2)
    assert cost[:2].tolist() == [0.0, pytest.approx(20.0)]
    assert (1 + cost[2] / 100) ** 2 == pytest.approx(1.2)


@given(
    revenue=st.floats(-1e6, 1e6),
    serve=st.floats(0, 1e5),
    won=st.floats(0, 1e5),
    p=SHARES,
    owed=st.floats(0, 1e6),
    lost=SHARES,
)
def test_what_is_left_adds_up(revenue, serve, won, p, owed, lost):
    """Revenue is what is left, plus costs, plus the expected loss."""
    left = risk_adjusted_value(
        revenue,
        cost_to_serve=serve,
        acquisition_cost=won,
        default_probability=p,
        exposure=owed,
        loss_share=lost,
    )[0]
    assert left + serve + won + p * owed * lost == pytest.approx(revenue, abs=1e-6)


TABLE = pd.DataFrame(
    {
        "customer_id": ["a", "b", "c"],
        "spend": [500.0, 80.0, 20.0],
        "retention": [0.9, 0.5, 0.0],
        "note": ["x", "y", "z"],
    }
)
KINDS = {
    "pandas": (lambda t: t, pd.DataFrame),
    "pandas with an index": (lambda t: t.set_index(pd.Index([7, 3, 9])), pd.DataFrame),
    "polars": (pl.from_pandas, pl.DataFrame),
    "polars lazy": (lambda t: pl.from_pandas(t).lazy(), pl.DataFrame),
    "arrow": (lambda t: pa.Table.from_pandas(t, preserve_index=False), pa.Table),
    "duckdb": (lambda t: duckdb.from_arrow(pa.Table.from_pandas(t, preserve_index=False)), pd.DataFrame),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_is_added_to_any_kind_of_table(kind):
    """The new column stands beside the others, rows keep their order, the table given is unchanged."""
    make, expected = KINDS[kind]
    given_table = make(TABLE.copy())
    found = with_value(given_table, "clv", churn_clv, annual_margin="spend", annual_retention="retention")
    assert isinstance(found, expected)
    as_pandas = found if isinstance(found, pd.DataFrame) else found.to_pandas()
    by_id = dict(zip(as_pandas["customer_id"], as_pandas["clv"], strict=True))
    assert list(by_id.values()) == pytest.approx([500 * 4.5, 80 * 0.5 / 0.6, 0.0])
    assert list(as_pandas.columns) == [*TABLE.columns, "clv"]
    assert as_pandas["note"].tolist() == ["x", "y", "z"]
    if kind.startswith("pandas"):
        assert "clv" not in given_table
        assert found.index.equals(given_table.index)


def test_texts_that_are_no_columns_are_settled_before():
    """``functools.partial`` chooses a variant; the table is the same otherwise."""
    at_once = partial(churn_clv, first_payment="at_once")
    found = with_value(TABLE, "clv", at_once, annual_margin="spend", annual_retention=0.5)
    assert found["clv"].tolist() == pytest.approx((TABLE["spend"] * 1.1 / 0.6).tolist())


def test_a_pyramid_ranks_by_a_value_that_was_added():
    """The column is one like others: a large bad payer falls behind a small good one."""
    risky = TABLE.assign(p=[0.9, 0.0, 0.0], owed=[600.0, 0.0, 0.0])
    table = with_value(
        risky, "value", risk_adjusted_value, revenue="spend", default_probability="p", exposure="owed"
    )
    pyramid = vt.PyramidSegmenter(value="value", cut=vt.ShareCut((0.5, 0.5))).fit(table)
    assert pyramid.predict(table).tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("error", "call", "message"),
    [
        (
            vt.InvalidDataError,
            lambda: churn_clv([1.0, 2.0], [0.5, 80.0]),
            "annual_retention: 1 of 2 values lie outside 0 to 1. Pass shares: 0.8 for 80 per cent.",
        ),
        (
            vt.InvalidDataError,
            lambda: churn_clv([1.0, 2.0], [0.5, 1.0], annual_discount_rate=0.0),
            "annual_retention: 1 of 2 values are 1 without a discount. Set annual_discount_rate above 0.",
        ),
        (
            vt.InvalidParameterError,
            lambda: churn_clv(1.0, 0.5, annual_discount_rate=-0.1),
            "annual_discount_rate must be a number ≥ 0, got -0.1.",
        ),
        (
            vt.InvalidParameterError,
            lambda: churn_clv(1.0, 0.5, first_payment="now"),
            "first_payment must be one of ['after_a_year', 'at_once'], got 'now'.",
        ),
        (
            vt.InvalidDataError,
            lambda: churn_clv([1.0, np.nan], 0.5),
            "annual_margin: 1 of 2 values are missing (NaN). Drop or fill these customers first.",
        ),
        (
            vt.InvalidDataError,
            lambda: customer_equity(1.0, 0.5, customers=-2),
            "customers: 1 of 1 values are negative. Pass how many customers each entry stands for.",
        ),
        (
            vt.InvalidDataError,
            lambda: retention_what_if(-5.0, 0.5),
            (
                "customer equity must be above 0 for a change in per cent, and it is not with these margins. "
                "Leave out those that bring nothing."
            ),
        ),
        (
            vt.InvalidDataError,
            lambda: expected_loss([0.1, 5.0], 100.0),
            "default_probability: 1 of 2 values lie outside 0 to 1. Pass shares: 0.8 for 80 per cent.",
        ),
        (
            vt.InvalidDataError,
            lambda: risk_adjusted_value(10.0, cost_to_serve=[-1.0, 0.0]),
            "cost_to_serve: 1 of 2 values are negative. Pass amounts of 0 or more.",
        ),
        (
            vt.InvalidParameterError,
            lambda: with_value(TABLE, "spend", churn_clv, annual_margin="spend", annual_retention=0.5),
            "the customers have a column 'spend' already. Choose another name.",
        ),
        (
            vt.MissingColumnsError,
            lambda: with_value(TABLE, "clv", churn_clv, annual_margin="spent", annual_retention=0.5),
            (
                "The customer table lacks ['spent']. It has ['customer_id', 'spend', 'retention', 'note']. "
                "Did you mean 'spend'?"
            ),
        ),
        (
            vt.InvalidDataError,
            lambda: with_value(TABLE, "total", lambda spend: spend.sum(), spend="spend"),
            "total: one value per customer is needed, 3 customers, got the shape ().",
        ),
        (
            vt.InvalidDataError,
            lambda: with_value(TABLE[["spend"]].to_numpy(), "clv", churn_clv),
            "customers must be a table with named columns, got an array.",
        ),
    ],
)
def test_what_cannot_work_is_refused(error, call, message):
    """Each message has the name, the count and the way out."""
    assert _message(error, call) == message
