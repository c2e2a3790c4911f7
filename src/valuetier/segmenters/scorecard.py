"""The scorecard: weighted indicators, a total in per cent of the maximum, and gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from valuetier import tables
from valuetier._core.changes import CodesAt, Rows
from valuetier._core.cuts import Codes
from valuetier._core.matrix import turning_weights
from valuetier._validate import Floats
from valuetier.base import Assessment, BaseSegmenter, Names
from valuetier.cuts import Cut, ShareCut, ThresholdCut, new_cut
from valuetier.errors import InvalidDataError, require_choice
from valuetier.explain.levers import Lever
from valuetier.segmenters.crossings import rating_lever, shares
from valuetier.segmenters.gates import Gate, apply_gates, caps_of, read_gates
from valuetier.segmenters.indicators import (
    MISSING,
    Scales,
    check_inverted,
    check_weights,
    learn_ratings,
    rate,
    weighted_score,
)
from valuetier.words import apart, column_label, number, say, threshold_sentence

TIERS = (("VIP", "VIP 客户"), ("Important", "重要客户"), ("Ordinary", "普通客户"), ("Potential", "潜在客户"))

PRESETS: Mapping[str, Cut] = MappingProxyType(
    {
        "vip": ThresholdCut((80, 60, 40), names=TIERS),
        "vip_shares": ShareCut((0.05, 0.15, 0.30, 0.50), names=TIERS),
    }
)
DEFAULT_INDICATORS = MappingProxyType({"spend": 1.0, "orders": 1.0, "recency_days": 1.0})
DEFAULT_INVERTED = ("recency_days",)

INDICATOR = {"en": "{name} {value} → {points} × {weight}", "zh": "{name}：{value} → {points} 分 × {weight}"}
UNKNOWN = {"en": "{name} unknown, not counted", "zh": "{name}：未知，不计入"}
TOTAL = {"en": "total {bounds}", "zh": "总分 {bounds}"}
GATE = {
    "en": "gate: {name} {value} {comparison} {limit} → {tier} at best",
    "zh": "门槛：{name} {value} {comparison} {limit} → 最高只能是{tier}",
}
AHEAD = np.array(["always", "never", "above", "below"], dtype=object)


class ScorecardSegmenter(BaseSegmenter):
    """Tiers from a scorecard: weighted indicators, one total, gates that cap the tier.

    Total = Σ weight × points / Σ weight, where the points of each indicator run to 100: it is
    the share of the possible maximum, in per cent. The total is cut into tiers; gates come
    after that, on the raw columns. They neither change a total nor the cut, so whoever fails a
    gate keeps the total and loses the tier.

    Parameters
    ----------
    indicators : mapping of str to float, optional
        Columns and weights. Default: spend, orders and recency_days, equally.
    scale : str, (low, high) or mapping
        ``"percentile"`` or ``"minmax"`` learned from the data, or ratings on a declared scale
        such as ``(1, 10)``, for all indicators; or a mapping that gives each its own, which may
        be a points table: ``{"overdue_days": {0: 10, 30: 5, 90: 0}}`` is 10 points from 0
        days on, 5 from 30, none from 90.
    lower_is_better : sequence of str
        Indicators that count inverted, such as days overdue; by default recency_days too.
    missing : str
        ``"refuse"`` missing values, or ``"renormalise"`` the weights of the known indicators.
    gates : sequence of Gate, of (column, comparison, value, best_tier) or of such mappings
        ``("overdue_days", ">", 90, "Ordinary")``: whoever is overdue by more than 90 days is
        Ordinary at best. Where several strike, the lowest cap holds. Columns of gates must be known.
    preset : str
        ``"vip"`` VIP, Important, Ordinary, Potential at totals of 80, 60 and 40 ·
        ``"vip_shares"`` the same tiers for 5/15/30/50 % of the customers.
    cut : Cut, optional
        Instead of a preset; cuts the total, 0 to 100.
    allow_protected : sequence of str
        Columns to use although they tell of age, sex, origin, health and the like; refused otherwise.

    Attributes
    ----------
    ratings_ : dict of str to Rating or Steps
    cut_ : Cut

    Examples
    --------
    >>> import pandas as pd
    >>> customers = pd.DataFrame({"profit": [9, 8, 5, 1], "overdue_days": [0, 120, 10, 0]})
    >>> scorecard = ScorecardSegmenter(
    ...     indicators={"profit": 3, "overdue_days": 1},
    ...     scale={"profit": (0, 10), "overdue_days": {0: 10, 30: 5, 90: 0}},
    ...     gates=[("overdue_days", ">", 90, "Ordinary")],
    ... ).fit(customers)
    >>> scorecard.score_samples(customers).tolist()
    [92.5, 60.0, 62.5, 32.5]
    >>> scorecard.assign(customers).to_frame()["tier"].tolist()
    ['VIP', 'Ordinary', 'Important', 'Potential']
    """

    kind: ClassVar[str] = "scorecard"

    def __init__(
        self,
        *,
        indicators: Mapping[str, float] | None = None,
        scale: Scales = "percentile",
        lower_is_better: Sequence[str] = (),
        missing: str = "refuse",
        gates: Sequence[Gate | tuple[str, str, float, str] | Mapping[str, Any]] = (),
        preset: str = "vip",
        cut: Cut | None = None,
        allow_protected: Sequence[str] = (),
    ) -> None:
        self.indicators = indicators
        self.scale = scale
        self.lower_is_better = lower_is_better
        self.missing = missing
        self.gates = gates
        self.preset = preset
        self.cut = cut
        self.allow_protected = allow_protected

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the scales and the cut of the total from the customers; return the segmenter."""
        require_choice("missing", self.missing, MISSING)
        check_inverted(self.lower_is_better, self._weights())
        cut = self._new_cut()
        caps_of(read_gates(self.gates), cut.tier_names())
        columns, width = self._read_to_fit(X)
        names = tuple(self._weights())
        ratings = learn_ratings(names, columns[:, : len(names)], self.scale, self._inverted())
        points = rate(names, columns[:, : len(names)], ratings, self.scale)
        self.cut_ = cut.fit(self._totals(points), name="total")
        self.ratings_ = ratings
        self.n_features_in_ = width
        return self

    def turning_weights(self, X: Any, first: Any, second: Any) -> pd.DataFrame:
        """Return at which weight of each indicator the order of two customers turns.

        One weight moves at a time, the others stay as they are. What turns is the order of
        the totals; a gate may still cap the tier of the one who leads.

        Parameters
        ----------
        X : table
        first, second : id
            The two customers, as ``customer_id`` or the index names them.

        Returns
        -------
        DataFrame with indicator, weight, first_points, second_points, turning_weight (NaN: the order
        is the same whatever this weight) and first_leads: for which weights the first customer
        has the higher total, ``"above"`` or ``"below"`` the turning weight, ``"always"`` or ``"never"``.

        Raises
        ------
        InvalidDataError
            If a customer is not in the table, or one of the two lacks an indicator.

        Examples
        --------
        >>> import pandas as pd
        >>> orders = pd.DataFrame({"customer_id": ["A", "B"], "sales": [60.0, 50.0], "profit": [6.0, 7.5]})
        >>> scorecard = ScorecardSegmenter(
        ...     indicators={"sales": 1, "profit": 1}, scale={"sales": (0, 60), "profit": (0, 7.5)}
        ... ).fit(orders)
        >>> scorecard.turning_weights(orders, "A", "B")[["indicator", "turning_weight", "first_leads"]]
          indicator  turning_weight first_leads
        0     sales        1.200000       above
        1    profit        0.833333       below
        """
        X = tables.materialised(X)
        columns, ids = self._read(X), tables.read_ids(X)
        points = self._rated(
            columns[[tables.row_of(ids, "first", first), tables.row_of(ids, "second", second)]]
        )
        unknown = int(np.isnan(points).any(axis=0).sum())
        if unknown:
            raise InvalidDataError(
                f"{unknown} of {points.shape[1]} indicators are unknown for one of the two customers, so their "
                "totals have different weights. Fill them first."
            )
        weights = np.array(list(self._weights().values()), dtype=np.float64)
        turning, leads = turning_weights(points[0] - points[1], weights)
        return pd.DataFrame(
            {
                "indicator": list(self._weights()),
                "weight": weights,
                "first_points": points[0],
                "second_points": points[1],
                "turning_weight": turning,
                "first_leads": AHEAD[leads],
            }
        )

    def _weights(self) -> Mapping[str, float]:
        given = DEFAULT_INDICATORS if self.indicators is None else self.indicators
        return check_weights("indicators", given)

    def _inverted(self) -> set[str]:
        return {*self.lower_is_better, *(DEFAULT_INVERTED if self.indicators is None else ())}

    def _new_cut(self) -> Cut:
        if self.cut is None:
            require_choice("preset", self.preset, PRESETS)
        return new_cut(self.cut, PRESETS.get(self.preset))

    def _columns(self) -> tuple[str, ...]:
        of_gates = [gate.column for gate in read_gates(self.gates)]
        return tuple(dict.fromkeys([*self._weights(), *of_gates]))

    def _may_be_missing(self) -> tuple[str, ...]:
        needed = {gate.column for gate in read_gates(self.gates)}
        known_only = self.missing == "refuse"
        return () if known_only else tuple(name for name in self._weights() if name not in needed)

    def _rated(self, columns: Floats) -> Floats:
        names = tuple(self._weights())
        return rate(names, columns[:, : len(names)], self.ratings_, self.scale)

    def _totals(self, points: Floats) -> Floats:
        weights = np.array(list(self._weights().values()), dtype=np.float64)
        return weighted_score("indicators", points, weights)

    def _assess(self, columns: Floats) -> Assessment:
        points = self._rated(columns)
        totals = self._totals(points)
        by_total = self.cut_.apply(totals)
        codes, struck = self._capped(columns, by_total)
        found = [*points.T, totals, by_total.astype(np.float64), struck.astype(np.float64)]
        return Assessment(codes, totals, dict(zip(self._evidence_names(), found, strict=True)))

    def _levers(self, columns: Floats, found: Assessment) -> Mapping[str, Lever]:
        """Return the indicators, by what they add to the total, and the columns of gates."""
        gates = read_gates(self.gates)
        of_gates = {name: [gate.value for gate in gates if gate.column == name] for name in self._columns()}
        levers = {name: Lever(np.array(values, dtype=np.float64)) for name, values in of_gates.items()}
        points = np.column_stack([found.evidence[f"{name}_points"] for name in self._weights()])
        adds = shares(points, np.array([*self._weights().values()], dtype=np.float64))
        for j, name in enumerate(self._weights()):
            sums = [(found.scores, adds[:, j], line) for line in self.cut_.thresholds_.tolist()]
            levers[name] = rating_lever(
                name, self.ratings_[name], self.scale, points[:, j], sums, of_gates[name]
            )
        return levers

    def _codes_at(self, columns: Floats, found: Assessment, name: str) -> CodesAt:
        """Return the function that rates one indicator anew and leaves the points of the others."""
        names = [*self._weights()]
        points = np.column_stack([found.evidence[f"{one}_points"] for one in names])
        at, gated = self._columns().index(name), len(self.gates) > 0

        def codes_at(rows: Rows, values: Floats) -> Codes:
            rated = points[rows]
            if name in names:
                rated[:, at] = self.ratings_[name].rate(values)
            by_total = self.cut_.apply(self._totals(rated))
            if not gated:
                return by_total
            raw = columns[rows]
            raw[:, at] = values
            return self._capped(raw, by_total)[0]

        return codes_at

    def _capped(self, columns: Floats, by_total: Codes) -> tuple[Codes, Codes]:
        """Return the codes after the gates, and the gate that struck."""
        gates = read_gates(self.gates)
        raw = dict(zip(self._columns(), columns.T, strict=True))
        return apply_gates(by_total, raw, gates, caps_of(gates, self._tier_names()))

    def _points(self, columns: Floats, found: Assessment) -> dict[str, Floats]:
        return {name: found.evidence[f"{name}_points"] for name in self._weights()}

    def _score_lines(self) -> Floats | None:
        return None if len(self.gates) else np.asarray(self.cut_.thresholds_)

    def _evidence_names(self) -> tuple[str, ...]:
        return (*(f"{name}_points" for name in self._weights()), "total", "tier_by_total", "gate")

    def _tier_names(self) -> Names:
        return self._new_cut().tier_names()

    def _reasons(self, columns: Floats, found: Assessment, lang: str) -> list[str]:
        tiers, link = self.get_tier_names_out(lang), "；" if lang == "zh" else "; "
        evidence = np.column_stack([found.evidence[name] for name in self._evidence_names()])
        sentences = []
        for row, (*points, total, by_total, gate) in zip(columns, evidence, strict=True):
            parts = self._indicator_parts(row, points, lang)
            code = int(by_total)
            bounds = threshold_sentence(total, code, self.cut_.thresholds_, tiers[code], lang)
            parts.append(say(TOTAL, lang, bounds=bounds))
            if gate:
                parts.append(self._gate_part(row, read_gates(self.gates)[int(gate) - 1], lang))
            sentences.append(link.join(parts))
        return sentences

    def _indicator_parts(self, row: Floats, points: Sequence[float], lang: str) -> list[str]:
        return [
            say(UNKNOWN, lang, name=column_label(name, lang))
            if np.isnan(got)
            else say(
                INDICATOR, lang, name=column_label(name, lang), value=number(value), points=number(got),
                weight=number(float(weight)),
            )
            for (name, weight), value, got in zip(self._weights().items(), row, points, strict=False)
        ]  # fmt: skip

    def _gate_part(self, row: Floats, gate: Gate, lang: str) -> str:
        value, limit = apart(float(row[self._columns().index(gate.column)]), float(gate.value))
        tier = self.get_tier_names_out(lang)[caps_of([gate], self._tier_names())[0]]
        return say(
            GATE, lang, name=column_label(gate.column, lang), value=value, limit=limit, tier=tier,
            comparison=gate.comparison,
        )  # fmt: skip
