"""Referral value: what customers bring by bringing others, from a log of referrals."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier import _validate as validate
from valuetier._core.compress import significant
from valuetier._validate import Floats
from valuetier.customers.dates import parse_dates
from valuetier.errors import (
    InvalidDataError,
    InvalidParameterError,
    MissingColumnsError,
    require_choice,
    suggestion,
)
from valuetier.tables import ID, SUM_DIGITS, as_frame, materialised, read_columns, read_ids

BAD_ROWS = ("raise", "drop")

Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]


def referral_value(
    referrals: Any,
    customers: Any,
    *,
    acquisition_cost: float,
    referrer: str = "referrer",
    referred: str = "referred",
    would_have_joined_anyway: str | float = "would_have_joined_anyway",
    clv: str = "clv",
    date: str | None = None,
    date_format: str | None = None,
    bad_rows: str = "raise",
) -> pd.DataFrame:
    """Return the referral value of every customer, also of those who referred nobody.

    A referred customer who would not have joined otherwise counts with its lifetime value and
    the saved acquisition cost; one who would have joined anyway only with the saved cost. With a
    probability p of joining anyway: (1 - p) × lifetime value + cost. Only direct referrals count.

    Source: Kumar, Petersen & Leone (2007), "How valuable is word of mouth?".

    Parameters
    ----------
    referrals : table
        The log, one row per referral.
    customers : table
        customer_id and the lifetime value of every customer, the referred ones among them.
    acquisition_cost : float
        What winning a customer costs without a referral, in the currency of the lifetime value.
    referrer, referred : str
        Columns of the log: who referred, and whom.
    would_have_joined_anyway : str or float
        Column of the log, yes or no or a probability from 0 to 1; or one probability for all.
    clv : str
        Column of ``customers``: the lifetime value.
    date, date_format : str, optional
        Column of the log; of several referrals of one customer the first counts.
    bad_rows : str
        ``"raise"`` if a referral is of an unknown customer, of oneself, or of one who had been
        referred before; ``"drop"`` leaves them out and counts them for the referrer.

    Returns
    -------
    DataFrame with customer_id, clv, referrals (those that count), left_out (those that do not),
    referred_clv (of those who would not have joined), saved_acquisition_cost and referral_value, in the
    order of ``customers``: what ``MatrixSegmenter(preset="clv_x_referral")`` reads.

    Raises
    ------
    InvalidDataError
        For bad rows; for missing ids, referrers who are no customers and probabilities outside
        0-1, whatever ``bad_rows`` says; and where several referrers claim one customer and no date
        says who was first.

    Examples
    --------
    >>> customers = pd.DataFrame({"customer_id": ["a", "b", "c"], "clv": [100.0, 40.0, 60.0]})
    >>> log = pd.DataFrame({"referrer": ["a", "a"], "referred": ["b", "c"], "would_have_joined_anyway": [0, 1]})
    >>> value = referral_value(log, customers, acquisition_cost=10)
    >>> value[["customer_id", "referrals", "referral_value"]]
      customer_id  referrals  referral_value
    0           a          2            60.0
    1           b          0             0.0
    2           c          0             0.0
    """
    require_choice("bad_rows", bad_rows, BAD_ROWS)
    cost = validate.positive_number("acquisition_cost", acquisition_cost, zero=True)
    customers = materialised(customers)
    ids, value = read_ids(customers), read_columns(customers, (clv,))[:, 0]
    log = _read_log(referrals, [referrer, referred], would_have_joined_anyway, date)
    anyway = _probabilities(log, would_have_joined_anyway)
    who, whom = (_rows_of(name, log[name], ids) for name in (referrer, referred))
    _refuse_unknown_referrers(referrer, who)
    counts = (whom >= 0) & (who != whom)
    first = _first_of_each(who, whom, counts, _days(log, date, date_format), anyway, referred)
    if bad_rows == "raise":
        _refuse_bad_rows(referred, whom < 0, (who == whom) & (whom >= 0), counts & ~first)
    brought = np.where(first, 1.0 - anyway, 0.0) * value[np.maximum(whom, 0)]
    number = np.bincount(who[first], minlength=len(ids))
    referred_clv, saved = _total(who, brought, len(ids)), number.astype(np.float64) * cost
    return pd.DataFrame(
        {
            ID: ids,
            "clv": value,
            "referrals": number,
            "left_out": np.bincount(who[~first], minlength=len(ids)),
            "referred_clv": referred_clv,
            "saved_acquisition_cost": significant(saved, SUM_DIGITS),
            "referral_value": significant(referred_clv + saved, SUM_DIGITS),
        }
    )


def _read_log(referrals: Any, names: list[str], anyway: str | float, date: str | None) -> nw.DataFrame[Any]:
    """Return the log; raise if it lacks a column."""
    frame = as_frame(materialised(referrals))
    if not isinstance(frame, nw.DataFrame):
        raise InvalidDataError(
            f"referrals must be a table with named columns, got a {type(referrals).__name__}."
        )
    needed = [*names, *([anyway] if isinstance(anyway, str) else []), *([date] if date else [])]
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        hints = "".join(suggestion(name, frame.columns) for name in missing)
        raise MissingColumnsError(f"The referral log lacks {missing}. It has {frame.columns}.{hints}")
    return frame


def _probabilities(log: nw.DataFrame[Any], anyway: str | float) -> Floats:
    """Return the probability of each referral that the referred customer would have joined anyway."""
    if not isinstance(anyway, str):
        number = validate.positive_number("would_have_joined_anyway", anyway, zero=True)
        if number > 1:
            raise InvalidParameterError(
                f"would_have_joined_anyway must be a column, or a probability from 0 to 1, got {anyway!r}."
            )
        return np.full(len(log), number)
    values = validate.float_column(anyway, log[anyway].to_numpy())
    outside = ~((values >= 0) & (values <= 1))
    fix = "Pass yes or no, or a probability; an estimate is better than a gap."
    validate.refuse(anyway, outside, "are missing or lie outside 0-1", fix)
    return values


def _rows_of(name: str, column: nw.Series[Any], ids: NDArray[Any]) -> Rows:
    """Return the row of each customer named in the log; -1 where there is none."""
    gaps = np.asarray(column.is_null().to_numpy(), dtype=bool)
    validate.refuse(name, gaps, "are missing", "Fill or drop these referrals first.")
    return pd.Index(ids).get_indexer(pd.Index(column.to_numpy()))


def _days(log: nw.DataFrame[Any], date: str | None, date_format: str | None) -> NDArray[Any]:
    """Return when each referral was made; all the same where no date is known."""
    if date is None or not len(log):
        return np.zeros(len(log))
    days = parse_dates(date, pd.Series(log[date].to_numpy()), date_format)
    validate.refuse(date, days.isna().to_numpy(), "are no dates", "Fill or drop these referrals first.")
    return days.to_numpy()


def _refuse_unknown_referrers(name: str, who: Rows) -> None:
    validate.refuse(
        name, who < 0, "are no customers of the table", "Add them to the table, or drop these referrals."
    )


def _first_of_each(
    who: Rows, whom: Rows, counts: Mask, days: NDArray[Any], anyway: Floats, referred: str
) -> Mask:
    """Return which referral of each customer counts: the earliest, written twice the less valuable.

    Raises where the earliest ones are of different referrers.
    """
    order = np.lexsort((-anyway, who, days, whom))
    order = order[counts[order]]
    new = np.ones(len(order), dtype=bool)
    new[1:] = whom[order][1:] != whom[order][:-1]
    start = order[np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))]
    tied = (days[order] == days[start]) & (who[order] != who[start])
    claimed = len(np.unique(whom[order][tied]))
    if claimed:
        raise InvalidDataError(
            f"{referred}: {claimed} of {len(np.unique(whom[order]))} referred customers have several referrers and "
            "no date says who was first. Pass date= with a column that does, or keep one referral each."
        )
    first = np.zeros(len(whom), dtype=bool)
    first[order[new]] = True
    return first


def _refuse_bad_rows(referred: str, unknown: Mask, oneself: Mask, again: Mask) -> None:
    """Raise one error with every kind of bad row and its count."""
    kinds = {
        "are no customers of the table": unknown,
        "are the referrer itself": oneself,
        "had been referred before": again,
    }
    found = [f"{int(bad.sum())} {what}" for what, bad in kinds.items() if bad.any()]
    if found:
        raise InvalidDataError(
            f"{referred}: of {len(unknown)} referrals {', '.join(found)}. Correct them, or leave them out and "
            "count them with bad_rows='drop'."
        )


def _total(who: Rows, amounts: Floats, n_customers: int) -> Floats:
    """Return the sum per referrer, the same for every order of the rows."""
    order = np.lexsort((amounts, who))
    sums = np.bincount(who[order], weights=amounts[order], minlength=n_customers)
    return significant(sums.astype(np.float64), SUM_DIGITS)
