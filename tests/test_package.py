"""Importing the package is cheap and changes nothing; what it names is there."""

import subprocess
import sys

import pytest

import valuetier as vt

HEAVY = (
    "pandas",
    "sklearn",
    "scipy",
    "duckdb",
    "narwhals",
    "matplotlib",
    "lifetimes",
    "polars",
    "pyarrow",
    "yaml",
)


def in_a_new_process(code):
    """Return what code prints in a new Python."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_importing_loads_nothing_heavy():
    """``import valuetier`` loads no engine, no scikit-learn, no plotting, no lifetimes."""
    code = f"import sys, valuetier; print([m for m in {HEAVY!r} if m in sys.modules])"
    assert in_a_new_process(code) == "[]"


def test_working_loads_neither_lifetimes_nor_matplotlib():
    """A summary, a segmenter and actions need neither lifetimes nor matplotlib, nor pyarrow or Polars."""
    code = (
        "import sys, valuetier as vt; X = vt.checks.make_customers();"
        "a = vt.CLVSegmenter().fit(X).assign(X); vt.StrategyMapper().map(a);"
        "vt.summarize(vt.datasets.load_cdnow_orders().head(500));"
        "print([m for m in ('lifetimes', 'matplotlib', 'autograd') if m in sys.modules])"
    )
    assert in_a_new_process(code) == "[]"


def test_importing_changes_nothing():
    """No warning filter, option or logging handler is set by the import."""
    code = (
        "import logging, warnings; before = (list(warnings.filters), list(logging.root.handlers));"
        "import valuetier; print(before == (list(warnings.filters), list(logging.root.handlers)))"
    )
    assert in_a_new_process(code) == "True"


@pytest.mark.parametrize("name", vt.__all__)
def test_every_public_name_is_there(name):
    """Every name in ``__all__`` can be had, and has a docstring."""
    thing = getattr(vt, name)
    assert name == "__version__" or thing.__doc__


def test_unknown_name_is_an_attribute_error():
    """A name that does not exist is refused as Python does."""
    with pytest.raises(AttributeError, match="has no attribute 'piramid'"):
        vt.piramid  # noqa: B018  # the access is the test


def test_errors_form_one_family():
    """Every error on purpose is a ValueTierError; bad data and parameters are ValueErrors too."""
    for name in ("InvalidParameterError", "InvalidDataError", "UncoveredTiersError"):
        assert issubclass(getattr(vt, name), (vt.ValueTierError, ValueError))
    assert issubclass(vt.MissingColumnsError, vt.InvalidDataError)
    for name in ("UnknownSegmenterError", "NotConvergedError", "MissingDependencyError"):
        assert issubclass(getattr(vt, name), vt.ValueTierError)
