"""Rows become totals: in blocks, on threads, by parameters or by coefficients."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from valuetier._core import beta_geometric, threads
from valuetier._core.likelihood import Part, Rows, Sample, mixture_rows, unpacked

WORKING = np.log([0.6, 25.0, 0.8, 2.5])


def population(n=30_000, seed=0):
    """Return sorted customers of whole days with weights."""
    rng = np.random.default_rng(seed)
    T = rng.integers(20, 400, n)
    x = rng.poisson(rng.gamma(0.7, 3, n))
    t_x = np.where(x > 0, np.ceil(rng.random(n) * T), 0)
    columns = np.array([x, t_x, T], dtype=float)
    return tuple(columns[:, np.lexsort(columns[::-1])]), rng.integers(1, 5, n).astype(float)


def sample(parts=None, n=30_000):
    columns, weights = population(n)
    return Sample(beta_geometric.parts() if parts is None else parts, columns, weights)


def test_threads_change_no_bit(monkeypatch):
    """One core or many: value, gradient and Hessian are the same to the last bit."""
    found = []
    for cores in (1, 2, 7):
        monkeypatch.setattr(
            threads.os, "sched_getaffinity", lambda _, cores=cores: range(cores), raising=False
        )
        found.append(sample()(WORKING))
    for other in found[1:]:
        for expected, value in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize("block", [1, 7, 999, 10**6])
def test_the_size_of_the_blocks_changes_rounding_only(block):
    """Whatever rows are computed at a time, the totals are those of all rows, also with designs."""
    n = 1_000
    parts = [part._replace(block=block) for part in beta_geometric.parts()]
    designs = (np.ones((n, 1)),) * 4
    for expected, small in (
        (sample(n=n), sample(parts, n)),
        (Sample(beta_geometric.parts(), *population(n), designs), Sample(parts, *population(n), designs)),
    ):
        for whole, pieces in zip(expected(WORKING), small(WORKING), strict=True):
            np.testing.assert_allclose(pieces, whole, rtol=1e-11)


def test_counts_are_computed_once_each():
    """A part of few distinct values sees each of them once; its total is that of all rows."""
    seen = []

    def rows(columns, theta):
        (x,) = columns
        seen.append(x.tolist())
        return Rows(x * theta[0], np.array([x * theta[0]]), np.array([x * theta[0]]))

    columns, weights = (np.array([3.0, 0, 3, 5, 0]),), np.arange(1.0, 6)
    counted = Sample([Part(rows, (0,), of_counts=True)], columns, weights)(np.zeros(1))
    assert seen == [[0, 3, 5]]
    assert counted.value == 3 * (1 + 3) + 5 * 4
    every = Sample([Part(rows, (0,))], columns, weights)(np.zeros(1))
    assert seen[1] == [3, 0, 3, 5, 0]
    assert every.value == counted.value


@pytest.mark.parametrize("size", [100, 1_000, 20_000])
def test_a_subsample_stands_for_all(size):
    """It has about so many draws, the same total weight, the same every time, and nearly the same mean."""
    whole = sample()
    small, again = whole.subsample(size), whole.subsample(size)
    assert len(small) <= size
    assert (small.weights > 0).all()
    assert small.total == pytest.approx(whole.total, rel=1e-9)
    assert (small.weights == again.weights).all()
    draws = small.weights / (whole.total / size)
    np.testing.assert_allclose(draws, np.round(draws), rtol=1e-9)
    mean, theirs = (some(WORKING).value / some.total for some in (whole, small))
    assert theirs == pytest.approx(mean, rel=2 / np.sqrt(size))


@given(weights=st.lists(st.floats(0.01, 100), min_size=1, max_size=50), size=st.integers(1, 40))
def test_rows_are_drawn_in_proportion_to_their_weight(weights, size):
    """Along the rows the draws keep up with the weight to one half: a row of weight w is drawn about w times."""
    weights = np.array(weights)
    part = Part(lambda columns, theta: Rows(columns[0], columns, columns), (0,))
    row = np.arange(float(len(weights)))
    found = Sample([part], (row,), weights).subsample(size)
    draws = np.zeros(len(weights))
    draws[found.columns[0].astype(int)] = found.weights * size / weights.sum()
    behind = np.cumsum(draws) - np.cumsum(weights) / weights.sum() * size
    assert (np.abs(behind) <= 0.5 + 1e-9).all()


@pytest.mark.parametrize("designed", [False, True])
def test_reweighting_leaves_out_rows_of_no_weight(designed):
    """Other weights give the total of those rows, and zeros drop the row and its design."""
    columns, weights = population(500)
    designs = tuple(np.column_stack([np.ones(500), columns[2] / 400]) for _ in range(4)) if designed else None
    working = np.repeat(WORKING, 2) * np.tile([1, 0.1], 4) if designed else WORKING
    whole = Sample(beta_geometric.parts(), columns, weights, designs)
    other = weights * (np.arange(500) % 3)
    found = whole.reweighted(other)
    assert (len(found), len(whole)) == (np.count_nonzero(other), 500)
    assert found.total == other.sum()
    expected = Sample(beta_geometric.parts(), columns, other, designs)(working)
    np.testing.assert_allclose(found(working).value, expected.value, rtol=1e-11)
    np.testing.assert_allclose(found(working).gradient, expected.gradient, rtol=1e-9)


@given(
    components=st.integers(1, 5),
    rows=st.integers(1, 4),
    seed=st.integers(0, 10**6),
    scale=st.floats(0.1, 300),
)
def test_mixtures_have_the_derivatives_of_their_log_sum(components, rows, seed, scale):
    """For components f + g·u + u·H·u / 2 it returns value, slope and curvature of log Σ exp at u = 0."""
    rng = np.random.default_rng(seed)
    logs, slopes = rng.normal(size=(components, rows)) * scale, rng.normal(size=(3, components, rows))
    upper = rng.normal(size=(6, components, rows))
    found = mixture_rows(logs, slopes, upper)
    np.testing.assert_allclose(found.value, special.logsumexp(logs, axis=0), rtol=1e-12)
    weights = special.softmax(logs, axis=0)
    for row in range(rows):
        w = weights[:, row]
        gradient = slopes[:, :, row] @ w
        hessian = sum(
            w[c] * (unpacked(upper[:, c, row], 3) + np.outer(slopes[:, c, row], slopes[:, c, row]))
            for c in range(components)
        ) - np.outer(gradient, gradient)
        np.testing.assert_allclose(found.gradient[:, row], gradient, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(unpacked(found.hessian[:, row], 3), hessian, rtol=1e-9, atol=1e-10)


def test_components_without_weight_do_not_count():
    """A component of weight 0 leaves the others' derivatives as they are."""
    slopes, curvatures = [np.array([[1.0], [2.0], [99.0]])], [np.array([[3.0], [3.0], [99.0]])]
    with_zero = mixture_rows(np.array([[0.5], [0.1], [-np.inf]]), slopes, curvatures)
    without = mixture_rows(np.array([[0.5], [0.1]]), [slopes[0][:2]], [curvatures[0][:2]])
    for expected, found in zip(without, with_zero, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("working", [[800.0, 0, 0, 0], [0, -800.0, 0, 0], [0, 0, 800.0, -800.0]])
def test_a_step_too_far_is_not_a_number_and_no_warning(working):
    """Parameters beyond all numbers give a total that is not finite, in silence."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = sample(n=100)(np.array(working))
    assert not all(np.isfinite(part).all() for part in found)


def test_an_error_in_a_block_is_raised():
    """What goes wrong on a thread is not lost."""

    def broken(columns, theta):
        raise ZeroDivisionError("of the model")

    parts = [Part(broken, (0,), block=10)]
    with pytest.raises(ZeroDivisionError, match="of the model"):
        Sample(parts, (np.zeros(100),), np.ones(100))(np.zeros(1))


@given(number=st.integers(0, 100))
def test_threads_keep_the_order(number):
    """Whatever finishes first, values come in the order of the items."""
    assert threads.in_threads(lambda item: item * 2, range(number)) == [item * 2 for item in range(number)]


def test_matrices_come_back_from_their_upper_triangle():
    """``unpacked`` undoes taking the upper triangle of a symmetric matrix."""
    matrix = np.array([[1.0, 2, 3], [2, 4, 5], [3, 5, 6]])
    np.testing.assert_array_equal(unpacked(matrix[np.triu_indices(3)], 3), matrix)
