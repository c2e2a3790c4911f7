"""Laws that every installed segmenter keeps, whoever wrote it."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import valuetier as vt
from tests.segmenters.customer_tables import (
    BUILT_ON_BASE,
    INSTALLED,
    customer_tables,
    fitted,
    make,
    same_customers_again,
)
from valuetier.plugins import segmenter_class

every = pytest.mark.parametrize("name", INSTALLED)
every_built_on_base = pytest.mark.parametrize("name", BUILT_ON_BASE)
some = settings(max_examples=25)
few = settings(max_examples=8)


def test_built_in_segmenters_are_installed():
    """The laws below are applied to at least the five segmenters of the demonstration."""
    assert {"rfm", "pyramid", "kaism", "kmeans", "clv"} <= set(INSTALLED)


@every
def test_three_methods_make_a_segmenter(name):
    """Each installed segmenter satisfies the protocol, and its class is what its name loads."""
    segmenter = vt.get_segmenter(name)
    assert isinstance(segmenter, vt.Segmenter)
    assert type(segmenter) is segmenter_class(name)


@every
@given(customers=customer_tables())
@some
def test_unseen_customers_get_a_tier(name, customers):
    """Whoever comes gets one int64 code of a tier that has a name."""
    segmenter = fitted(name)
    codes = segmenter.predict(customers)
    assert codes.dtype == np.int64
    assert codes.shape == (len(customers),)
    assert set(codes.tolist()) <= set(range(len(segmenter.get_tier_names_out())))


@every
@given(customers=customer_tables())
@some
def test_equal_customers_get_equal_tiers(name, customers):
    """A customer that stands twice in a table gets the same tier twice."""
    codes = fitted(name).predict(same_customers_again(customers))
    assert codes[: len(customers)].tolist() == codes[len(customers) :].tolist()


@every
@given(customers=customer_tables(min_size=2))
@some
def test_row_order_of_the_scored_customers_changes_nothing(name, customers):
    """Customers in another order get the same tiers, in that order."""
    segmenter = fitted(name)
    assert segmenter.predict(customers[::-1]).tolist() == segmenter.predict(customers)[::-1].tolist()


@every
def test_a_subset_is_scored_like_the_whole(name):
    """A tier does not depend on who else is in the table: whole, halves and singles agree."""
    segmenter, customers = fitted(name), make(120, seed=1)
    whole = segmenter.predict(customers).tolist()
    halves = [*segmenter.predict(customers[:60]), *segmenter.predict(customers[60:])]
    singles = [int(segmenter.predict(customers[i : i + 1])[0]) for i in range(len(customers))]
    assert halves == whole
    assert singles == whole


@every
@pytest.mark.parametrize("seed", range(3))
def test_row_order_of_the_learned_customers_changes_nothing(name, seed):
    """Cuts learned from shuffled customers give every customer the same tier."""
    customers, unseen = make(), make(300, seed=2)
    shuffled = vt.get_segmenter(name).fit(customers.sample(frac=1, random_state=seed))
    assert shuffled.predict(unseen).tolist() == fitted(name).predict(unseen).tolist()


@every
@given(customers=customer_tables(min_size=2, max_size=30))
@few
def test_row_order_changes_nothing_even_where_the_fit_is_refused(name, customers):
    """Reversed customers lead to the same tiers, or to the same error, on any table."""
    assert _outcome(name, customers, customers) == _outcome(name, customers[::-1], customers)


def _outcome(name: str, learned: pd.DataFrame, scored: pd.DataFrame) -> object:
    try:
        return vt.get_segmenter(name).fit(learned).predict(scored).tolist()
    except vt.ValueTierError as error:
        return type(error), str(error)


@every
def test_fit_and_predict_change_nothing_in_the_table(name):
    """The caller's table is the same before and after."""
    customers = make()
    before = customers.copy(deep=True)
    vt.get_segmenter(name).fit(customers).predict(customers)
    pd.testing.assert_frame_equal(customers, before)


@every
def test_predict_changes_nothing_in_the_segmenter(name):
    """What a segmenter learned is the same, bit for bit, after it was used."""
    segmenter = pickle.loads(pickle.dumps(fitted(name)))
    before = pickle.dumps(segmenter)
    vt.assign(segmenter, make(50, seed=3))
    assert pickle.dumps(segmenter) == before


@every_built_on_base
def test_no_method_changes_the_segmenter(name):
    """Transform, score, explain, names and version read only."""
    segmenter = pickle.loads(pickle.dumps(fitted(name)))
    before, customers = pickle.dumps(segmenter), make(50, seed=3)
    segmenter.transform(customers), segmenter.score_samples(customers), segmenter.explain(customers)
    segmenter.get_feature_names_out(), segmenter.get_segment_names_out(), segmenter.version()
    assert pickle.dumps(segmenter) == before


@every
def test_names_come_in_two_languages(name):
    """Every tier has an English and a Chinese name, all different within a language."""
    segmenter = fitted(name)
    english, chinese = segmenter.get_tier_names_out(), segmenter.get_tier_names_out(lang="zh")
    assert len(set(english)) == len(english) == len(set(chinese)) == len(chinese) >= 2
    assert set(english).isdisjoint(chinese)


@every_built_on_base
def test_segment_names_come_in_two_languages(name):
    """Segments, where they are named, have as many Chinese names as English ones."""
    segmenter = fitted(name)
    english, chinese = segmenter.get_segment_names_out(), segmenter.get_segment_names_out("zh")
    assert len(set(english)) == len(english) == len(set(chinese)) == len(chinese)
    assert set(english).isdisjoint(chinese)


@every
def test_fit_returns_the_segmenter(name):
    """``fit`` returns the very object, so that calls can be chained."""
    segmenter = vt.get_segmenter(name)
    assert segmenter.fit(make()) is segmenter


@every
def test_pickling_keeps_the_tiers(name):
    """A segmenter that went through pickle gives the same tiers."""
    segmenter, unseen = fitted(name), make(100, seed=4)
    again = pickle.loads(pickle.dumps(segmenter))
    assert again.predict(unseen).tolist() == segmenter.predict(unseen).tolist()


@every_built_on_base
def test_clone_is_unfitted_and_has_the_same_parameters(name):
    """``clone`` keeps parameters and forgets what was learned; the constructor takes what get_params gives."""
    segmenter = fitted(name)
    copy = clone(segmenter)
    assert repr(copy.get_params()) == repr(segmenter.get_params())
    assert repr(type(segmenter)(**segmenter.get_params(deep=False))) == repr(copy)
    with pytest.raises(NotFittedError):
        copy.predict(make(10))


@every_built_on_base
def test_parameters_are_keyword_only(name):
    """No parameter can be passed by position."""
    with pytest.raises(TypeError, match="positional argument"):
        segmenter_class(name)("anything")


@every_built_on_base
def test_a_fit_that_fails_teaches_nothing(name):
    """After a refused table a new segmenter is unfitted, and a fitted one is as it was."""
    equal = pd.concat([make(1)] * 5).assign(customer_id=range(5), spend=0.0, m_x=np.nan, x=0, t_x=0.0)
    segmenter, before = vt.get_segmenter(name), pickle.dumps(fitted(name))
    with pytest.raises(vt.ValueTierError):
        segmenter.fit(equal)
    with pytest.raises(NotFittedError):
        segmenter.predict(make(10))
    known = pickle.loads(before)
    with pytest.raises(vt.ValueTierError):
        known.fit(equal)
    assert pickle.dumps(known) == before


@every_built_on_base
def test_an_empty_table_gives_an_empty_answer(name):
    """No customers: no codes, no scores, no rows, and no error."""
    segmenter, nobody = fitted(name), make(5)[:0]
    assert segmenter.predict(nobody).shape == segmenter.score_samples(nobody).shape == (0,)
    assert segmenter.predict(nobody).dtype == np.int64
    assert segmenter.transform(nobody).shape == (0, len(segmenter.get_feature_names_out()))
    assert len(segmenter.explain(nobody)) == len(segmenter.assign(nobody)) == 0


@every_built_on_base
@given(customers=customer_tables(min_size=2))
@some
def test_evidence_and_scores_depend_on_the_customer_alone(name, customers):
    """Scores are the same for a customer alone and among others; evidence to the last digits."""
    segmenter = fitted(name)
    scores, evidence = segmenter.score_samples(customers), segmenter.transform(customers)
    assert segmenter.score_samples(customers[:1])[0] == scores[0]
    assert segmenter.score_samples(customers[::-1]).tolist() == scores[::-1].tolist()
    np.testing.assert_allclose(segmenter.transform(customers[:1])[0], evidence[0], rtol=1e-12, atol=1e-12)


@every_built_on_base
def test_fit_predict_and_fit_transform_are_fit_and_then_the_rest(name):
    """The two short forms give what the two calls give."""
    customers = make()
    assert vt.get_segmenter(name).fit_predict(customers).tolist() == fitted(name).predict(customers).tolist()
    np.testing.assert_array_equal(
        vt.get_segmenter(name).fit_transform(customers), fitted(name).transform(customers)
    )
