"""The picture of an effect shows the lifts of the table, and what chance leaves open."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

import valuetier as vt
from tests.evaluate.experiments import effect_of, made_groups, made_orders
from valuetier.plots import plot_effect
from valuetier.plots.style import CUSTOMERS, VALUE

GROUPS = made_groups()


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def found():
    """Return the read-out of an action that doubles every order."""
    return effect_of(GROUPS, made_orders(GROUPS, times=2.0))


def test_points_and_intervals_are_those_of_the_table(found):
    """Each row is a tier with its lift and both ends, in the colour of its outcome."""
    ax, table = plot_effect(found), found.to_frame()
    assert [text.get_text() for text in ax.get_yticklabels()] == table["tier"].tolist()
    _, points, arrows, open_points, _ = ax.lines
    for bars, dots, colour in zip(ax.collections, (points, open_points), (VALUE, CUSTOMERS), strict=True):
        assert to_hex(dots.get_color()) == colour
        rows = table.iloc[dots.get_ydata().astype(int)]
        np.testing.assert_allclose(dots.get_xdata(), rows["lift"])
        for segment, row in zip(bars.get_segments(), rows.itertuples(), strict=True):
            np.testing.assert_allclose(segment[:, 0], np.minimum([row.lift_low, row.lift_high], 2.0))
        assert (rows["outcome"] == "more").all() == (colour == VALUE)
    beyond = table["lift_high"].iloc[arrows.get_ydata().astype(int)] > 2.0
    assert np.isfinite(arrows.get_xdata()).tolist() == beyond.tolist()


def test_what_lies_beyond_the_picture_is_an_arrow():
    """A lift beyond +200 % has no point that would stand in a wrong place, and its interval an arrow for an end."""
    found = effect_of(GROUPS, made_orders(GROUPS, times=6.0))
    table, ax = found.to_frame(), plot_effect(found)
    assert table["lift"].gt(2.0).all()
    _, points, arrows = ax.lines
    assert np.isnan(points.get_xdata()).all()
    assert arrows.get_xdata().tolist() == [2.0] * len(table)
    assert arrows.get_marker() == ">"


def test_words_follow_the_language(found):
    """Title and axis are in the language asked for; an unknown one is refused."""
    ax = plot_effect(found, lang="zh")
    assert ax.get_title(loc="left") == "实验组与对照组的消费对比"
    assert ax.get_xlabel() == "提升幅度（95% 区间）"
    with pytest.raises(vt.InvalidParameterError, match="lang must be one of"):
        plot_effect(found, lang="de")


def test_nothing_to_draw_is_refused():
    """Two customers have no lift; the options of matplotlib stay as they were."""
    groups = pd.DataFrame({"customer_id": ["a", "b"], "group": ["treated", "control"]})
    orders = pd.DataFrame(
        {"customer_id": ["a", "b"], "date": pd.Timestamp("2024-04-01"), "amount": [1.0, 2.0]}
    )
    before = mpl.rcParams.copy()
    with pytest.raises(
        vt.InvalidDataError, match="No tier has a lift: nothing can be said, or control spent nothing"
    ):
        plot_effect(effect_of(groups, orders))
    assert mpl.rcParams == before
