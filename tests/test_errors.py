"""The errors: one family, and messages that help."""

from __future__ import annotations

import pytest

import valuetier as vt
from valuetier import errors
from valuetier.errors import require_choice, suggestion


@pytest.mark.parametrize(
    ("error", "also"),
    [
        (vt.InvalidParameterError, ValueError),
        (vt.InvalidDataError, ValueError),
        (vt.MissingColumnsError, vt.InvalidDataError),
        (vt.UncoveredTiersError, ValueError),
        (vt.UnknownSegmenterError, LookupError),
        (vt.NotConvergedError, RuntimeError),
        (vt.MissingDependencyError, ImportError),
    ],
)
def test_every_error_is_of_the_family_and_of_a_builtin_kind(error, also):
    """Callers can catch ours, or what Python would have raised."""
    assert issubclass(error, vt.ValueTierError)
    assert issubclass(error, also)


def test_no_error_class_is_forgotten():
    """Every exception of the module is public and derives from the base."""
    defined = [
        name
        for name, thing in vars(errors).items()
        if isinstance(thing, type) and issubclass(thing, Exception)
    ]
    assert set(defined) <= set(vt.__all__)
    assert all(issubclass(getattr(errors, name), vt.ValueTierError) for name in defined)


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("piramid", ["rfm", "pyramid"], " Did you mean 'pyramid'?"),
        ("weather", ["rfm", "pyramid"], ""),
        ("rfm", [], ""),
        ("spnd", [0, None, "spend", ("a", "b")], " Did you mean 'spend'?"),
        (None, [None, "eleven"], ""),
        (7, [7, 8], ""),
    ],
)
def test_near_misses_are_suggested(name, options, expected):
    """A name close to an option leads to it; options that are no text are passed over."""
    assert suggestion(name, options) == expected


def test_a_choice_among_options_is_accepted():
    """Nothing happens for one of the options, None included where it is one."""
    require_choice("lang", "zh", ("en", "zh"))
    require_choice("grid", None, ["eleven", None])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("quantil", "binning must be one of ['quantile', None], got 'quantil'. Did you mean 'quantile'?"),
        (3, "binning must be one of ['quantile', None], got 3."),
        (
            ["quantile"],
            "binning must be one of ['quantile', None], got ['quantile']. Did you mean 'quantile'?",
        ),
    ],
)
def test_anything_else_is_refused(value, message):
    """The message has parameter, options, value and a near miss."""
    with pytest.raises(vt.InvalidParameterError) as caught:
        require_choice("binning", value, ("quantile", None))
    assert str(caught.value) == message
