"""Between two dates: which customers changed tier, what they are worth, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from valuetier import _validate as validate
from valuetier._core.cuts import Codes
from valuetier._core.migration import path_sums
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError, InvalidParameterError, require_choice
from valuetier.evaluate._decomposition import Decomposition, decompose, false_moves
from valuetier.evaluate._migration_words import (
    BETWEEN,
    GONE,
    MOVED,
    NEW,
    NOW,
    THEN,
    TOP,
    TOTAL,
    UNDATED,
    WORTH,
)
from valuetier.evaluate._percent import percent
from valuetier.evaluate._totals import with_totals
from valuetier.tables import as_frame, materialised, read_columns, read_ids
from valuetier.tiers import LANGUAGES, Segmenter, Tier, TierAssignment, assign, version_of

CELLS = ("customers", "share", "value_before", "value_after")


@dataclass(frozen=True, slots=True, eq=False)
class Migration:
    """Ways of customers between the tiers of two dates.

    Rows are the tiers before and, last, the new customers; columns the tiers after and, last,
    the customers who are gone.

    Attributes
    ----------
    tiers : tuple of Tier
    customers : (k + 1, k + 1) int array
    value_before, value_after : (k + 1, k + 1) array or None
        What the same customers were worth before and after; None without values.
    decomposition : Decomposition or None
        Why they moved; None without a segmenter.
    dates : tuple of (date or None)
        The days of the two assignments.
    """

    tiers: tuple[Tier, ...]
    customers: NDArray[np.int64]
    value_before: Floats | None = None
    value_after: Floats | None = None
    decomposition: Decomposition | None = None
    dates: tuple[date | None, date | None] = (None, None)

    @property
    def both(self) -> int:
        """Customers seen at both dates."""
        return int(self._inner.sum())

    @property
    def up(self) -> int:
        """Customers in a better tier than before."""
        return int(np.tril(self._inner, -1).sum())

    @property
    def down(self) -> int:
        """Customers in a worse tier than before."""
        return int(np.triu(self._inner, 1).sum())

    @property
    def entered(self) -> int:
        """Customers who are only in the later assignment."""
        return int(self.customers[-1].sum())

    @property
    def left(self) -> int:
        """Customers who are only in the earlier assignment."""
        return int(self.customers[:, -1].sum())

    @property
    def _inner(self) -> NDArray[np.int64]:
        return self.customers[:-1, :-1]

    def to_frame(self, lang: str = "en") -> pd.DataFrame:
        """Return one row per way: from, to, customers, share, and value_before, value_after if known.

        ``share`` is of the customers who were in the tier before, or of the new ones.
        """
        require_choice("lang", lang, LANGUAGES)
        rows, columns = self._names(lang)
        cells = {cell: self._cell(cell).ravel() for cell in CELLS if self._known(cell)}
        names = {"from": np.repeat(rows, len(columns)), "to": np.tile(columns, len(rows))}
        return pd.DataFrame({**names, **cells}).iloc[:-1]

    def table(self, cell: str = "customers", lang: str = "en") -> pd.DataFrame:
        """Return one of customers, share, value_before, value_after: before in rows, after in columns, totals.

        ``share`` is the chance of each way, by rows.
        """
        require_choice("cell", cell, CELLS)
        require_choice("lang", lang, LANGUAGES)
        if not self._known(cell):
            raise InvalidParameterError(
                f"cell {cell!r} needs values_before and values_after. Pass them to migration."
            )
        rows, columns = self._names(lang)
        cells = self._cell(cell)
        if cell != "share":
            cells = with_totals(cells)
            rows, columns = (np.append(names, TOTAL[lang]) for names in (rows, columns))
        return pd.DataFrame(cells, pd.Index(rows, name="from"), pd.Index(columns, name="to"))

    def flows(self, tier: int = 0, lang: str = "en") -> pd.DataFrame:
        """Return who came into a tier from where, and who left it to where, with their amounts.

        Parameters
        ----------
        tier : int
            Code of the tier; 0 is the best.

        Returns
        -------
        DataFrame
            direction ("in" or "out"), tier (the other one), customers, and value_before,
            value_after where values are known; ways that nobody went are left out.
        """
        if validate.whole_number("tier", tier, 0) >= len(self.tiers):
            raise InvalidParameterError(f"tier must be a code from 0 to {len(self.tiers) - 1}, got {tier}.")
        frame = self.to_frame(lang)
        here, there = np.divmod(np.arange(len(frame)), len(self.tiers) + 1)
        into = frame[(there == tier) & (here != tier)].rename(columns={"from": "tier"})
        out = frame[(here == tier) & (there != tier)].rename(columns={"to": "tier"})
        both = pd.concat([into.assign(direction="in"), out.assign(direction="out")])
        both = both[both["customers"] > 0].reset_index(drop=True)
        return both[["direction", "tier", *(c for c in CELLS if c != "share" and c in both)]]

    def verdict(self, lang: str = "en") -> str:
        """Return what happened in a few sentences: moves, the best tier, and why where that is known."""
        require_choice("lang", lang, LANGUAGES)
        moved = self.up + self.down
        counts = {"up": self.up, "down": self.down, "entered": self.entered, "left": self.left}
        share = percent(moved / max(self.both, 1), lang, 1)
        first = MOVED[lang].format(when=self._when(lang), moved=moved, both=self.both, share=share, **counts)
        said = [first[:1].upper() + first[1:], self._top(lang)]
        if self.decomposition is not None:
            said.append(self.decomposition.verdict(lang))
        return ("" if lang == "zh" else " ").join(said)

    def __str__(self) -> str:
        return f"{self.table()}\n{self.verdict()}"

    def _when(self, lang: str) -> str:
        if None in self.dates:
            return UNDATED[lang]
        return BETWEEN[lang].format(before=self.dates[0], after=self.dates[1])

    def _top(self, lang: str) -> str:
        flows = self.flows(0, lang)
        into, out = (flows[flows["direction"] == direction] for direction in ("in", "out"))
        return TOP[lang].format(
            tier=self.tiers[0].label(lang),
            before=int(self.customers[0].sum()),
            after=int(self.customers[:, 0].sum()),
            into=int(into["customers"].sum()),
            out=int(out["customers"].sum()),
            worth_in=_worth(into, "value_after", NOW[lang], lang),
            worth_out=_worth(out, "value_before", THEN[lang], lang),
        )

    def _names(self, lang: str) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
        tiers = [tier.label(lang) for tier in self.tiers]
        return np.array([*tiers, NEW[lang]], dtype=object), np.array([*tiers, GONE[lang]], dtype=object)

    def _known(self, cell: str) -> bool:
        return cell == "share" or getattr(self, cell) is not None

    def _cell(self, cell: str) -> NDArray[Any]:
        if cell != "share":
            return np.asarray(getattr(self, cell))
        people = self.customers.sum(axis=1, keepdims=True)
        nobody = np.full(self.customers.shape, np.nan)
        return np.divide(self.customers, people, out=nobody, where=people > 0)


def _worth(flow: pd.DataFrame, column: str, when: str, lang: str) -> str:
    if column not in flow:
        return ""
    return WORTH[lang].format(value=float(flow[column].sum()), date=when)


def migration(
    before: TierAssignment,
    after: TierAssignment,
    *,
    values_before: ArrayLike | Any = None,
    values_after: ArrayLike | Any = None,
    value: str = "spend",
    segmenter: Segmenter | None = None,
    X_after: Any = None,
    n_resamples: int = 100,
    random_state: int = 0,
) -> Migration:
    """Return the ways of customers between tiers, from one date to the next, and why they went.

    Customers are found by their ids. Who is only in ``after`` is new; who is only in ``before`` is gone.

    Parameters
    ----------
    before, after : TierAssignment
        Of the same tiers, at two dates.
    values_before, values_after : table or array-like, optional
        What customers were worth at each date: a customer table with a column ``value``, or
        one number per customer in the order of the assignment. Both or none.
    value : str
        Column of the tables.
    segmenter : Segmenter, optional
        The one that made ``before``, fitted. It is asked about the customers of ``after``:
        what it says is what the old cuts would have made of them. It is not changed.
    X_after : table, optional
        The customers of ``after``, as the segmenter reads them. Needed with a segmenter.
    n_resamples : int
        Pairs of refits from which the false moves are counted. Each takes two fits.
    random_state : int
        Seed of the resamples.

    Returns
    -------
    Migration
        With a segmenter also its ``decomposition``.

    Raises
    ------
    InvalidParameterError
        If one of a pair of arguments is missing.
    InvalidDataError
        If the tiers are not the same, no customer is in both, a table has other customers than its
        assignment, or the segmenter did not make ``before``.

    Notes
    -----
    *Behaviour* is what the old cuts say of the changed customers, *moved cuts* the difference between
    the old cuts and the new ones on the new table. The order matters where both happened to one
    customer: these are counted apart. The *noise* is that of the cuts, which are learned from customers
    of whom there might have been others; that a customer's own year might have been another is part of
    the behaviour.

    Examples
    --------
    >>> import valuetier as vt
    >>> orders = vt.datasets.load_cdnow_orders()
    >>> old, new = (vt.summarize(orders, as_of=day).customers for day in ("1997-12-31", "1998-06-30"))
    >>> pyramid = vt.PyramidSegmenter(preset="hml").fit(old)
    >>> found = migration(pyramid.assign(old), pyramid.assign(new))
    >>> found.up, found.down, found.entered
    (1715, 0, 0)
    """
    _check_pairs(values_before=values_before, values_after=values_after)
    _check_pairs(segmenter=segmenter, X_after=X_after)
    refuse_other_tiers(before, after)
    here, there = _aligned(before, after)
    size = len(before.tiers) + 1
    ways = _at(before.codes, here, size - 1), _at(after.codes, there, size - 1)
    values = None
    if values_before is not None:
        worth_before = _values("values_before", values_before, value, before)
        values = (
            _at(worth_before, here, 0.0),
            _at(_values("values_after", values_after, value, after), there, 0.0),
        )
    found = [None, None] if values is None else [_sums(*ways, size, each) for each in values]
    why = None
    if segmenter is not None:
        between, noise = _judged_again(segmenter, X_after, before, after, n_resamples, random_state)
        old_cuts = _at(between, there, size - 1)
        why = decompose(before.tiers, (ways[0], old_cuts, ways[1]), values, noise)
    counts = _sums(*ways, size).astype(np.int64)
    return Migration(before.tiers, counts, found[0], found[1], why, (before.as_of, after.as_of))


def _check_pairs(**pair: Any) -> None:
    """Raise if one of two arguments is there without the other."""
    missing = [name for name, value in pair.items() if value is None]
    if len(missing) == 1:
        raise InvalidParameterError(
            f"{' and '.join(pair)} belong together, {missing[0]} is missing. Pass both or none."
        )


def refuse_other_tiers(before: TierAssignment, after: TierAssignment) -> None:
    """Raise unless two assignments are of the same tiers."""
    if before.tiers != after.tiers:
        first, second = ([tier.name for tier in one.tiers] for one in (before, after))
        raise InvalidDataError(
            f"The assignments have different tiers: {first} and {second}. Assign both by the same kind "
            "of segmenter with the same tiers."
        )


def _aligned(before: TierAssignment, after: TierAssignment) -> tuple[Codes, Codes]:
    """Return where each of all customers stands in the two assignments; -1 where not."""
    first, second = pd.Index(before.ids), pd.Index(after.ids)
    everyone = first.append(second[~second.isin(first)])
    here, there = first.get_indexer(everyone), second.get_indexer(everyone)
    if not ((here >= 0) & (there >= 0)).any():
        raise InvalidDataError(
            f"The assignments have no customer in common: {len(first)} ids of type {before.ids.dtype}, {len(second)} "
            f"of type {after.ids.dtype}. Give both the same ids, of the same type."
        )
    return here, there


def _at(values: NDArray[Any], places: NDArray[Any], nowhere: float) -> NDArray[Any]:
    """Return the value at each place, ``nowhere`` for those at none."""
    found = np.full(len(places), nowhere, dtype=values.dtype)
    found[places >= 0] = values[places[places >= 0]]
    return found


def _sums(before: Codes, after: Codes, size: int, weights: Floats | None = None) -> Floats:
    return path_sums(before, np.zeros_like(before), after, size, weights)[:, 0]


def _values(parameter: str, given: Any, column: str, assigned: TierAssignment) -> Floats:
    """Return the value of each customer of an assignment, from a table by id or from a column."""
    if not isinstance(given, pd.Series) and as_frame(given) is not None:
        given = materialised(given)
        return read_columns(given, (column,))[_places(parameter, given, assigned), 0]
    values = validate.float_column(parameter, given)
    validate.same_length(**{parameter: values, "assigned": assigned.codes})
    validate.refuse_not_finite(parameter, values)
    return values


def _places(parameter: str, table: Any, assigned: TierAssignment) -> NDArray[np.intp]:
    """Return the row of each customer of an assignment in a table of the same customers."""
    ids = pd.Index(read_ids(table))
    places = ids.get_indexer(pd.Index(assigned.ids))
    missing = int((places < 0).sum())
    extra = len(ids) - len(places) + missing
    if missing or extra:
        raise InvalidDataError(
            f"{parameter} is of other customers than its assignment: {missing} of {len(places)} assigned ones are "
            f"not in the table, {extra} of {len(ids)} in the table are not assigned. Pass the table that was assigned."
        )
    return np.asarray(places)


def _judged_again(
    segmenter: Any,
    X_after: Any,
    before: TierAssignment,
    after: TierAssignment,
    n_resamples: int,
    random_state: int,
) -> tuple[Codes, Any]:
    """Return the tiers of the customers of ``after`` by the old cuts, and the false moves of refits to them."""
    validate.whole_number("n_resamples", n_resamples, 1)
    version = version_of(segmenter)
    if None not in (version, before.version) and version != before.version:
        raise InvalidDataError(
            f"segmenter has version {version}, before was assigned by version {before.version}. Pass the segmenter "
            "that made before, as it was fitted then."
        )
    X_after = materialised(X_after)
    again = assign(segmenter, X_after)
    refuse_other_tiers(before, again)
    places = _places("X_after", X_after, after)
    codes = np.empty_like(after.codes)
    codes[places] = after.codes
    noise = false_moves(
        segmenter,
        X_after,
        codes,
        len(after.tiers),
        sizes=(len(before), len(after)),
        n_resamples=n_resamples,
        random_state=random_state,
    )
    return again.codes[places], noise
