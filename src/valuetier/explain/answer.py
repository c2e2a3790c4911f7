"""The explanation of the tiers of some customers: as a table, as sentences, and of one customer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from valuetier import store, tables
from valuetier._core.changes import Change, Rows
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError, require_choice
from valuetier.explain.words import (
    NO_REASON,
    Column,
    change_sentence,
    customer_block,
    cuts_sentence,
    last_words,
    nothing_sentence,
    score_words,
)
from valuetier.tiers import LANGUAGES, Answers, Segmenter, TierAssignment, assign, assignment_of
from valuetier.tiers import version_of as fingerprint


class Grounds(NamedTuple):
    """What a segmenter says of some customers beyond their tiers.

    Attributes
    ----------
    answers : Answers
        Tiers, scores and segments.
    columns : tuple of str
        The columns it reads.
    values : (n, d) array
        What they hold, as it is read.
    points : dict of str to array
        Score or points of single columns.
    changes : dict of str to Change, or None
        What each column changes alone; columns that are not in it are not levers. None where
        the segmenter does not know.
    score_lines : (n_tiers - 1,) array or None
        Scores from which a tier begins, best first, where the score alone decides.
    reasons : function
        From positions of customers and a language to a sentence each.
    document : dict or None
        All parameters and cuts, as they are stored.
    """

    answers: Answers
    columns: tuple[str, ...]
    values: Floats
    points: dict[str, Floats]
    changes: dict[str, Change] | None
    score_lines: Floats | None
    reasons: Callable[[Rows, str], list[str]]
    document: dict[str, Any] | None


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Why customers are in their tiers, and what would change that, column by column.

    Attributes
    ----------
    assignment : TierAssignment
        Tiers, segments, scores and ids, with the version of the cuts and the day of the customers.
    cuts_as_of : date or None
        The day of the customers from whom the cuts were learned, where it is known.
    grounds : Grounds or None
        What the segmenter says beyond the tiers; None of one that says nothing.

    Examples
    --------
    >>> import valuetier as vt
    >>> customers = pd.DataFrame({"customer_id": ["a", "b", "c"], "spend": [900.0, 80.0, 350.0]})
    >>> pyramid = vt.PyramidSegmenter(cut=vt.ThresholdCut((500, 100))).fit(customers)
    >>> found = vt.explanation(pyramid, customers)
    >>> found.to_frame()[["tier", "spend", "spend_keeps_from", "spend_keeps_to", "spend_to_next"]]
         tier  spend  spend_keeps_from  spend_keeps_to  spend_to_next
    0    High  900.0      5.000000e+02             inf            NaN
    1     Low   80.0     1.000000e-300           100.0          100.0
    2  Medium  350.0      1.000000e+02           500.0          500.0
    >>> found.sentences()["to_next"][1]
    'To Medium: spend from 100 (20 more).'
    """

    assignment: TierAssignment
    cuts_as_of: date | None
    grounds: Grounds | None

    def __len__(self) -> int:
        return len(self.assignment)

    def __repr__(self) -> str:
        return f"Explanation(kind={self.assignment.kind!r}, customers={len(self)}, {self.cuts()})"

    def cuts(self, lang: str = "en") -> str:
        """Return the version of the cuts and the day of the customers they were learned from."""
        require_choice("lang", lang, LANGUAGES)
        return cuts_sentence(self.assignment.version, self.cuts_as_of, lang)

    def to_frame(self, lang: str = "en") -> pd.DataFrame:
        """Return one row per customer, in numbers.

        Returns
        -------
        DataFrame with customer_id, tier, segment and score; where the score alone decides,
        score_keeps_from and score_to_next, the scores from which this tier and the next one begin;
        then per column that is read its value, ``<column>_points`` where it has some, and for
        columns that are levers ``<column>_keeps_from`` and ``<column>_keeps_to``, the first
        value and, exclusively, the last one that keep the tier while the other columns stay;
        ``<column>_to_next`` and ``<column>_to_lose``, the nearest value that alone gives a better
        and a worse tier, NaN where none does; at the end next_tier (the one above; missing in the
        best), version, cuts_as_of and as_of.
        """
        frame = self.assignment.to_frame(lang)
        parts: dict[str, Any] = {}
        if self.grounds is not None:
            parts = {**_score_columns(self.assignment, self.grounds), **_columns_of(self.grounds)}
        names = np.array([None, *(tier.label(lang) for tier in self.assignment.tiers)], dtype=object)
        parts["next_tier"] = names[self.assignment.codes]
        rest = pd.DataFrame({**parts, **self._marks()}, index=frame.index)
        return pd.concat([frame, rest], axis=1)

    def sentences(self, lang: str = "en") -> pd.DataFrame:
        """Return customer_id, reason, to_next, to_lose, cuts: one sentence each per customer."""
        require_choice("lang", lang, LANGUAGES)
        rows = np.arange(len(self))
        columns = self._levers()
        told = {side: self._told(rows, side, columns, lang) for side in ("to_next", "to_lose")}
        return pd.DataFrame(
            {
                "customer_id": self.assignment.ids,
                "reason": self._reasons(rows, lang),
                **told,
                "cuts": [self.cuts(lang)] * len(self),
            }
        )

    def explained(self, lang: str = "en") -> pd.DataFrame:
        """Return what ``explain`` of a segmenter does: tier, segment, score and the sentences."""
        frame = self.assignment.to_frame(lang).astype({"tier": object})
        said = self.sentences(lang)[["reason", "to_next", "to_lose"]]
        return pd.concat([frame, said, pd.DataFrame(self._marks(), index=frame.index)], axis=1)

    def customer(self, customer: Any, lang: str = "en") -> str:
        """Return all steps for one customer as text: raw values, tier, what would change it, cuts.

        Raises
        ------
        InvalidDataError
            If the customer is not in the table.

        Examples
        --------
        >>> import valuetier as vt
        >>> customers = pd.DataFrame({"customer_id": ["a", "b", "c"], "spend": [900.0, 80.0, 0.0]})
        >>> pyramid = vt.PyramidSegmenter(cut=vt.ThresholdCut((500, 100))).fit(customers)
        >>> print(vt.explanation(pyramid, customers).customer("a"))
        Customer a: High
          Why: spend 900 (≥ 500) → High
          spend 900: keeps the tier from 500
          Up: The best tier.
          Down: To Medium: spend below 500 (400 away).
          Cuts e9960a1a51cd
        """
        require_choice("lang", lang, LANGUAGES)
        row = tables.row_of(self.assignment.ids, "customer", customer)
        rows, columns = np.array([row]), self._levers()
        told = {side: self._told(rows, side, columns, lang)[0] for side in ("to_next", "to_lose")}
        tier = self.assignment.tiers[self.assignment.codes[row]].label(lang)
        held = [] if self.grounds is None else _held(self.grounds, row)
        return customer_block(customer, tier, self._reasons(rows, lang)[0], held, told, self.cuts(lang), lang)

    def reconstruct(self) -> Any:
        """Return the codes computed anew from the table's raw values and the stated cuts alone.

        Raises
        ------
        InvalidDataError
            If the segmenter does not state its cuts.
        """
        if self.grounds is None or self.grounds.document is None:
            raise InvalidDataError(
                f"A segmenter of the kind {self.assignment.kind!r} does not state its cuts, so no tier can be "
                "computed from them. One that is built on BaseSegmenter and can be saved does."
            )
        raw = pd.DataFrame(self.grounds.values, columns=list(self.grounds.columns))
        return store.from_document(self.grounds.document).predict(raw)

    def _marks(self) -> dict[str, Any]:
        return {
            "version": np.full(len(self), self.assignment.version, dtype=object),
            "cuts_as_of": np.full(len(self), self.cuts_as_of, dtype=object),
            "as_of": np.full(len(self), self.assignment.as_of, dtype=object),
        }

    def _levers(self) -> list[Column] | None:
        """Return the columns that change tiers alone; None where the segmenter does not know."""
        if self.grounds is None or self.grounds.changes is None:
            return None
        read = dict(zip(self.grounds.columns, self.grounds.values.T, strict=True))
        return [Column(name, read[name], change) for name, change in self.grounds.changes.items()]

    def _reasons(self, rows: Rows, lang: str) -> list[str]:
        if self.grounds is None:
            return [NO_REASON[lang]] * len(rows)
        return self.grounds.reasons(rows, lang)

    def _told(self, rows: Rows, side: str, columns: list[Column] | None, lang: str) -> list[str]:
        """Return one sentence per customer: what reaches a better tier, or what loses this one."""
        tiers = [tier.label(lang) for tier in self.assignment.tiers]
        last = 0 if side == "to_next" else len(tiers) - 1
        grounds = self.grounds
        return [
            change_sentence(side, columns, row, tiers, lang)
            or nothing_sentence(
                side, *_known_and_others(grounds), _by_score(grounds, side, row, code, tiers, lang), lang
            )
            if grounds is not None and columns is not None and code != last
            else last_words(side, known=code == last, lang=lang)
            for row, code in zip(rows.tolist(), self.assignment.codes[rows].tolist(), strict=True)
        ]


def explanation(segmenter: Segmenter, X: Any, *, as_of: date | None = None) -> Explanation:
    """Return why each customer is in its tier, and what would change it.

    What would change it is exact: a customer table is read to fourteen significant digits, and
    columns of integers hold whole numbers; the value that is stated gives the other
    tier, and none between it and the customer's own does.

    Parameters
    ----------
    segmenter : Segmenter
        Fitted. One that is not built on BaseSegmenter gets tiers, scores and version, and the
        reasons of its own ``explain(X, lang=...)["reason"]``, or the answer that it does not say why.
    X : table
        The customers.
    as_of : date, optional
        The day the customers were looked at. Default: read from the table.

    Examples
    --------
    >>> import valuetier as vt
    >>> customers = pd.DataFrame(
    ...     {"recency_days": [3, 200, 40, 90], "orders": [9, 1, 3, 2], "spend": [900, 20, 300, 80]}
    ... )
    >>> found = vt.explanation(vt.RFMSegmenter(n_bins=4).fit(customers), customers)
    >>> found.sentences()["to_next"][2]
    'To Top: last order within 3 days (37 fewer), or orders from 9 (6 more), or spend from 900 (600 more).'
    >>> found.reconstruct().tolist()
    [0, 3, 1, 2]
    """
    X = tables.materialised(X)
    say = getattr(segmenter, "grounds", None)
    grounds: Grounds | None = say(X) if callable(say) else None
    learned: date | None = getattr(segmenter, "cuts_as_of_", None)
    if grounds is not None:
        return Explanation(assignment_of(segmenter, X, grounds.answers, as_of), learned, grounds)
    assignment = assign(segmenter, X, as_of=as_of)
    return Explanation(assignment, learned, None if say else _own_words(segmenter, X, assignment))


def _own_words(segmenter: Any, X: Any, assignment: TierAssignment) -> Grounds | None:
    """Return the reasons that a segmenter of another making gives; None where it gives none."""
    explain = getattr(segmenter, "explain", None)
    if not callable(explain):
        return None

    def reasons(rows: Rows, lang: str) -> list[str]:
        return [str(one) for one in np.asarray(explain(X, lang=lang)["reason"], dtype=object)[rows]]

    answers = Answers(assignment.codes, assignment.scores, assignment.segments, assignment.segments_zh)
    return Grounds(answers, (), np.empty((len(assignment), 0)), {}, None, None, reasons, None)


def document_of(segmenter: Any) -> dict[str, Any] | None:
    """Return parameters and cuts of a fitted segmenter; None where they cannot be stored."""
    return None if fingerprint(segmenter) is None else store.to_document(segmenter)


def _score_columns(assignment: TierAssignment, grounds: Grounds) -> Mapping[str, Floats]:
    if grounds.score_lines is None:
        return {}
    missing = np.full(len(assignment.tiers), np.nan)
    lines = np.concatenate([[np.nan], grounds.score_lines, missing])
    codes = assignment.codes
    return {"score_keeps_from": lines[codes + 1], "score_to_next": lines[codes]}


def _columns_of(grounds: Grounds) -> Mapping[str, Floats]:
    """Return the columns of the table that each column of the customers has."""
    found: dict[str, Floats] = {}
    for name, values in zip(grounds.columns, grounds.values.T, strict=True):
        found[name] = np.ascontiguousarray(values)
        if name in grounds.points:
            found[f"{name}_points"] = grounds.points[name]
        change = (grounds.changes or {}).get(name)
        if change is not None:
            for what in ("keeps_from", "keeps_to", "to_next", "to_lose"):
                found[f"{name}_{what}"] = getattr(change, what)
    return found


def _known_and_others(grounds: Grounds) -> tuple[list[str], list[str]]:
    """Return the columns that are levers, and those of which it is not known what they change."""
    known = [*(grounds.changes or {})]
    return known, [name for name in grounds.columns if name not in known]


def _by_score(grounds: Grounds, side: str, row: int, code: int, tiers: Sequence[str], lang: str) -> str:
    """Return which score another tier takes, where the score alone decides."""
    lines, scores = grounds.score_lines, grounds.answers.scores
    if lines is None or scores is None:
        return ""
    line = lines[code - 1] if side == "to_next" else lines[code]
    reached = np.sum(lines > line) if side == "to_next" else np.sum(lines >= line)
    return score_words(side, float(scores[row]), float(line), tiers[int(reached)], lang)


def _held(grounds: Grounds, row: int) -> list[tuple[str, float, float | None, tuple[float, float] | None]]:
    """Return name, value, points and interval of each column of a customer."""
    held = []
    for name, value in zip(grounds.columns, grounds.values[row].tolist(), strict=True):
        change = (grounds.changes or {}).get(name)
        points = grounds.points.get(name)
        ends = None if change is None else (float(change.keeps_from[row]), float(change.keeps_to[row]))
        held.append((name, value, None if points is None else float(points[row]), ends))
    return held
