"""KAISM: two weighted axes, two lines, four tiers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import valuetier as vt
from tests.segmenters.customer_tables import make

KEY, DEVELOP, MAINTAIN, OPPORTUNITY = range(4)
RATED = {"attractiveness": {"amount": 1}, "strength": {"nps": 1}, "scale": (0, 10)}


def _accounts(amount, nps, **more) -> pd.DataFrame:
    return pd.DataFrame({"amount": amount, "nps": nps, **more}, dtype=np.float64)


QUADRANTS = _accounts([9, 9, 1, 1], [9, 1, 9, 1])


def _fit(customers: pd.DataFrame, **params) -> vt.KAISMSegmenter:
    return vt.KAISMSegmenter(**{**RATED, **params}).fit(customers)


def test_the_four_quadrants():
    """High/high key, high/low develop, low/high maintain, low/low opportunity, in both languages."""
    kaism = _fit(QUADRANTS)
    assert kaism.predict(QUADRANTS).tolist() == [KEY, DEVELOP, MAINTAIN, OPPORTUNITY]
    assert kaism.get_tier_names_out() == ["Key", "Develop", "Maintain", "Opportunity"]
    assert kaism.get_tier_names_out("zh") == ["关键客户", "发展客户", "维持客户", "机会客户"]


def test_axis_scores_are_weighted_means_in_per_cent_of_the_best():
    """Σ weight × rating / Σ weight: (3 × 80 + 1 × 40) / 4 = 70."""
    customers = _accounts([8, 2], [10, 5], growth=[4, 6], ease=[5, 5])
    kaism = _fit(customers, attractiveness={"amount": 3, "growth": 1}, strength={"nps": 1, "ease": 4})
    evidence = dict(zip(kaism.get_feature_names_out(), kaism.transform(customers).T, strict=True))
    assert evidence["attractiveness"].tolist() == [70, 30]
    assert evidence["strength"].tolist() == [60, 50]
    assert evidence["attractiveness_distance"].tolist() == [20, -20]
    assert evidence["strength_distance"].tolist() == [10, 0]
    assert kaism.score_samples(customers).tolist() == [65, 40]


def test_only_the_proportions_of_the_weights_matter():
    """Tenfold weights are the same weights."""
    customers = _accounts([8, 2], [10, 5], growth=[4, 6])
    once = _fit(customers, attractiveness={"amount": 3, "growth": 1})
    tenfold = _fit(customers, attractiveness={"amount": 30, "growth": 10})
    assert once.transform(customers).tolist() == tenfold.transform(customers).tolist()


def test_three_kinds_of_scale():
    """Percentile and min-max are learned, a declared scale is taken as it is; each indicator may have its own."""
    customers = _accounts([0, 10, 100], [1, 5, 10])
    learned = _fit(customers, scale="minmax").transform(customers)
    assert learned[:, 0].tolist() == [0, 10, 100]
    assert _fit(customers, scale="percentile").transform(customers)[:, 0].tolist() == [0, 50, 100]
    mixed = _fit(customers, scale={"amount": "percentile", "nps": (1, 10)}).transform(customers)
    assert mixed[:, :2].tolist() == [[0, 10], [50, 50], [100, 100]]


def test_lower_is_better_inverts_an_indicator():
    """Days overdue count against a customer."""
    customers = _accounts([9, 9, 1, 1], [0, 10, 0, 10])
    straight, inverted = _fit(customers), _fit(customers, lower_is_better=("nps",))
    assert straight.predict(customers).tolist() == [DEVELOP, KEY, OPPORTUNITY, MAINTAIN]
    assert inverted.predict(customers).tolist() == [KEY, DEVELOP, MAINTAIN, OPPORTUNITY]


def test_recency_counts_inverted_by_default():
    """Without ratings, few days since the last order stand for a strong position."""
    customers = make()
    later = customers.assign(recency_days=customers["recency_days"] + 100)
    kaism = vt.KAISMSegmenter().fit(customers)
    assert (kaism.transform(later)[:, 1] <= kaism.transform(customers)[:, 1]).all()
    assert kaism.transform(later)[:, 1].mean() < kaism.transform(customers)[:, 1].mean()


@pytest.mark.parametrize(
    ("line", "expected"),
    [("midpoint", (50, 50)), ("median", (75, 20)), ((90, 30.5), (90, 30.5))],
)
def test_three_kinds_of_line(line, expected):
    """The middle of the scale, the median of the customers, or two given scores."""
    customers = _accounts([9, 8, 7, 1], [1, 1, 3, 9])
    kaism = _fit(customers, line=line)
    assert kaism.lines_ == expected
    first, second = kaism.transform(customers)[:, :2].T
    expected_codes = 2 * (first < expected[0]) + (second < expected[1])
    assert kaism.predict(customers).tolist() == expected_codes.tolist()


def test_the_midpoint_is_the_middle_of_the_declared_scale():
    """On 1-10 the middle is 5.5, which is 55 % of the best."""
    customers = _accounts([5, 5.5, 6], [6, 6, 6])
    kaism = _fit(customers, scale=(1, 10))
    assert kaism.lines_ == (55, 55)
    assert kaism.predict(customers).tolist() == [MAINTAIN, KEY, KEY]


def test_on_the_line_is_high():
    """Exactly 50 of 100 is on the high side of both axes."""
    assert _fit(QUADRANTS).predict(_accounts([5, 5, 4.999], [5, 4.999, 5])).tolist() == [
        KEY,
        DEVELOP,
        MAINTAIN,
    ]


@pytest.mark.parametrize(
    "weights", [(0.1, 0.1, 0.1), (0.1, 0.1, 0.7), (0.1, 0.2, 0.3), (0.3, 0.3, 0.3), (1 / 3, 1 / 7, 2 / 9)]
)
def test_rounding_never_pushes_a_customer_off_the_line(weights):
    """All indicators in the middle are on the middle line, whatever the weights add up to."""
    names = ("a", "b", "c")
    customers = pd.DataFrame({name: [0.0, 5.0, 10.0] for name in (*names, "nps")})
    kaism = vt.KAISMSegmenter(
        attractiveness=dict(zip(names, weights, strict=True)), strength={"nps": 1}, scale=(0, 10)
    ).fit(customers)
    assert kaism.predict(customers).tolist() == [OPPORTUNITY, KEY, KEY]


def test_max_key_caps_the_key_accounts():
    """The best by the mean of both axes stay key; the others of the quadrant are next in line."""
    customers = _accounts([9, 8, 7, 6, 1], [6, 9, 7, 6, 1])
    kaism = _fit(customers, max_key=2)
    assert kaism.predict(customers).tolist() == [KEY, KEY, DEVELOP, DEVELOP, OPPORTUNITY]
    assert kaism.key_line_ == 75


def test_max_key_does_not_part_equal_accounts():
    """Two equal accounts at the cap both wait; the cap is never exceeded."""
    customers = _accounts([9, 8, 8, 7], [9, 8, 8, 7])
    assert _fit(customers, max_key=2).predict(customers).tolist() == [KEY, DEVELOP, DEVELOP, DEVELOP]
    assert _fit(customers, max_key=3).predict(customers).tolist() == [KEY, KEY, KEY, DEVELOP]
    assert _fit(customers[1:3], max_key=1).predict(customers[1:3]).tolist() == [DEVELOP, DEVELOP]


def test_max_key_above_the_number_of_key_accounts_changes_nothing():
    """A cap that is not reached is no cap."""
    assert _fit(QUADRANTS, max_key=1).predict(QUADRANTS).tolist() == [KEY, DEVELOP, MAINTAIN, OPPORTUNITY]
    assert _fit(QUADRANTS, max_key=15).key_line_ == -np.inf


def test_missing_ratings_are_refused():
    """By default a customer without a rating is an error."""
    customers = _accounts([9, np.nan, 1, np.nan], [9, 1, 9, 1])
    with pytest.raises(vt.InvalidDataError) as caught:
        _fit(customers)
    assert str(caught.value) == (
        "amount: 2 of 4 values are missing (NaN). Fill or drop these customers first."
    )


def test_missing_ratings_can_renormalise_the_weights():
    """The known indicators carry the weight of the unknown one."""
    customers = _accounts([9, np.nan, 5], [9, 9, 9], growth=[1, 8, np.nan])
    kaism = _fit(customers, attractiveness={"amount": 3, "growth": 1}, missing="renormalise")
    assert kaism.transform(customers)[:, 0].tolist() == [70, 80, 50]
    assert kaism.predict(customers).tolist() == [KEY, KEY, KEY]


def test_a_customer_without_any_rating_is_refused():
    """There is nothing to renormalise; the message names the axis."""
    customers = _accounts([9, np.nan, 1], [9, 1, 9])
    with pytest.raises(vt.InvalidDataError) as caught:
        _fit(customers, missing="renormalise")
    assert str(caught.value) == (
        "attractiveness: 1 of 3 values have no rating at all. Rate these customers or drop them."
    )


def test_flip_risk_is_zero_far_from_the_line_and_positive_near_it():
    """Weights that move by 20 % turn the quadrant of the doubtful ones only, and these are flagged."""
    customers = _accounts([10, 5.2, 0, 5], [10, 9, 0, 5], growth=[9, 4.8, 1, 5])
    kaism = _fit(customers, attractiveness={"amount": 1, "growth": 1})
    evidence = dict(zip(kaism.get_feature_names_out(), kaism.transform(customers).T, strict=True))
    far, near, low, _ = evidence["flip_risk"]
    assert far == low == 0
    assert 0.2 < near < 0.8
    assert evidence["doubtful"].tolist()[:3] == [0, 1, 0]
    assert ((evidence["flip_risk"] >= 0) & (evidence["flip_risk"] <= 1)).all()


def test_no_weights_can_turn_a_customer_whose_ratings_agree():
    """Equal ratings on all indicators give the same mean for every weighting, even on the line."""
    customers = _accounts([5, 9], [5, 9], growth=[5, 1])
    kaism = _fit(customers, attractiveness={"amount": 1, "growth": 2}, strength={"nps": 1, "growth": 1})
    assert kaism.transform(customers)[0, 4] == 0


def test_worked_case_of_two_customers_whose_deliveries_collide():
    """A orders 60 M with 6 M profit, B 50 M with 7.5 M: the weights of the two decide who comes first."""
    customers = pd.DataFrame({"sales": [60.0, 50.0], "profit": [6.0, 7.5], "fit": [5.0, 5.0]})

    def first(sales, profit) -> str:
        kaism = vt.KAISMSegmenter(
            attractiveness={"sales": sales, "profit": profit},
            strength={"fit": 1},
            scale={"sales": (0, 60), "profit": (0, 7.5), "fit": (0, 10)},
        ).fit(customers)
        return "AB"[int(np.argmax(kaism.score_samples(customers)))]

    # A leads by 100/6 points on sales, B by 20 on profit: the answer turns at 20 : 100/6 = 1.2.
    assert first(1, 1) == "B"
    assert first(1.19, 1) == "B"
    assert first(1.21, 1) == "A"


def test_worked_case_of_the_late_payer():
    """C orders 10 M and pays half a year late, D 8 M on time: credit turns the answer."""
    customers = pd.DataFrame({"sales": [10.0, 8.0], "days_late": [180.0, 0.0], "fit": [5.0, 5.0]})
    scale = {"sales": (0, 10), "days_late": (0, 365), "fit": (0, 10)}

    def scores(**attractiveness):
        late = [name for name in attractiveness if name == "days_late"]
        kaism = vt.KAISMSegmenter(
            attractiveness=attractiveness, strength={"fit": 1}, scale=scale, lower_is_better=late
        )
        return kaism.fit(customers).score_samples(customers)

    c, d = scores(sales=1)
    assert c > d
    c, d = scores(sales=1, days_late=1)
    assert d > c


def test_an_indicator_may_stand_on_both_axes():
    """A column that counts twice is read once."""
    kaism = _fit(QUADRANTS, strength={"nps": 1, "amount": 1})
    assert kaism.n_features_in_ == 2
    assert kaism.predict(QUADRANTS).tolist() == [KEY, KEY, MAINTAIN, OPPORTUNITY]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"attractiveness": {}}, "attractiveness must map columns to weights, got {}."),
        ({"strength": ["nps"]}, "strength must map columns to weights, got ['nps']."),
        ({"strength": {"nps": 0}}, "strength['nps'] must be a number > 0, got 0."),
        ({"attractiveness": {"amount": "3"}}, "attractiveness['amount'] must be a number > 0, got '3'."),
        ({"scale": {"amount": (0, 10)}}, "scale has no entry for 'nps'. It has ['amount']."),
        (
            {"scale": "rank"},
            "scale must be one of ['percentile', 'minmax'] or (low, high), got 'rank'.",
        ),
        ({"line": "mean"}, "line must be one of ['midpoint', 'median'] or two axis scores, got 'mean'."),
        ({"line": 50}, "line must be one of ['midpoint', 'median'] or two axis scores, got 50."),
        ({"line": None}, "line must be one of ['midpoint', 'median'] or two axis scores, got None."),
        (
            {"line": ("a", "b")},
            "line must be one of ['midpoint', 'median'] or two axis scores, got ('a', 'b').",
        ),
        (
            {"line": (50, np.nan)},
            "line must be one of ['midpoint', 'median'] or two axis scores, got (50, nan).",
        ),
        (
            {"line": (1, 2, 3)},
            "line must be one of ['midpoint', 'median'] or two axis scores, got (1, 2, 3).",
        ),
        ({"max_key": 0}, "max_key must be a whole number ≥ 1, got 0."),
        ({"missing": "drop"}, "missing must be one of ['refuse', 'renormalise'], got 'drop'."),
        (
            {"lower_is_better": ["amuont"]},
            "lower_is_better must be one of ['amount', 'nps'], got 'amuont'. Did you mean 'amount'?",
        ),
        (
            {"lower_is_better": "nps"},
            "lower_is_better must be a sequence of column names, got 'nps'. Put a single one in ().",
        ),
    ],
)
def test_parameters_that_cannot_work_are_refused(params, message):
    """Each message has the parameter, the need and the value."""
    with pytest.raises(vt.InvalidParameterError) as caught:
        _fit(QUADRANTS, **params)
    assert str(caught.value) == message


def test_ratings_beyond_the_declared_scale_are_refused():
    """A rating outside its scale is an error with its count, when fitted and of a new customer."""
    wrong, kaism = _accounts([11, 5], [1, 9]), _fit(QUADRANTS)
    for call in (_fit, kaism.predict, kaism.transform):
        with pytest.raises(vt.InvalidDataError) as caught:
            call(wrong)
        assert str(caught.value) == "amount: 1 of 2 values lie outside the rating scale 0-10. Correct them."
