"""How concentrated value is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import valuetier as vt
from valuetier import InvalidDataError
from valuetier.evaluate import concentration

amounts = st.lists(st.integers(0, 10_000), min_size=2, max_size=60).filter(lambda v: sum(v) > 0)


def test_worked_case_of_eighteen_customers():
    """18 of 100 customers who order 80 M of 100 M bring 80 %; the report says so."""
    values = np.concatenate([np.full(18, 80e6 / 18), np.full(82, 20e6 / 82)])
    report = concentration(values)
    assert report.customers == 100
    assert report.total == pytest.approx(100e6)
    assert 0.80 < report.top_shares[0.2] < 0.81
    assert report.to_frame()["share of value"].is_monotonic_increasing


def test_field_reference_shape_of_the_whale():
    """Top 20 % bring 150 % of the profit and the rest lose half of it: peak 1.5, erosion 0.5."""
    report = concentration([7.5, 7.5, 0, 0, 0, 0, 0, -1, -2, -2])
    assert report.whale.peak == pytest.approx(1.5)
    assert report.whale.peak_share == pytest.approx(0.2)
    assert report.whale.erosion == pytest.approx(0.5)
    assert report.whale.break_even_share == pytest.approx(0.2)
    assert report.whale_y[-1] == pytest.approx(1.0)


@given(values=amounts)
def test_gini_equals_the_mean_difference(values):
    """Gini is half the relative mean absolute difference, by its definition."""
    x = np.array(values, dtype=float)
    by_definition = np.abs(x[:, None] - x[None, :]).mean() / (2 * x.mean())
    assert concentration(values).gini == pytest.approx(by_definition, abs=1e-12)


@given(values=amounts, factor=st.sampled_from([0.01, 3.0, 1e6]))
def test_shares_have_no_unit(values, factor):
    """Another currency changes no share."""
    here, there = concentration(values), concentration(np.array(values) * factor)
    assert there.gini == pytest.approx(here.gini, abs=1e-9)
    assert list(there.top_shares.values()) == pytest.approx(list(here.top_shares.values()), abs=1e-9)


@given(values=amounts)
def test_order_of_customers_changes_nothing(values):
    """The report depends on the values alone."""
    here, there = concentration(values), concentration(values[::-1])
    assert here.gini == there.gini
    assert here.top_shares == there.top_shares
    assert np.array_equal(here.lorenz_y, there.lorenz_y)


@given(values=amounts)
def test_curves_are_curves(values):
    """Lorenz rises from 0 to 1 below the diagonal; the whale without losses never falls."""
    report = concentration(values)
    assert report.lorenz_y[0] == 0
    assert report.lorenz_y[-1] == pytest.approx(1)
    assert (report.lorenz_y <= report.lorenz_x + 1e-12).all()
    assert (np.diff(report.whale_y) >= -1e-12).all()
    assert report.whale.erosion == pytest.approx(0, abs=1e-9)


def test_cdnow():
    """On the real log the best fifth brings about two thirds: not the 80 % of the proverb."""
    customers = vt.summarize(vt.datasets.load_cdnow_orders()).customers
    report = vt.evaluate.concentration(customers["spend"])
    assert report.top_shares[0.2] == pytest.approx(0.678, abs=0.001)
    assert "23,570 customers" in str(report)


@pytest.mark.parametrize("values", [[0, 0], [-1, -2]])
def test_nothing_to_be_concentrated(values):
    """Without a positive value there is no share of anything."""
    with pytest.raises(InvalidDataError, match="none of 2 is above 0"):
        concentration(values)


def test_missing_values_are_counted():
    """Missing values are refused with their number."""
    with pytest.raises(InvalidDataError, match=r"values: 1 of 3 values are missing \(NaN\)"):
        concentration([1.0, np.nan, 2.0])


def test_negative_total_has_no_shares():
    """Where losses exceed gains the whale has no height, and nothing pretends it had."""
    report = concentration([5, -10])
    assert np.isnan(report.whale.peak)
    assert np.isnan(report.whale_y).all()
