"""Segmenters fitted anew to resampled customers: what chance alone does to tiers."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier._core.cuts import Codes
from valuetier.errors import InvalidDataError, ValueTierError
from valuetier.tables import ID, as_frame, read_ids

Rows = NDArray[np.intp]


def refitted(segmenter: Any, X: Any) -> Any:
    """Return a copy of the segmenter, fitted to the customers; the segmenter stays as it is."""
    fresh = copy.deepcopy(segmenter)
    result = fresh.fit(X)
    return fresh if result is None else result


def codes_of(segmenter: Any, X: Any) -> Codes:
    """Return the tier of each customer, 0 being the best."""
    return np.asarray(segmenter.predict(X), dtype=np.int64)


def taken(X: Any, rows: Rows) -> Any:
    """Return the rows of a table in memory, some of them repeatedly, as customers with new ids."""
    if isinstance(X, pd.DataFrame):
        drawn = X.iloc[rows].reset_index(drop=True)
        return drawn.assign(**{ID: np.arange(len(rows))}) if ID in drawn else drawn
    frame = as_frame(X)
    if not isinstance(frame, nw.DataFrame):
        return np.asarray(X)[rows]
    some = frame[rows]
    if ID in some.columns:
        some = some.with_columns(nw.new_series(ID, np.arange(len(rows)), backend=frame.implementation))
    return some.to_native()


class Resampler:
    """Draws customers with replacement; equal draws whatever the order of the rows."""

    def __init__(self, X: Any, random_state: int) -> None:
        self._table = X
        self._order = np.argsort(read_ids(X).astype(str), kind="stable")
        self._random = np.random.default_rng(random_state)

    def draw(self, size: int | None = None) -> Any:
        """Return a table of ``size`` customers, by default as many as there are."""
        n = len(self._order)
        drawn = self._random.integers(0, n, n if size is None else size)
        return taken(self._table, self._order[np.sort(drawn)])


def bootstrap_codes(
    segmenter: Any, X: Any, *, n_resamples: int, random_state: int, sizes: tuple[int | None, ...] = (None,)
) -> Iterator[tuple[Codes, ...]]:
    """Yield the tiers of all customers by segmenters refitted to resamples of the given sizes.

    Resamples from which nothing can be learned are left out.

    Raises
    ------
    InvalidDataError
        If nothing can be learned from any of them.
    """
    resampler, done = Resampler(X, random_state), 0
    for _ in range(n_resamples):
        samples = [resampler.draw(size) for size in sizes]
        try:
            found = tuple(codes_of(refitted(segmenter, sample), X) for sample in samples)
        except (ValueTierError, ValueError):
            continue
        done += 1
        yield found
    if not done:
        raise InvalidDataError(
            f"None of {n_resamples} resamples of the {len(read_ids(X))} customers could be learned from, so "
            "chance cannot be measured. Use a table of more customers."
        )
