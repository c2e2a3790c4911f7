"""A tier policy for one customer at a time, by a plain loop; assignments by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

import valuetier as vt

NAMES = (("Gold", "金卡"), ("Silver", "银卡"), ("Bronze", "铜卡"), ("Basic", "普卡"))
TIERS = tuple(vt.Tier(i, en, zh) for i, (en, zh) in enumerate(NAMES))
LINES = (100.0, 50.0, 20.0)
START = date(2024, 1, 1)


def code_of(score: float, lines=LINES) -> int:
    """Return the tier of a score."""
    return next((i for i, line in enumerate(lines) if score >= line), len(lines))


def assigned(scores: dict, day, *, gated=(), version=None) -> vt.TierAssignment:
    """Return an assignment of these scores; gated customers get the tier below theirs."""
    day = START + timedelta(days=day) if isinstance(day, int) else day
    codes = [min(code_of(score) + (who in gated), 3) for who, score in scores.items()]
    values = np.array(list(scores.values()), dtype=np.float64)
    ids = np.array(list(scores), dtype=None if scores else object)
    return vt.TierAssignment(
        np.array(codes, dtype=np.int64), TIERS, None, values, ids, "by_hand", day, version
    )


@dataclass
class Customer:
    """One customer under a policy; days are numbers."""

    policy: vt.TierPolicy
    tier: int | None = None
    valid_until: int = 0
    next_review: int = 0
    grace_until: int | None = None
    missing: bool = False
    known: bool = False
    supports: list = field(default_factory=list)  # since it entered: the tier that each step supported
    reviewed: list = field(default_factory=list)  # which of these steps were reviews

    def cadence(self) -> int:
        """Return the days between reviews of the tier held."""
        days = self.policy.review_days
        return days[NAMES[self.tier][0]] if isinstance(days, dict) else days

    def take(self, tier: int, day: int) -> None:
        """Enter a tier."""
        self.tier, self.grace_until = tier, None
        self.next_review = day + self.cadence()
        self.valid_until = max(day + self.policy.qualification_days, self.next_review)

    def supported(self, code: int, score: float) -> int:
        """Return the best tier that could be kept: the band is for those whose tier is that of their score."""
        if code != code_of(score):
            return code
        band = self.policy.retention_band
        return next((t for t in range(code) if score >= round(LINES[t] * (1 - band), 9)), code)

    def floor(self) -> int:
        """Return the best tier supported since the oldest of the reviews that count, this step among them."""
        wanted = self.policy.dwell_reviews - 1
        earlier = [i for i, review in enumerate(self.reviewed[:-1]) if review]
        start = len(self.supports) - 1
        if wanted:
            start = earlier[-wanted] if len(earlier) >= wanted else 0
        return min(self.supports[start:])

    def step(self, day: int, code: int | None, score: float | None) -> str | None:
        """Go one step and return what happened."""
        if code is None:
            return self.absent(day)
        if self.missing:
            self.missing, self.grace_until = False, None
        if self.tier is None:
            event = "returned" if self.known else "entered"
            self.known, self.supports, self.reviewed = True, [code], [False]
            self.take(code, day)
            return event
        due = day >= self.next_review
        self.supports.append(self.supported(code, score))
        self.reviewed.append(due)
        event = self.judge(day, code, due)
        if due and event not in ("upgraded", "downgraded", "soft_landed"):
            self.next_review = day + self.cadence()
            if code <= self.tier:
                self.valid_until = max(self.valid_until, day + self.policy.qualification_days)
        self.valid_until = max(self.valid_until, self.next_review)
        return event

    def judge(self, day: int, code: int, due: bool) -> str | None:
        """Move up, down or not at all."""
        if code < self.tier and (due or self.policy.upgrade == "at_once"):
            self.take(code, day)
            return "upgraded"
        floor = self.floor()
        if floor <= self.tier:
            self.grace_until = None
            if not due or code <= self.tier:
                return None
            if self.supports[-1] <= self.tier:
                return "kept_by_band"
            return "kept_by_qualification" if day < self.valid_until else "kept_by_dwell"
        if self.grace_until is not None:
            if day >= self.grace_until:
                return self.fall(floor, day)
            return "kept_by_grace" if due else None
        if not due:
            return None
        if day < self.valid_until:
            return "kept_by_qualification"
        if self.policy.grace_days:
            self.grace_until = day + self.policy.grace_days
            return "kept_by_grace"
        return self.fall(floor, day)

    def fall(self, floor: int, day: int) -> str:
        """Fall to the floor, or one tier."""
        soft = self.policy.soft_landing and floor > self.tier + 1
        self.take(self.tier + 1 if soft else floor, day)
        return "soft_landed" if soft else "downgraded"

    def absent(self, day: int) -> str | None:
        """Be missing from an assignment."""
        if self.tier is None:
            return None
        event = None
        if not self.missing:
            self.missing, event = True, "kept_by_grace"
            if self.grace_until is None:
                self.grace_until = day + self.policy.grace_days
        if day >= self.grace_until:
            self.tier, event = None, "lapsed"
        return event
