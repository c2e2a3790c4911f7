"""YAML that means what it shows: no aliases, no tags, no key twice."""

from __future__ import annotations

from typing import Any

import yaml

from valuetier.errors import InvalidDataError


class _StrictLoader(yaml.SafeLoader):
    """The safe loader, less what could surprise a reader of the file."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Return the next node; refuse an alias."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs lack it
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(None, None, "aliases (*name) are not allowed", event.start_mark)
        if getattr(event, "tag", None) is not None:
            raise yaml.MarkedYAMLError(None, None, f"tags ({event.tag}) are not allowed", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping; refuse a key that stands twice."""
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            mark: Any = key_node.start_mark
            if key in seen:
                raise yaml.MarkedYAMLError(None, None, f"the key {key!r} stands twice", mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def read_yaml(text: str, name: str) -> Any:
    """Return the content of a YAML text; ``name`` is what messages call it.

    Raises
    ------
    InvalidDataError
        If it is no YAML, or uses aliases, tags or a key twice; with line and column.

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
