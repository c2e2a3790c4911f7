"""Gates first, then one segmenter inside each tier of another."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import valuetier as vt
from tests.segmenters.customer_tables import make

GATES = [
    {"tier": ("Contract", "合同客户"), "when": {"contract": 1}},
    {"tier": ("Blocked", "暂停客户"), "when": {"overdue_days": {">": 90}}},
]


def _customers(n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return make(n).assign(
        contract=(rng.random(n) < 0.1).astype(float), overdue_days=rng.integers(0, 120, n).astype(float)
    )


def _message(error: type[Exception], call) -> str:
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


def test_gates_come_first_and_stand_above_or_below():
    """Whom a gate takes gets its tier, whatever the value; ``above`` puts a gate's tier on top."""
    customers = _customers()
    cascade = vt.CascadeSegmenter(gates=GATES, above=["Contract"]).fit(customers)
    names = cascade.get_tier_names_out()
    tiers = np.array(names)[cascade.predict(customers)]
    contract = customers["contract"] == 1
    blocked = ~contract & (customers["overdue_days"] > 90)
    assert (names[0], names[-1]) == ("Contract", "Blocked")
    assert ((tiers == "Contract") == contract).all()
    assert ((tiers == "Blocked") == blocked).all()
    assert cascade.get_tier_names_out("zh")[-1] == "暂停客户"
    assert vt.CascadeSegmenter(gates=GATES).fit(customers).get_tier_names_out()[-2:] == [
        "Contract",
        "Blocked",
    ]


def test_each_step_learns_from_the_customers_that_reach_it():
    """The result is that of the segmenters fitted by hand on the rest, and on each outer tier."""
    customers = _customers()
    outer, inner = vt.PyramidSegmenter(preset="hml"), vt.RFMSegmenter()
    cascade = vt.CascadeSegmenter(gates=GATES, outer=outer, inner={"High": inner, "Low": inner}).fit(
        customers
    )
    rest = customers[(customers["contract"] != 1) & (customers["overdue_days"] <= 90)]
    by_hand = vt.PyramidSegmenter(preset="hml").fit(rest)
    names = np.array(by_hand.get_tier_names_out())[by_hand.predict(rest)].astype(object)
    for tier in ("High", "Low"):
        part = rest[names == tier]
        rfm = vt.RFMSegmenter().fit(part)
        names[names == tier] = [f"{tier} · {rfm.get_tier_names_out()[code]}" for code in rfm.predict(part)]
    found = np.array(cascade.get_tier_names_out())[cascade.predict(rest)]
    assert found.tolist() == names.tolist()
    assert "Medium" in found
    assert not hasattr(inner, "edges_")


def test_codes_follow_outer_then_inner():
    """Best outer tier first, within it the best inner one; the evidence has all three steps."""
    customers = _customers()
    cascade = vt.CascadeSegmenter(gates=GATES, above=["Contract"]).fit(customers)
    gate, outer, inner = cascade.transform(customers).T.astype(int)
    codes = cascade.predict(customers)
    free = gate == 0
    order = np.lexsort((inner[free], outer[free]))
    assert (np.diff(codes[free][order]) >= 0).all()
    assert set(gate.tolist()) == {0, 1, 2}
    assert (outer[~free] == -1).all()
    assert cascade.score_samples(customers).tolist() == (len(cascade.tiers_) - 1 - codes).tolist()


def test_a_tier_that_cannot_be_parted_stays_whole_and_says_why():
    """No customer without value when fitted: the tier keeps its name, later ones get it."""
    customers = make(200)
    cascade = vt.CascadeSegmenter().fit(customers)
    assert list(cascade.undivided_) == ["No value"]
    assert cascade.undivided_["No value"] == "It had no customers when fitted."
    later = customers.head(1).assign(spend=-5.0, recency_days=3)
    assert cascade.get_tier_names_out()[int(cascade.predict(later)[0])] == "No value"


def test_a_gate_may_lead_into_a_tier_of_the_segmenters():
    """A gate named like a whole outer tier, or like a composed one, puts its customers there."""
    customers = make(300)
    when = {"recency_days": {">": 400}}
    for inner, tier in (({}, "Low"), (None, "Low · quiet")):
        cascade = vt.CascadeSegmenter(gates={tier: when}, inner=inner).fit(customers)
        names = cascade.get_tier_names_out()
        assert names.count(tier) == 1
        late = customers["recency_days"] > 400
        assert set(cascade.predict(customers[late])) == {names.index(tier)}
        assert names.index(tier) in cascade.predict(customers[~late])
        assert cascade.get_tier_names_out("zh")[names.index(tier)].startswith("低价值")


def test_a_cascade_may_be_part_of_a_cascade():
    """The same default gate outside and inside is one tier; the inner one takes nobody any more."""
    customers = make(300)
    customers.loc[:4, "recency_days"] = 800
    nested = vt.CascadeSegmenter(outer=vt.CascadeSegmenter(), inner={}).fit(customers)
    alone = vt.CascadeSegmenter().fit(customers)
    assert nested.get_tier_names_out() == alone.get_tier_names_out()
    assert nested.predict(customers).tolist() == alone.predict(customers).tolist()


def test_no_gates_and_gates_by_share():
    """``()`` is no gate; a share in a gate is learned like in other rules."""
    customers = make(300)
    free = vt.CascadeSegmenter(gates=()).fit(customers)
    assert "Lapsed" not in free.get_tier_names_out()
    assert (free.transform(customers)[:, 0] == 0).all()
    slow = vt.CascadeSegmenter(gates={"Slow": {"recency_days": {">": "p90"}}}).fit(customers)
    assert slow.gates_[0].when["recency_days"][">"] == np.quantile(
        customers["recency_days"], 0.9, method="inverted_cdf"
    )
    assert slow.explain(customers).query("tier == 'Slow'")["reason"].str.startswith("rule 1: ").all()


def test_the_sentence_has_every_step():
    """Why no gate, why this outer tier, why this inner one, and the composed tier; in both languages."""
    cascade, customers = vt.CascadeSegmenter().fit(make(200)), make(1).assign(recency_days=5, spend=1e6)
    assert cascade.explain(customers)["reason"][0].startswith(
        "not rule 1: recency_days 5 (≤ 730); spend 1,000,000 (≥ "
    )
    assert cascade.explain(customers)["reason"][0].endswith("→ active → High · active")
    chinese = cascade.explain(customers, "zh")["reason"][0]
    assert chinese.startswith("不符合规则 1：距上次购买天数 5（≤ 730）；消费金额：1,000,000")
    assert "在“高价值”之内：" in chinese
    assert chinese.endswith("→ 高价值·活跃")


class Halves:
    """A segmenter of three methods and one language: the larger half of the spend, the others."""

    def fit(self, X, y=None):
        """Learn the median."""
        self.line_ = float(X["spend"].median())
        return self

    def predict(self, X):
        """Return 0 from the median up."""
        return (X["spend"].to_numpy() < self.line_).astype(np.int64)

    def get_tier_names_out(self):
        """Return the names."""
        return ["more", "less"]


def test_three_methods_are_enough_for_a_part():
    """A segmenter of another package takes part; it says what it needs by ``columns``."""
    customers = make(200)
    cascade = vt.CascadeSegmenter(outer=Halves(), inner={}, gates=(), columns=["spend"]).fit(customers)
    assert cascade.predict(customers).tolist() == Halves().fit(customers).predict(customers).tolist()
    assert cascade.explain(customers)["reason"].tolist()[0] in (" → more", " → less")


@pytest.mark.parametrize("place", ["outer", "inner"])
def test_a_part_of_three_methods_says_what_it_reads(place):
    """Without ``columns`` it finds nothing to read: already when fitted, and the message has the way out."""

    class ByAge(Halves):
        def fit(self, X, y=None):
            self.line_ = float(X["T"].median())
            return self

    text = _message(vt.MissingColumnsError, lambda: vt.CascadeSegmenter(**{place: ByAge()}).fit(make(200)))
    assert text == "ByAge reads the column 'T', which no other step does. Name it in columns."


def test_a_clusterer_inside_reads_its_ordering_column_when_fitted_only(tmp_path):
    """order_by is in the table of the fit, not needed afterwards; the whole is stored and loaded."""
    customers = make(300).assign(profit=lambda t: t["spend"] * 0.3)
    inner = vt.KMeansSegmenter(features=("recency_days", "orders"), n_tiers=2, order_by="profit")
    cascade = vt.CascadeSegmenter(inner={"High": inner, "Low": inner}).fit(customers)
    needed = customers[["customer_id", "recency_days", "orders", "spend"]]
    cascade.save(tmp_path / "cascade.json")
    loaded = vt.load(tmp_path / "cascade.json")
    assert loaded.predict(needed).tolist() == cascade.predict(customers).tolist()
    told = cascade.explain(customers, "zh").drop(columns="as_of")  # the table of fewer columns has no day
    assert loaded.explain(needed, "zh").drop(columns="as_of").equals(told)


def test_a_column_that_every_step_can_miss_may_be_missing():
    """A value that one step needs is needed; one that the only reader allows to be missing is not."""
    gates = {"Once": {"m_x": [None]}}
    customers = make(200)
    cascade = vt.CascadeSegmenter(gates=gates).fit(customers)
    once = np.array(cascade.get_tier_names_out())[cascade.predict(customers)] == "Once"
    assert (once == customers["m_x"].isna()).all()
    strict = vt.CascadeSegmenter(gates=gates, outer=vt.PyramidSegmenter(value="m_x"))
    assert _message(vt.InvalidDataError, lambda: strict.fit(customers)).startswith("m_x: ")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"outer": "rfm"}, "outer must be a segmenter such as PyramidSegmenter(), got 'rfm'."),
        ({"inner": {"High": 3}}, "inner['High'] must be a segmenter such as PyramidSegmenter(), got 3."),
        (
            {"inner": {"Hihg": vt.RFMSegmenter()}},
            "inner must be one of ['High', 'Medium', 'Low', 'No value'], got 'Hihg'. Did you mean 'High'?",
        ),
        ({"above": ["Lost"]}, "above must be one of ['Lapsed'], got 'Lost'."),
        (
            {"gates": {("Lowest", "低价值"): {"spend": {"<": 5}}}, "inner": {}},
            "gates and segmenters must name different tiers, got ['低价值'] twice. Rename a gate.",
        ),
        (
            {"gates": {"Low": {"spend": {"<": 5}}}, "inner": {}, "above": ["Low"]},
            "above: 'Low' is a tier of the segmenters, whose order is theirs. Leave it out, or rename the gate.",
        ),
    ],
)
def test_parameters_that_cannot_work_are_refused(params, message):
    """Each message has the parameter, the need and the value."""
    assert _message(vt.InvalidParameterError, lambda: vt.CascadeSegmenter(**params).fit(make())) == message


def test_gates_that_leave_nobody_are_refused():
    """The tiers behind the gates need customers to be learned from; counts only are told."""
    text = _message(
        vt.InvalidDataError, lambda: vt.CascadeSegmenter(gates={"All": {"spend": {">": -1}}}).fit(make(50))
    )
    assert text == (
        "The gates leave 0 of 50 customers (n_samples = 50); at least 2 are needed to learn tiers. "
        "Make the gates narrower."
    )


def test_a_gate_behind_another_that_takes_all_of_its_customers_is_refused():
    """It can never be reached."""
    gates = [("A", {"spend": {">": 10}}), ("B", {"spend": {">": 20}})]
    assert _message(vt.InvalidDataError, lambda: vt.CascadeSegmenter(gates=gates).fit(make())) == (
        "gates: the rules ['2 (B)'] are never reached. Delete them or move them up."
    )


def test_a_column_that_a_part_lacks_is_not_taken_for_a_tier_that_cannot_be_parted():
    """A missing column is an error, wherever it is found."""
    inner = vt.KMeansSegmenter(order_by="profit")
    text = _message(vt.MissingColumnsError, lambda: vt.CascadeSegmenter(inner=inner).fit(make()))
    assert text.startswith("The customer table lacks ['profit'].")
