"""Fitted things as JSON and back, and files that are none."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import valuetier as vt
from valuetier import store

CUSTOMERS = pd.DataFrame({"spend": [90.0, 50.0, 30.0, 20.0, 10.0]})


def _round_trip(value):
    return store._decode(json.loads(json.dumps(store._encode(value), allow_nan=False)))


@pytest.fixture
def saved(tmp_path):
    """Return the path of a saved pyramid, and its document."""
    path = tmp_path / "model.json"
    vt.PyramidSegmenter(preset="hml").fit(CUSTOMERS).save(path)
    return path, json.loads(path.read_text(encoding="utf-8"))


def _refused(path, document) -> str:
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    with pytest.raises(vt.InvalidDataError) as caught:
        vt.load(path)
    return str(caught.value)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text() | st.integers(), inner)
    ),
)


@given(values)
def test_plain_values_come_back_as_they_were(value):
    """None, numbers, text, lists, tuples and dictionaries, however nested; infinity too."""
    assert repr(_round_trip(value)) == repr(value)


@pytest.mark.parametrize(
    "array",
    [
        np.array([1.5, np.nan, -np.inf]),
        np.array([[1, 2], [3, 4]]),
        np.array([], dtype=np.float64),
        np.array([True, False]),
        np.array([1.1], dtype=np.float32),
    ],
)
def test_arrays_come_back_with_their_type(array):
    """Values and dtype, NaN and infinity included."""
    back = _round_trip(array)
    np.testing.assert_array_equal(back, array)
    assert back.dtype == array.dtype


def test_numpy_scalars_become_numbers():
    """So that parameters may come from anywhere."""
    assert _round_trip(np.float64(1.5)) == 1.5
    assert _round_trip((np.int64(3), np.bool_(True))) == (3, True)
    assert np.isnan(_round_trip(np.nan))


def test_cuts_and_models_are_stored_like_segmenters(tmp_path):
    """With their reports."""
    cut = vt.ShareCut((0.4, 0.6), names=[("A", "甲"), "B"]).fit(CUSTOMERS["spend"])
    store.save(cut, tmp_path / "cut.json")
    loaded = vt.load(tmp_path / "cut.json")
    assert loaded.thresholds_.tolist() == cut.thresholds_.tolist()
    assert loaded.report_ == cut.report_
    assert loaded.tier_names() == cut.tier_names()
    model = vt.BGNBD.from_params(r=0.24, alpha=4.4, a=0.8, b=2.4)
    store.save(model, tmp_path / "model.json")
    assert vt.load(tmp_path / "model.json").params() == model.params()


def test_parts_that_are_objects_are_stored_with_them(tmp_path):
    """A cut in the parameters and the fitted one in the state."""
    pyramid = vt.PyramidSegmenter(cut=vt.NaturalBreakCut(3)).fit(CUSTOMERS)
    pyramid.save(tmp_path / "model.json")
    loaded = vt.load(tmp_path / "model.json")
    assert isinstance(loaded.cut, vt.NaturalBreakCut)
    assert loaded.cut_.thresholds_.tolist() == pyramid.cut_.thresholds_.tolist()


def test_the_path_may_be_text_and_the_file_is_readable(tmp_path):
    """UTF-8, indented, with a last newline; Chinese names as they are."""
    path = tmp_path / "model.json"
    cut = vt.ShareCut((0.5, 0.5), names=(("Best", "最好"), ("Rest", "其余")))
    vt.PyramidSegmenter(cut=cut).fit(CUSTOMERS).save(str(path))
    text = path.read_text(encoding="utf-8")
    assert "最好" in text
    assert text.endswith("}\n")
    assert vt.load(str(path)).get_tier_names_out("zh")[0] == "最好"


def test_the_version_is_a_fingerprint_of_what_was_learned():
    """Twelve hexadecimal digits; other parameters or other cuts, another version."""
    one = vt.PyramidSegmenter(preset="hml").fit(CUSTOMERS)
    assert one.version() == vt.PyramidSegmenter(preset="hml").fit(CUSTOMERS[::-1]).version()
    assert one.version() != vt.PyramidSegmenter(preset="textbook").fit(CUSTOMERS).version()
    assert one.version() != vt.PyramidSegmenter(preset="hml").fit(CUSTOMERS + 1).version()
    assert len(one.version()) == 12
    assert set(one.version()) <= set("0123456789abcdef")


def test_how_long_a_fit_took_does_not_change_the_version():
    """Reports tell about the fit, not about what it found."""
    model = vt.BGNBD.from_params(r=0.24, alpha=4.4, a=0.8, b=2.4)
    before = store.version_of(model)
    model.report_ = {"seconds": 12.5}
    assert store.version_of(model) == before
    assert store.to_document(model)["state"]["report_"] == {"$dict": [["seconds", 12.5]]}


def test_private_and_passing_attributes_are_not_stored():
    """State is what ends with an underscore and does not begin with one."""
    model = vt.BGNBD.from_params(r=0.24, alpha=4.4, a=0.8, b=2.4)
    model._cache_, model.note = 1, 2
    assert set(store.state_of(model)) == {
        "r_", "alpha_", "a_", "b_", "rate_coefficients_", "dropout_coefficients_",
    }  # fmt: skip


def test_what_is_no_json_is_refused(saved):
    """The message names the file and the place."""
    path, _ = saved
    assert _refused(path, "{'valuetier'") == (
        "model.json is not a JSON file: Expecting property name enclosed in double quotes: "
        "line 1 column 2 (char 1)."
    )
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(vt.InvalidDataError, match=r"^model\.json is not a JSON file: .*utf-8.*\.$"):
        vt.load(path)


def test_other_json_is_refused_with_every_problem(saved):
    """Each with its path in the document."""
    path, document = saved
    assert _refused(path, []) == (
        "model.json is not a valuetier model: document: "
        "Input should be a valid dictionary or instance of Document."
    )
    text = _refused(path, {**document, "valuetier": 2, "params": [], "more": 1})
    assert text.startswith("model.json is not a valuetier model: ")
    assert "valuetier: Input should be 1" in text
    assert "params: Input should be a valid dictionary" in text
    assert "more: Extra inputs are not permitted" in text


def test_a_changed_file_is_refused(saved):
    """A threshold moved by hand shows."""
    path, document = saved
    document["state"]["cut_"]["$object"]["state"]["thresholds_"]["$array"][0] += 1.0
    assert _refused(path, document) == (
        "model.json was changed after it was saved: its version does not match. "
        "Save it again from the fitted object."
    )


def test_a_type_that_is_not_installed_is_refused(saved):
    """Code that came with a file is never run; the message says what to install."""
    path, document = saved
    for name in ("valuetier.segmenters/theirs", "os/system"):
        assert _refused(path, {**document, "type": name}) == (
            f"The model is of the type {name!r}, which is not installed. Install the package that brings it."
        )


@pytest.mark.parametrize(
    ("key", "entry", "reason"),
    [
        ("value", {"$value": "Secret", "fields": {}}, "The model holds an unknown value 'Secret'."),
        ("value", {"a": 1, "b": 2}, "The model holds an unknown entry with the keys ['a', 'b']."),
        ("value", {"$array": [1], "dtype": "nonsense"}, "data type 'nonsense' not understood"),
        ("value", {"$dict": [[1]]}, ""),
        ("value", {"$object": {"type": 5}}, ""),
        ("value", {"$object": {}}, "'type'"),
        ("value", {"$value": "CutReport", "fields": []}, ""),
        ("value", {"$value": "CutReport", "fields": {"wrong": 1}}, ""),
        ("value", {"$object": {"type": "valuetier.cuts/share", "params": [], "state": {}}}, ""),
        ("colour", "blue", ""),
    ],
)
def test_documents_that_cannot_be_read_are_refused(saved, key, entry, reason):
    """Whatever is wrong inside, the error is typed and names the type."""
    path, document = saved
    document["params"][key] = entry
    text = _refused(path, document)
    assert text.startswith("The model of type 'valuetier.segmenters/pyramid' cannot be read: ")
    assert reason in text


def test_what_is_not_installed_cannot_be_stored(tmp_path):
    """The message names the class and the way out; no file is left behind."""

    class Mine(vt.PyramidSegmenter):
        pass

    with pytest.raises(vt.InvalidDataError) as caught:
        Mine().fit(CUSTOMERS).save(tmp_path / "model.json")
    assert str(caught.value) == (
        "Mine cannot be stored: its class is not installed as an entry point of valuetier.segmenters, "
        "valuetier.cuts, valuetier.models or valuetier.clusterers."
    )
    assert list(tmp_path.iterdir()) == []


@dataclass(frozen=True)
class NotAnnounced:
    """A dataclass that was not made storable."""

    n: int


@pytest.mark.parametrize("value", [{1, 2}, object(), NotAnnounced(1), pd.Index(["a"])])
def test_values_that_json_does_not_know_are_refused(value):
    """The message has the type."""
    with pytest.raises(vt.InvalidDataError) as caught:
        store._encode(value)
    assert str(caught.value) == f"A value of type {type(value).__name__} cannot be stored as JSON."


def test_a_missing_file_is_pythons_own_error(tmp_path):
    """Nothing to add to it."""
    with pytest.raises(FileNotFoundError):
        vt.load(tmp_path / "nothing.json")
