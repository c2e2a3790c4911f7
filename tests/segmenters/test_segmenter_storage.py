"""Every segmenter as a JSON file: the same answers, no customers inside."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

import valuetier as vt
from tests.segmenters.customer_tables import BUILT_ON_BASE, fitted, make

every = pytest.mark.parametrize("name", BUILT_ON_BASE)


def _saved_size(segmenter, path) -> int:
    segmenter.save(path)
    return path.stat().st_size


@every
def test_a_loaded_segmenter_gives_identical_answers(name, tmp_path):
    """Saved and loaded, a segmenter tiers, transforms, scores and explains bit for bit as before."""
    segmenter, unseen = fitted(name), make(150, seed=5)
    segmenter.save(tmp_path / "model.json")
    loaded = vt.load(tmp_path / "model.json")
    assert type(loaded) is type(segmenter)
    assert loaded.version() == segmenter.version()
    np.testing.assert_array_equal(loaded.predict(unseen), segmenter.predict(unseen))
    np.testing.assert_array_equal(loaded.transform(unseen), segmenter.transform(unseen))
    np.testing.assert_array_equal(loaded.score_samples(unseen), segmenter.score_samples(unseen))
    for lang in ("en", "zh"):
        pd.testing.assert_frame_equal(loaded.explain(unseen, lang), segmenter.explain(unseen, lang))


@every
def test_saving_what_was_loaded_writes_the_same_file(name, tmp_path):
    """The file of a loaded segmenter is the file it was loaded from."""
    fitted(name).save(tmp_path / "first.json")
    vt.load(tmp_path / "first.json").save(tmp_path / "second.json")
    assert (tmp_path / "first.json").read_bytes() == (tmp_path / "second.json").read_bytes()


@every
def test_the_file_does_not_grow_with_the_customers(name, tmp_path):
    """4,800 customers more add less than one byte each to the file."""
    few = _saved_size(fitted(name), tmp_path / "few.json")
    many = _saved_size(vt.get_segmenter(name).fit(make(5000, seed=6)), tmp_path / "many.json")
    assert many - few < 4800


@every
def test_the_file_holds_no_customer(name, tmp_path):
    """No id of a customer is written down."""
    fitted(name).save(tmp_path / "model.json")
    text = (tmp_path / "model.json").read_text(encoding="utf-8")
    assert json.loads(text)["valuetier"] == 1
    assert not [one for one in make()["customer_id"] if one in text]


@every
def test_the_file_is_strict_json(name, tmp_path):
    """No NaN or Infinity literals, which other readers refuse."""
    fitted(name).save(tmp_path / "model.json")

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    text = (tmp_path / "model.json").read_text(encoding="utf-8")
    assert set(json.loads(text, parse_constant=refuse)) == {"valuetier", "version", "type", "params", "state"}


@every
def test_equal_cuts_have_equal_versions(name):
    """The same customers in another order give the same version; other customers another one."""
    shuffled = vt.get_segmenter(name).fit(make().sample(frac=1, random_state=7))
    others = vt.get_segmenter(name).fit(make(200, seed=8))
    assert shuffled.version() == fitted(name).version()
    assert others.version() != fitted(name).version()


@every
def test_the_assignment_names_the_version_of_the_cuts(name, tmp_path):
    """The version in an assignment is the version in the file."""
    fitted(name).save(tmp_path / "model.json")
    stored = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    assert fitted(name).assign(make(20)).version == stored["version"]


@every
def test_an_unfitted_segmenter_cannot_be_saved(name, tmp_path):
    """There is nothing to save before ``fit``, and no file is left behind."""
    with pytest.raises(NotFittedError):
        vt.get_segmenter(name).save(tmp_path / "model.json")
    with pytest.raises(NotFittedError):
        vt.get_segmenter(name).version()
    assert list(tmp_path.iterdir()) == []
