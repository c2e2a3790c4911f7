"""Published values, by their ids in the file of reference values."""

import numpy as np
import pytest

import valuetier as vt
from valuetier import BGBB, BGNBD, CNBDK, MBGNBD, MCNBDK, SBG, GammaGamma, ParetoNBD

WEEKS = 39


@pytest.fixture(scope="module")
def golden(reference):
    """Return a function from an id to (params, inputs, expected)."""
    return lambda name: tuple(reference[name][part] for part in ("params", "inputs", "expected"))


@pytest.fixture(scope="module")
def fitted(cdnow_weeks):
    """Return both models fitted to CDNOW in rounded weeks."""
    counts = BGNBD().fit(*(cdnow_weeks[name] for name in ("x", "t_x", "T")))
    return counts, GammaGamma().fit(cdnow_weeks["x"], cdnow_weeks["zbar"])


def rows_of(inputs):
    return list(np.array(inputs["rows"], dtype=float).T)


def test_the_log_has_the_published_shape(golden, cdnow, cdnow_orders):
    """Customers, repeat orders and holdout orders of CDNOW are those everyone counts."""
    _, _, expected = golden("cdnow.shape")
    whole = vt.summarize(cdnow_orders).customers
    in_calibration = whole["customer_id"].isin(cdnow["customer_id"])
    assert expected == {
        "n": len(cdnow),
        "sum_x": cdnow["x"].sum(),
        "zero_repeat": (cdnow["x"] == 0).sum(),
        "repeat": (cdnow["x"] > 0).sum(),
        "unique_rows": len(cdnow[["x", "t_x", "T"]].drop_duplicates()),
        "max_x": cdnow["x"].max(),
        "holdout_39wk": whole.loc[in_calibration, "orders"].sum() - cdnow["orders"].sum(),
    }


def test_the_log_has_the_published_order_values(golden, cdnow):
    """Mean repeat order values of CDNOW have the published distribution."""
    _, _, expected = golden("cdnow.money")
    repeat = cdnow[cdnow["x"] > 0]
    m_x = repeat["m_x"]
    found = {
        "n": len(m_x),
        "mean": m_x.mean(),
        "sd": m_x.std(),
        "min": m_x.min(),
        "median": m_x.median(),
        "max": m_x.max(),
        "corr_x_m": np.corrcoef(repeat["x"], m_x)[0, 1],
    }
    assert found == pytest.approx(expected, abs=0.005)
    assert GammaGamma().fit(cdnow["x"], cdnow["m_x"]).correlation_ == pytest.approx(found["corr_x_m"])


def assert_fit(model, expected, rel=1e-4):
    """Parameters to 1e-4 or as given, likelihood to 1e-4, standard errors to 1e-2, where they are known."""
    parameters = {name: expected[name] for name in model.parameter_names}
    assert model.params() == pytest.approx(parameters, rel=rel)
    assert model.log_likelihood_ == pytest.approx(expected["ll"], abs=1e-4)
    if "se" in expected:
        assert list(model.standard_errors_.values()) == pytest.approx(expected["se"], rel=1e-2)
    assert model.report_.converged


def test_bgnbd_on_rounded_weeks(golden, fitted):
    """The published fit of BG/NBD, with its standard errors."""
    _, _, expected = golden("bgnbd.fit.csv")
    assert_fit(fitted[0], expected)


def test_bgnbd_on_exact_days(golden, cdnow):
    """The fit to days from the order log is that to exact weeks, with α seven times as large."""
    _, _, expected = golden("bgnbd.fit.exact")
    weeks = BGNBD().fit(cdnow["x"], cdnow["t_x"] / 7, cdnow["T"] / 7)
    assert_fit(weeks, expected)
    days = BGNBD().fit(cdnow["x"], cdnow["t_x"], cdnow["T"])
    assert days.params() == pytest.approx({**weeks.params(), "alpha": 7 * weeks.alpha_}, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "model", "rel"), [("mbg.fit.exact", MBGNBD, 1e-4), ("pnbd.fit.exact", ParetoNBD, 1e-3)]
)
def test_other_models_on_exact_days(golden, cdnow, name, model, rel):
    """The published fits of MBG/NBD and Pareto/NBD, with standard errors; in days the scales are 7 times."""
    _, _, expected = golden(name)
    weeks = model().fit(cdnow["x"], cdnow["t_x"] / 7, cdnow["T"] / 7)
    assert_fit(weeks, expected, rel)
    days = model().fit(cdnow["x"], cdnow["t_x"], cdnow["T"]).params()
    times = {name: 7 * value for name, value in weeks.params().items() if name in ("alpha", "beta")}
    assert days == pytest.approx({**weeks.params(), **times}, rel=1e-6)


def test_bgbb_on_donations(golden, donations):
    """The published fit of BG/BB to six years of 11,104 donors, with its standard errors."""
    _, _, expected = golden("bgbb.fit")
    columns = (donations[name] for name in ("frequency", "recency", "periods"))
    model = BGBB().fit(*columns, weights=donations["weights"])
    assert_fit(model, expected)
    assert (model.report_.rows, model.report_.distinct_rows) == (11_104, 22)


def test_sbg_on_survivors(golden):
    """The published fit of sBG to the regular segment."""
    _, inputs, expected = golden("sbg.regular")
    curve = [1000, 631, 468, 382, 326, 289, 262, 241]
    assert " ".join(map(str, curve[1:])) in inputs
    model = SBG().fit_survivors(curve)
    assert model.params() == pytest.approx({name: expected[name] for name in ("alpha", "beta")}, rel=1e-4)
    assert model.log_likelihood_ == pytest.approx(expected["ll"], rel=1e-4)


def test_gamma_gamma_on_rounded_means(golden, fitted):
    """The published fit of Gamma-Gamma, with its standard errors."""
    _, _, expected = golden("gg.fit.csv")
    assert_fit(fitted[1], expected)
    assert (fitted[1].n_used_, fitted[1].n_ignored_) == (946, 1411)


def test_gamma_gamma_on_exact_means(golden, cdnow):
    """The fit to mean order values from the order log."""
    _, _, expected = golden("gg.fit.exact")
    assert_fit(GammaGamma().fit(cdnow["x"], cdnow["m_x"]), expected)


def test_order_values_of_the_first_ten_customers(golden, fitted, cdnow_weeks):
    """The published table, to its cents at the maximum of the likelihood."""
    params, _, expected = golden("gg.cond.first10")
    first = cdnow_weeks.head(10)
    assert fitted[1].expected_value(first["x"], first["zbar"]) == pytest.approx(expected, abs=0.01)
    rounded = GammaGamma.from_params(**params)
    assert rounded.expected_value(first["x"], first["zbar"]) == pytest.approx(expected, abs=0.1)


def test_order_value_of_one_customer(golden):
    """The example of another program's manual."""
    params, inputs, expected = golden("gg.cond.btyd")
    found = GammaGamma.from_params(**params).expected_value([inputs["x"]], [inputs["m"]])
    assert found[0] == pytest.approx(expected, abs=1e-9)


def test_expected_orders_of_one_customer(golden):
    """The example of the authors' spreadsheet."""
    params, inputs, expected = golden("bgnbd.cet.example")
    found = BGNBD.from_params(**params).conditional_expected_purchases(
        inputs["t"], [inputs["x"]], [inputs["tx"]], [inputs["T"]]
    )
    assert found[0] == pytest.approx(expected, abs=1e-6)


def test_expected_orders_of_a_new_customer(golden):
    """The published curve from a day to a year and a half."""
    params, inputs, expected = golden("bgnbd.expected")
    assert BGNBD.from_params(**params).expected_purchases(inputs["t"]) == pytest.approx(expected, abs=1e-5)


def test_customer_1516(golden):
    """The best customer of CDNOW: orders expected within a year, and chance to be alive."""
    params, inputs, expected = golden("bgnbd.1516")
    model, observed = BGNBD.from_params(**params), ([inputs["x"]], [inputs["tx"]], [inputs["T"]])
    found = model.conditional_expected_purchases(inputs["t"], *observed)[0]
    assert found == pytest.approx(expected["cet"], abs=1e-3)
    assert model.probability_alive(*observed)[0] == pytest.approx(expected["palive"], abs=1e-5)


def test_customer_1516_by_pareto_nbd(golden):
    """The same customer by the other model, as another program's vignette has it."""
    params, inputs, expected = golden("pnbd.1516")
    model, observed = ParetoNBD.from_params(**params), ([inputs["x"]], [inputs["tx"]], [inputs["T"]])
    found = model.conditional_expected_purchases(inputs["t"], *observed)[0]
    assert found == pytest.approx(expected["cet"], abs=1e-3)
    assert model.probability_alive(*observed)[0] == pytest.approx(expected["palive"], abs=1e-5)


def test_expected_orders_by_mbg_nbd(golden):
    """Orders expected of one customer, and its chance to be alive."""
    params, inputs, expected = golden("mbg.cet")
    model, observed = MBGNBD.from_params(**params), ([inputs["x"]], [inputs["tx"]], [inputs["T"]])
    found = model.conditional_expected_purchases(inputs["t"], *observed)[0]
    assert found == pytest.approx(expected["cet"], abs=1e-5)
    assert model.probability_alive(*observed)[0] == pytest.approx(expected["palive"], abs=1e-5)


def test_pareto_nbd_does_not_underflow(golden):
    """Orders expected of customers with 132 and 133 orders."""
    params, inputs, expected = golden("pnbd.underflow")
    found = ParetoNBD.from_params(**params).conditional_expected_purchases(inputs["t"], *rows_of(inputs))
    assert found == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(("name", "model"), [("bgnbd.ll.point", BGNBD), ("mbg.ll.point", MBGNBD)])
def test_likelihood_of_two_customers(golden, name, model):
    """A one-timer, and a customer of 200 orders."""
    params, inputs, expected = golden(name)
    found = model.from_params(**params).log_likelihood(*rows_of(inputs))
    assert found == pytest.approx(expected, abs=1e-6)


def test_likelihood_of_one_customer_by_pareto_nbd(golden):
    """The test case of another program."""
    params, inputs, expected = golden("pnbd.ll.point")
    found = ParetoNBD.from_params(**params).log_likelihood([inputs["x"]], [inputs["tx"]], [inputs["T"]])
    assert found[0] == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize(("name", "model"), [("cnbdk.ll", CNBDK), ("mcnbdk.ll", MCNBDK)])
def test_likelihood_of_regular_customers(golden, name, model):
    """The test cases of another program, with the sums of log gaps."""
    params, inputs, expected = golden(name)
    assert inputs["order"] == "x,tx,T,litt"
    found = model.from_params(**params).log_likelihood(*rows_of(inputs))
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("name", "model"), [("bgnbd.dert", BGNBD), ("pnbd.dert", ParetoNBD)])
def test_discounted_orders_without_end(golden, name, model):
    """Four customers at .0027 a week."""
    params, inputs, expected = golden(name)
    found = model.from_params(**params).dert(*rows_of(inputs), inputs["delta"])
    assert found == pytest.approx(expected, rel=1e-5)


def test_donations_of_a_new_donor(golden):
    """BG/BB: donations expected over one to eleven years."""
    params, inputs, expected = golden("bgbb.expected")
    assert BGBB.from_params(**params).expected_purchases(inputs["n"]) == pytest.approx(expected, abs=1e-4)


def test_donations_of_known_donors(golden):
    """BG/BB: donations expected over the next years, and the chance to be there next year."""
    params, inputs, expected = golden("bgbb.cet")
    model = BGBB.from_params(**params)
    found = model.conditional_expected_purchases(inputs["horizon"], *rows_of(inputs), inputs["n"])
    assert found == pytest.approx(expected, abs=1e-4)
    params, inputs, expected = golden("bgbb.palive")
    found = BGBB.from_params(**params).probability_alive(*rows_of(inputs), inputs["n"], inputs["m"])
    assert found == pytest.approx(expected, abs=1e-4)


def test_residual_lifetime_of_contracts(golden):
    """sBG: the published table, before the first to the fifth renewal, of two segments."""
    _, inputs, expected = golden("sbg.derl")
    for params, row in zip(inputs["cases"], expected, strict=True):
        found = SBG.from_params(**params).derl(inputs["d"], np.array(inputs["n"]) - 1)
        assert found == pytest.approx(row, abs=0.01)


def test_the_holdout_by_frequency(golden, cdnow, cdnow_orders):
    """Expected and actual orders of the next 39 weeks, by orders so far: the published table."""
    params, _, expected = golden("bgnbd.holdout")
    ever = vt.summarize(cdnow_orders).customers.set_index("customer_id")["orders"]
    actual = cdnow["customer_id"].map(ever) - cdnow["orders"]
    forecast = BGNBD.from_params(**params).conditional_expected_purchases(
        WEEKS, cdnow["x"], cdnow["t_x"] / 7, cdnow["T"] / 7
    )
    bins = np.minimum(cdnow["x"].to_numpy(), 7)
    for name, values in (("actual", actual.to_numpy()), ("expected", forecast)):
        by_bin = [values[bins == x].mean() for x in range(8)]
        assert by_bin == pytest.approx(expected[name], abs=1e-3)
        assert values.sum() == pytest.approx(expected[f"total_{name}"], abs=0.05)


def test_lifetime_value_over_twelve_months(golden, cdnow_weeks):
    """Orders of each month, discounted at its end, times the order value."""
    params, _, expected = golden("clv.weekly.12m")
    counts, money = BGNBD.from_params(**params["bg"]), GammaGamma.from_params(**params["gg"])
    customers = cdnow_weeks.set_index("ID").loc[[int(name[1:]) for name in expected]]
    observed = [customers[name] for name in ("x", "t_x", "T")]
    until = np.stack([counts.conditional_expected_purchases(4.345 * month, *observed) for month in range(13)])
    discounted = np.diff(until, axis=0) / 1.01 ** np.arange(1, 13)[:, None]
    value = discounted.sum(axis=0) * money.expected_value(customers["x"], customers["zbar"])
    assert value == pytest.approx(list(expected.values()), rel=1e-3)
