"""Control groups: who is left without the action, so that its effect can be seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from valuetier import _validate as validate
from valuetier._core.arms import CONTROL, TREATED
from valuetier._core.hashing import salted_hashes, smallest_of_strata
from valuetier.errors import InvalidDataError, InvalidParameterError, suggestion
from valuetier.tiers import TierAssignment

SALT = "valuetier"
GROUP = "group"

Shares = float | Mapping[Any, float]


def in_control(ids: ArrayLike, strata: ArrayLike, share: Shares, *, salt: str = SALT) -> NDArray[np.bool_]:
    """Return for each customer whether it belongs to the control group.

    In each stratum of n customers it is the ``share × n`` (rounded, halves up) with the smallest
    salted hash, but never all of them. The hash is made from the text of the id and the salt
    alone: it is the same in every run, on every machine and for the number 7 and the text "7".

    Parameters
    ----------
    ids : (n,) array
        Customer ids, each once; the number 7 and the text "7" are one.
    strata : (n,) array
        What the group is balanced over: tiers, as codes or names.
    share : float or mapping
        Share of each stratum, from 0 to below 1, or one for each stratum by its name.
    salt : str
        Name of the experiment. The same salt holds out the same customers, another one others.

    Returns
    -------
    (n,) bool array

    Raises
    ------
    InvalidParameterError
        If a share or the salt cannot be used, or a stratum has no share.
    InvalidDataError
        If ids repeat, ids or strata are missing, or there are not as many ids as strata.

    Notes
    -----
    The order of the rows does not matter. A customer's hash never changes, so when others come and
    go, or the customer changes tier, only those near the line (about ``share`` of all hashes)
    can change sides. Keep the table of groups for as long as an experiment runs.

    Examples
    --------
    >>> held_out = in_control(np.arange(200), np.repeat(["A", "B"], [50, 150]), 0.1)
    >>> held_out[:50].sum(), held_out[50:].sum()
    (np.int64(5), np.int64(15))
    """
    found, names = _ids_and_strata(ids, strata)
    hashes = salted_hashes(found, _salt(salt))
    repeated = np.asarray(pd.Index(hashes).duplicated())
    validate.refuse("ids", repeated, "repeat another one", "Pass each customer once.")
    codes, levels = pd.factorize(names)
    sizes = control_sizes(np.bincount(codes, minlength=len(levels)), shares_of(share, levels.tolist()))
    return smallest_of_strata(hashes, codes, sizes)


def control_sizes(customers: ArrayLike, share: ArrayLike) -> NDArray[np.intp]:
    """Return how many of so many customers are held out: ``share × n``, halves up, but never all.

    Examples
    --------
    >>> control_sizes([1, 4, 5, 15, 100], 0.1).tolist()
    [0, 0, 1, 2, 10]
    """
    n = np.asarray(customers, dtype=np.intp)
    wanted = np.floor(np.round(np.asarray(share, dtype=np.float64) * n, 9) + 0.5).astype(np.intp)
    return np.minimum(wanted, np.maximum(n - 1, 0))


def control_group(
    assignment: TierAssignment,
    share: Shares = 0.1,
    *,
    salt: str = SALT,
    eligible: ArrayLike | None = None,
    lang: str = "en",
) -> pd.DataFrame:
    """Return who is treated and who is held out, stratified by tier.

    Parameters
    ----------
    assignment : TierAssignment
    share : float or mapping
        Share of each tier to hold out, from 0 to below 1; or one for each tier by its name.
    salt : str
        Name of the experiment: give each its own, or the same customers are held out every time.
    eligible : (n,) bool array, optional
        Who could get the action at all, in the order of the assignment. The others are in
        neither group and not in the table.
    lang : str
        Language of the tiers' names, ``"en"`` or ``"zh"``.

    Returns
    -------
    DataFrame with customer_id, tier and group: ``"treated"`` or ``"control"``.

    Raises
    ------
    InvalidParameterError, InvalidDataError
        As :func:`in_control` does, and if ``eligible`` is no bool for each customer.

    Examples
    --------
    >>> import valuetier as vt
    >>> customers = vt.summarize(vt.datasets.load_cdnow_orders()).customers
    >>> assignment = vt.PyramidSegmenter(preset="hml").fit(customers).assign(customers)
    >>> groups = control_group(assignment, share=0.1, salt="spring letter")
    >>> groups.groupby("tier", observed=True)["group"].value_counts().unstack()[["treated", "control"]]
    group     treated  control
    tier
    High         4230      470
    Medium       6346      705
    Low         10576     1175
    No value       61        7
    """
    table = assignment.to_frame(lang)[["customer_id", "tier"]]
    rows = table[_eligible(eligible, len(table))].reset_index(drop=True)
    tiers = rows["tier"].astype(object).to_numpy()
    shares = tier_shares(share, assignment, lang)
    held_out = in_control(rows["customer_id"].to_numpy(), tiers, shares, salt=salt)
    return rows.assign(**{GROUP: np.where(held_out, CONTROL, TREATED).astype(object)})


def tier_shares(share: Shares, assignment: TierAssignment, lang: str) -> Shares:
    """Return the share as it is; raise if a mapping names what is no tier."""
    if not isinstance(share, Mapping):
        return share
    names = [tier.label(lang) for tier in assignment.tiers]
    for name in share:
        if name not in names:
            raise InvalidParameterError(
                f"share names {name!r}, which is no tier. Tiers are {names}.{suggestion(name, names)}"
            )
    return share


def _eligible(eligible: ArrayLike | None, n: int) -> NDArray[np.bool_]:
    if eligible is None:
        return np.ones(n, dtype=np.bool_)
    mask = np.asarray(eligible)
    if mask.shape != (n,) or mask.dtype != np.bool_:
        raise InvalidDataError(
            f"eligible must be one bool for each of {n} customers, got {mask.dtype} of shape {mask.shape}. "
            "Pass True for those who could get the action."
        )
    return mask


def _salt(salt: object) -> str:
    if not isinstance(salt, str):
        raise InvalidParameterError(
            f"salt must be a text, such as the experiment's name, got a {type(salt).__name__}."
        )
    return salt


def shares_of(share: Shares, levels: list[Any]) -> NDArray[np.float64]:
    """Return the share of each stratum."""
    if not isinstance(share, Mapping):
        return np.full(len(levels), _a_share(share))
    missing = [level for level in levels if level not in share]
    if missing:
        raise InvalidParameterError(f"share has none for {missing}. Add them; 0 holds out nobody.")
    return np.array([_a_share(share[level]) for level in levels])


def _a_share(share: object) -> float:
    number = validate.positive_number("share", share, zero=True)
    if number >= 1:
        raise InvalidParameterError(f"share must be from 0 to below 1, got {share!r}. 10 % is 0.1.")
    return number


def _ids_and_strata(ids: ArrayLike, strata: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    found, names = np.asarray(ids), np.asarray(strata)
    if found.ndim != 1 or found.shape != names.shape:
        raise InvalidDataError(
            f"ids and strata must be as many, got shapes {found.shape} and {names.shape}. "
            "Pass one of each per customer."
        )
    validate.refuse("ids", pd.isna(found), "are missing", "Drop these rows first.")
    validate.refuse("strata", pd.isna(names), "are missing", "Give every customer a tier.")
    return found, names
