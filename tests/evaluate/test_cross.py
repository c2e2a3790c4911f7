"""Behaviour by value: counts and shares in every cell, from two assignments."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import valuetier as vt
from valuetier.checks import make_customers
from valuetier.evaluate import cross_table


def _assigned(codes, names="AB", ids=None, segments=None) -> vt.TierAssignment:
    tiers = tuple(vt.Tier(i, name, name + "类") for i, name in enumerate(names))
    ids = np.arange(len(codes)) if ids is None else np.asarray(ids)
    named = None if segments is None else np.array(segments, dtype=object)
    chinese = None if segments is None else np.array([f"{one}群" for one in segments], dtype=object)
    return vt.TierAssignment(
        np.array(codes, dtype=np.int64), tiers, named, None, ids, "test", segments_zh=chinese
    )


def _message(error: type[Exception], call) -> str:
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


def test_cells_and_totals_by_hand():
    """Five customers: counts, shares of customers and of value, and their totals."""
    table = cross_table(_assigned([0, 0, 1, 1, 1]), _assigned([0, 1, 1, 1, 0], "XY"), [50, 10, 20, 0, 20])
    assert table.customers.tolist() == [[1, 1], [1, 2]]
    assert table.customer_share.tolist() == [[0.2, 0.2], [0.2, 0.4]]
    assert table.value.tolist() == [[50, 10], [20, 20]]
    assert table.value_share.tolist() == [[0.5, 0.1], [0.2, 0.2]]
    wide = table.table()
    assert wide.to_numpy().tolist() == [[1, 1, 2], [1, 2, 3], [2, 3, 5]]
    assert wide.loc["total", "total"] == 5
    assert table.table("value_share", "zh").loc["合计", "X类"] == pytest.approx(0.7)
    assert str(table) == str(wide)


def test_the_long_form_has_one_row_per_cell():
    """Empty cells and tiers nobody belongs to are there, in both languages."""
    table = cross_table(_assigned([0, 0]), _assigned([2, 2], "XYZ"), [1, 3])
    frame = table.to_frame()
    assert list(frame.columns) == ["segment", "tier", "customers", "customer_share", "value", "value_share"]
    assert frame[["segment", "tier"]].to_numpy().tolist() == [[r, c] for r in "AB" for c in "XYZ"]
    assert frame["customers"].tolist() == [0, 0, 2, 0, 0, 0]
    assert table.to_frame("zh")["tier"].tolist()[:3] == ["X类", "Y类", "Z类"]
    assert list(cross_table(_assigned([0]), _assigned([1])).to_frame()) == [
        "segment",
        "tier",
        "customers",
        "customer_share",
    ]


def test_segments_stand_in_rows_where_they_are_named():
    """The largest segment first, with its Chinese name; not the tiers."""
    behaviour = _assigned([0, 1, 1], segments=["Loyal", "New", "New"])
    table = cross_table(behaviour, _assigned([0, 0, 1], "XY"))
    assert table.rows == (("New", "New群"), ("Loyal", "Loyal群"))
    assert table.customers.tolist() == [[1, 1], [1, 0]]


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_customers_without_a_segment_have_a_row_of_their_own(missing):
    """Nobody is lost: the last row holds those whom the segmenter put into no segment."""
    codes, ids = np.array([0, 1, 1]), np.arange(3)
    tiers = (vt.Tier(0, "A", "甲"), vt.Tier(1, "B", "乙"))
    segments = np.array([missing, missing, "New"], dtype=object)
    behaviour = vt.TierAssignment(codes, tiers, segments, None, ids, "test", segments_zh=segments)
    table = cross_table(behaviour, _assigned([0, 0, 1], "XY"), [1, 2, 3])
    assert table.rows == (("New", "New"), ("no segment", "未分群"))
    assert table.value.tolist() == [[0, 3], [3, 0]]


@pytest.mark.parametrize("grid", ["eleven", "eight", None])
def test_it_agrees_with_pandas(grid):
    """Counts and sums are those of a cross tabulation; shares sum to 1."""
    customers = make_customers()
    rfm = vt.RFMSegmenter(grid=grid).fit(customers).assign(customers)
    tiers = vt.PyramidSegmenter(preset="hml").fit(customers).assign(customers)
    table = cross_table(rfm, tiers, customers["spend"])
    row = rfm.to_frame()["tier" if grid is None else "segment"].astype(str)
    column = tiers.to_frame()["tier"].astype(str)
    found = table.table("value").drop(index="total", columns="total")
    expected = pd.crosstab(row, column, customers["spend"].to_numpy(), aggfunc="sum").fillna(0)
    expected = expected.reindex(index=found.index, columns=found.columns, fill_value=0)
    np.testing.assert_allclose(found.to_numpy(), expected.to_numpy())
    assert table.customers.sum() == len(customers)
    assert table.customer_share.sum() == pytest.approx(1)
    assert table.value_share.sum() == pytest.approx(1)


def test_customers_are_found_by_id_in_any_order():
    """A shuffled second assignment, and shuffled customers throughout, give the same table."""
    customers = make_customers()
    shuffled = customers.sample(frac=1, random_state=4)
    rfm, pyramid = vt.RFMSegmenter().fit(customers), vt.PyramidSegmenter().fit(customers)
    one = cross_table(rfm.assign(customers), pyramid.assign(customers), customers["spend"])
    two = cross_table(rfm.assign(customers), pyramid.assign(shuffled), customers["spend"])
    three = cross_table(rfm.assign(shuffled), pyramid.assign(customers), shuffled["spend"])
    for other in (two, three):
        assert other.rows == one.rows
        assert other.customers.tolist() == one.customers.tolist()
        assert other.value.tolist() == one.value.tolist()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: cross_table(_assigned([0, 1, 1]), _assigned([0, 1], ids=[0, 7])),
            (
                "The assignments are of different customers: 2 of 3 in the first are not in the second, "
                "1 of 2 in the second not in the first. Assign the same table."
            ),
        ),
        (
            lambda: cross_table(_assigned([0, 1]), _assigned([0, 1]), [1.0, np.nan]),
            "values: 1 of 2 values are missing (NaN). Drop or fill these customers first.",
        ),
        (
            lambda: cross_table(_assigned([0, 1]), _assigned([0, 1]), [1.0]),
            (
                "values, assigned must have the same length, got {'values': 1, 'assigned': 2}. "
                "Pass one value per customer in each."
            ),
        ),
        (
            lambda: cross_table(_assigned([0, 1]), _assigned([0, 1]), [1.0, -1.0]),
            (
                "values: the 2 values sum to no positive total, so there are no shares of it. "
                "Pass a column of spend or profit."
            ),
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_counts(call, message):
    """The message counts; it names no customer."""
    assert _message(vt.InvalidDataError, call) == message


def test_cells_that_are_not_there_are_refused():
    """Shares of value need values; other cells do not exist."""
    table = cross_table(_assigned([0, 1]), _assigned([0, 1]))
    assert _message(vt.InvalidParameterError, lambda: table.table("value")) == (
        "cell 'value' needs values. Pass them to cross_table."
    )
    assert _message(vt.InvalidParameterError, lambda: table.table("profit")) == (
        "cell must be one of ['customers', 'customer_share', 'value', 'value_share'], got 'profit'."
    )


def test_a_tier_called_total_keeps_its_counts():
    """The sums stand beside it, not in its place."""
    tiers = (vt.Tier(0, "total", "合计"), vt.Tier(1, "rest", "其余"))
    one = replace(_assigned([0, 0, 1]), tiers=tiers)
    assert cross_table(one, one).table().to_numpy().tolist() == [[2, 0, 2], [0, 1, 1], [2, 1, 3]]
