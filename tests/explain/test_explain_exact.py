"""What is said to change a tier changes it, and nothing before it does."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import valuetier as vt
from tests.explain.laws import as_floats, check_laws
from tests.segmenters.customer_tables import customer_tables, fitted, make

EXACT = (
    "pyramid",
    "rfm",
    "clv",
    "loyalty",
    "rules",
    "scorecard",
    "kaism",
    "kmeans",
    "cluster",
    "matrix",
    "lifecycle",
)
some = settings(max_examples=15, phases=(Phase.explicit, Phase.generate))  # tables do not shrink well


@pytest.mark.parametrize("name", EXACT)
def test_the_customers_it_was_fitted_on(name):
    """All laws hold for each customer of the table that the segmenter learned from."""
    check_laws(fitted(name), make())
    check_laws(fitted(name), as_floats(make()))


@pytest.mark.parametrize("name", EXACT)
@given(customers=customer_tables(), floats=st.booleans())
@some
def test_any_customers(name, customers, floats):
    """All laws hold for customers of any kind, with columns of integers and of floats."""
    check_laws(fitted(name), as_floats(customers) if floats else customers)


@pytest.mark.parametrize("binning", ["quantile", "nested", "mean", "median", "natural", "value_share"])
@given(weights=st.lists(st.sampled_from([0.0, 0.3, 1.0, 2.5]), min_size=3, max_size=3).filter(any))
@settings(max_examples=5)
def test_rfm_of_any_kind(binning, weights):
    """The laws hold for each binning and any weights, nested edges among them."""
    customers = make(80, seed=3)
    check_laws(vt.RFMSegmenter(n_bins=3, binning=binning, weights=weights).fit(customers), customers)


@given(
    thresholds=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=4, unique=True),
    values=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20),
)
@settings(max_examples=60)
def test_thresholds_with_more_digits_than_a_table_has(thresholds, values):
    """Thresholds off the grid are stated as the first value of the grid beyond them."""
    customers = pd.DataFrame({"spend": [*values, *thresholds]})
    cut = vt.ThresholdCut(tuple(sorted(thresholds, reverse=True)))
    check_laws(vt.LoyaltySegmenter(cut=cut).fit(customers), customers, more_values=thresholds)


def test_clv_with_a_margin_column_and_an_unknown_order_value():
    """The margin is a lever as well; a customer of one order has no order value to move."""
    customers = make().assign(margin=np.linspace(0.1, 1.0, 200))
    clv = vt.CLVSegmenter(margin="margin").fit(customers)
    check_laws(clv, customers)
    once = customers[customers["x"] == 0]
    assert vt.explanation(clv, once).to_frame()["m_x_to_next"].isna().all()
