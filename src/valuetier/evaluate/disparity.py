"""Are groups of customers treated alike? Shares of the top tier and of price-affecting actions, by group."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier import _validate as validate
from valuetier._core.dominance import holm, two_by_two
from valuetier._core.rates import newcombe, wilson
from valuetier.errors import InvalidParameterError, require_choice
from valuetier.evaluate._disparity_groups import Grouped, Served, read_actions, read_groups
from valuetier.evaluate._disparity_words import FOUR_FIFTHS, NOT_STATED, OUTCOMES, outcome_of, verdict
from valuetier.evaluate._holdout_arguments import a_share
from valuetier.tiers import LANGUAGES, Tier, TierAssignment

ABOUT = ("top", "price")
DIGITS = 12


@dataclass(frozen=True, slots=True, eq=False)
class Disparity:
    """How tiers and actions fall on groups of customers.

    Print it for the verdict; :meth:`to_frame` is the table behind it.

    Attributes
    ----------
    tiers : tuple of Tier
    top_tiers : int
        How many of them, best first, are the top.
    groups : tuple of str
        The largest first.
    customers, not_stated : int
        All, and those whose group is missing.
    overall : dict
        Share of all customers in the top (``"top"``) and with a price-affecting action (``"price"``).
    with_actions : bool
    min_customers : int
        Groups below are too small to say.
    level : float
        Of the intervals; tests are at 1 less it, corrected for their number.
    table : DataFrame
        All numbers: about ("top" or "price"), group (None: not stated) and the columns of
        :meth:`to_frame`, outcomes as codes.
    """

    tiers: tuple[Tier, ...]
    top_tiers: int
    groups: tuple[str, ...]
    customers: int
    not_stated: int
    overall: dict[str, float]
    with_actions: bool
    min_customers: int
    level: float
    table: pd.DataFrame

    def to_frame(self, about: str = "top", lang: str = "en") -> pd.DataFrame:
        """Return one row per group, the largest first, and one for those whose group is not stated.

        Parameters
        ----------
        about : str
            ``"top"``: belonging to the top tiers. ``"price"``: getting an action that affects the price.
        lang : str

        Returns
        -------
        DataFrame with

        - group, customers, selected: how many of them; share, share_low, share_high;
        - ratio: the share by that of the group that has the largest, among groups that are large
          enough and stated; below_four_fifths;
        - difference, low, high: the share less that of all other customers;
        - p_value, p_adjusted: of that difference, before and after Holm's correction for all rows of
          the report; missing where it is too small to say;
        - mean_tier (0 is the best) and mean_score;
        - minutes and cost per customer, where there are actions;
        - outcome: more often, less often, no difference can be shown, or too small to say.
        """
        require_choice("about", about, ABOUT if self.with_actions else ABOUT[:1])
        require_choice("lang", lang, LANGUAGES)
        table = self.table[self.table["about"] == about].drop(columns="about").reset_index(drop=True)
        outcomes = np.array(OUTCOMES[lang], dtype=object)[table["outcome"].to_numpy(dtype=np.intp)]
        table = table.assign(group=table["group"].fillna(NOT_STATED[lang]), outcome=outcomes)
        return table if self.with_actions else table.drop(columns=["minutes", "cost"])

    def verdict(self, lang: str = "en") -> str:
        """Return what the numbers allow to say, one finding a line, in English or Chinese."""
        require_choice("lang", lang, LANGUAGES)
        return verdict(self, lang)

    def __str__(self) -> str:
        return self.verdict()

    def __repr__(self) -> str:
        return (
            f"Disparity(groups={len(self.groups)}, customers={self.customers}, not_stated={self.not_stated})"
        )


def disparity(
    assignment: TierAssignment,
    groups: Any,
    *,
    actions: Any = None,
    column: str | None = None,
    top_tiers: int = 1,
    min_customers: int = 30,
    level: float = 0.95,
) -> Disparity:
    """Return how the top tiers, and price-affecting actions, fall on groups of customers.

    Parameters
    ----------
    assignment : TierAssignment
    groups : table, Series, mapping or array
        What group each customer belongs to, protected or any other: a table with customer_id and a
        column, a Series or mapping by customer id, or an array (or a Series that counts its
        rows) in the order of the assignment. Missing values are a row of their own.
    actions : table, optional
        As :meth:`valuetier.StrategyMapper.map` returns it: customer_id, affects_price, minutes, cost,
        each action counted once. Or a plan, with the total_minutes and total_cost of its time.
    column : str, optional
        Column of the table; needed if there are several.
    top_tiers : int
        How many tiers, best first, count as the top.
    min_customers : int
        Smaller groups are listed and not judged.
    level : float

    Returns
    -------
    Disparity

    Raises
    ------
    InvalidDataError
        If no customer has a group, entries are not as many as customers, or a customer stands twice.
    MissingColumnsError
        If a table lacks a column.
    InvalidParameterError
        If ``top_tiers``, ``min_customers`` or ``level`` cannot work.

    Notes
    -----
    The four-fifths rule compares a share with that of the most favoured group: Uniform Guidelines on
    Employee Selection Procedures (1978), 29 CFR 1607.4(D), which itself asks for enough cases and
    significance. Tests are chi-square, or Fisher's where few are expected; intervals are Wilson's and,
    of differences, Newcombe's (1998), each for itself.

    Examples
    --------
    >>> import valuetier as vt
    >>> customers = vt.checks.make_customers(400)
    >>> tiers = vt.PyramidSegmenter(preset="hml").fit(customers).assign(customers)
    >>> region = np.where(np.arange(400) % 4 == 0, "north", "south")
    >>> found = disparity(tiers, region)
    >>> found.to_frame()[["group", "customers", "share", "ratio", "outcome"]].round(2)
       group  customers  share  ratio                     outcome
    0  south        300    0.2    1.0  no difference can be shown
    1  north        100    0.2    1.0  no difference can be shown
    """
    n_top = validate.whole_number("top_tiers", top_tiers, 1)
    if n_top >= len(assignment.tiers):
        raise InvalidParameterError(
            f"top_tiers must be below the number of tiers, {len(assignment.tiers)}, got {top_tiers}."
        )
    least = validate.whole_number("min_customers", min_customers, 1)
    level = a_share("level", level)
    found = read_groups(groups, assignment.ids, column)
    served = None if actions is None else read_actions(actions, assignment.ids)
    selected = {"top": assignment.codes < n_top}
    if served is not None:
        selected["price"] = served.price
    rows = [
        _row(about, chosen, found, code, level, least) | _means(assignment, served, found.codes == code)
        for about, chosen in selected.items()
        for code in _codes(found)
    ]
    return Disparity(
        tiers=assignment.tiers,
        top_tiers=n_top,
        groups=found.names,
        customers=len(assignment),
        not_stated=int((found.codes < 0).sum()),
        overall={about: float(chosen.mean()) for about, chosen in selected.items()},
        with_actions=served is not None,
        min_customers=least,
        level=level,
        table=_judged(pd.DataFrame(rows), 1.0 - level),
    )


def _codes(found: Grouped) -> list[int]:
    return [*range(len(found.names)), *([-1] if (found.codes < 0).any() else [])]


def _row(
    about: str, chosen: NDArray[np.bool_], found: Grouped, code: int, level: float, least: int
) -> dict[str, Any]:
    """Return one group's share beside that of all other customers."""
    inside = found.codes == code
    n, hits = int(inside.sum()), int(chosen[inside].sum())
    others, other_hits = len(chosen) - n, int(chosen.sum()) - hits
    low, high = wilson(hits, n, level)
    below, above = newcombe(hits, n, other_hits, others, level)
    small = n < least or others == 0
    p_value = math.nan
    if not small:
        p_value = two_by_two(np.array([n - hits, hits]), np.array([others - other_hits, other_hits]))
    return {
        "about": about,
        "group": None if code < 0 else found.names[code],
        "customers": n,
        "selected": hits,
        "share": hits / n,
        "share_low": low,
        "share_high": high,
        "difference": hits / n - other_hits / others if others else math.nan,
        "low": below,
        "high": above,
        "p_value": p_value,
        "small": n < least,
    }


def _means(assignment: TierAssignment, served: Served | None, inside: NDArray[np.bool_]) -> dict[str, float]:
    scores = assignment.scores
    return {
        "mean_tier": float(assignment.codes[inside].mean()),
        "mean_score": math.nan if scores is None else float(scores[inside].mean()),
        "minutes": math.nan if served is None else float(served.minutes[inside].mean()),
        "cost": math.nan if served is None else float(served.cost[inside].mean()),
    }


def _judged(table: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """Return the table with ratios to the most favoured group, corrected p-values and outcomes."""
    tested = table["p_value"].notna().to_numpy()
    corrected = np.full(len(table), np.nan)
    corrected[tested] = holm(table["p_value"].to_numpy(dtype=np.float64)[tested])
    comparable = table["share"].where(~table["small"] & table["group"].notna())
    best = comparable.groupby(table["about"]).transform("max")
    ratio = (table["share"] / best.where(best > 0)).where(~table["small"]).round(DIGITS)
    pairs = zip(corrected, table["difference"], table["small"], strict=True)
    outcome = [outcome_of(p, difference, alpha, small) for p, difference, small in pairs]
    table = table.assign(
        ratio=ratio, below_four_fifths=ratio.lt(FOUR_FIFTHS), p_adjusted=corrected, outcome=outcome
    )
    return table[
        ["about", "group", "customers", "selected", "share", "share_low", "share_high", "ratio", "below_four_fifths",
         "difference", "low", "high", "p_value", "p_adjusted", "mean_tier", "mean_score", "minutes", "cost", "outcome"]
    ]  # fmt: skip
