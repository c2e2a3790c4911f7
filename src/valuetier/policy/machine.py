"""The policy: what it takes to rise, to keep a tier and to lose it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_list_like

from valuetier import _validate as validate
from valuetier._core import policy as core
from valuetier._core.policy import Days
from valuetier.customers.dates import as_day
from valuetier.errors import InvalidDataError, InvalidParameterError, require_choice
from valuetier.loyalty.rules import day_number
from valuetier.policy.events import cuts_event, ended_events, joined, own_events, started_events
from valuetier.policy.lines import lines_for, read_lines
from valuetier.policy.merge import (
    first_state,
    merged,
    placed,
    read_assignment,
    refuse_other_tiers,
    refuse_second_thoughts,
)
from valuetier.policy.overrides import with_overrides
from valuetier.policy.replay import PolicyReplay, given_between
from valuetier.policy.state import TierState, read_state
from valuetier.policy.words import HAPPENINGS, reviews
from valuetier.tiers import LANGUAGES, Tier, TierAssignment

UPGRADES = ("at_once", "at_review")
BAND = 0.20
LONGEST = 100_000  # days: no date leaves the calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class TierPolicy:
    """When customers rise, keep their tier and lose it, over successive assignments.

    Assignments say where customers stand by their scores on a day, and customers near a line cross it back and
    forth. A policy is the memory between them: it rises with the assignment and falls slowly, by rules that can be told.

    Parameters
    ----------
    review_days : int, or mapping of tier name to int
        A tier is reviewed at the first step so many days, or more, after the last review: quarters have 89 to
        92 days, half-years 181 to 184. A mapping names every tier, top ones more often. 0: at each step.
    upgrade : str
        ``"at_once"``, at any step, or ``"at_review"``.
    retention_band : float, optional
        At a review the tier is kept while the score is within this share below its line: within 0.20 × 500 below
        500, within 0.20 × 500 below -500; a line of 0 has no band. None: 0.20 where tiers are cut
        from the score, and no band where they are not.
    lines : array-like, or fitted segmenter or cut, optional
        Lowest score of each tier but the last, best first; a last tier or more may go without, and has no
        band. None: the lowest scores seen in the tiers, which needs as many customers as usual in each assignment.
    dwell_reviews : int
        A tier is lost when so many successive reviews did not support it, and the fall ends at the best tier that
        one of them did support. Being seen at the tier at any step in between starts the count anew.
    soft_landing : bool
        Fall one tier at a review at most.
    qualification_days : int
        A tier that is entered, or reached again at a review, is good for so many days.
    grace_days : int
        A tier that would be lost is kept so many days more, and for good if it is reached meanwhile;
        so is that of a customer who is missing from an assignment, and lapses then.

    Notes
    -----
    One tier below the line is not one event below it: the band judges how far, the dwell how often. With
    review_days=0, retention_band=0, dwell_reviews=1 and soft_landing=False the state is the assignment.

    The tier held next is ``max(floor, min(assigned, held))`` in codes, where 0 is the best and the floor is the best
    tier that the last ``dwell_reviews`` reviews supported. So a wider band or a longer dwell never costs anybody a tier.

    Examples
    --------
    >>> import pandas as pd, valuetier as vt
    >>> first = pd.DataFrame({"customer_id": ["a", "b", "c"], "spend": [900, 500, 80]})
    >>> ruler = vt.PyramidSegmenter(cut=vt.ThresholdCut((500, 100), names=("Gold", "Silver", "Basic"))).fit(first)
    >>> policy = vt.TierPolicy(lines=ruler)
    >>> state, events = policy.step(None, ruler.assign(first, as_of="2024-03-31"))
    >>> later = first.assign(spend=[450, 90, 600])
    >>> state, events = policy.step(state, ruler.assign(later, as_of="2024-06-30"))
    >>> events[["customer_id", "event", "from_tier", "to_tier"]]
      customer_id          event from_tier to_tier
    0           a   kept_by_band      Gold    Gold
    1           b  kept_by_dwell      Gold    Gold
    2           c       upgraded     Basic    Gold
    >>> events["reason"][0]
    'Below the line of Gold by 20 % at most, keeps it.'
    """

    review_days: int | Mapping[str, int] = 89
    upgrade: str = "at_once"
    retention_band: float | None = None
    lines: Any = None
    dwell_reviews: int = 2
    soft_landing: bool = True
    qualification_days: int = 0
    grace_days: int = 0

    def __post_init__(self) -> None:
        require_choice("upgrade", self.upgrade, UPGRADES)
        require_choice("soft_landing", self.soft_landing, (True, False))
        validate.whole_number("dwell_reviews", self.dwell_reviews, 1)
        _check_days("qualification_days", self.qualification_days)
        _check_days("grace_days", self.grace_days)
        if self.retention_band is not None:
            _check_band(self.retention_band)
        if isinstance(self.review_days, Mapping):
            object.__setattr__(self, "review_days", dict(self.review_days))
            for tier, days in self.review_days.items():
                _check_days(f"review_days of {tier!r}", days)
        else:
            _check_days("review_days", self.review_days)
        if self.lines is not None:
            object.__setattr__(self, "lines", read_lines(self.lines))

    def step(
        self,
        previous: TierState | Any,
        assignment: TierAssignment,
        *,
        as_of: Any = None,
        overrides: Any = None,
        lang: str = "en",
    ) -> tuple[TierState, pd.DataFrame]:
        """Return the state after an assignment, and what happened to whom and why.

        Parameters
        ----------
        previous : TierState, its table or None
            The state after the step before; None begins.
        assignment : TierAssignment
            Of all customers, by the same tiers. One who is in the state and not in it is missing.
        as_of : date or ISO text, optional
            The day of the step. Default: that of the assignment. On the day of ``previous`` nothing happens
            but new overrides.
        overrides : table, optional
            Tiers set by hand from this day on: customer_id, tier, reason and until, the last day. They
            hold whatever the policy says, which goes on beneath. A new one takes the place of an older one. The day after
            the last one the policy's own tier holds, however many tiers away.
        lang : str
            ``"en"`` or ``"zh"``: of tiers and reasons in the events.

        Returns
        -------
        state : TierState
        events : DataFrame
            customer_id, event, from_tier, to_tier, reason, effective_date, expiry_date (the first day on which the
            tier may be lost; the end of a grace; the last day of an override). Events: entered, upgraded,
            downgraded, soft_landed (lower by one tier, though the reviews supported none so high), kept_by_band,
            kept_by_qualification, kept_by_dwell, kept_by_grace, lapsed, returned, override_started, override_ended and
            cuts_changed, which is about no customer. What the policy does under an override takes effect
            the day after it.

        Raises
        ------
        InvalidParameterError
            If there is no date, or tiers of ``review_days`` are not those of the assignment.
        InvalidDataError
            If the assignment does not fit together, the day is before that of ``previous``, tiers or types of ids
            differ, the day is the same and the assignment is not, or a band is asked for and the tiers have no lines.
        """
        require_choice("lang", lang, LANGUAGES)
        assignment = read_assignment(assignment)
        day = _day(assignment, as_of)
        previous = None if previous is None else read_state(previous)
        before = first_state(assignment, day) if previous is None else previous
        refuse_other_tiers(before.evidence, assignment)
        terms = self._terms(assignment.tiers)
        lines = lines_for(assignment, self.lines, self.retention_band)
        if previous is not None and day <= previous.as_of:
            refuse_second_thoughts(previous, assignment, day)
            return _overridden(previous, overrides, lang)
        after, tables = self._stepped(before, assignment, lines, terms, day, lang)
        if overrides is None:
            return after, joined(tables)
        after, started = _overridden(after, overrides, lang)
        return after, joined([*tables, started])

    def override(
        self,
        state: TierState,
        customer_id: Any,
        tier: str | int | Tier,
        *,
        reason: str,
        until: Any,
        lang: str = "en",
    ) -> tuple[TierState, pd.DataFrame]:
        """Return the state in which a customer has a tier by hand from the day of the state on, and the event.

        To end an override early, set it again with ``until`` the day of the state.

        Parameters
        ----------
        state : TierState or its table
        customer_id : id, or ids
        tier : str, int or Tier
            Name in English or Chinese, or code.
        reason : str
        until : date or ISO text
            The last day.
        lang : str
            Of the event.
        """
        require_choice("lang", lang, LANGUAGES)
        ids = list(customer_id) if is_list_like(customer_id) else [customer_id]
        given = [{"customer_id": one, "tier": tier, "reason": reason, "until": until} for one in ids]
        return _overridden(read_state(state), given, lang)

    def replay(
        self,
        assignments: Iterable[TierAssignment],
        *,
        previous: TierState | Any = None,
        overrides: Any = None,
        lang: str = "en",
    ) -> PolicyReplay:
        """Return the states and events of successive steps: what the policy would have done.

        Parameters
        ----------
        assignments : iterable of TierAssignment
            The earliest first, each with its date.
        previous : TierState or its table, optional
            Where to begin.
        overrides : table, optional
            As in :meth:`step`, with a column ``since`` besides: each is set at the first step on that day or after it.
        lang : str
            Of the events.

        Examples
        --------
        >>> import valuetier as vt
        >>> orders, days = vt.datasets.load_cdnow_orders(), ("1997-12-31", "1998-03-31", "1998-06-30")
        >>> tables = [vt.summarize(orders, as_of=day).customers for day in days]
        >>> ruler = vt.PyramidSegmenter(preset="hml").fit(tables[0])
        >>> found = vt.TierPolicy(lines=ruler).replay([ruler.assign(table) for table in tables])
        >>> found.to_frame()[["as_of", "customers", "entered", "upgraded"]]
               as_of  customers  entered  upgraded
        0 1997-12-31      23570    23570         0
        1 1998-03-31      23570        0      1005
        2 1998-06-30      23570        0       746
        """
        states: list[TierState] = []
        tables: list[pd.DataFrame] = []
        state = None if previous is None else read_state(previous)
        if isinstance(assignments, TierAssignment):
            raise InvalidParameterError("assignments must be several, the earliest first, got one. Use step.")
        for assignment in map(read_assignment, assignments):
            given = given_between(overrides, None if state is None else state.as_of, _day(assignment, None))
            state, events = self.step(state, assignment, overrides=given, lang=lang)
            states.append(state)
            tables.append(events)
        if not states:
            raise InvalidDataError("assignments is empty. Pass at least one assignment.")
        return PolicyReplay(tuple(states), tuple(tables))

    def _terms(self, tiers: tuple[Tier, ...]) -> core.Terms:
        return core.Terms(
            review_days=self._review_days(tiers),
            qualification_days=self.qualification_days,
            dwell_reviews=self.dwell_reviews,
            grace_days=self.grace_days,
            soft_landing=self.soft_landing,
            upgrade_at_once=self.upgrade == "at_once",
        )

    def _review_days(self, tiers: tuple[Tier, ...]) -> Days:
        given = self.review_days
        if not isinstance(given, Mapping):
            return np.full(len(tiers), given, dtype=np.int64)
        known = {name for tier in tiers for name in (tier.name, tier.name_zh)}
        days = [given.get(tier.name, given.get(tier.name_zh)) for tier in tiers]
        if None in days or not set(given) <= known:
            raise InvalidParameterError(
                f"review_days must name every tier of {[tier.name for tier in tiers]} and no other, got {list(given)}."
            )
        return np.array(days, dtype=np.int64)

    def _stepped(
        self,
        before: TierState,
        assignment: TierAssignment,
        lines: NDArray[np.float64] | None,
        terms: core.Terms,
        day: date,
        lang: str,
    ) -> tuple[TierState, list[pd.DataFrame]]:
        """Return the state after a new day's assignment, and its events but those of new overrides."""
        places = placed(before, assignment)
        seen, assigned = merged(before.evidence, assignment, places, day)
        supported = assigned
        if lines is not None and seen.scores is not None:
            band = BAND if self.retention_band is None else self.retention_band
            supported = core.supported_codes(assigned, seen.scores, lines, band)
        standing, number = before.standing.take(places.before), day_number(day)
        then, happened = core.advance(standing, assigned, supported, number, terms)
        held = before.overrides.take(places.before)
        given = held.without((held.codes >= 0) & (held.until < number))
        tables = [
            own_events(seen.ids, seen.tiers, (standing, then), happened, given, number, self._say(lang), lang)
        ]
        ends = np.flatnonzero((held.codes >= 0) & (given.codes < 0))
        if len(ends):
            tables.insert(0, ended_events(seen.ids, seen.tiers, held, then, ends, lang))
        old, new = before.evidence.version, assignment.version
        if old and new and old != new:
            tables.insert(0, cuts_event(old, new, number, lang))
        return TierState(day, seen, then, given), tables

    def _say(self, lang: str) -> Any:
        """Return the function that puts one way of customers into words."""
        band = f"{(BAND if self.retention_band is None else self.retention_band) * 100:g}"
        fixed = {
            "reviews": reviews(self.dwell_reviews, lang),
            "band": f"{band}%" if lang == "zh" else f"{band} %",
            "grace": self.grace_days,
        }
        return lambda kind, old, new: HAPPENINGS[kind].reason[lang].format(old=old, to=new, **fixed)


def _overridden(state: TierState, overrides: Any, lang: str) -> tuple[TierState, pd.DataFrame]:
    """Return a state with new overrides, and the events of those that it did not have."""
    old = given = state.overrides
    if overrides is not None:
        given = with_overrides(old, overrides, state.ids, state.tiers, state.as_of)
    same = (old.codes == given.codes) & (old.until == given.until) & (old.reasons == given.reasons)
    rows, day = np.flatnonzero(~same), day_number(state.as_of)
    started = started_events(state.ids, state.tiers, state.codes, given, rows, day, lang)
    return replace(state, overrides=given), started


def _day(assignment: TierAssignment, as_of: Any) -> date:
    day = as_day(assignment.as_of if as_of is None else as_of)
    if day is None:
        raise InvalidParameterError(
            "as_of is needed: the assignment does not say of what day it is. Pass as_of=, here or where it is made."
        )
    return day


def _check_days(name: str, days: Any) -> None:
    if validate.whole_number(name, days, 0) > LONGEST:
        raise InvalidParameterError(f"{name} must be at most {LONGEST} days, got {days!r}.")


def _check_band(band: Any) -> None:
    if validate.positive_number("retention_band", band, zero=True) >= 1:
        raise InvalidParameterError(f"retention_band must be a share from 0 to below 1, got {band!r}.")
