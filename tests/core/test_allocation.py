"""Plans under limits: against all plans, against greedy ones, against the linear relaxation."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from valuetier._core import allocation, covering, filling, lagrange
from valuetier._core.lagrange import Problem


def problem_of(seed, *, n=4, k=3, m=2, strata=0, offers=1, whole=True):
    """Return a random problem of single customers with tight limits."""
    rng = np.random.default_rng(seed)
    gain = rng.integers(-3, 12, (n, k)).astype(float) if whole else rng.gamma(2, 5, (n, k))
    gain[rng.random((n, k)) < 0.25] = -np.inf
    use = rng.integers(0, 6, (k, m)).astype(float)
    limit = np.floor(rng.uniform(0.1, 0.8, m) * (use.mean(axis=0) * n + 1))
    stratum = rng.integers(-1, strata, n) if strata else np.full(n, -1)
    need = np.zeros(strata)
    for s in range(strata):
        need[s] = rng.integers(0, 1 + np.isfinite(gain[stratum == s]).any(axis=1).sum())
    return Problem(gain, np.ones(n), stratum, use, limit, need, offers)


def every_plan(problem):
    """Yield all plans of single customers, whether they keep the limits or not."""
    k = problem.gain.shape[1]
    sets = [bits for bits in product((0, 1), repeat=k) if sum(bits) <= problem.offers]
    for rows in product(sets, repeat=len(problem.gain)):
        counts = np.array(rows, dtype=np.int64)
        if np.isfinite(problem.gain[counts > 0]).all():
            yield counts


def best_value(problem):
    """Return what the best of all plans brings; None if there is none."""
    kept = [c for c in every_plan(problem) if allocation.keeps_promises(problem, c)]
    return max((allocation.plan_value(problem, c) for c in kept), default=None)


def allocated(problem):
    """Return the allocation, None if no plan covers the strata."""
    start = covering.cover(problem, problem.use.sum(axis=1))
    return None if start is None else allocation.allocate(problem, start)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 2), st.integers(1, 3))
def test_brings_as_much_as_the_best_of_all_plans(seed, strata, offers):
    """On small cases the plan is a best one, keeps its promises, and the bound says that it is best."""
    problem = problem_of(seed, strata=strata, offers=offers)
    best, found = best_value(problem), allocated(problem)
    if best is None:
        assert found is None
        return
    assert found.value == pytest.approx(best, abs=1e-9)
    assert allocation.keeps_promises(problem, found.counts)
    assert found.bound == pytest.approx(best, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4), st.sampled_from([1, 2, 6]))
def test_never_above_a_limit_nor_below_greedy_nor_above_the_bound(seed, m, offers):
    """Limits hold in plain sums, going by value per use is never better, and the bound is above all."""
    problem = problem_of(seed, n=60, k=5, m=m, offers=offers, whole=False)
    found = allocation.allocate(problem)
    used = (found.counts[:, :, None] * problem.use[None]).sum(axis=(0, 1))
    assert (used <= problem.limit + 1e-9).all()
    assert (found.counts.sum(axis=1) <= offers).all()
    for measure in (*problem.use.T, np.ones(5)):
        assert found.value >= allocation.plan_value(problem, one_by_one(problem, measure)) - 1e-9
    assert found.bound >= found.value - 1e-9 * abs(found.value)


def one_by_one(problem, measure):
    """Return the plan of the naive loop: the next best action that fits, one customer at a time."""
    score = problem.gain / np.maximum(measure, 1e-12)
    counts, left = np.zeros(problem.gain.shape, dtype=np.int64), problem.limit.copy()
    for flat in np.argsort(-score.ravel(), kind="stable"):
        row, action = divmod(int(flat), problem.gain.shape[1])
        fits = (problem.use[action] <= left + 1e-9).all()
        while problem.gain[row, action] > 0 and fits:
            room = counts[row].sum() < problem.offers * problem.size[row]
            if not room or counts[row, action] >= problem.size[row]:
                break
            counts[row, action] += 1
            left = left - problem.use[action]
            fits = (problem.use[action] <= left + 1e-9).all()
    return counts


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 3))
def test_filling_is_the_naive_loop(seed, offers):
    """Filling in rounds gives the plan of the loop over single actions, also for classes of many."""
    problem = problem_of(seed, n=8, k=3, offers=offers, whole=False)
    problem = problem._replace(size=np.random.default_rng(seed).integers(1, 4, 8).astype(float))
    measure = np.maximum(problem.use.sum(axis=1), 1e-12)
    filled = filling.filled(problem, problem.gain / measure, np.zeros(problem.gain.shape, dtype=np.int64))
    np.testing.assert_array_equal(filled, one_by_one(problem, measure))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 2), st.integers(0, 1))
def test_a_class_of_many_is_as_many_classes_of_one(seed, offers, strata):
    """Equal customers as one class bring what they bring one by one."""
    problem = problem_of(seed, n=4, strata=strata, offers=offers)
    size = np.random.default_rng(seed).integers(1, 4, 4)
    many = problem._replace(size=size.astype(float), limit=2 * problem.limit)
    single = many._replace(
        gain=np.repeat(many.gain, size, axis=0),
        size=np.ones(size.sum()),
        stratum=np.repeat(many.stratum, size),
    )
    one, other = allocated(many), allocated(single)
    assert (one is None) == (other is None)
    if one is not None:
        assert one.value == pytest.approx(other.value, abs=1e-9)


@pytest.mark.parametrize("offers", [1, 2])
def test_boxes_find_the_prices_of_the_linear_programme(offers, monkeypatch):
    """Above the size that is solved as it is, the boxes reach the same lowest bound."""
    problem = problem_of(3, n=1200, k=5, m=3, offers=offers, whole=False)
    exact = lagrange.relaxed_at(problem, lagrange.lowest_prices(problem)).bound
    monkeypatch.setattr(lagrange, "EXACT_CLASSES", 100)
    boxed = lagrange.relaxed_at(problem, lagrange.lowest_prices(problem)).bound
    assert exact <= boxed <= exact * (1 + 1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 2))
def test_prices_are_what_one_more_unit_brings(seed, at):
    """A price is what the relaxation brings more with a little more of the limit, also where sums come out even."""
    problem = problem_of(seed, n=40, k=4, m=3, whole=seed % 2 == 0)
    prices = allocation.allocate(problem).prices

    def worth(more):
        limit = problem.limit + more * (np.arange(3) == at)
        changed = problem._replace(limit=limit)
        return lagrange.relaxed_at(changed, lagrange.lowest_prices(changed)).bound

    step = 1e-3
    assert (worth(step) - worth(0)) / step == pytest.approx(prices[at], abs=1e-4, rel=1e-3)


@pytest.mark.parametrize("offers", [1, 2, 4])
def test_losses_are_those_of_the_other_decision(offers):
    """A loss is what the best set is worth more than the best set with that decision turned."""
    problem = problem_of(11, n=30, k=4, m=2, strata=2, offers=offers, whole=False)
    relaxed = lagrange.relaxed_at(problem, np.array([0.4, 0.2, 3.0, 0.5]))
    losses = allocation.deviation_losses(relaxed, offers)
    sets = [np.array(b, dtype=bool) for b in product((0, 1), repeat=4) if sum(b) <= offers]
    for row in range(30):
        worth = [relaxed.options[row][s].sum() + relaxed.bonus[row] * s.any() for s in sets]
        for j in range(4):
            turned = [w for w, s in zip(worth, sets, strict=True) if s[j] != relaxed.chosen[row, j]]
            assert losses[row, j] == pytest.approx(max(worth) - max(turned), abs=1e-9)


def test_the_cheapest_cover_is_found_or_refused():
    """A cover reaches as many as needed at the least price, and is None where limits forbid it."""
    problem = problem_of(5, n=4, strata=2, offers=1)._replace(need=np.array([1.0, 1.0]))
    problem = problem._replace(limit=np.full(2, np.inf), stratum=np.array([0, 0, 1, 1]))
    problem = problem._replace(gain=np.where(np.isfinite(problem.gain), problem.gain, 0.0))
    found = covering.cover(problem, problem.use[:, 0])
    assert (found.sum(axis=0) @ problem.use)[0] == 2 * problem.use[:, 0].min()
    assert covering.cover(problem._replace(use=problem.use + 1, limit=np.ones(2)), problem.use[:, 0]) is None


def test_nothing_open_is_a_plan_of_nothing():
    """Without actions, customers or limits there is an empty plan that nobody can better."""
    gain = np.full((2, 1), -np.inf)
    found = allocation.allocate(
        Problem(gain, np.ones(2), np.full(2, -1), np.ones((1, 1)), np.ones(1), np.empty(0), 1)
    )
    assert (found.value, found.bound, found.counts.sum()) == (0, 0, 0)
    free = Problem(
        np.array([[2.0]]), np.ones(1), np.array([-1]), np.empty((1, 0)), np.empty(0), np.empty(0), 1
    )
    assert allocation.allocate(free).value == 2.0


def test_what_is_not_proved_is_stated(monkeypatch):
    """With hardly a branch to try the plan is no worse than greedy ones, and the bound tells the gap."""
    problem = problem_of(2, n=80, k=6, m=4)
    exact = allocation.allocate(problem)
    monkeypatch.setattr(allocation, "CORES", (1,))
    monkeypatch.setattr(allocation, "WHOLE", 0)
    rough = allocation.allocate(problem)
    assert allocation.keeps_promises(problem, rough.counts)
    greedy = max(allocation.plan_value(problem, one_by_one(problem, use)) for use in problem.use.T)
    assert greedy <= rough.value <= exact.value + 1e-9
    assert exact.value < rough.bound
