"""What the tests of the likelihoods share: drawn numbers and customers, and finite differences."""

import numpy as np
from hypothesis import strategies as st


def log_uniform(low, high):
    """Draw numbers spread evenly over the orders of magnitude."""
    return st.floats(np.log(low), np.log(high)).map(lambda found: float(np.exp(found)))


def log_uniforms(low, high, *names):
    """Draw one such number for each name."""
    return st.fixed_dictionaries(dict.fromkeys(names, log_uniform(low, high)))


@st.composite
def customers(draw, most=8, longest=5e3, busiest=5000):
    """Draw (x, t_x, T) of some customers, one-timers and busy ones."""
    rows = []
    for _ in range(draw(st.integers(1, most))):
        T = draw(log_uniform(1e-2, longest))
        x = draw(st.just(0) | st.integers(1, 10) | st.integers(1, busiest))
        rows.append((x, draw(st.floats(0.01, 1)) * T if x else 0.0, T))
    return tuple(np.array(rows, dtype=float).T)


def logs(params, names):
    """Return working parameters: the logarithms, in the order of the names."""
    return np.log([params[name] for name in names])


def check_derivatives(sample, working, step=1e-5):
    """Assert that gradient and Hessian of a sample are the slopes of its value and gradient."""
    here = sample(working)
    np.testing.assert_allclose(here.hessian, here.hessian.T, rtol=1e-12)
    slopes, bends = [], []
    for direction in step * np.eye(len(working)):
        above, below = sample(working + direction), sample(working - direction)
        slopes.append((above.value - below.value) / (2 * step))
        bends.append((above.gradient - below.gradient) / (2 * step))
    rounding = 1e-15 * size(sample, working) / step
    np.testing.assert_allclose(slopes, here.gradient, rtol=1e-6, atol=rounding + relative(here.gradient))
    np.testing.assert_allclose(bends, here.hessian, rtol=1e-6, atol=rounding + relative(here.hessian))


def relative(derivatives):
    """Return what is nothing beside the largest of the derivatives."""
    return 1e-8 * np.abs(derivatives).max()


def size(sample, working):
    """Return the weighted sizes of the terms of the likelihood, which rounding errors go by."""
    theta = np.exp(working)
    if sample.designs is not None:
        coefficients = np.split(working, np.cumsum([matrix.shape[1] for matrix in sample.designs])[:-1])
        theta = np.exp([matrix @ part for matrix, part in zip(sample.designs, coefficients, strict=True)])
    with np.errstate(all="ignore"):
        terms = [part.rows([sample.columns[i] for i in part.uses], theta).value for part in sample.parts]
    return sample.weights @ (1 + sum(np.abs(term) for term in terms))
