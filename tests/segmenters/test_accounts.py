"""KAISM for real portfolios: several raters, forecasts, the next in line, and one account on one sheet."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import valuetier as vt
from tests.segmenters.customer_tables import make
from valuetier.segmenters.scales import learn_rating

KEY, DEVELOP, MAINTAIN, OPPORTUNITY = range(4)


def _long(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["customer_id", "indicator", "rater", "rating"])


def _accounts(amount, nps, **more) -> pd.DataFrame:
    columns = {"amount": amount, "nps": nps, **more}
    ids = [f"account {i}" for i in range(len(amount))]
    return pd.DataFrame({"customer_id": ids, **{k: np.asarray(v, float) for k, v in columns.items()}})


def _fit(customers: pd.DataFrame, **params) -> vt.KAISMSegmenter:
    rated = {"attractiveness": {"amount": 1}, "strength": {"nps": 1}, "scale": (0, 10)}
    return vt.KAISMSegmenter(**{**rated, **params}).fit(customers)


RATINGS = _long(
    ("b", "growth", "sales", 9),
    ("a", "growth", "sales", 8),
    ("a", "growth", "service", 7),
    ("a", "trust", "sales", 4),
    ("b", "growth", "service", 3),
    ("b", "growth", "boss", np.nan),
)


def test_several_raters_become_mean_spread_and_agreement():
    """An abstention does not count; nobody's rating is missing and disagrees with nothing."""
    found = vt.combine_ratings(RATINGS)
    assert list(found) == [
        "customer_id", "growth", "growth_spread", "growth_raters", "growth_agreed",
        "trust", "trust_spread", "trust_raters", "trust_agreed",
    ]  # fmt: skip
    assert found["customer_id"].tolist() == ["a", "b"]
    assert found["growth"].tolist() == [7.5, 6]
    assert found["growth_spread"].tolist() == [1, 6]
    assert found["growth_raters"].tolist() == [2, 2]
    assert found["growth_agreed"].tolist() == [True, False]
    assert found["trust"][0] == 4
    assert np.isnan(found["trust"][1])
    assert found["trust_raters"].tolist() == [1, 0]
    assert found["trust_agreed"].tolist() == [True, True]


def test_what_counts_as_agreement():
    """Exactly as far apart as allowed agrees."""
    assert vt.combine_ratings(RATINGS, max_spread=6)["growth_agreed"].tolist() == [True, True]
    assert vt.combine_ratings(RATINGS, max_spread=0)["growth_agreed"].tolist() == [False, False]


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from("pq"), st.integers(0, 4), st.integers(1, 10)),
        min_size=1,
        unique_by=lambda row: row[:3],
    )
)
def test_combined_ratings_against_a_loop_and_in_any_order(rows):
    """Mean, spread and number of each cell, whatever the order of the rows and the kind of frame."""
    long = _long(*rows)
    found = vt.combine_ratings(long).set_index("customer_id")
    for customer, name in itertools.product(found.index, set(long["indicator"])):
        given = [r for c, n, _, r in rows if (c, n) == (customer, name)]
        assert found.loc[customer, f"{name}_raters"] == len(given)
        if given:
            assert found.loc[customer, name] == pytest.approx(np.mean(given))
            assert found.loc[customer, f"{name}_spread"] == max(given) - min(given)
    for other in (long[::-1], pl.from_pandas(long)):
        pd.testing.assert_frame_equal(vt.combine_ratings(other).set_index("customer_id"), found)


def test_combined_ratings_go_into_kaism():
    """The means are ratings on the same scale; who is not rated is renormalised."""
    accounts = vt.combine_ratings(RATINGS)
    kaism = vt.KAISMSegmenter(
        attractiveness={"growth": 1},
        strength={"growth": 1, "trust": 1},
        scale=(1, 10),
        missing="renormalise",
    )
    assert kaism.fit(accounts).transform(accounts)[:, :2].tolist() == [[75, 57.5], [60, 60]]


@pytest.mark.parametrize(
    ("ratings", "message"),
    [
        (
            _long(("a", "growth", "sales", 8), ("a", "growth", "sales", 8)),
            "rater: 1 of 2 ratings repeat one by the same rater. Keep one each.",
        ),
        (
            _long(("a", None, "sales", 8), ("a", "growth", "sales", 8)),
            "indicator: 1 of 2 values are missing. Fill or drop these ratings first.",
        ),
        (
            _long(("a", "growth", "sales", np.inf)),
            "rating: 1 of 1 values are infinite (inf). Correct these ratings.",
        ),
        (
            _long(("a", "growth", "sales", "high")),
            "rating must hold numbers, got values of type object. Convert the column first.",
        ),
        ([8, 9], "ratings must be a table with named columns, got a list."),
        (
            _long(("a", "growth", "sales", 8), ("a", "growth_spread", "sales", 3)),
            "indicator: ['growth_spread'] would be two columns of the result. Rename these indicators.",
        ),
        (
            _long(("a", "customer_id", "sales", 8)),
            "indicator: ['customer_id'] would be two columns of the result. Rename these indicators.",
        ),
        (
            _long(("a", "growth", "sales", 8)).rename(columns={"rating": "ratng"}),
            (
                "The ratings lack ['rating']. They have ['customer_id', 'indicator', 'rater', 'ratng']. "
                "Did you mean 'ratng'?"
            ),
        ),
    ],
)
def test_ratings_that_cannot_be_combined(ratings, message):
    """Each message has the column, the count and the way out, and no rating."""
    with pytest.raises(vt.InvalidDataError) as caught:
        vt.combine_ratings(ratings)
    assert str(caught.value) == message


def test_the_allowed_spread_is_a_number():
    """Below zero nobody could agree."""
    with pytest.raises(vt.InvalidParameterError, match="max_spread must be a number ≥ 0, got -1"):
        vt.combine_ratings(RATINGS, max_spread=-1)


def test_forecasts_of_three_years_are_three_columns():
    """Near years may weigh more; who grows overtakes who is large today."""
    accounts = _accounts([8, 5], [6, 6], next_year=[7, 7], year_after=[4, 10])
    today = _fit(accounts).transform(accounts)[:, 0]
    ahead = _fit(accounts, attractiveness={"amount": 3, "next_year": 2, "year_after": 1}, line=(65, 50))
    assert today.tolist() == [80, 50]
    assert ahead.transform(accounts)[:, 0].round(2).tolist() == [70, 65]
    even = _fit(accounts, attractiveness={"amount": 1, "next_year": 1, "year_after": 1})
    assert np.argmax(even.transform(accounts)[:, 0]) == 1


def test_the_next_in_line():
    """High on both axes and beyond the cap, the best first; equal ones share a place; others are not listed."""
    accounts = _accounts([9, 7, 8, 7, 6, 9, 1], [9, 7, 8, 7, 5, 1, 1])
    kaism = _fit(accounts, max_key=1)
    found = kaism.next_in_line(accounts)
    assert found["customer_id"].tolist() == ["account 2", "account 1", "account 3", "account 4"]
    assert found["place"].tolist() == [1, 2, 2, 4]
    assert found["score"].tolist() == [80, 70, 70, 55]
    assert found["gap"].tolist() == [10, 20, 20, 35]
    assert found["attractiveness"].tolist() == [80, 70, 70, 60]
    assert kaism.predict(accounts).tolist() == [KEY, *[DEVELOP] * 5, OPPORTUNITY]


def test_without_a_cap_nobody_waits():
    """No cap, or one that is not reached: an empty list with the same columns."""
    accounts = _accounts([9, 7, 1], [9, 7, 1])
    for params in ({}, {"max_key": 2}):
        found = _fit(accounts, **params).next_in_line(accounts)
        assert len(found) == 0
        assert list(found) == ["customer_id", "place", "attractiveness", "strength", "score", "gap"]


def test_where_equal_accounts_exceed_the_cap_all_of_them_wait():
    """There is no score that would do, so the gap is infinite."""
    accounts = _accounts([9, 9, 1], [9, 9, 1])
    found = _fit(accounts, max_key=1).next_in_line(accounts)
    assert found["place"].tolist() == [1, 1]
    assert found["gap"].tolist() == [np.inf, np.inf]


def test_one_account_on_one_sheet():
    """Indicators, ratings, weights, scores, distances, stability and what would change the quadrant."""
    accounts = _accounts([9, 7, 1], [4, 9, 5], overdue_days=[20, 0, 120], nps_spread=[5, 0, np.nan])
    scale = {"amount": (0, 10), "nps": (0, 10), "overdue_days": {0: 10, 30: 5, 90: 0}}
    kaism = _fit(accounts, attractiveness={"amount": 3, "overdue_days": 1}, scale=scale)
    assert str(kaism.account_sheet(accounts, "account 0")) == (
        "Account account 0: Develop\n"
        "attractiveness 92.5 (on or above the line 50, distance 42.5)\n"
        "  amount 9: rating 90, weight 3\n"
        "  overdue_days 20: rating 100, weight 1\n"
        "relative strength 40 (below the line 50, distance -10)\n"
        "  nps 4: rating 40, weight 1, raters 5 apart\n"
        "Stability: changes quadrant in 0% of the draws of weights within ±20 %\n"
        "What would change the quadrant, each alone:\n"
        "  attractiveness stands on its line with amount 3.333 (now 9)\n"
        "  relative strength stands on its line with nps 5 (now 4)"
    )
    assert str(kaism.account_sheet(accounts, "account 2", lang="zh")) == (
        "客户 account 2：维持客户\n"
        "客户吸引力 7.5（低于分界线 50，距离 -42.5）\n"
        "  amount 1：评分 10，权重 3\n"
        "  overdue_days 120：评分 0，权重 1\n"
        "相对竞争力 50（不低于分界线 50，距离 0）\n"
        "  nps 5：评分 50，权重 1\n"
        "稳定性：权重在±20%内随机变动时，0% 的情形会换象限\n"
        "象限变化条件（仅一项变动）：\n"
        "  客户吸引力：amount为 6.667 时到达分界线（现为 1）\n"
        "  相对竞争力：nps为 5 时到达分界线（现为 5）"
    )


def test_the_sheet_says_what_is_unknown_doubtful_or_capped():
    """Indicators without rating, a doubtful quadrant, an axis no indicator can turn, and the cap."""
    accounts = _accounts([10, 8, 5.2, 0], [10, 8, 9, 0], growth=[9, np.nan, 4.8, 1], trust=[10, 8, 9, 0])
    kaism = _fit(
        accounts,
        attractiveness={"amount": 1, "growth": 1},
        strength={"nps": 1, "trust": 1, "amount": 8},
        missing="renormalise",
        max_key=1,
    )
    capped, doubtful = (str(kaism.account_sheet(accounts, f"account {i}")) for i in (1, 2))
    assert "\n  growth: not rated, weight 1 not counted\n" in capped
    assert capped.endswith(
        "\nNext in line: key accounts are limited to 1 (mean of both axes 80, needed 97.5)"
    )
    assert "of the draws of weights within ±20 %; doubtful\n" in doubtful
    last = kaism.account_sheet(accounts, "account 3")
    assert last.indicators["turns_at"].isna().tolist() == [False, False, True, True, False]
    chinese = str(kaism.account_sheet(accounts, "account 1", lang="zh"))
    assert "\n  growth：未评分，权重 1 不计入\n" in chinese
    assert chinese.endswith("\n候补：关键客户上限为 1 个（两轴均值 80，须达 97.5）")
    far = _accounts([9, 1], [9, 1], a=[0, 0.0], b=[0, 0.0], c=[0, 0.0])
    hopeless = _fit(far, strength=dict.fromkeys("abc", 1)).account_sheet(far, "account 0")
    assert "\n  no single indicator carries relative strength across its line" in str(hopeless)


def test_the_sheet_agrees_with_the_other_methods():
    """Scores, distances, doubts and tiers are those of transform and predict."""
    customers = make(40)
    kaism = vt.KAISMSegmenter(max_key=5).fit(customers)
    evidence = pd.DataFrame(kaism.transform(customers), columns=kaism.get_feature_names_out())
    waiting = set(kaism.next_in_line(customers)["customer_id"])
    for i, customer in enumerate(customers["customer_id"]):
        sheet = kaism.account_sheet(customers, customer)
        assert sheet.scores["attractiveness"] == evidence["attractiveness"][i]
        assert sheet.distances["strength"] == evidence["strength_distance"][i]
        assert sheet.flip_risk == evidence["flip_risk"][i]
        assert sheet.doubtful == bool(evidence["doubtful"][i])
        assert sheet.tier == kaism.get_tier_names_out()[kaism.predict(customers)[i]]
        assert sheet.next_in_line == (customer in waiting)


def test_the_turning_values_turn_the_quadrant():
    """An indicator just on this side of its turning value leaves the axis where it is, just beyond turns it."""
    customers = make(60)
    kaism = vt.KAISMSegmenter(
        attractiveness={"spend": 2, "x": 1},
        strength={"orders": 1, "recency_days": 1},
        lower_is_better=["recency_days"],
    ).fit(customers)
    moved, columns = [], []
    for i in range(20):
        one = customers[i : i + 1]
        rows = kaism.account_sheet(customers, one["customer_id"].iloc[0]).indicators
        for row in rows[rows["turns_at"].notna()].itertuples():
            better = -1 if row.indicator == "recency_days" else 1
            for step in (1e-6, -1e-6):
                moved.append(one.assign(**{row.indicator: row.turns_at + better * step}))
                columns.append(2 + ["attractiveness", "strength"].index(row.axis))
    table = pd.concat(moved).drop(columns="customer_id")
    distances = kaism.transform(table)[np.arange(len(moved)), columns]
    assert len(moved) > 40
    assert (distances[0::2] >= 0).all()
    assert (distances[1::2] < 0).all()


@pytest.mark.parametrize("scale", ["percentile", "minmax", (0, 50)])
@pytest.mark.parametrize("lower_is_better", [False, True])
def test_a_rating_can_be_read_backwards(scale, lower_is_better):
    """The value with a rating has that rating; beyond the ends there is none."""
    rating = learn_rating("n", np.array([1.0, 5, 20, 50]), scale, lower_is_better=lower_is_better)
    for value in (1.0, 7.0, 50.0):
        level = float(rating.rate(np.array([value]))[0])
        assert rating.value_at(level, now=0.0) == pytest.approx(value)
    assert np.isnan(rating.value_at(101.0, now=0.0))
    assert np.isnan(rating.value_at(-1.0, now=0.0))


@pytest.mark.parametrize(
    ("level", "now", "expected"),
    [
        (50, 100, 30),
        (100, 100, 0),
        (60, 100, 0),
        (50, 10, 90),
        (60, 10, 30),
        (0, 0, np.nan),
        (101, 0, np.nan),
    ],
)
def test_a_points_table_turns_at_the_nearest_step_beyond(level, now, expected):
    """From the low side the nearest step with enough points, from the high side the nearest with too few."""
    steps = learn_rating("n", np.array([1.0]), {0: 10, 30: 5, 90: 0}, lower_is_better=False)
    assert steps.value_at(level, now) == pytest.approx(expected, nan_ok=True)


def test_an_account_that_is_not_there():
    """The message does not repeat the id; an unknown language is refused."""
    accounts = _accounts([9, 1], [9, 1])
    kaism = _fit(accounts)
    with pytest.raises(vt.InvalidDataError) as caught:
        kaism.account_sheet(accounts, "secret")
    assert str(caught.value) == (
        "customer: none of 2 customers has this id. Pass one id of the table, of its type."
    )
    with pytest.raises(vt.InvalidParameterError, match="lang must be one of"):
        kaism.account_sheet(accounts, "account 0", lang="fr")


def test_sheets_of_bare_arrays_and_other_frames():
    """Arrays are asked by row number; Polars frames by their ids."""
    accounts = _accounts([9, 1], [9, 1])
    kaism = _fit(accounts)
    expected = kaism.account_sheet(accounts, "account 1").indicators
    polars = kaism.account_sheet(pl.from_pandas(accounts), "account 1").indicators
    pd.testing.assert_frame_equal(polars, expected)
    array = accounts[["amount", "nps"]].to_numpy()
    pd.testing.assert_frame_equal(_fit(array).account_sheet(array, 1).indicators, expected)
