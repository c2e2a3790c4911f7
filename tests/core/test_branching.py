"""Small plans solved to the end, and how amounts are counted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.test_allocation import best_value, problem_of
from valuetier._core import allocation, branching, covering
from valuetier._core.lagrange import Problem


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 2), st.integers(1, 3), st.booleans())
def test_whole_numbers_per_action_are_enough(seed, strata, offers, cents):
    """The programme that branches on how often actions are taken finds the best of all plans, or that there is none."""
    problem = problem_of(seed, strata=strata, offers=offers)
    if cents:
        problem = problem._replace(use=problem.use * 0.37, limit=problem.limit * 0.37)
    found = branching.solved(problem, np.isfinite(problem.gain), 0.0, 10_000)
    best = best_value(problem)
    assert (found.counts is None) == (best is None)
    if best is not None:
        assert allocation.keeps_promises(problem, found.counts)
        assert allocation.plan_value(problem, found.counts) == pytest.approx(best, abs=1e-9)
        assert found.bound == pytest.approx(best, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 4000), min_size=1, max_size=6), st.integers(0, 4))
def test_the_common_unit_divides_all_amounts(parts, decimals):
    """Amounts with a few decimals are multiples of their unit, and no larger unit divides them."""
    unit = branching.common_unit(np.array(parts) / 10**decimals)
    assert unit == pytest.approx(np.gcd.reduce(parts) / 10**decimals, rel=1e-12)


@pytest.mark.parametrize("amounts", [[2**0.5], [1 / 3, 1.0], [1e-9, 1.0], [1e7, 1e-3], []])
def test_amounts_without_a_unit_have_none(amounts):
    """Irrational amounts, and those that differ by more than a million units, have no unit."""
    assert branching.common_unit(np.array(amounts)) == 0


def test_a_limit_that_is_missed_by_a_hair_is_kept():
    """Within the tolerance of the solver is not within the limit: one less is taken."""
    use = np.array([[2**0.5]])
    gain = np.array([[5.0], [4.0], [3.0]])
    hair = Problem(gain, np.ones(3), np.full(3, -1), use, 3 * use[0] - 1e-9, np.empty(0), 1)
    assert branching.solved(hair, np.ones((3, 1), dtype=bool), 0.0, 100).counts.sum() == 2
    asked = hair._replace(stratum=np.zeros(3, dtype=int), need=np.array([3.0]))
    assert covering.cover(asked, use[:, 0]) is None


def hard(n, seed, kind):
    """Return a problem with several tight limits: of small whole numbers, or of real ones."""
    rng = np.random.default_rng(seed)
    whole = kind == "whole"
    gain = rng.integers(1, 60, (n, 6)).astype(float) if whole else rng.gamma(2, 5, (n, 6))
    use = rng.integers(0, 6, (6, 4)).astype(float) if whole else rng.gamma(2, 5, (6, 5))
    limit = np.floor(rng.uniform(0.2, 0.6, use.shape[1]) * use.mean(axis=0) * n)
    return Problem(gain, np.ones(n), np.full(n, -1), use, limit, np.empty(0), 1)


@pytest.mark.parametrize(("n", "kind"), [(300, "whole"), (3000, "whole"), (300, "real")])
def test_plans_of_thousands_are_proved_best(n, kind):
    """Several tight limits leave no gap."""
    found = allocation.allocate(hard(n, 1, kind))
    assert found.value == pytest.approx(found.bound, rel=allocation.PROVED)


def test_many_ties_are_shared_as_the_relaxation_shares_them():
    """Small whole gains tie thousands of classes at the prices; the plan is near the bound all the same."""
    problem = hard(20_000, 0, "whole")
    found = allocation.allocate(problem)
    assert allocation.keeps_promises(problem, found.counts)
    assert found.bound - found.value <= 1e-4 * found.bound
