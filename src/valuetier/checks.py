"""The contract of a segmenter as test functions, for our own and for those of other packages.

Use them in pytest::

    import pytest
    from valuetier.checks import yield_checks

    @pytest.mark.parametrize("check", yield_checks(), ids=lambda check: check.__name__)
    def test_contract(check):
        check(MySegmenter())

A check takes an unfitted segmenter and raises ``AssertionError`` with what is wrong.
Methods beyond the three of the protocol are checked where a segmenter has them.
"""

from __future__ import annotations

import copy
import json
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier.base import BaseSegmenter
from valuetier.errors import ValueTierError
from valuetier.explain import explanation
from valuetier.store import load
from valuetier.tiers import LANGUAGES, Segmenter, assign

Check = Callable[[Any], None]

_CHECKS: list[Check] = []


def yield_checks() -> tuple[Check, ...]:
    """Return every check of the contract; each takes one unfitted segmenter.

    Examples
    --------
    >>> import valuetier as vt
    >>> for check in yield_checks():
    ...     check(vt.PyramidSegmenter())
    """
    return tuple(_CHECKS)


def make_customers(n: int = 300, seed: int = 0) -> pd.DataFrame:
    """Return a customer table as :func:`valuetier.summarize` makes it, with many equal customers.

    Ids are text. Four customers of ten bought once; spend is in whole units, so that
    values repeat.

    Examples
    --------
    >>> list(make_customers(2))
    ['customer_id', 'first_order', 'last_order', 'orders', 'spend', 'recency_days', 'x', 't_x', 'T', 'm_x']
    """
    rng = np.random.default_rng(seed)
    age = rng.integers(30, 720, n)
    x = np.where(rng.random(n) < 0.4, 0, rng.negative_binomial(1, 0.25, n) + 1)
    t_x = np.where(x > 0, np.maximum(1, np.round(age * rng.beta(3, 1.5, n))), 0).astype(np.int64)
    mean = np.maximum(1, np.round(rng.gamma(3, 12, n)))
    as_of = np.datetime64("2024-06-30")
    return pd.DataFrame(
        {
            "customer_id": [f"c{i:05d}" for i in range(n)],
            "first_order": (as_of - age).astype("datetime64[us]"),
            "last_order": (as_of - age + t_x).astype("datetime64[us]"),
            "orders": x + 1,
            "spend": mean * (x + 1),
            "recency_days": age - t_x,
            "x": x,
            "t_x": t_x.astype(np.float64),
            "T": age.astype(np.float64),
            "m_x": np.where(x > 0, mean, np.nan),
        }
    )


def _check(function: Check) -> Check:
    _CHECKS.append(function)
    return function


def _fitted(segmenter: Any, X: Any) -> Any:
    fresh = copy.deepcopy(segmenter)
    result = fresh.fit(X)
    return fresh if result is None else result


def _codes(segmenter: Any, X: Any) -> NDArray[Any]:
    return np.asarray(segmenter.predict(X))


def _equal(first: Any, second: Any) -> bool:
    return np.array_equal(np.asarray(first), np.asarray(second))


@_check
def check_protocol(segmenter: Any) -> None:
    """The three methods are there, and ``fit`` returns the segmenter."""
    assert isinstance(segmenter, Segmenter), "a segmenter has fit, predict and get_tier_names_out"
    fresh = copy.deepcopy(segmenter)
    assert fresh.fit(make_customers()) is fresh, "fit must return the segmenter itself"


@_check
def check_codes(segmenter: Any) -> None:
    """``predict`` returns one integer per customer, each the position of a tier name."""
    X = make_customers()
    fitted = _fitted(segmenter, X)
    codes = _codes(fitted, X)
    assert codes.shape == (len(X),), f"one code per customer: {len(X)} customers, shape {codes.shape}"
    assert codes.dtype.kind in "iu", f"codes must be integers, got {codes.dtype}"
    n_tiers = len(list(fitted.get_tier_names_out()))
    assert codes.min() >= 0, "the best tier has code 0, none is negative"
    assert codes.max() < n_tiers, f"codes must be below the number of tier names, {n_tiers}"


@_check
def check_tier_names(segmenter: Any) -> None:
    """Tier names are different texts; where another language is offered, as many."""
    fitted = _fitted(segmenter, make_customers())
    names = list(fitted.get_tier_names_out())
    assert len(names) >= 1, "at least one tier"
    assert all(isinstance(name, str) and name for name in names), "tier names are texts"
    assert len(set(names)) == len(names), "tier names must differ"
    for lang in LANGUAGES:
        try:
            there = list(fitted.get_tier_names_out(lang=lang))
        except TypeError:  # names in one language only
            continue
        assert len(there) == len(names), f"as many names in {lang} as there are tiers"


@_check
def check_equal_customers(segmenter: Any) -> None:
    """Equal customers get equal tiers."""
    X = make_customers()
    twins = pd.concat([X, X], ignore_index=True)
    twins["customer_id"] = [f"t{i:05d}" for i in range(len(twins))]
    codes = _codes(_fitted(segmenter, twins), twins)
    assert _equal(codes[: len(X)], codes[len(X) :]), "customers with equal values got different tiers"


@_check
def check_order_when_fitting(segmenter: Any) -> None:
    """The order of the rows changes nothing in what is learned."""
    X = make_customers()
    shuffled = X.sample(frac=1, random_state=1)
    codes = _codes(_fitted(segmenter, X), X)
    assert _equal(codes, _codes(_fitted(segmenter, shuffled), X)), "shuffled rows taught other cuts"


@_check
def check_order_when_predicting(segmenter: Any) -> None:
    """The order of the rows changes nothing in a customer's tier."""
    X = make_customers()
    fitted = _fitted(segmenter, X)
    order = np.random.default_rng(2).permutation(len(X))
    there = _codes(fitted, X.iloc[order].reset_index(drop=True))
    assert _equal(_codes(fitted, X)[order], there), "a customer's tier depends on its row"


@_check
def check_subset(segmenter: Any) -> None:
    """A part of the customers gets the tiers it has within the whole; so does one alone."""
    X = make_customers()
    fitted = _fitted(segmenter, X)
    whole = _codes(fitted, X)
    part = X.iloc[::7].reset_index(drop=True)
    assert _equal(whole[::7], _codes(fitted, part)), "a subset is judged otherwise than the whole"
    assert _equal(whole[:1], _codes(fitted, X.head(1))), "one customer alone is judged otherwise"


@_check
def check_unseen(segmenter: Any) -> None:
    """Customers who were not there when the cuts were learned get a tier."""
    fitted = _fitted(segmenter, make_customers(seed=0))
    codes = _codes(fitted, make_customers(n=500, seed=1))
    n_tiers = len(list(fitted.get_tier_names_out()))
    assert ((codes >= 0) & (codes < n_tiers)).all(), "an unseen customer has no tier"


@_check
def check_input_unchanged(segmenter: Any) -> None:
    """``fit`` and ``predict`` leave the customer table as it was."""
    X = make_customers()
    before = X.copy(deep=True)
    _codes(_fitted(segmenter, X), X)
    pd.testing.assert_frame_equal(X, before)


@_check
def check_predict_learns_nothing(segmenter: Any) -> None:
    """``predict`` leaves the segmenter as it was: other customers before change nothing."""
    X = make_customers()
    fitted = _fitted(segmenter, X)
    before = pickle.dumps(fitted)
    first = _codes(fitted, X)
    _codes(fitted, make_customers(n=50, seed=3))
    assert pickle.dumps(fitted) == before, "predict changed the segmenter"
    assert _equal(first, _codes(fitted, X)), "predict remembers customers"


@_check
def check_refit(segmenter: Any) -> None:
    """Fitting again forgets what was learned before."""
    X, other = make_customers(), make_customers(n=120, seed=4)
    twice = _fitted(_fitted(segmenter, other), X)
    assert _equal(_codes(_fitted(segmenter, X), X), _codes(twice, X)), "an earlier fit shines through"


@_check
def check_repeatable(segmenter: Any) -> None:
    """Two fits on the same customers give the same tiers."""
    X = make_customers()
    assert _equal(_codes(_fitted(segmenter, X), X), _codes(_fitted(segmenter, X), X)), "fits differ"


@_check
def check_pickle(segmenter: Any) -> None:
    """A fitted segmenter can be pickled, and gives the same tiers afterwards."""
    X = make_customers()
    fitted = _fitted(segmenter, X)
    again = pickle.loads(pickle.dumps(fitted))
    assert _equal(_codes(fitted, X), _codes(again, X)), "the pickled segmenter differs"


@_check
def check_holds_no_customers(segmenter: Any) -> None:
    """What is kept does not grow with the number of customers, and shows none of them."""
    small, large = make_customers(n=400), make_customers(n=4_000)
    sizes = [len(pickle.dumps(_fitted(segmenter, X))) for X in (small, large)]
    assert sizes[1] < 2 * sizes[0] + 20_000, f"the segmenter grows with the customers: {sizes} bytes"
    assert "c00001" not in repr(_fitted(segmenter, small)), "the repr shows a customer"


@_check
def check_assign(segmenter: Any) -> None:
    """``valuetier.assign`` takes it: ids, codes and tiers agree, scores are finite."""
    X = make_customers()
    fitted = _fitted(segmenter, X)
    assignment = assign(fitted, X)
    assert _equal(assignment.codes, _codes(fitted, X)), "assign and predict differ"
    assert list(assignment.ids) == list(X["customer_id"]), "ids must keep their order"
    assert int(assignment.counts().sum()) == len(X), "every customer is counted once"
    if assignment.scores is not None:
        assert np.isfinite(assignment.scores).all(), "scores must be finite"


@_check
def check_bad_table(segmenter: Any) -> None:
    """A table without a single known column is an error of ours, or a ValueError, that says so."""
    strange = pd.DataFrame({"unknown_column": [1.0, 2.0, 3.0]})
    try:
        copy.deepcopy(segmenter).fit(strange)
    except (ValueTierError, ValueError, KeyError) as error:
        assert str(error), "the error must say what is missing"
    else:
        raise AssertionError("a table without the needed columns must be refused")


@_check
def check_store(segmenter: Any) -> None:
    """Where it can be saved: JSON, and the same tiers when loaded."""
    if not hasattr(segmenter, "save"):
        return
    X = make_customers()
    fitted = _fitted(segmenter, X)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        fitted.save(path)
        json.loads(path.read_text(encoding="utf-8"))
        assert _equal(_codes(fitted, X), _codes(load(path), X)), "the loaded segmenter differs"


@_check
def check_explain(segmenter: Any) -> None:
    """Where it explains: one reason per customer, with the tier that it gets, in each language."""
    if not hasattr(segmenter, "explain"):
        return
    X = make_customers()
    fitted = _fitted(segmenter, X)
    for lang in LANGUAGES:
        names = np.asarray(fitted.get_tier_names_out(lang=lang), dtype=object)
        table = fitted.explain(X, lang=lang)
        assert len(table) == len(X), "one row per customer"
        assert list(table["tier"]) == list(names[_codes(fitted, X)]), "explain names another tier"
        assert table["reason"].str.len().gt(0).all(), "every customer has a reason"
        if isinstance(fitted, BaseSegmenter):
            lacking = {"to_next", "to_lose", "version", "cuts_as_of", "as_of"} - set(table)
            assert not lacking, f"explain lacks {sorted(lacking)}"


@_check
def check_explanation(segmenter: Any) -> None:
    """``valuetier.explanation`` takes it; what it states gives the tiers, and what changes a tier changes it."""
    X = make_customers()
    fitted = _fitted(segmenter, X)
    found, codes = explanation(fitted, X), _codes(fitted, X)
    table = found.to_frame()
    assert _equal(found.assignment.codes, codes), "the explanation and predict differ"
    assert {"next_tier", "version", "cuts_as_of", "as_of"} <= set(table), "the table is not whole"
    if found.grounds is None:
        return
    if found.grounds.document is not None:
        assert _equal(found.reconstruct(), codes), "the stated cuts do not give the tiers"
    for name, change in (found.grounds.changes or {}).items():
        for to, better in ((change.to_next, True), (change.to_lose, False)):
            stated = np.flatnonzero(~np.isnan(to))
            moved = X.iloc[stated].assign(**{name: to[stated].astype(X[name].to_numpy().dtype)})
            got = _codes(fitted, moved) if len(stated) else codes[stated]
            reached = got < codes[stated] if better else got > codes[stated]
            assert reached.all(), f"{name}: a value that should change the tier does not"
