"""Finding segmenters, cuts and models by name, those of other packages too."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

import valuetier as vt
from valuetier import plugins
from valuetier.plugins import CUTS, MODELS, SEGMENTERS, segmenter_class, type_name, type_named


class Theirs:
    """A segmenter of another package."""

    def __init__(self, *, size=3):
        self.size = size


@pytest.fixture
def another_package(monkeypatch):
    """Install a package that defines its segmenter in one module and offers it in another."""
    offered = ModuleType("their_package")
    offered.Theirs = Theirs
    monkeypatch.setitem(sys.modules, "their_package", offered)
    found = {group: list(plugins._installed(group).values()) for group in plugins.GROUPS}
    found[SEGMENTERS].append(EntryPoint("theirs", "their_package:Theirs", SEGMENTERS))
    monkeypatch.setattr(plugins, "entry_points", lambda group: found[group])
    plugins._installed.cache_clear()
    yield
    plugins._installed.cache_clear()


def test_the_built_in_segmenters_are_found_like_all_others():
    """By entry points, in alphabetical order."""
    names = vt.available_segmenters()
    assert list(names) == sorted(names)
    assert {"clv", "kaism", "kmeans", "pyramid", "rfm"} <= set(names)
    assert segmenter_class("rfm") is vt.RFMSegmenter


def test_a_segmenter_is_made_by_name_with_its_parameters():
    """What is not given has its default."""
    rfm = vt.get_segmenter("rfm", n_bins=4)
    assert isinstance(rfm, vt.RFMSegmenter)
    assert rfm.get_params()["n_bins"] == 4
    assert rfm.get_params()["binning"] == "quantile"


def test_a_new_one_is_made_each_time():
    """Two callers do not share a segmenter."""
    assert vt.get_segmenter("pyramid") is not vt.get_segmenter("pyramid")


def test_an_unknown_name_is_answered_with_the_known_ones():
    """The message lists what is installed, and a near miss."""
    with pytest.raises(vt.UnknownSegmenterError) as caught:
        vt.get_segmenter("piramid")
    assert str(caught.value) == (
        f"No segmenter is called 'piramid'. Installed: {list(vt.available_segmenters())}. "
        "Did you mean 'pyramid'?"
    )


def test_unknown_parameters_are_pythons_own_error():
    """The constructor says which."""
    with pytest.raises(TypeError, match="bins"):
        vt.get_segmenter("rfm", bins=4)


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        (vt.RFMSegmenter, f"{SEGMENTERS}/rfm"),
        (vt.ShareCut, f"{CUTS}/share"),
        (vt.BGNBD, f"{MODELS}/bgnbd"),
        (vt.GammaGamma, f"{MODELS}/gamma_gamma"),
    ],
)
def test_installed_classes_have_a_name_and_the_name_leads_back(cls, name):
    """Stored documents hold such names."""
    assert type_name(cls) == name
    assert type_named(name) is cls


@pytest.mark.parametrize(
    "name", ["", "rfm", f"{SEGMENTERS}/nothing", "console_scripts/pip", "os/system", "builtins/eval"]
)
def test_names_outside_the_groups_lead_nowhere(name):
    """A document cannot name arbitrary code."""
    assert type_named(name) is None


def test_classes_that_are_not_installed_have_no_name():
    """Nor do their namesakes."""

    class RFMSegmenter(vt.RFMSegmenter):
        pass

    RFMSegmenter.__qualname__ = "RFMSegmenter"
    assert type_name(Theirs) is None
    assert type_name(RFMSegmenter) is None


def test_another_package_is_found_wherever_it_defines_its_class(another_package):
    """Its entry point may offer a class that lives in an inner module."""
    assert "theirs" in vt.available_segmenters()
    assert vt.get_segmenter("theirs", size=5).size == 5
    assert type_name(Theirs) == f"{SEGMENTERS}/theirs"
    assert type_named(f"{SEGMENTERS}/theirs") is Theirs
