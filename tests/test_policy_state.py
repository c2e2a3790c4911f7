"""States as flat tables: through files and frames, in any order, and back."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date
from io import StringIO

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import valuetier as vt
from tests.policy_oracle import LINES, assigned

POLICY = vt.TierPolicy(lines=LINES, dwell_reviews=3, grace_days=200, qualification_days=30)


def _csv(frame, path):
    frame.to_csv(path, index=False)
    return pd.read_csv(path)


def _parquet(frame, path):
    frame.to_parquet(path)
    return pd.read_parquet(path)


def _epoch(frame, path):
    """Return what pandas makes of a JSON file of its own, written with dates as milliseconds."""
    days = frame.select_dtypes("datetime").columns
    nowhere = frame[days].isna()
    numbers = frame[days].apply(lambda days: days.astype("datetime64[ms]").astype("int64")).mask(nowhere)
    text = frame.assign(**numbers).to_json(orient="records")
    return pd.read_json(StringIO(text))


def _sqlite(frame, path):
    with closing(sqlite3.connect(path)) as base:
        frame.to_sql("state", base, index=False)
        return pd.read_sql("select * from state", base)


def _date_objects(frame, path):
    days = frame.select_dtypes("datetime").columns
    return frame.assign(**{name: frame[name].dt.date for name in days})


WAYS = {
    "csv": _csv,
    "parquet": _parquet,
    "polars": lambda frame, path: pl.from_pandas(frame),
    "arrow": lambda frame, path: pa.Table.from_pandas(frame),
    "dates": _date_objects,
    "zoned": lambda frame, path: frame.apply(
        lambda c: c.dt.tz_localize("Asia/Shanghai") if c.dtype.kind == "M" else c
    ),
    "records": lambda frame, path: frame.to_dict("records"),
    "json": lambda frame, path: json.loads(frame.to_json(orient="records", date_format="iso")),
    "epoch": _epoch,
    "sqlite": _sqlite,
    "shuffled": lambda frame, path: frame.sample(frac=1, random_state=1, axis=0).sample(
        frac=1, random_state=1, axis=1
    ),
}


def _state(ids, version="8e5"):
    """Return a state with every kind of entry: kept, in grace, missing, overridden; none lapsed."""
    first = dict(zip(ids, (120.1, 60.0, 1 / 3, 130.0), strict=True))
    later = dict(zip(ids[:3], (90.0, 1.0, 55.5), strict=True))
    row = {"customer_id": ids[0], "tier": "Bronze", "reason": "12", "until": "2031-01-01"}
    state, _ = POLICY.step(None, assigned(first, 0, version=version), overrides=[row])
    found = assigned(later, 91, version=version)
    found = replace(
        found,
        segments=np.array(["New", None, "Loyal"], dtype=object),
        segments_zh=np.array(["新", None, "忠"], dtype=object),
    )
    return POLICY.step(state, found)[0]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("ids", [["a", "b", "c", "d"], [7, 8, 9, 10]])
def test_a_state_comes_back_from_any_table(way, ids, tmp_path):
    """The same table again, and the same next step: states, events and their order by customer."""
    state = _state(ids)
    back = vt.TierState.from_frame(WAYS[way](state.to_frame(), tmp_path / "state"))
    rows = pd.Index(back.ids).get_indexer(pd.Index(ids))
    pd.testing.assert_frame_equal(back.to_frame().iloc[rows].reset_index(drop=True), state.to_frame())
    assert back.as_of == state.as_of == date(2024, 4, 1)
    assert back.evidence.version == "8e5"
    following = assigned(dict(zip(ids, (10.0, 10.0, 10.0, 10.0), strict=True)), 182, version="8e5")
    (one, told), (other, heard) = (POLICY.step(each, following) for each in (state, back))
    by_customer = [events.sort_values("customer_id", ignore_index=True) for events in (told, heard)]
    pd.testing.assert_frame_equal(*by_customer)
    tables = [each.to_frame().sort_values("customer_id", ignore_index=True) for each in (one, other)]
    pd.testing.assert_frame_equal(*tables)


def test_the_table_is_flat_and_says_everything():
    """Text, numbers and dates only; the tier that holds beside the policy's own."""
    table = _state(["a", "b", "c", "d"]).to_frame()
    assert {kind.kind if hasattr(kind, "kind") else "O" for kind in table.dtypes} <= set("OfiMT")
    assert table["tier"].tolist() == ["Bronze", "Silver", "Silver", "Gold"]
    assert table["policy_tier"].tolist() == ["Gold", "Silver", "Silver", "Gold"]
    assert table["assigned_tier"].tolist() == ["Silver", "Basic", "Silver", "Gold"]
    assert table["reviews_below"].tolist() == [0, 1, 0, 0]
    assert table["supported_1"].tolist() == ["Gold", "Basic", "Silver", "Gold"]
    assert table["missing_since"].notna().tolist() == [False, False, False, True]
    assert table["grace_until"].dt.date.tolist()[3] == date(2024, 10, 18)
    assert table["override_reason"].tolist()[0] == "12"


def test_the_table_in_chinese_comes_back_too():
    """Tier names are read in either language."""
    state = _state(["a", "b", "c", "d"])
    table = state.to_frame("zh")
    assert table["tier"].tolist() == ["铜卡", "银卡", "银卡", "金卡"]
    pd.testing.assert_frame_equal(vt.TierState.from_frame(table).to_frame(), state.to_frame())


def test_a_step_takes_the_table_for_the_state():
    """What was stored goes in as it is, into a step and into a replay."""
    state = _state(["a", "b", "c", "d"])
    later = assigned({"a": 10.0, "c": 120.0}, 182)
    for table in (state.to_frame(), pl.from_pandas(state.to_frame())):
        pd.testing.assert_frame_equal(POLICY.step(table, later)[1], POLICY.step(state, later)[1])
        replayed = POLICY.replay([later], previous=table)
        pd.testing.assert_frame_equal(replayed.events, POLICY.step(state, later)[1])


def test_a_part_of_a_state_is_a_state():
    """Rows may be left out: what is known of the others stays."""
    state = _state(["a", "b", "c", "d"])
    part = vt.TierState.from_frame(state.to_frame().iloc[[2, 0]])
    assert part.to_assignment().ids.tolist() == ["c", "a"]
    assert part.to_assignment().segments.tolist() == ["Loyal", "New"]
    assert part.to_assignment().scores.tolist() == [55.5, 90.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda t: t.drop(columns="valid_until"),
            r"^The table of a state lacks \['valid_until'\]. It has \[.*\]. .*Pass what TierState.to_frame made.$",
        ),
        (lambda t: t.iloc[:0], r"^The table of a state has no rows. Begin anew with previous=None.$"),
        (
            lambda t: pd.concat([t, t]),
            r"^customer_id: 4 of 8 rows repeat a customer that is already there",
        ),
        (
            lambda t: t.assign(as_of=pd.date_range("2024-01-01", periods=4)),
            r"^The table of a state must have one as_of, got 4. Pass the rows of one step.$",
        ),
        (
            lambda t: t.assign(about="{}"),
            r"^The column about of the table of a state cannot be read. Keep it as TierState.to_frame made it.$",
        ),
        (
            lambda t: t.assign(policy_tier="Tin"),
            r"^The column policy_tier of the table of a state: 4 of 4 values are none of its tiers \['Gold', .*\].$",
        ),
        (
            lambda t: t.assign(since="soon"),
            r"^The column since of the table of a state must hold dates, got values of type str.$",
        ),
        (
            lambda t: t.assign(since="20240101"),
            r"^The column since of the table of a state must hold dates, got values of type str.$",
        ),
        (
            lambda t: t.assign(since=19_800),
            r"^The column since of the table of a state must hold dates, got values of type int64.$",
        ),
    ],
)
def test_what_is_no_state_is_refused(change, message):
    """The message names the column and the way out, and quotes no customer."""
    with pytest.raises(vt.InvalidDataError, match=message):
        vt.TierState.from_frame(change(_state(["a", "b", "c", "d"]).to_frame()))


def test_ids_of_digits_stay_as_they_are():
    """Leading zeros survive a file that is read as text, and a file that lost them is refused, not begun anew."""
    state, _ = POLICY.step(None, assigned({"007": 120.0, "008": 60.0}, 0))
    later, text = assigned({"007": 120.0, "008": 60.0}, 91), state.to_frame().to_csv(index=False)
    _, events = POLICY.step(pd.read_csv(StringIO(text), dtype={"customer_id": str}), later)
    assert not len(events)
    with pytest.raises(
        vt.InvalidDataError, match=r"^No customer of the assignment is in the state: ids of type"
    ):
        POLICY.step(pd.read_csv(StringIO(text)), later)
