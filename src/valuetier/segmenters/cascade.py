"""Segmenters combined: gates first, then one segmenter inside each tier of another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import narwhals as nw
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from valuetier import tables
from valuetier._core.cuts import Codes
from valuetier._validate import Floats
from valuetier.base import Assessment, BaseSegmenter, Names
from valuetier.errors import (
    InvalidDataError,
    InvalidParameterError,
    MissingColumnsError,
    NotConvergedError,
    require_choice,
)
from valuetier.explain.levers import Lever, joined
from valuetier.protected import allowed_names
from valuetier.segmenters.pyramid import PyramidSegmenter
from valuetier.segmenters.rule_tables import (
    TierRule,
    columns_of,
    first_rule,
    may_be_missing,
    prove_reachable,
    read_rules,
    thresholds_of,
    with_values,
)
from valuetier.segmenters.rule_words import reasons
from valuetier.segmenters.rules import RuleSegmenter
from valuetier.tiers import Segmenter

DEFAULT_GATES = (TierRule(("Lapsed", "流失客户"), {"recency_days": {">": 730}}),)
DEFAULT_OUTER = PyramidSegmenter(preset="hml")
DEFAULT_INNER = RuleSegmenter(
    rules=(
        TierRule(("active", "活跃"), {"recency_days": {"<=": "p50"}}),
        TierRule(("quiet", "沉寂"), {}),
    )
)

COMPOSED = {"en": "{outer} · {inner}", "zh": "{outer}·{inner}"}
WITHIN = {"en": "within {outer}: {reason}", "zh": "在“{outer}”之内：{reason}"}


class CascadeSegmenter(BaseSegmenter):
    """Tiers in steps: gates put some customers into fixed tiers, a segmenter parts the rest, another each part.

    By default: ``Lapsed`` without an order for 730 days; the others High, Medium and Low by spend (and No
    value), and in each of these ``active``, the half that bought last, before ``quiet``. An
    inner segmenter learns from the customers of its outer tier alone.

    Parameters
    ----------
    gates : sequence of rules, or mapping of str to mapping, optional
        Tiers and conditions, as :class:`RuleSegmenter` takes them; the first that holds
        decides. ``()``: no gates. A tier of the segmenters may be named as well.
    above : sequence of str
        Tiers of the gates that stand above all others. The other ones stand below.
    outer : Segmenter, optional
        Parts the customers whom no gate takes.
    inner : Segmenter, or mapping of str to Segmenter, optional
        Parts the customers of each outer tier; a mapping has English names of outer tiers
        for keys, and leaves the tiers that it does not name whole.
    columns : sequence of str
        Columns that segmenters of other packages need, which do not say what they read.
    allow_protected : sequence of str
        Columns to use although they tell of age, sex, origin, health and the like; refused otherwise.

    Attributes
    ----------
    gates_ : tuple of TierRule
        With all bounds as numbers.
    outer_ : Segmenter
    inner_ : tuple of Segmenter or None
        One per outer tier; None where the tier stays whole.
    undivided_ : dict of str to str
        Outer tiers whose customers could not be parted when fitted (too few, or all
        equal), and why. They stay whole.
    tiers_ : tuple of (str, str)
        English and Chinese names, best first.

    Examples
    --------
    >>> import pandas as pd, valuetier as vt
    >>> customers = pd.DataFrame(
    ...     {"recency_days": [5, 90, 8, 70, 900, 60, 9], "spend": [900, 800, 90, 80, 700, 70, 60]}
    ... )
    >>> cascade = vt.CascadeSegmenter(outer=vt.PyramidSegmenter(cut=vt.ShareCut((0.4, 0.6))))
    >>> cascade.fit(customers).assign(customers).to_frame()["tier"].tolist()
    ['High · active', 'High · quiet', 'Low · active', 'Low · quiet', 'Lapsed', 'Low · quiet', 'Low · active']
    """

    kind: ClassVar[str] = "cascade"

    def __init__(
        self,
        *,
        gates: Any = None,
        above: Sequence[str] = (),
        outer: Any = None,
        inner: Any = None,
        columns: Sequence[str] = (),
        allow_protected: Sequence[str] = (),
    ) -> None:
        self.gates = gates
        self.above = above
        self.outer = outer
        self.inner = inner
        self.columns = columns
        self.allow_protected = allow_protected

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the outer tiers, then each inner segmenter from the customers of its tier; return the segmenter."""
        X = tables.materialised(X)
        written = self._written_gates()
        read, width = self._read_to_fit(X)
        table = self._table(read)
        gates = with_values(written, dict(zip(self._columns(), read.T, strict=True)))
        if gates:
            prove_reachable(written, gates, name="gates")
        rest = self._gate(gates, table) < 0
        if np.count_nonzero(rest) < 2:
            raise InvalidDataError(
                f"The gates leave {np.count_nonzero(rest)} of {len(rest)} customers (n_samples = {len(rest)}); "
                "at least 2 are needed to learn tiers. Make the gates narrower."
            )
        frame = table if tables.width(X) is not None else X
        outer = _fitted(self._outer(), frame, table, rest)
        codes = np.full(len(rest), -1, dtype=np.int64)
        codes[rest] = outer.predict(table[rest])
        inner, undivided = self._fit_inner(frame, table, codes, _names(outer))
        tiers = self._compose(gates, outer, inner)
        self.gates_, self.outer_, self.inner_ = gates, outer, inner
        self.undivided_, self.tiers_ = undivided, tiers
        self.n_features_in_ = width
        return self

    def _fit_inner(
        self, frame: Any, table: pd.DataFrame, codes: Codes, outer: Names
    ) -> tuple[tuple[Any, ...], dict[str, str]]:
        """Return one fitted segmenter per outer tier, None where it stays whole, and why where it was not meant to."""
        chosen = self._inner([english for english, _ in outer])
        found: list[Any] = []
        undivided: dict[str, str] = {}
        for code, (english, _) in enumerate(outer):
            part, members = chosen[code], codes == code
            if part is not None and not members.any():
                undivided[english], part = "It had no customers when fitted.", None
            elif part is not None:
                try:
                    part = _fitted(part, frame, table, members)
                except MissingColumnsError:
                    raise
                except (InvalidDataError, NotConvergedError) as error:
                    undivided[english], part = str(error), None
            found.append(part)
        return tuple(found), undivided

    def _written_gates(self) -> tuple[TierRule, ...]:
        if self.gates is None:
            return DEFAULT_GATES
        if isinstance(self.gates, (Mapping, Sequence)) and not len(self.gates):
            return ()
        return read_rules("gates", self.gates)

    def _outer(self) -> Any:
        return _segmenter("outer", DEFAULT_OUTER if self.outer is None else self.outer)

    def _inner(self, outer: Sequence[str] | None = None) -> list[Any]:
        """Return the unfitted segmenter for each outer tier; without names each that is there, once."""
        inner = DEFAULT_INNER if self.inner is None else self.inner
        if not isinstance(inner, Mapping):
            return [_segmenter("inner", inner)] * (1 if outer is None else len(outer))
        parts = {name: _segmenter(f"inner[{name!r}]", part) for name, part in inner.items()}
        if outer is None:
            return list(parts.values())
        for name in parts:
            require_choice("inner", name, outer)
        return [parts.get(name) for name in outer]

    def _readers(self) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
        """Return for each step the columns that it reads, and those of them that may be missing."""
        gates = self._written_gates()
        parts = [part for part in (self._outer(), *self._inner()) if isinstance(part, BaseSegmenter)]
        return [
            (columns_of(gates), may_be_missing(gates)),
            *((part._columns(), part._may_be_missing()) for part in parts),
            (tables.column_list("columns", self.columns), tuple(self.columns)),
        ]

    def _columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for columns, _ in self._readers() for name in columns))

    def _may_be_missing(self) -> tuple[str, ...]:
        needed = {name for columns, optional in self._readers() for name in columns if name not in optional}
        return tuple(name for name in self._columns() if name not in needed)

    def _allowed(self) -> Sequence[str]:
        """Return the protected columns that the cascade or a part of it allows."""
        parts = [part for part in (self._outer(), *self._inner()) if isinstance(part, BaseSegmenter)]
        own = allowed_names(self.allow_protected)
        return [*own, *(name for part in parts for name in allowed_names(part._allowed()))]

    def _table(self, columns: Floats) -> pd.DataFrame:
        return pd.DataFrame(columns, columns=list(self._columns()))

    def _gate(self, gates: Sequence[TierRule], table: pd.DataFrame) -> Codes:
        """Return the position of the gate that takes each customer; -1 where none does."""
        if not gates:
            return np.full(len(table), -1, dtype=np.int64)
        return first_rule(gates, {name: table[name].to_numpy() for name in columns_of(gates)}, len(table))

    def _compose(
        self, gates: Sequence[TierRule], outer: Any, inner: Sequence[Any]
    ) -> tuple[tuple[str, str], ...]:
        """Return the names of all tiers, best first; a gate may lead into a tier of the segmenters."""
        composed = []
        for names, part in zip(_names(outer), inner, strict=True):
            composed += [names] if part is None else [_composed(names, within) for within in _names(part)]
        theirs = {english for english, _ in composed}
        for name in tables.column_list("above", self.above):
            require_choice("above", name, [gate.names()[0] for gate in gates])
            if name in theirs:
                raise InvalidParameterError(
                    f"above: {name!r} is a tier of the segmenters, whose order is theirs. "
                    "Leave it out, or rename the gate."
                )
        gated = [names for names in dict.fromkeys(gate.names() for gate in gates) if names[0] not in theirs]
        over = [names for names in gated if names[0] in self.above]
        return _different((*over, *composed, *(names for names in gated if names not in over)))

    def _assess(self, columns: Floats) -> Assessment:
        table = self._table(columns)
        gate = self._gate(self.gates_, table)
        outer, inner = (np.full(len(table), -1, dtype=np.int64) for _ in range(2))
        place = {english: code for code, (english, _) in enumerate(self.tiers_)}
        of_gate = np.array([place[one.names()[0]] for one in self.gates_] or [0], dtype=np.int64)
        codes = of_gate[gate]
        rest = np.flatnonzero(gate < 0)
        if len(rest):
            outer[rest] = self.outer_.predict(table.iloc[rest])
        for code, (names, part) in enumerate(zip(_names(self.outer_), self.inner_, strict=True)):
            members = np.flatnonzero(outer == code)
            if part is None:
                codes[members] = place[names[0]]
            elif len(members):
                inner[members] = part.predict(table.iloc[members])
                codes[members] = place[_composed(names, _names(part)[0])[0]] + inner[members]
        evidence = {"gate": gate + 1, "outer_tier": outer, "inner_tier": inner}
        scores = (len(self.tiers_) - 1 - codes).astype(np.float64)
        return Assessment(codes, scores, {name: found.astype(np.float64) for name, found in evidence.items()})

    def _levers(self, columns: Floats, found: Assessment) -> Mapping[str, Lever] | None:
        """Return what the gates and every part look at, where all parts say it of the columns they read."""
        names = self._columns()
        parts = [part for part in (self.outer_, *self.inner_) if part is not None]
        levers = {name: [Lever(thresholds_of(self.gates_, name))] for name in names}
        for part in parts:
            of_part = _part_levers(part, names, columns)
            if of_part is None:
                return None
            for name in part._columns():
                if name not in of_part:
                    levers.pop(name, None)
            for name in levers.keys() & of_part.keys():
                levers[name].append(of_part[name])
        return {name: joined(several) for name, several in levers.items()}

    def _evidence_names(self) -> tuple[str, ...]:
        return ("gate", "outer_tier", "inner_tier")

    def _tier_names(self) -> Names:
        check_is_fitted(self)
        return self.tiers_

    def _reasons(self, columns: Floats, found: Assessment, lang: str) -> list[str]:
        table, tiers = self._table(columns), self.get_tier_names_out(lang)
        gate = found.evidence["gate"].astype(np.int64) - 1
        read = {name: table[name].to_numpy() for name in columns_of(self.gates_)}
        parts = [[text] if text else [] for text in reasons(self.gates_, read, gate, lang, exclusive=False)]
        outer = found.evidence["outer_tier"].astype(np.int64)
        _add_reasons(parts, self.outer_, table, np.flatnonzero(gate < 0), lang, "{reason}")
        for code, (names, part) in enumerate(zip(_names(self.outer_), self.inner_, strict=True)):
            if part is not None:
                within = WITHIN[lang].format(outer=names[lang == "zh"], reason="{reason}")
                _add_reasons(parts, part, table, np.flatnonzero(outer == code), lang, within)
        link = "；" if lang == "zh" else "; "
        return [f"{link.join(texts)} → {tiers[code]}" for texts, code in zip(parts, found.codes, strict=True)]


def _part_levers(part: Any, names: Sequence[str], columns: Floats) -> Mapping[str, Lever] | None:
    """Return the levers of a part for all customers; None where it has none, or not for all of them."""
    if not isinstance(part, BaseSegmenter):
        return None
    read = columns[:, [names.index(name) for name in part._columns()]]
    try:
        return part._levers(read, part._assess(read))
    except InvalidDataError:
        return None


def _segmenter(parameter: str, part: Any) -> Any:
    if isinstance(part, type) or not isinstance(part, Segmenter):
        raise InvalidParameterError(
            f"{parameter} must be a segmenter such as PyramidSegmenter(), got {part!r}."
        )
    return part


def _fitted(part: Any, frame: Any, table: pd.DataFrame, rows: Any) -> Any:
    """Return a copy of a segmenter, fitted to some rows: of all columns, or of those that are read afterwards."""
    part = clone(part, safe=False)
    if isinstance(part, BaseSegmenter):
        part.fit(_rows(frame, rows))
        return part
    try:
        part.fit(table[rows])
    except KeyError as error:
        raise MissingColumnsError(
            f"{type(part).__name__} reads the column {error}, which no other step does. Name it in columns."
        ) from None
    return part


def _different(tiers: Names) -> tuple[tuple[str, str], ...]:
    for language in zip(*tiers, strict=True):
        twice = [name for name, times in Counter(language).items() if times > 1]
        if twice:
            raise InvalidParameterError(
                f"gates and segmenters must name different tiers, got {twice} twice. Rename a gate."
            )
    return tuple(tiers)


def _rows(frame: Any, chosen: Any) -> Any:
    """Return the chosen rows of a table, as the kind of frame that it is."""
    return nw.from_native(frame, eager_only=True).filter(chosen.tolist()).to_native()


def _names(part: Any) -> Names:
    """Return the (English, Chinese) names of a fitted segmenter's tiers."""
    english = [str(name) for name in part.get_tier_names_out()]
    try:
        return tuple(zip(english, map(str, part.get_tier_names_out(lang="zh")), strict=True))
    except TypeError:  # a segmenter with names in one language only
        return tuple(zip(english, english, strict=True))


def _composed(outer: tuple[str, str], inner: tuple[str, str]) -> tuple[str, str]:
    english, chinese = (
        COMPOSED[lang].format(outer=outer[i], inner=inner[i]) for i, lang in enumerate(("en", "zh"))
    )
    return english, chinese


def _add_reasons(
    parts: list[list[str]], segmenter: Any, table: pd.DataFrame, rows: Any, lang: str, text: str
) -> None:
    """Append what a segmenter says about its customers, where it explains itself."""
    if not len(rows) or not hasattr(segmenter, "explain"):
        return
    for row, reason in zip(rows, segmenter.explain(table.iloc[rows], lang=lang)["reason"], strict=True):
        parts[row].append(text.replace("{reason}", reason))
