"""What an action brought: treated customers against the control group, tier by tier, from the orders that followed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as date_type
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from valuetier import _validate as validate
from valuetier.errors import require_choice
from valuetier.evaluate._effect_groups import read_groups, refuse_start_before_the_lot
from valuetier.evaluate._effect_orders import MEASURES, read_orders
from valuetier.evaluate._effect_tables import BEFORE, effect_table
from valuetier.evaluate._effect_words import ALL, APART, OUTCOMES, verdict
from valuetier.evaluate._holdout_arguments import a_share
from valuetier.tiers import LANGUAGES

FEWEST_RESAMPLES = 100
OF_REACHED = ("share_reached", "per_reached", "per_reached_low", "per_reached_high")
OF_BALANCE = (
    "tier",
    "treated",
    "control",
    "mean_treated",
    "mean_control",
    "difference",
    "low",
    "high",
    "outcome",
)


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """What customers did with the action and without it.

    Print it for the verdict; :meth:`to_frame` is the table behind it.

    Attributes
    ----------
    start : date
        First day that counts.
    horizon_days : int
        Days from the start on, the first one included.
    treated, control : int
        Customers, all tiers together.
    bought : float
        Share of all of them with an order within the horizon.
    before_days : int
        Days before the start in which the groups are compared; 0 where the log knows none.
    adjusted : bool
        Whether the measures are adjusted by those of that time.
    level : float
        Of the intervals.
    n_resamples : int
    absent : int
        Customers of the groups who are nowhere in the log; they count as 0.
    outsiders : int
        Customers with orders within the horizon who are in neither group.
    outside_spend : float
        Their spend.
    log_end : date
        Last day of the log.
    table : DataFrame
        All numbers: measure, tier (None: all of them) and the columns of :meth:`to_frame`, outcomes as codes.
    """

    start: date_type
    horizon_days: int
    treated: int
    control: int
    bought: float
    before_days: int
    adjusted: bool
    level: float
    n_resamples: int
    absent: int
    outsiders: int
    outside_spend: float
    log_end: date_type
    table: pd.DataFrame

    @property
    def end(self) -> date_type:
        """Last day that counts."""
        return self.start + timedelta(days=self.horizon_days - 1)

    def to_frame(self, measure: str = "spend", lang: str = "en") -> pd.DataFrame:
        """Return one row per tier and one for all of them.

        Parameters
        ----------
        measure : str
            ``"spend"`` per customer, ``"orders"`` per customer, or ``"bought"``, the share with an order.
        lang : str

        Returns
        -------
        DataFrame with

        - tier, treated, control: customers; mean_treated, mean_control;
        - difference, low, high: treated less control. The intervals of the tiers hold for all of
          them together with probability ``level``, that of all tiers for itself;
        - lift, lift_low, lift_high: the difference as a share of control;
        - detectable: the smallest difference that would have been seen with a power of 80 %;
        - shrunk, where adjusted: share of the variance that the adjustment took away;
        - share_reached, per_reached and its interval, where it is known who was reached;
        - outcome: more, less, no effect can be shown, or cannot be said.

        The row of all tiers has those with both groups, each with the weight of its treated customers.
        """
        require_choice("measure", measure, MEASURES)
        require_choice("lang", lang, LANGUAGES)
        table = self._named(measure, lang, OUTCOMES)
        left_out = [] if self.adjusted else ["shrunk"]
        if table["share_reached"].isna().all():
            left_out += OF_REACHED
        return table.drop(columns=left_out)

    def balance(self, lang: str = "en") -> pd.DataFrame:
        """Return what the groups spent per customer before the start, as :meth:`to_frame` has it after it.

        It is empty where the log knows nothing from before the start.
        """
        require_choice("lang", lang, LANGUAGES)
        return self._named(BEFORE, lang, APART)[list(OF_BALANCE)]

    def overall(self, measure: str) -> pd.Series:
        """Return the row of all tiers together, its outcome as a code."""
        of_measure = self.table[self.table["measure"] == measure]
        return of_measure[of_measure["tier"].isna()].iloc[0]

    def by_tier(self, measure: str) -> pd.DataFrame:
        """Return the rows of the tiers, their outcomes as codes."""
        return self.table[(self.table["measure"] == measure) & self.table["tier"].notna()]

    def verdict(self, lang: str = "en") -> str:
        """Return what the numbers allow to say, one finding a line, in English or Chinese."""
        require_choice("lang", lang, LANGUAGES)
        return verdict(self, lang)

    def __str__(self) -> str:
        return self.verdict()

    def __repr__(self) -> str:
        return (
            f"Effect(start={self.start}, horizon_days={self.horizon_days}, treated={self.treated}, "
            f"control={self.control})"
        )

    def _named(self, measure: str, lang: str, outcomes: Mapping[str, tuple[str, ...]]) -> pd.DataFrame:
        table = self.table[self.table["measure"] == measure].drop(columns="measure").reset_index(drop=True)
        names = np.array(outcomes[lang], dtype=object)[table["outcome"].to_numpy(dtype=np.intp)]
        return table.assign(tier=table["tier"].fillna(ALL[lang]), outcome=names)


def effect(
    groups: Any,
    orders: Any,
    *,
    start: Any,
    horizon_days: int | None = None,
    customer: str = "customer_id",
    date: str = "date",
    amount: str = "amount",
    before_days: int | None = None,
    level: float = 0.95,
    n_resamples: int = 4000,
    random_state: int = 0,
    **options: Any,
) -> Effect:
    """Return what an action brought, from the orders of the treated and of the control group.

    Everybody who was to be treated is compared with everybody held out, whether reached or not, and
    whether they ordered or not: a customer without an order counts as 0.

    Parameters
    ----------
    groups : table, or an object with one called ``groups``, such as a plan
        As it was kept when the action began: customer_id, group (``"treated"`` or ``"control"``; or a
        column of bools that is called treated or control), and optionally tier and reached (bool:
        whether the action got through; missing counts as not).
    orders : frame of any kind, DuckDB relation, or path
        A log, as :func:`valuetier.summarize` takes it.
    start : date or ISO text
        First day that counts: that of the first contact.
    horizon_days : int, optional
        How many days count. Default: to the end of the log.
    customer, date, amount : str
        Columns of the log.
    before_days : int, optional
        Adjust by what the customers did in so many days before the start (CUPED), which makes
        intervals narrower where they go on as before. The balance of the groups is checked over
        these days; by default, over all that the log knows, and nothing is adjusted.
    level : float
        Of the intervals.
    n_resamples : int
        Other ways the lot could have fallen, at least 100; more of them where an interval ends near 0.
    random_state : int
    **options
        Further arguments of :func:`valuetier.summarize`; not ``as_of`` and ``since``.

    Returns
    -------
    Effect

    Raises
    ------
    InvalidParameterError
        If the horizon lies before or after the log, or a parameter is out of range.
    InvalidDataError
        If a group is empty or has another name, a customer stands twice, or none of them is in the log.
    MissingColumnsError
        If the groups have no customer_id or group.

    Notes
    -----
    The lot is drawn again within each tier, and the interval is the difference less its
    standard error times the limits of difference / error in these draws. An interval leaves out 0 where the
    permutation test of "no effect on anybody" rejects, which is exact for any distribution. With a
    tenth in control, and a few customers who spend most of the money, intervals by t or by bootstrap
    held in 79 to 94 % of simulated cases instead of 95 %. Intervals of the lift are Fieller's, with the
    same limits. Tiers have no customer in common, so theirs are corrected by Šidák.

    Refunds count with the customer's orders within the horizon; those of customers without one do not.

    References
    ----------
    Phipson & Smyth (2010), *Permutation p-values should never be zero*; Janssen (1997), *Studentized
    permutation tests for non-i.i.d. hypotheses*; Fieller (1954); Deng, Xu, Kohavi & Walker (2013), *Improving the
    sensitivity of online controlled experiments by utilizing pre-experiment data*.

    Examples
    --------
    >>> import valuetier as vt
    >>> orders = vt.datasets.load_cdnow_orders()
    >>> customers = vt.summarize(orders, as_of="1997-12-31").customers
    >>> assignment = vt.PyramidSegmenter(preset="hml").fit(customers).assign(customers)
    >>> groups = vt.strategy.control_group(assignment, salt="no letter")
    >>> found = effect(groups, orders, start="1998-01-01", horizon_days=90, n_resamples=500)
    >>> found.to_frame()[["tier", "treated", "control", "difference", "outcome"]].round(2)
            tier  treated  control  difference                 outcome
    0       High     4230      470        0.23  no effect can be shown
    1     Medium     6340      704       -0.08  no effect can be shown
    2        Low    10582     1176        0.21  no effect can be shown
    3   No value       61        7        0.00  no effect can be shown
    4  all tiers    21213     2357        0.12  no effect can be shown
    """
    read = read_groups(groups)
    refuse_start_before_the_lot(groups, start)
    level = a_share("level", level)
    n = validate.whole_number("n_resamples", n_resamples, FEWEST_RESAMPLES)
    seed = validate.whole_number("random_state", random_state, 0)
    if before_days is not None:
        before_days = validate.whole_number("before_days", before_days, 1)
    options = {"customer": customer, "date": date, "amount": amount, **options}
    watched = read_orders(orders, read.ids, start, horizon_days, before_days, options)
    adjust = before_days is not None and watched.before is not None
    return Effect(
        start=watched.start,
        horizon_days=watched.horizon_days,
        treated=int(read.treated.sum()),
        control=int((~read.treated).sum()),
        bought=float(watched.within.values[:, MEASURES.index("bought")].mean()),
        before_days=watched.before_days,
        adjusted=adjust,
        level=level,
        n_resamples=n,
        absent=watched.absent,
        outsiders=watched.within.outsiders,
        outside_spend=watched.within.outside_spend,
        log_end=watched.log_end,
        table=effect_table(read, watched, adjust=adjust, level=level, n_draws=n, seed=seed),
    )
