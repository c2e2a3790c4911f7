"""The laws of an explanation, for any segmenter and table: what is stated is exactly true."""

import numpy as np
import pandas as pd

import valuetier as vt
from valuetier._core.changes import above, below
from valuetier._core.compress import significant
from valuetier.errors import InvalidDataError

EXTREMES = (-1e12, -1.0, 0.0, 1e-9, 0.5, 1.0, 1e3, 1e6, 1e12)


def codes_with(segmenter, customers, name, values):
    """Return the codes of customers with other values in a column."""
    moved = customers.copy()
    moved[name] = np.asarray(values).astype(customers[name].dtype)
    return np.asarray(segmenter.predict(moved))


def codes_where_possible(segmenter, customers, name, value):
    """Return the codes of customers with a value in a column; -1 for those who cannot have it."""
    codes = np.full(len(customers), -1)
    can = np.flatnonzero(_possible(customers, name, value))
    try:
        codes[can] = codes_with(segmenter, customers.iloc[can], name, np.full(len(can), value))
    except InvalidDataError:  # nobody can: a rating beyond its scale, a negative amount
        codes[can] = -1
    return codes


def _possible(customers, name, value):
    """Return whose purchase history can have the value."""
    if name in ("recency_days", "orders"):
        return np.full(len(customers), value >= 0)
    if name not in ("x", "t_x", "T"):
        return np.ones(len(customers), dtype=bool)
    if name == "T":
        return (value >= customers["t_x"]).to_numpy()
    within = value >= 1 if name == "x" else (value > 0) & (value <= customers["T"])
    return np.where(customers["x"] > 0, within, value == 0)


def check_laws(segmenter, customers, *, seed=0, more_values=()):
    """Check every law for every customer and lever."""
    found = vt.explanation(segmenter, customers)
    own = segmenter.predict(customers)
    assert (found.assignment.codes == own).all()
    assert (found.reconstruct() == own).all()
    frame = found.to_frame()
    assert found.grounds.changes is not None
    for name, change in found.grounds.changes.items():
        _check_stated(segmenter, customers, frame, name, change, own)
        _check_between(segmenter, customers, name, change, own, seed)
        _check_anywhere(segmenter, customers, name, change, own, more_values)


def _check_stated(segmenter, customers, frame, name, change, own):
    """The stated value gives the stated tier, which is better or worse; what keeps the tier keeps it."""
    for to, code, better in (
        (change.to_next, change.next_code, True),
        (change.to_lose, change.lose_code, False),
    ):
        there = np.flatnonzero(~np.isnan(to))
        if len(there):
            got = codes_with(segmenter, customers.iloc[there], name, to[there])
            assert (got == code[there]).all(), (name, "states another tier than it gives")
            assert ((got < own[there]) if better else (got > own[there])).all()
        assert (code[np.isnan(to)] == -1).all()
    values = significant(customers[name].to_numpy(dtype=float), 14)
    known = ~np.isnan(values)
    if name in ("x", "t_x"):  # of who bought once neither can move alone
        once = (customers["x"] == 0).to_numpy()
        assert np.isnan(change.keeps_from[once]).all()
        known &= ~once
    assert (change.keeps_from[known] <= values[known]).all()
    assert (values[known] < change.keeps_to[known]).all()
    np.testing.assert_array_equal(frame[f"{name}_to_next"], change.to_next)
    np.testing.assert_array_equal(frame[f"{name}_keeps_to"], change.keeps_to)


def _check_between(segmenter, customers, name, change, own, seed):
    """Just before the stated value, and anywhere on the way to it, the tier is not reached."""
    rng = np.random.default_rng(seed)
    whole = customers[name].dtype.kind in "iu" or name == "x"
    values = significant(customers[name].to_numpy(dtype=float), 14)
    for to, sign in ((change.to_next, -1), (change.to_lose, 1)):
        there = np.flatnonzero(~np.isnan(to))
        if not len(there):
            continue
        up = to[there] > values[there]
        before = np.where(up, below(to[there], whole), above(to[there], whole))
        shares = [0.0, *rng.random(4), 1e-9, 1e-6]
        for share in shares:
            between = before + (values[there] - before) * share
            between = np.round(between) if whole else between
            got = codes_with(segmenter, customers.iloc[there], name, between)
            assert (np.sign(got - own[there]) != sign).all(), (name, share, "reached before the stated value")


def _check_anywhere(segmenter, customers, name, change, own, more_values):
    """Where nothing is stated no value reaches it; none within the interval changes anything."""
    values = significant(customers[name].to_numpy(dtype=float), 14)
    fitted = np.quantile(values[~np.isnan(values)], np.linspace(0, 1, 9)) if (~np.isnan(values)).any() else []
    for value in {*EXTREMES, *significant(np.array([*fitted, *more_values]), 14).tolist()}:
        if (customers[name].dtype.kind in "iu" or name == "x") and value != int(value):
            continue
        got = codes_where_possible(segmenter, customers, name, value)
        tried = (got >= 0) & ~np.isnan(values)
        assert not (tried & np.isnan(change.to_next) & (got < own)).any(), (name, value, "reaches after all")
        assert not (tried & np.isnan(change.to_lose) & (got > own)).any(), (name, value, "loses after all")
        inside = tried & (value >= change.keeps_from) & (value < change.keeps_to)
        assert (got[inside] == own[inside]).all(), (name, value, "within the interval")
        nearer_next = tried & (np.abs(value - values) < np.abs(change.to_next - values))
        assert (got[nearer_next] >= own[nearer_next]).all()
        nearer_loss = tried & (np.abs(value - values) < np.abs(change.to_lose - values))
        assert (got[nearer_loss] <= own[nearer_loss]).all()


def as_floats(customers: pd.DataFrame) -> pd.DataFrame:
    """Return the customers with floats in place of integers."""
    whole = [name for name in customers if customers[name].dtype.kind in "iu"]
    return customers.astype(dict.fromkeys(whole, float))
