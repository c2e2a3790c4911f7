"""Suppression lists: who must not be contacted, read from what a user has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, get_args

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier.errors import InvalidDataError, InvalidParameterError, MissingColumnsError, suggestion
from valuetier.files import is_csv, read_table
from valuetier.strategy.playbook import Channel
from valuetier.tables import ID, as_frame, materialised

CHANNELS: tuple[str, ...] = get_args(Channel)
CHANNEL, UNTIL, ALL = "channel", "until", "all"

# Whole numbers beyond this are no longer told apart once they are floats.
LARGEST_EXACT = 2**53

NUMBERS = ("integer", "floating", "mixed-integer-float", "decimal")
TAKEN = "a sequence of customer ids, a table with the column customer_id, or a parquet or CSV file"


@dataclass(frozen=True, slots=True, eq=False)
class SuppressionList:
    """Customers who must not be contacted, one entry per customer and channel.

    Attributes
    ----------
    ids : (n,) array
        Customer ids.
    channels : (n,) object array
        What is closed; None is every channel, internal steps included.
    until : (n,) datetime64[D] array
        Last day on which the entry holds; NaT is without an end.
    as_text : bool
        The ids are the text of a CSV file, where nothing says whether 17 is a number.
    """

    ids: pd.Index[Any]
    channels: NDArray[np.object_]
    until: NDArray[np.datetime64]
    as_text: bool = False

    def __len__(self) -> int:
        return len(self.ids)

    def for_ids(self, ids: Any) -> Self:
        """Return the list with ids of the customers' type.

        Raises
        ------
        InvalidDataError
            If its ids can meet no customer because they are of another type.
        """
        listed, theirs = kind_of_ids(self.ids), kind_of_ids(id_index(ids))
        if "empty" in (listed, theirs) or theirs == listed or {theirs, listed} <= set(NUMBERS):
            return self
        if theirs == "mixed-integer" and listed in ("string", *NUMBERS):
            return self
        if self.as_text and theirs in NUMBERS:
            return type(self)(id_index([_number(text) for text in self.ids]), self.channels, self.until)
        raise InvalidDataError(
            f"suppress: {ID} is of the kind {listed!r}, that of the customers {theirs!r}: nobody would be "
            "suppressed. Give both the same type; read as text they keep leading zeros."
        )


def read_suppression(suppress: Any) -> SuppressionList:
    """Return a suppression list from what a user has.

    Parameters
    ----------
    suppress : sequence or set of ids, table, path or SuppressionList
        A table has the column customer_id and may have ``channel`` (what is closed; missing, empty
        or ``all``: every channel) and ``until`` (last day of the entry; missing: without an end).
        The same customer may stand there several times.

    Raises
    ------
    InvalidParameterError
        If it is none of these.
    MissingColumnsError
        If a table has no customer_id.
    InvalidDataError
        If ids are missing, channels unknown, or ends no dates.
    """
    if isinstance(suppress, SuppressionList):
        return suppress
    if isinstance(suppress, (str, Path)):
        return _from_file(Path(suppress))
    frame = as_frame(materialised(suppress))
    if isinstance(frame, nw.DataFrame):
        return _from_table(frame)
    ids = _ids(_sequence(suppress))
    return SuppressionList(ids, _nothing(len(ids)), np.full(len(ids), np.datetime64("NaT"), "datetime64[D]"))


def id_index(ids: Any) -> pd.Index[Any]:
    """Return ids as an index: numbers as such, all else as objects, which are found faster than text."""
    whole = isinstance(ids, (np.ndarray, pd.Index))
    index = pd.Index(ids if whole else pd.Series(list(ids), dtype=object).infer_objects())
    return index if index.dtype.kind in "iuf" else index.astype(object)


def kind_of_ids(ids: pd.Index[Any]) -> str:
    """Return what pandas calls the kind of values that ids are."""
    return pd.api.types.infer_dtype(ids, skipna=True)


def _sequence(suppress: Any) -> pd.Series:
    """Return a sequence or set of ids as a column."""
    series = nw.from_native(suppress, allow_series=True, pass_through=True)
    if isinstance(series, nw.Series):
        return pd.Series(series.to_list(), dtype=object)
    if callable(listed := getattr(suppress, "to_pylist", None)):  # a plain array of Arrow
        return pd.Series(listed(), dtype=object)
    one_row = getattr(suppress, "ndim", 1) == 1
    if isinstance(suppress, (bytes, Mapping)) or not (isinstance(suppress, Iterable) and one_row):
        raise InvalidParameterError(f"suppress must be {TAKEN}, got a {type(suppress).__name__}.")
    return pd.Series(list(suppress), dtype=object)


def _ids(values: pd.Series) -> pd.Index[Any]:
    """Return ids with the type that they have in common."""
    missing = int(values.isna().sum())
    if missing:
        raise InvalidDataError(
            f"suppress: {missing} of {len(values)} values of {ID} are missing. Drop these rows first."
        )
    ids = id_index(values)
    if ids.dtype.kind == "f" and (np.abs(ids.to_numpy()) >= LARGEST_EXACT).any():
        raise InvalidDataError(
            f"suppress: {ID} holds numbers from 2**53 up as floats, whose last digits are lost. "
            "Read the column as integers or as text."
        )
    return ids


def _from_table(frame: nw.DataFrame[Any], as_text: bool = False) -> SuppressionList:
    if ID not in frame.columns:
        raise MissingColumnsError(
            f"The suppression list lacks {[ID]}. It has {frame.columns}.{suggestion(ID, frame.columns)}"
        )
    ids = _ids(pd.Series(frame[ID].to_list(), dtype=object))
    channels = _channels(frame[CHANNEL].to_list()) if CHANNEL in frame.columns else _nothing(len(ids))
    until = _ends(frame[UNTIL].to_list() if UNTIL in frame.columns else [None] * len(ids))
    return SuppressionList(ids, channels, until, as_text)


def _from_file(path: Path) -> SuppressionList:
    if not path.is_file():
        raise InvalidParameterError(
            f"suppress must be {TAKEN}, got a text that names no file. Check the path, or put a single id in []."
        )
    csv = is_csv(path)
    return _from_table(nw.from_native(read_table(path, as_text=csv), eager_only=True), as_text=csv)


def _channels(values: list[Any]) -> NDArray[np.object_]:
    """Return channels as playbooks write them; None for every channel."""
    text = pd.Series(values, dtype=object)
    text = text.where(text.notna(), "").astype(str).str.strip().str.lower()
    unknown = sorted(set(text) - {*CHANNELS, "", ALL})
    if unknown:
        raise InvalidDataError(
            f"suppress: unknown channels {unknown}. Known: {list(CHANNELS)}; empty or {ALL!r} closes every one."
            f"{suggestion(unknown[0], CHANNELS)}"
        )
    return np.asarray(text.where(text.isin(CHANNELS), None), dtype=object)


def _ends(values: list[Any]) -> NDArray[np.datetime64]:
    """Return the last days of entries; NaT where there is none."""
    text = pd.Series(["" if pd.isna(v) else str(v).strip()[:10] for v in values], dtype=object)
    days = pd.to_datetime(text.where(text != ""), format="%Y-%m-%d", errors="coerce")
    wrong = int((days.isna() & (text != "")).sum())
    if wrong:
        raise InvalidDataError(
            f"suppress: {wrong} of {len(values)} values of {UNTIL} are no dates. "
            "Write them as 2027-06-30; leave out what has no end."
        )
    return np.asarray(days.to_numpy(dtype="datetime64[D]"))


def _number(text: str) -> int | str:
    """Return the whole number that a text is, else the text."""
    whole = re.fullmatch(r"\s*([+-]?\d+)(\.0*)?\s*", text)
    return int(whole[1]) if whole else text


def _nothing(n: int) -> NDArray[np.object_]:
    return np.full(n, None, dtype=object)
