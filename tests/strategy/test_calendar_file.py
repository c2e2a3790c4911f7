"""The iCalendar file: read back by the library, and looked at byte by byte."""

import sys
from datetime import date, timedelta

import icalendar
import numpy as np
import pandas as pd
import pytest

import valuetier as vt
from valuetier import FollowUpRules, InvalidParameterError, MissingDependencyError, Tier, TierAssignment
from valuetier.strategy.parties import in_words

AS_OF = date(2026, 6, 30)
TIERS = (Tier(0, "High, top; best", "高价值，顶级；最佳"), Tier(1, "Low", "低价值"))
NAMES = {
    "c-1": "Müller, Söhne; Co\\KG\nSüd",
    "c-2": "上海浦东新区陆家嘴环路一千号金融中心大厦有限责任公司客户服务部" * 3,
}


def calendar(lang="en", **options):
    """Return follow-ups of three customers."""
    ids = np.array(["c-1", "c-2", "c-3"], dtype=object)
    assignment = TierAssignment(np.array([0, 1, 1]), TIERS, None, None, ids, "test", AS_OF)
    people = pd.DataFrame(
        {
            "customer_id": ids,
            "first_order": pd.to_datetime(["2026-04-01", "2026-03-22", "2026-06-29"]),
            "last_order": pd.to_datetime(["2026-06-30", "2026-05-21", "2026-06-29"]),
            "orders": [4, 4, 1],
        }
    )
    return vt.follow_ups(assignment, people, horizon_days=60, lang=lang, **options)


def events(path):
    """Return the events of a file."""
    return icalendar.Calendar.from_ical(path.read_bytes()).walk("VEVENT")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_file_says_what_the_table_says(tmp_path, lang):
    """One all-day event per row: title, reason, day and tier come back as they were, escapes and Chinese included."""
    found = calendar(lang)
    read = events(found.to_icalendar(tmp_path / "all.ics", names=NAMES))
    assert len(read) == len(found) > 5
    between = {"en": ": ", "zh": "："}[lang]
    for event, row in zip(read, found.table.to_dict("records"), strict=True):
        shown = NAMES.get(row["customer_id"], row["customer_id"])
        assert str(event["SUMMARY"]) == f"{shown}{between}{row['action']}"
        assert str(event["DESCRIPTION"]).startswith(row["reason"])
        assert in_words(row["owner"], lang) in event["DESCRIPTION"]
        assert in_words(row["channel"], lang) in event["DESCRIPTION"]
        assert event["DTSTART"].dt == row["date"].date()
        assert event["DTEND"].dt - event["DTSTART"].dt == timedelta(
            1
        )  # the day after, which is not part of it
        assert event["CATEGORIES"].cats == [row["tier"]]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_lines_are_those_of_the_standard(tmp_path, lang):
    """RFC 5545, 3.1: lines end in CRLF and have at most 75 octets, none is cut within a character; 3.6: what must be there is."""
    raw = calendar(lang).to_icalendar(tmp_path / "all.ics", names=NAMES).read_bytes()
    assert raw.endswith(b"END:VCALENDAR\r\n")
    assert raw.count(b"\n") == raw.count(b"\r") == raw.count(b"\r\n")
    lines = raw.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert any(line.startswith(b" ") for line in lines)
    assert all(line.decode("utf-8") is not None for line in lines)
    unfolded = raw.replace(b"\r\n ", b"").decode("utf-8").split("\r\n")
    assert {"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//valuetier//follow-ups//EN"} <= set(unfolded)
    for name in ("UID", "DTSTAMP", "DTSTART;VALUE=DATE", "DTEND;VALUE=DATE", "SUMMARY", "CATEGORIES"):
        n_lines = sum(line.startswith(f"{name}:") for line in unfolded)
        assert n_lines == unfolded.count("BEGIN:VEVENT") == unfolded.count("END:VEVENT")
    assert any("Müller\\, Söhne\\; Co\\\\KG\\nSüd" in line for line in unfolded)


def test_uids_last_and_name_nobody(tmp_path):
    """Equal input gives equal bytes; UIDs differ, last, hold no id, and depend on the salt."""
    first = calendar().to_icalendar(tmp_path / "a.ics").read_bytes()
    assert first == calendar().to_icalendar(tmp_path / "b.ics").read_bytes()
    uids = [str(event["UID"]) for event in events(tmp_path / "a.ics")]
    assert len(set(uids)) == len(uids)
    assert not any("c-" in uid for uid in uids)
    later = {str(e["UID"]) for e in events(calendar(as_of="2026-07-01").to_icalendar(tmp_path / "c.ics"))}
    due = {str(e["UID"]) for e in events(tmp_path / "a.ics") if e["DTSTART"].dt > date(2026, 7, 1)}
    assert due
    assert due <= later
    chinese = {str(e["UID"]) for e in events(calendar("zh").to_icalendar(tmp_path / "e.ics"))}
    assert chinese == set(uids)
    salted = {str(e["UID"]) for e in events(calendar().to_icalendar(tmp_path / "d.ics", salt="pepper"))}
    assert not salted & set(uids)


def test_one_file_per_owner(tmp_path):
    """The files of the owners hold all events, each in one of them; an owner without any is refused."""
    found = calendar()
    owners = sorted(found.table["owner"].unique())
    assert len(owners) > 1
    parts = [events(found.to_icalendar(tmp_path / f"{owner}.ics", owner=owner)) for owner in owners]
    assert [len(part) for part in parts] == [int((found.table["owner"] == owner).sum()) for owner in owners]
    with pytest.raises(
        InvalidParameterError, match=r"owner must be one of \['account_manager', .* got 'finance'"
    ):
        found.to_icalendar(tmp_path / "none.ics", owner="finance")


def test_titles_can_name_nobody(tmp_path):
    """A callable says what is shown; an empty text leaves the action alone, and no id is in the file."""
    path = calendar().to_icalendar(tmp_path / "a.ics", names=lambda customer: "")
    assert b"c-1" not in path.read_bytes()
    assert {str(event["SUMMARY"]) for event in events(path)} == set(calendar().table["action"])


def few(ids):
    """Return follow-ups of customers with one order each, the day before."""
    assignment = TierAssignment(np.zeros(len(ids), dtype=np.int64), TIERS, None, None, ids, "test", AS_OF)
    people = pd.DataFrame({"customer_id": pd.Series(ids, dtype=object), "last_order": [AS_OF] * len(ids)})
    return vt.follow_ups(assignment, people, horizon_days=30)


def test_uids_differ_where_ids_are_written_alike(tmp_path):
    """The number 7 and the text "7" are two customers, and no two events share a UID."""
    found = few(np.array([7, "7"], dtype=object))
    read = events(found.to_icalendar(tmp_path / "a.ics"))
    assert len({str(event["UID"]) for event in read}) == len(found) == 4


def test_names_that_are_no_plain_text(tmp_path):
    """None names nobody; control characters, which the standard forbids, are left out, line ends are line ends."""
    found = few(np.array(["a\x07b", "c\u2028d"], dtype=object))
    nameless = events(found.to_icalendar(tmp_path / "a.ics", names=lambda customer: None))
    assert {str(event["SUMMARY"]) for event in nameless} == set(found.table["action"])
    raw = found.to_icalendar(tmp_path / "b.ics").read_bytes().replace(b"\r\n ", b"")
    assert b"SUMMARY:ab: " in raw
    assert "SUMMARY:c\u2028d: ".encode() in raw
    windows = events(found.to_icalendar(tmp_path / "c.ics", names=lambda customer: "x\r\ny\rz"))
    assert str(windows[0]["SUMMARY"]).startswith("x\ny\nz: ")


def test_the_suppressed_are_not_in_the_file(tmp_path):
    """A customer who must not be contacted is in no event."""
    path = calendar(suppress=["c-1"]).to_icalendar(tmp_path / "a.ics")
    assert b"c-1" not in path.read_bytes()
    assert b"c-2" in path.read_bytes()


def test_no_follow_ups_are_a_calendar_too(tmp_path):
    """An empty calendar reads back as one."""
    found = calendar(suppress=["c-1", "c-2", "c-3"], rules=FollowUpRules())
    assert len(found) == 0
    assert events(found.to_icalendar(tmp_path / "a.ics")) == []


def test_what_is_missing_is_named(tmp_path, monkeypatch):
    """Without the package the error says how to install it."""
    monkeypatch.setitem(sys.modules, "icalendar", None)
    monkeypatch.delitem(sys.modules, "valuetier.strategy.calendar_file", raising=False)
    with pytest.raises(
        MissingDependencyError, match=r"icalendar. Install it: pip install 'valuetier\[calendar\]'"
    ):
        calendar().to_icalendar(tmp_path / "a.ics")
