"""YAML that means what it shows: no aliases, no tags, no key twice, no text that is read as something else."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import yaml

from valuetier.errors import InvalidDataError

# How true, false, null and numbers are written; whatever else the loader would take for one is refused.
PLAIN = {
    "bool": r"true|True|TRUE|false|False|FALSE",
    "null": r"null|~|",
    "int": r"[-+]?(0|[1-9][0-9]{0,17})",
    "float": r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+][0-9]{1,2})?",
    "str": r"(?![-+]?([0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+$)(?!0o[0-7]+$).*",
}
TAG = "tag:yaml.org,2002:"


class _StrictLoader(yaml.SafeLoader):
    """The safe loader, less what could surprise a reader of the file."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Return the next node; refuse an alias."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs lack it
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(None, None, "aliases (*name) are not allowed", event.start_mark)
        if getattr(event, "tag", None) is not None:
            raise yaml.MarkedYAMLError(None, None, f"tags ({event.tag}) are not allowed", event.start_mark)
        node = super().compose_node(parent, index)
        if isinstance(node, yaml.ScalarNode) and node.style is None:
            _refuse_ambiguous(node)
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping; refuse a key that stands twice, or is no scalar."""
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            mark: Any = key_node.start_mark
            if not isinstance(key, Hashable):
                raise yaml.MarkedYAMLError(None, None, "a key must be a text", mark)
            if key in seen:
                raise yaml.MarkedYAMLError(None, None, f"the key {key!r} stands twice", mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def _refuse_ambiguous(node: yaml.ScalarNode) -> None:
    """Raise if a value without quotes shows one thing and is read as another: No is false, 010 is 8."""
    pattern = PLAIN.get(node.tag.removeprefix(TAG))
    if pattern is None or not re.fullmatch(pattern, node.value, re.DOTALL):
        shown = node.value if len(node.value) <= 20 else f"{node.value[:20]}…"
        problem = f"{shown} can be read in two ways: put a text in quotes, else write true, false, null or a plain number"
        raise yaml.MarkedYAMLError(None, None, problem, node.start_mark)


def read_yaml(text: str, name: str) -> Any:
    """Return the content of a YAML text; ``name`` is what messages call it.

    Raises
    ------
    InvalidDataError
        If it is no YAML, or uses aliases, tags or a key twice, or holds what can be read in two ways (``No``, ``010``,
        a date) without quotes; with line and column.

    Examples
    --------
    >>> read_yaml("tier: [Key, Develop]", "example")
    {'tier': ['Key', 'Develop']}
    """
    try:
        return yaml.load(text, Loader=_StrictLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise InvalidDataError(f"{name} cannot be read: {where}{error.problem}.") from None
    except yaml.YAMLError as error:
        raise InvalidDataError(f"{name} cannot be read: {error}.") from None
    except RecursionError:
        raise InvalidDataError(f"{name} cannot be read: it is nested too deeply.") from None
