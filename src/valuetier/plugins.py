"""Finding segmenters, cuts, models and clusterers by name: the built-in ones and those of other packages.

Everything is found through entry points, the built-ins as well, so that another
package adds a segmenter without a change here::

    [project.entry-points."valuetier.segmenters"]
    my_segmenter = "my_package:MySegmenter"
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from valuetier.errors import UnknownSegmenterError, suggestion

SEGMENTERS = "valuetier.segmenters"
CUTS = "valuetier.cuts"
MODELS = "valuetier.models"
CLUSTERERS = "valuetier.clusterers"
GROUPS = (SEGMENTERS, CUTS, MODELS, CLUSTERERS)


@cache
def _installed(group: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in sorted(entry_points(group=group), key=lambda p: p.name)}


def available_segmenters() -> tuple[str, ...]:
    """Return the names of all installed segmenters.

    Examples
    --------
    >>> "pyramid" in available_segmenters()
    True
    """
    return tuple(_installed(SEGMENTERS))


def segmenter_class(name: str) -> type[Any]:
    """Return the class of an installed segmenter.

    Raises
    ------
    UnknownSegmenterError
        If none has that name; the message lists the installed ones.
    """
    installed = _installed(SEGMENTERS)
    if name not in installed:
        names = list(installed)
        raise UnknownSegmenterError(
            f"No segmenter is called {name!r}. Installed: {names}.{suggestion(name, names)}"
        )
    found: type[Any] = installed[name].load()
    return found


def get_segmenter(name: str, **params: Any) -> Any:
    """Return a new segmenter by name.

    Parameters
    ----------
    name : str
        One of :func:`available_segmenters`.
    **params
        Parameters of the segmenter.

    Raises
    ------
    UnknownSegmenterError
        If no installed segmenter has that name.

    Examples
    --------
    >>> get_segmenter("pyramid", preset="abc")
    PyramidSegmenter(preset='abc')
    """
    return segmenter_class(name)(**params)


def type_name(cls: type[Any], groups: Sequence[str] = GROUPS) -> str | None:
    """Return ``"group/name"`` of an installed class, None if it is not installed."""
    for group in groups:
        for name, point in _installed(group).items():
            if point.attr == cls.__qualname__ and point.load() is cls:
                return f"{group}/{name}"
    return None


def type_named(name: str) -> type[Any] | None:
    """Return the installed class of a ``"group/name"``, None if there is none."""
    group, _, short = name.partition("/")
    point = _installed(group).get(short) if group in GROUPS else None
    return point.load() if point else None
