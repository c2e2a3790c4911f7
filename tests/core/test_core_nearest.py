"""The nearest centre of each row."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from valuetier._core.nearest import nearest_centre


@st.composite
def rows_and_centres(draw):
    """Draw rows and centres with whole coordinates, so that equal distances occur."""
    width = draw(st.integers(1, 3))
    coordinates = st.integers(-3, 3).map(float)
    return tuple(
        draw(arrays(float, (draw(st.integers(1, most)), width), elements=coordinates)) for most in (12, 5)
    )


@given(drawn=rows_and_centres())
def test_equals_the_table_of_all_distances(drawn):
    """The code is the first of the smallest distances."""
    rows, centres = drawn
    distances = ((rows[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
    assert nearest_centre(rows, centres).tolist() == distances.argmin(axis=1).tolist()


@given(drawn=rows_and_centres(), data=st.data())
def test_a_row_depends_on_itself_alone(drawn, data):
    """Some rows, in any order, get the codes they have among all."""
    rows, centres = drawn
    some = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=20))
    picked = np.array(some, dtype=int)
    assert nearest_centre(rows[picked], centres).tolist() == nearest_centre(rows, centres)[picked].tolist()


@given(drawn=rows_and_centres())
def test_a_centre_is_nearest_to_itself(drawn):
    """Distinct centres find themselves."""
    centres = np.unique(drawn[1], axis=0)
    assert nearest_centre(centres, centres).tolist() == list(range(len(centres)))
