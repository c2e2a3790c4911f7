"""Sizes of control groups: published values, simulation, and the way back from size to effect."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import valuetier as vt
from valuetier._core.power import power_of_means, power_of_rates, skewness
from valuetier.strategy import detectable_effect, power_table, sample_size


@pytest.mark.parametrize(
    ("d", "power", "n"),
    [(0.2, 0.8, 394), (0.5, 0.8, 64), (0.8, 0.8, 26), (0.5, 0.9, 86), (1.0, 0.9, 23)],
)
def test_sizes_are_those_of_the_t_test(d, power, n):
    """Customers a group for a difference of d standard deviations: Cohen (1988), table 2.4.1, to a customer; R."""
    found = sample_size(d, mean=1.0, sd=1.0, share=0.5, power=power)
    assert abs(found.control - found.treated) <= 1
    assert max(found.control, found.treated) == n


def test_power_is_that_of_r():
    """power.t.test(n = 20, delta = 1, sd = 1) gives .868953; power.prop.test(n = 50, p1 = .5, p2 = .75) .740."""
    assert power_of_means(1.0, 1.0, 20, 20, 0.05) == pytest.approx(0.868953, abs=1e-6)
    assert power_of_rates(0.5, 0.75, 50, 50, 0.05) == pytest.approx(0.740, abs=5e-4)
    assert sample_size(0.5, rate=0.5, share=0.5, power=0.9).control == 77  # R: n = 76.7


def test_large_samples_go_over_to_the_normal():
    """On both sides of 10,000 degrees of freedom the power is the same to four digits."""
    t, z = (power_of_means(0.05, 1.0, n, n, 0.05) for n in (5000, 5002))
    assert t == pytest.approx(z, abs=5e-4)


def test_power_is_what_a_simulation_finds():
    """Of 4,000 experiments of the size asked for, four in five show the lift."""
    found = sample_size(0.3, mean=10.0, sd=8.0, share=0.2)
    rng = np.random.default_rng(0)
    control = rng.normal(10.0, 8.0, (4000, found.control))
    treated = rng.normal(13.0, 8.0, (4000, found.treated))
    shown = stats.ttest_ind(treated, control, axis=1).pvalue < 0.05
    assert shown.mean() == pytest.approx(0.8, abs=0.02)


def test_a_rate_is_what_a_simulation_finds():
    """Of 20,000 experiments on a rate, as many as promised show the lift."""
    found = sample_size(0.2, rate=0.1, share=0.3)
    rng = np.random.default_rng(1)
    control = rng.binomial(found.control, 0.10, 20_000) / found.control
    treated = rng.binomial(found.treated, 0.12, 20_000) / found.treated
    pooled = (control * found.control + treated * found.treated) / found.customers
    error = np.sqrt(pooled * (1 - pooled) * (1 / found.control + 1 / found.treated))
    assert (np.abs(treated - control) / error > stats.norm.ppf(0.975)).mean() == pytest.approx(0.8, abs=0.02)


@given(st.floats(0.05, 2.0), st.floats(0.1, 5.0), st.floats(0.05, 0.95), st.floats(0.3, 0.95))
def test_size_and_effect_are_inverse(lift, sd, share, power):
    """The size for a lift shows this lift or a smaller one; a customer less would not."""
    found = sample_size(lift, mean=1.0, sd=sd, share=share, power=power)
    seen = detectable_effect(found.treated, found.control, mean=1.0, sd=sd, power=power)
    assert seen <= lift * (1 + 1e-6)


def test_scale_does_not_matter():
    """Amounts in cents need as many customers as amounts in euros."""
    values = np.random.default_rng(2).lognormal(3, 1.2, 500)
    assert sample_size(0.1, values=values).customers == sample_size(0.1, values=100 * values).customers
    by_hand = sample_size(0.1, mean=float(values.mean()), sd=float(values.std(ddof=1)))
    assert sample_size(0.1, values=values) == by_hand


def test_what_was_before_saves_customers():
    """A correlation of r leaves 1 - r² of the customers, and an even split needs fewest."""
    plain, adjusted = (sample_size(0.1, mean=1.0, sd=2.0, correlation=r).customers for r in (0.0, 0.8))
    assert adjusted / plain == pytest.approx(0.36, abs=0.001)
    sizes = [sample_size(0.1, mean=1.0, sd=2.0, share=share).customers for share in (0.05, 0.1, 0.3, 0.5)]
    assert sizes == sorted(sizes, reverse=True)


def test_falling_rates_and_none_to_see():
    """A lift may be a fall; what cannot be seen is NaN."""
    assert sample_size(-0.5, rate=0.2).customers > 0
    assert np.isnan(detectable_effect(10, 1, mean=1.0, sd=1.0))
    assert np.isnan(detectable_effect(3, 3, rate=0.9))


def test_words_of_a_size():
    """A size prints as a sentence with both groups, difference, power and alpha."""
    found = sample_size(0.1, mean=50.0, sd=100.0, share=0.5)
    assert found.verdict("zh") == (
        "共需 12,559 位客户，其中对照组 6,280 位，才能以 80% 的把握看出 5（+10.0%）的差异（显著性水平 0.05）。"
    )
    assert str(found) == (
        "12,559 customers, 6,280 of them in control, show a difference of 5 (+10.0%) with a power of 80% "
        "at alpha = 0.05."
    )


def test_skewness_is_scipys():
    """The third standardised moment, and 0 of what does not vary."""
    values = np.random.default_rng(3).lognormal(0, 1, 100)
    assert skewness(values) == pytest.approx(stats.skew(values))
    assert skewness(np.ones(5)) == 0.0


@pytest.fixture(scope="module")
def assignment():
    """Return 200 customers in the tiers of a pyramid, with their spend."""
    spend = np.append(np.random.default_rng(4).lognormal(3, 1, 190), np.zeros(10))
    customers = pd.DataFrame({"customer_id": np.arange(200), "spend": spend})
    return vt.PyramidSegmenter(preset="textbook").fit(customers).assign(customers), spend


def test_table_says_what_each_tier_can_show(assignment):
    """Rows are detectable_effect and sample_size of the tier, alpha corrected for tiers that have two in each group."""
    found, spend = assignment
    table = power_table(found, spend, share=0.2, lift=0.3)
    each = 1 - 0.95 ** (1 / (table[["treated", "control"]].min(axis=1) >= 2).sum())
    for row, tier in zip(table.itertuples(), found.tiers, strict=True):
        group = spend[found.codes == tier.code]
        assert (row.tier, row.customers, row.treated + row.control) == (tier.name, len(group), len(group))
        if row.control < 2 or group.std() == 0:
            assert np.isnan(row.detectable)
            continue
        expected = detectable_effect(row.treated, row.control, values=group, alpha=each)
        assert row.detectable == pytest.approx(expected)
        assert row.needed == sample_size(0.3, values=group, share=0.2, alpha=each).customers
        assert row.normal == (row.control >= 25 * stats.skew(group) ** 2)
    assert pd.isna(table["needed"].iloc[-1])
    assert power_table(found, spend, lang="zh")["tier"].tolist() == [tier.name_zh for tier in found.tiers]


def test_table_takes_the_shares_of_the_lot(assignment):
    """A share for each tier is that of control_group; a tier of which nobody is held out shows nothing."""
    found, spend = assignment
    shares = {tier.name: 0.0 for tier in found.tiers} | {"Small": 0.3}
    table = power_table(found, spend, share=shares).set_index("tier")
    held_out = vt.strategy.control_group(found, shares)["group"] == "control"
    assert table["control"].sum() == table.loc["Small", "control"] == held_out.sum()
    assert table["detectable"].notna().tolist() == table["needed"].notna().tolist()
    assert table["detectable"].dropna().index.tolist() == ["Small"]
    with pytest.raises(vt.InvalidParameterError, match="share names 'Smal', which is no tier"):
        power_table(found, spend, share={"Smal": 0.3})


def test_what_no_number_of_customers_shows():
    """A lift too small for a trillion customers is refused, not promised; a table has no size for it."""
    with pytest.raises(
        vt.InvalidParameterError, match=r"lift = 1e-09 takes more than 1,000,000,000,000 customers"
    ):
        sample_size(1e-9, mean=1.0, sd=1.0)
    customers = pd.DataFrame({"customer_id": np.arange(100), "spend": np.arange(100.0) + 1})
    tiers = vt.PyramidSegmenter(preset="hml").fit(customers).assign(customers)
    refunded = np.where(np.arange(100) % 2, 1e6, -1e6 + 1e-3)
    assert power_table(tiers, refunded)["needed"].isna().all()


def test_power_is_more_than_alpha(assignment):
    """What is seen as often as nothing is no power: refused wherever it is asked for."""
    message = r"power must be above alpha, 0\.05, got 0\.05: so often a difference is seen where none is"
    for ask in (
        lambda: sample_size(0.1, mean=1.0, sd=1.0, power=0.05),
        lambda: detectable_effect(64, 64, mean=1.0, sd=1.0, power=0.05),
        lambda: power_table(*assignment, power=0.05),
    ):
        with pytest.raises(vt.InvalidParameterError, match=message):
            ask()


def test_table_of_no_lift(assignment):
    """A table for a lift of 0 is refused."""
    with pytest.raises(vt.InvalidParameterError, match="lift must not be 0, got 0"):
        power_table(*assignment, lift=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "What customers do must be said once: by values, by mean and sd together, or by rate."),
        ({"mean": 1.0}, "must be said once"),
        ({"mean": 1.0, "sd": 1.0, "rate": 0.1}, "must be said once"),
        ({"mean": -1.0, "sd": 1.0}, r"mean must be a number > 0, got -1\.0"),
        ({"mean": 1.0, "sd": 0.0}, r"sd must be a number > 0, got 0\.0"),
        ({"rate": 1.0}, r"rate must be above 0 and below 1, got 1\.0\. 10 % is 0\.1\."),
        ({"rate": 0.95}, r"lift must change what customers do and keep a rate within 0 and 1, got 0\.1"),
        ({"mean": 1.0, "sd": 1.0, "share": 1.0}, "share must be above 0 and below 1"),
        ({"mean": 1.0, "sd": 1.0, "power": 80}, "power must be above 0 and below 1, got 80"),
        ({"mean": 1.0, "sd": 1.0, "alpha": 0}, "alpha must be a number > 0, got 0"),
        (
            {"mean": 1.0, "sd": 1.0, "correlation": 1.0},
            "correlation must lie between -1 and 1, and be 0 for a rate",
        ),
        ({"rate": 0.1, "correlation": 0.5}, "correlation must lie between -1 and 1, and be 0 for a rate"),
    ],
)
def test_arguments_that_cannot_be(arguments, message):
    """What customers do is said once and lies in its range."""
    with pytest.raises(vt.InvalidParameterError, match=message):
        sample_size(0.1, **arguments)


def test_no_lift_needs_no_size():
    """A lift of 0 is refused."""
    with pytest.raises(vt.InvalidParameterError, match="lift must change what customers do"):
        sample_size(0.0, mean=1.0, sd=1.0)


@pytest.mark.parametrize("values", [[1.0, 1.0], [0.0, 0.0], [5.0], [-1.0, 0.5]])
def test_values_that_have_no_lift(values):
    """A lift is a share of a mean above 0, and values that do not vary say nothing."""
    with pytest.raises(vt.InvalidDataError, match="values must vary and have a mean above 0"):
        sample_size(0.1, values=values)


def test_values_for_every_customer(assignment):
    """The table needs one value for each customer, and no missing one."""
    with pytest.raises(vt.InvalidDataError, match="values has 3 entries for 200 customers"):
        power_table(assignment[0], [1.0, 2.0, 3.0])
    with pytest.raises(vt.InvalidDataError, match=r"values: 1 of 2 values are missing \(NaN\)"):
        sample_size(0.1, values=[1.0, np.nan])
