"""Follow-ups as an iCalendar file (RFC 5545): all-day events with lasting UIDs, the same bytes for the same input."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from valuetier._core.hashing import id_text, salted_hashes
from valuetier.errors import InvalidParameterError, MissingDependencyError
from valuetier.strategy._followup_words import DESCRIPTION, SUMMARY_OF
from valuetier.strategy.parties import in_words

if TYPE_CHECKING:
    from valuetier.strategy.followup import FollowUps

try:
    import icalendar
except ImportError as error:  # the extra is not installed
    raise MissingDependencyError(
        "Calendar files need icalendar. Install it: pip install 'valuetier[calendar]'."
    ) from error

PRODUCT = "-//valuetier//follow-ups//EN"
CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")  # no text of RFC 5545 holds them, section 3.3.11


def write_calendar(
    follow_ups: FollowUps,
    path: Path,
    *,
    owner: str | None,
    names: Mapping[Any, str] | Callable[[Any], str] | None,
    salt: str,
) -> Path:
    """Write follow-ups as :meth:`FollowUps.to_icalendar` says; return the path."""
    table = follow_ups.table
    if owner is not None:
        table = _of_owner(table, owner)
    stamp = datetime.combine(follow_ups.as_of, time(), tzinfo=UTC)
    calendar = icalendar.Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    for row, uid in zip(table.to_dict("records"), _uids(table, salt), strict=True):
        calendar.add_component(_event(row, uid, stamp, _shown(row["customer_id"], names), follow_ups.lang))
    path.write_bytes(calendar.to_ical())
    return path


def _of_owner(table: pd.DataFrame, owner: str) -> pd.DataFrame:
    there = sorted(table["owner"].unique())
    if owner not in there:
        raise InvalidParameterError(f"owner must be one of {there}, who have follow-ups, got {owner!r}.")
    return table[table["owner"] == owner]


def _uids(table: pd.DataFrame, salt: str) -> list[str]:
    """Return one UID per follow-up, the same in every run: of customer, kind and day, which nobody reads from it."""
    days = table["date"].dt.strftime("%Y%m%d")
    ids = pd.Series([id_text(one) for one in table["customer_id"]], index=table.index, dtype=object)
    nth = table.groupby([ids, "kind", "date"]).cumcount().astype(str)
    columns = (ids, table["kind"], days, nth)
    texts = ["|".join(parts) for parts in zip(*columns, strict=True)]
    return [f"{number:016x}@valuetier" for number in salted_hashes(texts, salt).tolist()]


def _shown(customer: Any, names: Mapping[Any, str] | Callable[[Any], str] | None) -> str:
    if names is None:
        return id_text(customer)
    shown = names(customer) if callable(names) else names.get(customer, id_text(customer))
    return "" if shown is None else str(shown)


def _event(row: dict[Any, Any], uid: str, stamp: datetime, shown: str, lang: str) -> icalendar.Event:
    event = icalendar.Event()
    event.add("uid", uid)
    event.add("dtstamp", stamp)
    event.add("dtstart", row["date"].date())
    event.add("dtend", row["date"].date() + timedelta(1))
    title = SUMMARY_OF[lang].format(shown=shown, action=row["action"]) if shown else row["action"]
    event.add("summary", _plain(title))
    event.add("description", _plain(DESCRIPTION[lang].format_map(row | _parties(row, lang))))
    event.add("categories", [_plain(str(row["tier"]))])
    event.add("transp", "TRANSPARENT")
    return event


def _parties(row: dict[Any, Any], lang: str) -> dict[str, str]:
    return {name: in_words(row[name], lang) for name in ("channel", "owner")}


def _plain(text: str) -> str:
    """Return a text whose lines end in one way, less control characters."""
    return CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
