"""How concentrated value is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import valuetier as vt
from valuetier import InvalidDataError, InvalidParameterError
from valuetier._core.concentration import Measures, bootstrap, measure
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


@given(values=amounts, share=st.sampled_from([0.5, 0.8, 0.95]))
def test_customers_needed_are_the_inverse_of_top_shares(values, share):
    """The customers who are needed for a share of value bring exactly it, and fewer bring less."""
    report = concentration(values)
    needed = report.needed_shares[share]
    best_first = np.sort(np.array(values, dtype=float))[::-1]
    cumulative = np.concatenate([[0.0], np.cumsum(best_first)]) / best_first.sum()
    at = np.interp(needed * len(values), np.arange(len(values) + 1), cumulative)
    assert at == pytest.approx(share, abs=1e-9)
    before = np.interp(max(needed - 1e-6, 0) * len(values), np.arange(len(values) + 1), cumulative)
    assert before < share


@given(values=st.lists(st.integers(-50, 100), min_size=4, max_size=60).filter(lambda v: sum(v) > 0))
def test_break_even_rank_by_counting(values):
    """So many of the best bring the total, and one fewer does not."""
    rank = concentration(values).break_even_rank
    best_first = sorted(values, reverse=True)
    assert sum(best_first[:rank]) >= sum(values) > sum(best_first[: rank - 1])


@given(
    values=st.lists(st.integers(-20, 400), min_size=4, max_size=60).filter(
        lambda v: len(set(v)) > 3 and max(v) > 0
    )
)
def test_abc_table_adds_up(values):
    """Every customer is in one class, and so is every amount."""
    report = concentration(values)
    table = report.abc_frame()
    assert table["customers"].sum() == len(values)
    assert table["customer_share"].sum() == pytest.approx(1)
    assert table["value"].sum() == pytest.approx(sum(values))
    assert table["value_share"][:3].sum() == pytest.approx(1)
    assert table["value"].iloc[3] <= 0


def test_abc_classes_are_the_tiers_of_the_pyramid():
    """The ABC table counts whom the segmenter with the same preset puts into its tiers."""
    customers = vt.summarize(vt.datasets.load_cdnow_orders()).customers
    pyramid = vt.PyramidSegmenter(preset="abc").fit(customers)
    tiers = pyramid.assign(customers)
    table = concentration(customers["spend"]).abc_frame("zh")
    assert table["customers"].tolist() == tiers.counts().tolist()
    assert table["class"].tolist() == pyramid.get_tier_names_out("zh")
    assert table["lowest_value"][:2].tolist() == pytest.approx(list(pyramid.cut_.thresholds_), rel=1e-12)


@given(values=st.lists(st.integers(-20, 400), min_size=3, max_size=40).filter(lambda v: sum(v) > 0))
def test_what_is_resampled_is_what_is_reported(values):
    """On the customers as they are, the quick measures equal the careful ones."""
    report = concentration(values)
    quick = measure(
        np.sort(np.array(values, dtype=float)),
        Measures(np.array([*report.top_shares]), np.array([*report.needed_shares])),
    )
    assert quick == pytest.approx(report.measures()["value"].to_numpy(), abs=1e-9)


def test_resamples_without_value_are_not_numbers():
    """A resample of losses alone has no measures; it makes the interval unknown instead of too short."""
    draws = bootstrap(
        np.array([5.0, -1.0]), Measures(np.array([0.5]), np.array([0.8])), 50, np.random.default_rng(0)
    )
    assert draws.shape == (50, 7)
    assert np.isnan(draws).all(axis=1).any()
    report = concentration([5.0, -1.0, -1.0], n_bootstrap=100)
    assert np.isnan(report.intervals["gini"]).all()
    assert "interval" not in report.verdict()


def test_interval_of_exponential_values():
    """Exponential spend has a Gini of 1/2 with standard error √(1/12n): the interval is where and as wide as that."""
    n = 2_000
    values = np.random.default_rng(3).exponential(size=n)
    low, high = concentration(values, n_bootstrap=400).intervals["gini"]
    assert low < 0.5 < high
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(1 / (12 * n)), rel=0.15)


def test_intervals_hold_what_they_are_about():
    """Each measure lies in its interval, a wider level has wider ones, and the order of customers changes none."""
    values = np.random.default_rng(1).lognormal(3, 1, 300).round(2) - 10
    report = concentration(values, n_bootstrap=200)
    measures = report.measures()
    assert (measures["low"] <= measures["value"]).all()
    assert (measures["value"] <= measures["high"]).all()
    assert report.intervals == concentration(values[::-1], n_bootstrap=200).intervals
    narrow = concentration(values, n_bootstrap=200, level=0.5).intervals
    assert all(
        high - low <= report.intervals[name][1] - report.intervals[name][0]
        for name, (low, high) in narrow.items()
    )
    assert list(report.to_frame()) == ["best customers", "share of value", "low", "high"]


def test_no_intervals_unless_asked_for():
    """Without resamples there are no intervals, in the report, its tables or its words."""
    report = concentration([80, 10, 5, 3, 2])
    assert report.intervals is None
    assert list(report.measures()) == ["measure", "value"]
    assert (
        report.verdict()
        == "The best 20 % of 5 customers bring 80 % of the value; 20.0 % of them bring 80 %. Customers in class A: 1."
    )


def test_verdict_in_both_languages():
    """Losses, their rank and their interval are told in English and Chinese."""
    report = concentration([7.5, 7.5, 0, 0, 0, 0, 0, -1, -2, -2])
    assert report.break_even_rank == 2
    assert "brought by the first 2 customers, the best first" in report.verdict()
    assert "亏损客户侵蚀的价值相当于合计的 50%。" in report.verdict("zh")
    assert "亏损大于盈利" in concentration([5, -10]).verdict("zh")
    assert "the total is not above 0" in concentration([5, -10]).verdict()
    sure = concentration(np.random.default_rng(0).lognormal(size=200), n_bootstrap=50)
    assert "(95 % interval " in sure.verdict()
    assert "（95% 置信区间 " in sure.verdict("zh")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_bootstrap": -1}, r"n_bootstrap must be a whole number ≥ 0, got -1\."),
        ({"level": 1.0}, r"level must be between 0 and 1, got 1\.0\. Use 0\.95\."),
        ({"level": 0}, r"level must be a number > 0, got 0\."),
    ],
)
def test_parameters_that_cannot_work(parameters, message):
    """Resamples are counted, and a level is a share."""
    with pytest.raises(InvalidParameterError, match=message):
        concentration([1, 2], **parameters)


def test_the_level_is_told_in_full():
    """An interval of 99.5 % is not called one of 100 %."""
    said = [
        concentration(np.arange(50.0), n_bootstrap=20, level=0.995).verdict(lang) for lang in ("en", "zh")
    ]
    assert "(99.5 % interval " in said[0]
    assert "（99.5% 置信区间 " in said[1]
