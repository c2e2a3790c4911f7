"""Work shared out to threads."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from valuetier._core import threads
from valuetier._core.threads import in_threads


@given(items=st.lists(st.integers(), max_size=30), cores=st.integers(1, 5))
def test_values_come_in_order_whatever_the_cores(items, cores):
    """One core or five: the same values in the order of the items."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threads, "_cores", lambda: cores)
        assert in_threads(lambda item: item * 2, items) == [item * 2 for item in items]


def test_the_work_is_shared(monkeypatch):
    """With two cores two threads are at work at the same time."""
    monkeypatch.setattr(threads, "_cores", lambda: 2)
    both = threading.Barrier(2, timeout=20)
    assert in_threads(lambda item: (both.wait(), item)[1], [1, 2]) == [1, 2]


def test_work_inside_work_does_not_wait_for_itself(monkeypatch):
    """A piece of work may ask for threads too: it goes on in its own."""
    monkeypatch.setattr(threads, "_cores", lambda: 4)
    inner = lambda item: sum(in_threads(lambda number: number * item, list(range(5))))  # noqa: E731
    assert in_threads(lambda item: sum(in_threads(inner, [item, item])), [1, 2, 3, 4, 5]) == [
        20 * item for item in (1, 2, 3, 4, 5)
    ]


def test_an_error_reaches_the_caller(monkeypatch):
    """What goes wrong in a thread is raised where the work was asked for."""
    monkeypatch.setattr(threads, "_cores", lambda: 2)
    with pytest.raises(ZeroDivisionError):
        in_threads(lambda item: 1 / item, [1, 0])


def test_a_likelihood_does_not_depend_on_the_cores(monkeypatch):
    """Sums over blocks are added in the order of the blocks: equal to the last bit."""
    from valuetier import BGNBD

    rng = np.random.default_rng(0)
    history = BGNBD.from_params(r=0.6, alpha=25.0, a=0.8, b=2.5).simulate(
        40_000, rng.uniform(30, 700, 40_000), rng
    )
    fits = []
    for cores in (1, 2, 4):
        monkeypatch.setattr(threads, "_cores", lambda cores=cores: cores)
        fits.append(BGNBD().fit(*history).params())
    assert fits[0] == fits[1] == fits[2]
