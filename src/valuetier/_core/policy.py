"""The state machine of a tier policy on arrays: codes (0 is the best tier) and day numbers.

What decides is the *floor*: the best tier that one of the last reviews still supported. A rise
follows the assignment, a fall ends at the floor, so that the tier held next is

    max(floor, min(assigned, held)),

and with soft landing one tier below the held one at most. It never decreases in any of
its arguments, hence a wider band or a longer dwell never costs anybody a tier.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from valuetier._core.compress import Floats, significant
from valuetier._core.cuts import Codes, tier_codes

Days = NDArray[np.int64]
Mask = NDArray[np.bool_]

# No day: what numpy makes of a date that is missing.
NO_DAY = int(np.iinfo(np.int64).min)
LAPSED, UNKNOWN = -1, -2
ABSENT = -1

(
    NOTHING, ENTERED, RETURNED, UPGRADED, DOWNGRADED, SOFT_LANDED, KEPT_BY_BAND, KEPT_BY_QUALIFICATION,
    KEPT_BY_DWELL, KEPT_BY_GRACE, KEPT_WHILE_MISSING, LAPSES,
) = range(12)  # fmt: skip


class Standing(NamedTuple):
    """Where customers stand, one entry each; days are numbers, ``NO_DAY`` where there is none.

    ``codes`` is the tier held, ``LAPSED`` or ``UNKNOWN``; ``supported`` (n, dwell - 1) the tier that each
    of the last reviews supported, the latest first.
    """

    codes: Codes
    since: Days
    valid_until: Days
    next_review: Days
    supported: Codes
    grace_until: Days
    missing_since: Days

    def take(self, rows: NDArray[np.intp]) -> Standing:
        """Return the standing of some customers; of row -1 nothing is known."""
        blank = unknown(1, self.supported.shape[1])
        return Standing(*(np.concatenate(pair)[rows] for pair in zip(self, blank, strict=True)))


class Terms(NamedTuple):
    """The numbers of a policy; ``review_days`` is per tier."""

    review_days: Days
    qualification_days: int
    dwell_reviews: int
    grace_days: int
    soft_landing: bool
    upgrade_at_once: bool


def unknown(n: int, n_reviews: int) -> Standing:
    """Return the standing of customers of whom nothing is known."""
    days = np.full(n, NO_DAY)
    return Standing(np.full(n, UNKNOWN), days, days, days, np.full((n, n_reviews), UNKNOWN), days, days)


def band_lines(lines: Floats, band: float) -> Floats:
    """Return the lowest score that keeps a tier: its line less a share of the line's size.

    Below a negative line, too, the band lies below; at a line of 0 it is empty.

    Examples
    --------
    >>> band_lines(np.array([100.0, 0.0, -10.0]), 0.2).tolist()
    [80.0, 0.0, -12.0]
    """
    return np.where(np.isfinite(lines), significant(lines - band * np.abs(np.nan_to_num(lines))), lines)


def supported_codes(assigned: Codes, scores: Floats, lines: Floats, band: float) -> Codes:
    """Return the best tier that each customer could keep: the assigned one, or a better one by its band.

    The band is about scores. Where the assigned tier is not the one of the score (a gate or a cap had
    a say, or there is no score), the assigned one it is.

    Parameters
    ----------
    assigned : (n,) array
    scores : (n,) array
    lines : (m,) array, not increasing
        Lowest score of each of the best m tiers.
    band : float

    Examples
    --------
    >>> scores = np.array([120.0, 85.0, 70.0, 45.0])
    >>> supported_codes(np.array([0, 1, 1, 2]), scores, np.array([100.0, 50.0]), 0.2).tolist()
    [0, 0, 1, 1]
    """
    scores = significant(scores)
    by_line = tier_codes(scores, significant(lines))
    by_band = tier_codes(scores, band_lines(lines, band))
    explained = (by_line == np.minimum(assigned, len(lines))) & (by_band < len(lines)) & ~np.isnan(scores)
    return np.where(explained, by_band, assigned)


def learned_lines(codes: Codes, scores: Floats, n_tiers: int) -> Floats | None:
    """Return the lowest score of each tier but the last, as far as customers show; None if tiers overlap.

    A tier that nobody is in gets the line of the next better one, and the best one an infinite line.
    Missing scores show nothing; where all are missing there is no line.

    Examples
    --------
    >>> learned_lines(np.array([0, 0, 2]), np.array([9.0, 5.0, 1.0]), 3).tolist()
    [5.0, 5.0]
    >>> learned_lines(np.array([0, 1]), np.array([1.0, 9.0]), 2) is None
    True
    >>> learned_lines(np.array([0, 1]), np.array([5.0, 5.0]), 2) is None
    True
    """
    known = ~np.isnan(scores)
    lowest, highest = np.full(n_tiers, np.inf), np.full(n_tiers, -np.inf)
    np.minimum.at(lowest, codes[known], scores[known])
    np.maximum.at(highest, codes[known], scores[known])
    lines = np.minimum.accumulate(lowest)
    overlap = highest[1:] >= lines[:-1]
    nothing = len(scores) > 0 and not known.any()
    return None if nothing or overlap.any() else lines[:-1]


def advance(
    before: Standing, assigned: Codes, supported: Codes, day: int, terms: Terms
) -> tuple[Standing, Codes]:
    """Return the standing after a step, and what happened to each customer.

    Parameters
    ----------
    before : Standing
    assigned : (n,) array
        Tier of each customer by the assignment, ``ABSENT`` where it is not in it.
    supported : (n,) array
        The best tier each could keep, at most the assigned code.
    day : int
    terms : Terms
    """
    seen = _seen(before, assigned, supported, day, terms)
    losses = _losses(before, seen, day, terms)
    moved = seen.enters | seen.rises | losses.falls
    codes = np.where(losses.falls, losses.target, np.where(moved, assigned, before.codes))
    gone = _gone(before, seen, losses.grace_until, day, terms)
    next_review = np.where(
        moved | seen.due, day + terms.review_days[np.maximum(codes, 0)], before.next_review
    )
    valid = _valid_until(before, assigned, seen, moved, next_review, day + terms.qualification_days)
    after = Standing(
        codes=np.where(gone.lapses, LAPSED, codes),
        since=np.where(moved | gone.lapses, day, before.since),
        valid_until=np.where(gone.lapses, NO_DAY, valid),
        next_review=np.where(gone.lapses, NO_DAY, next_review),
        supported=_reviewed(seen, supported),
        grace_until=np.where(moved | gone.lapses, NO_DAY, gone.grace_until),
        missing_since=gone.missing_since,
    )
    return after, _happened(before, assigned, supported, seen, losses, gone, day)


class _Seen(NamedTuple):
    """What the assignment says: who is there, enters, is due for review, rises; and the floor of a fall."""

    there: Mask
    enters: Mask
    due: Mask
    rises: Mask
    window: Codes
    floor: Codes


class _Losses(NamedTuple):
    """Who falls and to which tier, who is let wait, and until when."""

    falls: Mask
    target: Codes
    waits: Mask
    grace_until: Days


class _Gone(NamedTuple):
    """Who is missing for the first time, who lapses, and the days that go with it."""

    leaves: Mask
    lapses: Mask
    grace_until: Days
    missing_since: Days


def _seen(before: Standing, assigned: Codes, supported: Codes, day: int, terms: Terms) -> _Seen:
    there = assigned != ABSENT
    enters = there & (before.codes < 0)
    due = there & ~enters & (day >= before.next_review)
    rises = there & ~enters & (assigned < before.codes) & (due | terms.upgrade_at_once)
    window = np.where(enters[:, None], assigned[:, None], _window(before, terms.dwell_reviews - 1))
    window = np.where(there[:, None], np.minimum(window, supported[:, None]), window)
    floor = np.column_stack([window, supported]).min(axis=1)
    return _Seen(there, enters, due, rises, window, floor)


def _window(before: Standing, n_reviews: int) -> Codes:
    """Return what the last reviews supported; those that nobody remembers supported the tier held."""
    remembered = before.supported[:, :n_reviews]
    forgotten = np.repeat(before.codes[:, None], n_reviews - remembered.shape[1], axis=1)
    return np.column_stack([remembered, forgotten])


def _reviewed(seen: _Seen, supported: Codes) -> Codes:
    """Return the window after the step: a review moves it on."""
    moved_on = np.column_stack([supported, seen.window])[:, :-1]
    return np.where(seen.due[:, None], moved_on, seen.window)


def _losses(before: Standing, seen: _Seen, day: int, terms: Terms) -> _Losses:
    held = before.codes
    below = seen.there & ~seen.enters & (seen.floor > held)
    running = below & (before.grace_until != NO_DAY) & (before.missing_since == NO_DAY)
    lost = below & ~running & seen.due & (day >= before.valid_until)
    begins = lost & (terms.grace_days > 0)
    falls = (lost & ~begins) | (running & (day >= before.grace_until))
    grace = np.where(begins, day + terms.grace_days, np.where(running, before.grace_until, NO_DAY))
    return _Losses(
        falls=falls,
        target=np.minimum(seen.floor, held + 1) if terms.soft_landing else seen.floor,
        waits=begins | (running & seen.due & ~falls),
        grace_until=np.where(seen.there, grace, before.grace_until),
    )


def _gone(before: Standing, seen: _Seen, grace_until: Days, day: int, terms: Terms) -> _Gone:
    missing = ~seen.there & (before.codes >= 0)
    leaves = missing & (before.missing_since == NO_DAY)
    grace = np.where(leaves & (grace_until == NO_DAY), day + terms.grace_days, grace_until)
    since = np.where(seen.there, NO_DAY, np.where(leaves, day, before.missing_since))
    return _Gone(leaves, missing & (day >= grace), grace, since)


def _valid_until(
    before: Standing, assigned: Codes, seen: _Seen, moved: Mask, next_review: Days, good_until: int
) -> Days:
    """Return the first day on which the tier may be lost: a review is due then, and it is no longer good."""
    reached = seen.due & (assigned <= before.codes)
    kept = np.where(reached, np.maximum(before.valid_until, good_until), before.valid_until)
    valid = np.where(moved, good_until, kept)
    return np.where(seen.there, np.maximum(valid, next_review), valid)


def _happened(
    before: Standing, assigned: Codes, supported: Codes, seen: _Seen, losses: _Losses, gone: _Gone, day: int
) -> Codes:
    """Return what happened to each customer, the first that applies."""
    held = before.codes
    kept = seen.due & (assigned > held)
    cases: list[tuple[Mask, int]] = [
        (seen.enters & (held == LAPSED), RETURNED),
        (seen.enters, ENTERED),
        (seen.rises, UPGRADED),
        (losses.falls & (losses.target < seen.floor), SOFT_LANDED),
        (losses.falls, DOWNGRADED),
        (gone.lapses, LAPSES),
        (gone.leaves, KEPT_WHILE_MISSING),
        (losses.waits, KEPT_BY_GRACE),
        (kept & (supported <= held), KEPT_BY_BAND),
        (kept & (day < before.valid_until), KEPT_BY_QUALIFICATION),
        (kept, KEPT_BY_DWELL),
    ]
    return np.select([mask for mask, _ in cases], [code for _, code in cases], NOTHING)
