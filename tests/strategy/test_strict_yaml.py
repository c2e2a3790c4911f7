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
