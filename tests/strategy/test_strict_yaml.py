"""YAML that means what it shows."""

import pytest

from valuetier import InvalidDataError
from valuetier.strategy.strict_yaml import read_yaml


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: &x 1\nb: *x", r"line 2, column 4: aliases \(\*name\) are not allowed"),
        ("a: 1\na: 2", "line 2, column 1: the key 'a' stands twice"),
        ("outer:\n  a: 1\n  a: 2", "line 3, column 3: the key 'a' stands twice"),
        ("a: !!python/object/apply:os.system ['true']", "tags .* are not allowed"),
        ("a: !custom 1", r"tags \(!custom\) are not allowed"),
        ("a: [1, 2", "line 1"),
        ("? [a]\n: b", "line 1, column 3: a key must be a text"),
        ("[" * 5000, "it is nested too deeply"),
    ],
)
def test_refuses_what_could_surprise(text, problem):
    """Aliases, tags, repeated keys and broken YAML are refused with their place."""
    with pytest.raises(InvalidDataError, match=problem) as caught:
        read_yaml(text, "book.yaml")
    assert str(caught.value).startswith("book.yaml cannot be read: ")


def test_reads_plain_yaml():
    """Plain mappings, lists and scalars come back as Python values."""
    assert read_yaml("a: [1, null, x]\nb: {c: true}", "book") == {"a": [1, None, "x"], "b": {"c": True}}


@pytest.mark.parametrize(
    "written",
    [
        "No", "yes", "On", "OFF", "NULL", "Null", "010", "0x1F", "0b11", "0o17", "1_000", "1:30", "1e3",
        ".inf", "-.INF", ".nan", "2026-06-30", "2026-13-45", "9" * 5000, "<<", "=",
    ],
)  # fmt: skip
def test_refuses_what_can_be_read_in_two_ways(written):
    """A tier No is no false and 010 no 8: without quotes they are refused, with quotes they are texts."""
    with pytest.raises(
        InvalidDataError, match=r"line 1, column 7: .* can be read in two ways: put a text in"
    ):
        read_yaml(f"tier: {written}", "book.yaml")
    assert read_yaml(f"tier: '{written}'", "book.yaml") == {"tier": written}


def test_plain_values_are_read_as_shown():
    """true, false, null and plain numbers need no quotes; neither do texts that look like nothing else."""
    text = "[true, False, null, ~, 0, -12, +3, 0.5, 1., .5, 1.5e+3, y, n, A-1, No value, 1e3x, 重点]"
    assert read_yaml(text, "book") == [
        True, False, None, None, 0, -12, 3, 0.5, 1.0, 0.5, 1500.0, "y", "n", "A-1", "No value", "1e3x", "重点",
    ]  # fmt: skip
