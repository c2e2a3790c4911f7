"""Nothing is said that is not known, and what is said adds up."""

import re
from decimal import Decimal
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

import valuetier as vt
from tests.segmenters.customer_tables import fitted, make
from valuetier.base import Assessment, BaseSegmenter

CUSTOMERS = make(200, seed=4)


def test_columns_of_which_nothing_is_known_are_named():
    """Lifetime value: the order value is not enough, the history is left open, the score that it takes is told."""
    clv, once = fitted("clv"), CUSTOMERS[CUSTOMERS["x"] == 0]
    found = vt.explanation(clv, once)
    frame, told = found.to_frame(), found.sentences()
    row = int(np.flatnonzero(frame["tier"] == "Low")[0])
    pattern = (
        r"No better tier by m_x alone; what x, t_x, T would change is not stated; "
        r"Medium begins at a score of ([\d.,]+) \(([\d.,]+) more\)\."
    )
    line, gap = (
        float(text.replace(",", "")) for text in re.fullmatch(pattern, told["to_next"][row]).groups()
    )
    assert line >= frame["score_to_next"][row] == pytest.approx(line, rel=1e-4)
    assert gap == pytest.approx(line - frame["score"][row], rel=1e-3)
    chinese = found.sentences("zh")["to_next"][row]
    assert chinese.startswith(
        "仅靠重复订单均额不足以升级，重复购买次数、首次到末次购买的天数、首次购买至今的天数变动的影响未作说明；"
    )
    assert re.search(r"；得分达到 [\d.,]+ 即为“中价值”（还差 [\d.,]+）。$", chinese)


def test_a_tier_that_the_order_value_does_not_lose():
    """A customer whose order value alone loses nothing reads which score would, and that the history is open."""
    clv = vt.CLVSegmenter(cut=vt.ThresholdCut((1.0,), names=("Some", "None"))).fit(CUSTOMERS)
    told = vt.explanation(clv, CUSTOMERS).sentences()["to_lose"]
    assert told.str.match(
        r"Not lost by m_x alone; what x, t_x, T would change is not stated; None begins below a"
    ).any()


def test_where_no_column_is_known_nothing_is_claimed():
    """A lifecycle that a model decides has no lever, and does not say that no column changes anything."""
    stages = vt.LifecycleSegmenter(model=vt.BGNBD()).fit(CUSTOMERS)
    told = vt.explanation(stages, CUSTOMERS).sentences()
    assert set(told["to_next"]) == {
        "The best tier.",
        "This segmenter does not say what reaches a better tier.",
    }


def test_no_single_column_is_enough_but_the_score_is_told():
    """RFM: where no column alone is enough, the score of the next tier is named, and what lacks to it."""
    customers = pd.DataFrame(
        {"recency_days": [1, 9, 9, 9], "orders": [9, 1, 9, 1], "spend": [9.0, 1.0, 9.0, 1.0]}
    )
    edges = {"recency_days": (5,), "orders": (5,), "spend": (5.0,)}
    cut = vt.ThresholdCut((1.9,), names=("All", "Rest"))
    rfm = vt.RFMSegmenter(binning="fixed", edges=edges, cut=cut).fit(customers)
    assert vt.explanation(rfm, customers).sentences()["to_next"].tolist() == [
        "The best tier.",
        "No column alone reaches a better tier; All begins at a score of 1.9 (0.9 more).",
        "To All: last order within 5 days (4 fewer).",
        "No column alone reaches a better tier; All begins at a score of 1.9 (0.9 more).",
    ]


@pytest.mark.parametrize(
    "name", ["kmeans", "cluster", "rfm", "scorecard", "kaism", "matrix", "rules", "cascade"]
)
def test_nobody_is_told_to_order_in_the_future(name):
    """No statement asks for fewer than no days and no orders."""
    frame = vt.explanation(fitted(name), CUSTOMERS).to_frame()
    stated = frame.filter(regex="^(recency_days|orders)_(to_next|to_lose|keeps_from)$")
    assert stated.shape[1] in (2, 3, 6)
    assert not ((stated < 0) & np.isfinite(stated)).to_numpy().any()


def test_the_history_of_who_bought_once_cannot_move_alone():
    """A second order is also a last one: nothing is claimed of either alone."""
    found = vt.explanation(fitted("lifecycle"), CUSTOMERS)
    once = (CUSTOMERS["x"] == 0).to_numpy()
    stated = found.to_frame().filter(regex=r"^(x|t_x)_(keeps|to)")
    assert stated.shape[1] == 8
    assert stated[once].isna().all(axis=None)
    text = found.customer(CUSTOMERS["customer_id"][once].iloc[0])
    assert "\n  x 0\n  t_x 0\n" in text


@pytest.mark.parametrize("name", ["pyramid", "kmeans", "scorecard", "clv", "lifecycle"])
@pytest.mark.parametrize("side", ["to_next", "to_lose"])
def test_the_distance_is_that_of_the_numbers_shown(name, side):
    """The value and the distance give the written bound, rounded in the last place at most, never short of it."""
    found = vt.explanation(fitted(name), CUSTOMERS)
    frame, told = found.to_frame(), found.sentences()[side]
    way = re.compile(r"(\w+) (from|above|at most|below) ([\d,.]+)(?: \(([\d,.]+) (?:more|less|away)\))?")
    checked = 0
    for row, text in enumerate(told):
        for column, _, bound, gap in way.findall(text):
            if column not in frame:
                continue
            exact = abs(Decimal(bound.replace(",", "")) - Decimal(repr(float(frame[column][row]))))
            shown = Decimal((gap or "0").replace(",", ""))
            assert exact <= shown <= exact + Decimal("0.01"), text
            checked += 1
    assert checked > 20


def test_a_subclass_that_predicts_otherwise_does_not_explain_what_it_does_not_do():
    """Its own answer counts, and the reasons of the class above are not passed off as its own."""

    class Everybody(vt.PyramidSegmenter):
        kind: ClassVar[str] = "everybody"

        def predict(self, X):
            return np.zeros(len(X), dtype=np.int64)

    found = vt.explanation(Everybody().fit(CUSTOMERS), CUSTOMERS)
    assert not found.assignment.codes.any()
    assert set(found.sentences()["reason"]) == {"This segmenter does not say why."}


def test_the_reasons_of_a_segmenter_of_another_making_are_taken():
    """Its own sentences are the reasons, in both languages; what would change the tier it does not say."""

    class Halves:
        def fit(self, X, y=None):
            return self

        def predict(self, X):
            return (X["spend"].to_numpy() < 100).astype(np.int64)

        def get_tier_names_out(self, lang="en"):
            return ["More", "Less"]

        def explain(self, X, lang="en"):
            word = {"en": "spends", "zh": "消费"}[lang]
            return pd.DataFrame({"reason": [f"{word} {spend:g}" for spend in X["spend"]]})

    found = vt.explanation(Halves(), CUSTOMERS)
    assert found.sentences("zh")["reason"].tolist() == [f"消费 {spend:g}" for spend in CUSTOMERS["spend"]]
    customer = CUSTOMERS["customer_id"][5]
    assert f"Why: spends {CUSTOMERS['spend'][5]:g}" in found.customer(customer)
    assert found.sentences()["to_next"].str.contains("best tier|does not say").all()
    vt.checks.check_explanation(Halves())


def test_a_subclass_without_levers_says_that_it_does_not_say():
    """It has reasons, and makes no claim about what would change them."""

    class Plain(BaseSegmenter):
        kind: ClassVar[str] = "plain"

        def fit(self, X, y=None):
            self.n_features_in_ = self._read_to_fit(X)[1]
            return self

        def _columns(self):
            return ("spend",)

        def _assess(self, columns):
            spend = columns[:, 0]
            return Assessment((spend < 100).astype(np.int64), spend, {"spend": spend})

        def _tier_names(self):
            return (("More", "多"), ("Less", "少"))

        def _evidence_names(self):
            return ("spend",)

        def _reasons(self, columns, found, lang):
            return ["because"] * len(columns)

    told = vt.explanation(Plain().fit(CUSTOMERS), CUSTOMERS).sentences()
    assert set(told["reason"]) == {"because"}
    assert "This segmenter does not say what reaches a better tier." in set(told["to_next"])


@pytest.mark.parametrize("name", ["pyramid", "loyalty"])
def test_the_stated_intervals_alone_give_the_tier_of_everybody(name):
    """Disjoint intervals, one tier each: looking a value up in them gives back every tier."""
    frame = vt.explanation(fitted(name), CUSTOMERS).to_frame()
    stated = frame[["spend_keeps_from", "spend_keeps_to", "tier"]].drop_duplicates()
    stated = stated.sort_values("spend_keeps_from")
    assert (stated["spend_keeps_to"].to_numpy()[:-1] <= stated["spend_keeps_from"].to_numpy()[1:]).all()
    for spend, tier in zip(frame["spend"], frame["tier"], strict=True):
        holds = (stated["spend_keeps_from"] <= spend) & (spend < stated["spend_keeps_to"])
        assert stated.loc[holds, "tier"].tolist() == [tier]


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("rfm", {"recency_days": 1, "orders": 1, "spend": 1}),
        ("scorecard", {"spend": 1, "orders": 1, "recency_days": 1}),
    ],
)
def test_the_stated_points_and_lines_alone_give_the_tier_of_everybody(name, weights):
    """The weighted mean of the points, between the stated scores, is the tier."""
    frame = vt.explanation(fitted(name), CUSTOMERS).to_frame()
    total = sum(weights.values())
    mean = sum(frame[f"{column}_points"] * weight for column, weight in weights.items()) / total
    lines = np.sort(frame["score_keeps_from"].dropna().unique())[::-1]
    names = fitted(name).get_tier_names_out()
    got = [names[int(np.sum(lines > score + 1e-9))] for score in mean]
    assert got == frame["tier"].tolist()
