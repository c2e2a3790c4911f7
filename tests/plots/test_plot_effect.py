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
    for container, colour in zip(ax.containers, (VALUE, CUSTOMERS), strict=True):
        points, _, (bars,) = container
        assert to_hex(points.get_color()) == colour
        rows = table.iloc[points.get_ydata().astype(int)]
        np.testing.assert_allclose(points.get_xdata(), rows["lift"])
        for segment, row in zip(bars.get_segments(), rows.itertuples(), strict=True):
            np.testing.assert_allclose(segment[:, 0], np.minimum([row.lift_low, row.lift_high], 2.0))
        assert (rows["outcome"] == "more").all() == (colour == VALUE)


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
