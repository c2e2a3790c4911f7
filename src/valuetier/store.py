"""Fitted segmenters and models as JSON and back: versioned, readable, no pickle.

A document names installed classes only (see :mod:`valuetier.plugins`), so reading one
never runs code that came with it. An object that wraps something foreign may name an
installed one that answers the same, ``stored_as_``, to be stored in its place.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from valuetier.errors import InvalidDataError
from valuetier.plugins import CLUSTERERS, type_name, type_named

FORMAT = 1

# Learned, and no part of the cuts: how long a fit took, and the day of the customers it saw.
NO_CUTS = ("report_", "cuts_as_of_")

# Parameters that are stored where they are used: models from before they existed keep their version.
IF_USED = ("allow_protected",)

_VALUES: dict[str, type[Any]] = {}
_ANY = TypeVar("_ANY", bound=type[Any])


class Document(BaseModel):
    """The envelope of a stored object."""

    model_config = ConfigDict(extra="forbid", strict=True)

    valuetier: Literal[1]
    type: str
    version: str
    params: dict[str, Any]
    state: dict[str, Any]


def storable(cls: _ANY) -> _ANY:
    """Let a frozen dataclass be part of a stored state; returns the class."""
    _VALUES[cls.__name__] = cls
    return cls


def state_of(thing: Any) -> dict[str, Any]:
    """Return what an estimator has learned: its attributes that end with an underscore."""
    return {
        name: value
        for name, value in sorted(vars(thing).items())
        if name.endswith("_") and not name.startswith("_")
    }


def version_of(thing: Any) -> str:
    """Return a fingerprint of parameters and learned state, 12 hexadecimal digits.

    Reports and the day of the customers do not count: equal cuts have equal versions.
    """
    text = json.dumps(_contents(thing, reports=False), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def to_document(thing: Any) -> dict[str, Any]:
    """Return a fitted segmenter, cut or model as a JSON-able dictionary."""
    return {"valuetier": FORMAT, "version": version_of(thing), **_contents(thing)}


def from_document(document: Mapping[str, Any]) -> Any:
    """Return the object of a document that :func:`to_document` made."""
    return _build({key: document[key] for key in ("type", "params", "state")})


def save(thing: Any, path: str | Path) -> None:
    """Write a fitted segmenter or model to a JSON file."""
    text = json.dumps(to_document(thing), ensure_ascii=False, indent=1, allow_nan=False)
    Path(path).write_text(text + "\n", encoding="utf-8")


def load(path: str | Path) -> Any:
    """Return the segmenter or model that was saved to a JSON file.

    Raises
    ------
    InvalidDataError
        If the file is not such a document; the message says where it is wrong.
    """
    try:
        document = Document.model_validate(json.loads(Path(path).read_text(encoding="utf-8")))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InvalidDataError(f"{Path(path).name} is not a JSON file: {error}.") from None
    except ValidationError as error:
        where = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'document'}: {e['msg']}" for e in error.errors())
        raise InvalidDataError(f"{Path(path).name} is not a valuetier model: {where}.") from None
    thing = from_document(document.model_dump())
    if version_of(thing) != document.version:
        raise InvalidDataError(
            f"{Path(path).name} was changed after it was saved: its version does not match. "
            "Save it again from the fitted object."
        )
    return thing


def _contents(thing: Any, *, reports: bool = True) -> dict[str, Any]:
    name = type_name(type(thing))
    if name is None:
        raise InvalidDataError(
            f"{type(thing).__name__} cannot be stored: its class is not installed as an entry point "
            "of valuetier.segmenters, valuetier.cuts, valuetier.models or valuetier.clusterers."
        )
    params = {
        key: value
        for key, value in thing.get_params(deep=False).items()
        if key not in IF_USED or not _is_empty(value)
    }
    learned = {} if name.startswith(f"{CLUSTERERS}/") else state_of(thing)  # labels name customers
    return {
        "type": name,
        "params": {key: _encode(value, reports) for key, value in sorted(params.items())},
        "state": {
            key: _encode(value, reports) for key, value in learned.items() if reports or key not in NO_CUTS
        },
    }


def _is_empty(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and not value


def _encode(value: Any, reports: bool = True) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, date):
        return {"$date": value.isoformat()}
    if isinstance(value, np.ndarray):
        return {"$array": _encode(value.tolist(), reports), "dtype": value.dtype.str.replace("<", "")}
    if isinstance(value, tuple):
        return {"$tuple": [_encode(item, reports) for item in value]}
    if isinstance(value, list):
        return [_encode(item, reports) for item in value]
    if isinstance(value, dict):
        return {"$dict": [[_encode(key, reports), _encode(item, reports)] for key, item in value.items()]}
    if is_dataclass(value) and type(value).__name__ in _VALUES:
        content = {f.name: _encode(getattr(value, f.name), reports) for f in fields(value)}
        return {"$value": type(value).__name__, "fields": content}
    if hasattr(value, "get_params"):
        return {"$object": _contents(getattr(value, "stored_as_", value), reports=reports)}
    raise InvalidDataError(f"A value of type {type(value).__name__} cannot be stored as JSON.")


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$float" in value:
        return float(value["$float"])
    if "$date" in value:
        return date.fromisoformat(value["$date"])
    if "$array" in value:
        return np.array(_decode(value["$array"]), dtype=value["dtype"])
    if "$tuple" in value:
        return tuple(_decode(value["$tuple"]))
    if "$dict" in value:
        return {_decode(key): _decode(item) for key, item in value["$dict"]}
    if "$value" in value:
        kind = _VALUES.get(value["$value"])
        if kind is None:
            raise InvalidDataError(f"The model holds an unknown value {value['$value']!r}.")
        return kind(**{key: _decode(item) for key, item in value["fields"].items()})
    if "$object" in value:
        return _build(value["$object"])
    raise InvalidDataError(f"The model holds an unknown entry with the keys {sorted(value)}.")


def _build(contents: dict[str, Any]) -> Any:
    cls = type_named(contents["type"])
    if cls is None:
        raise InvalidDataError(
            f"The model is of the type {contents['type']!r}, which is not installed. "
            "Install the package that brings it."
        )
    try:
        thing = cls(**{key: _decode(value) for key, value in contents["params"].items()})
        for key, value in contents["state"].items():
            setattr(thing, key, _decode(value))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise InvalidDataError(f"The model of type {contents['type']!r} cannot be read: {error}.") from None
    return thing
