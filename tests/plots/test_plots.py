"""Pictures show the results they are given."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

import valuetier as vt
from valuetier import InvalidDataError, InvalidParameterError
from valuetier.evaluate import concentration
from valuetier.plots import plot_lorenz, plot_segments, plot_tiers, plot_whale

CUSTOMERS = pd.DataFrame(
    {"recency_days": [3, 200, 40, 90], "orders": [9, 1, 3, 2], "spend": [900.0, 20.0, 300.0, 80.0]}
)


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.fixture
def assignment():
    """Four customers in four RFM tiers."""
    return vt.RFMSegmenter(n_bins=4).fit(CUSTOMERS).assign(CUSTOMERS)


def test_bars_are_the_shares(assignment):
    """The lengths of the bars are the tiers' shares of customers and of value."""
    ax = plot_tiers(assignment, CUSTOMERS["spend"])
    people, worth = ([bar.get_width() for bar in group] for group in ax.containers)
    assert people == pytest.approx([0.25] * 4)
    assert worth == pytest.approx([900 / 1300, 300 / 1300, 80 / 1300, 20 / 1300])
    assert [text.get_text() for text in ax.get_yticklabels()] == ["Top", "High", "Medium", "Low"]


@pytest.mark.parametrize("n_without_value", [1, 40])
def test_the_legend_hides_nothing(n_without_value):
    """Neither bars, nor their labels, nor the title lie under the legend, however long the last bar is."""
    table = pd.DataFrame({"spend": [900.0, 300.0, 80.0] + [0.0] * n_without_value})
    found = vt.PyramidSegmenter(preset="abc").fit(table).assign(table)
    ax = plot_tiers(found, table["spend"])
    ax.figure.draw_without_rendering()
    legend = ax.get_legend().get_window_extent()
    title = [text for text in ax.findobj(Text) if text.get_text() == ax.get_title(loc="left")]
    drawn = [*ax.patches, *ax.texts, *title]
    assert len(drawn) == 4 * len(found.tiers) + 1
    assert not any(legend.overlaps(artist.get_window_extent()) for artist in drawn)


def test_tiers_in_chinese(assignment):
    """Labels follow the language."""
    ax = plot_tiers(assignment, CUSTOMERS["spend"], lang="zh")
    assert ax.get_yticklabels()[0].get_text() == "顶级价值"
    assert ax.get_title(loc="left") == "各层级的客户与价值"


def test_segments_are_counted(assignment):
    """One bar per segment, the largest first."""
    ax = plot_segments(assignment)
    assert sorted(text.get_text() for text in ax.get_yticklabels()) == [
        "Champions", "Hibernating", "Lost", "Loyal",
    ]  # fmt: skip
    assert [bar.get_width() for bar in ax.containers[0]] == [1, 1, 1, 1]


def test_segments_need_names():
    """An assignment without segments is sent to the other picture."""
    found = vt.PyramidSegmenter().fit(CUSTOMERS).assign(CUSTOMERS)
    with pytest.raises(InvalidDataError, match=r"names no segments\. Draw its tiers by plot_tiers"):
        plot_segments(found)


def test_curves_are_the_results():
    """Lorenz and whale draw the points of the report."""
    report = concentration([10, 5, -5])
    assert np.array_equal(plot_lorenz(report).lines[1].get_ydata(), report.lorenz_y)
    whale = plot_whale(report)
    assert np.array_equal(whale.lines[1].get_ydata(), report.whale_y)
    assert any("peak 150%" in text.get_text() for text in whale.texts)


def test_given_axes_are_used(assignment):
    """A picture goes where it is put."""
    _, ax = plt.subplots()
    assert plot_tiers(assignment, CUSTOMERS["spend"], ax=ax) is ax


def test_matplotlib_is_left_as_it_was(assignment):
    """No setting of matplotlib is changed for good."""
    before = dict(mpl.rcParams)
    plot_tiers(assignment, CUSTOMERS["spend"])
    assert dict(mpl.rcParams) == before


def test_mistakes_are_named(assignment):
    """Values of other customers, without sum, and unknown languages are refused."""
    with pytest.raises(InvalidDataError, match="values, codes must have the same length"):
        plot_tiers(assignment, [1, 2])
    with pytest.raises(InvalidDataError, match="the sum over 4 customers is not above 0"):
        plot_tiers(assignment, [0, 0, 0, 0])
    with pytest.raises(InvalidParameterError, match="lang must be one of"):
        plot_tiers(assignment, CUSTOMERS["spend"], lang="fr")
