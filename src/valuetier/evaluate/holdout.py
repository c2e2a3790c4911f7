"""The holdout scorecard: segmenters fitted before a day, judged by what the customers did after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date as date_type
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier import _validate as validate
from valuetier._core.bands import percentile_interval, simultaneous_interval
from valuetier._core.compress import significant
from valuetier._validate import Floats
from valuetier.errors import require_choice
from valuetier.evaluate._holdout_arguments import a_share, cutoff_days, named_segmenters, refuse_uncollected
from valuetier.evaluate._holdout_cases import BASELINES, Case, Log, build_case, split_at
from valuetier.evaluate._holdout_measures import (
    FEWEST_RESAMPLES,
    MEASURES,
    Measured,
    calibration_table,
    decile_table,
    measured,
    resampled,
    stability_table,
)
from valuetier.evaluate._holdout_words import OUTCOMES, ROLES, verdict
from valuetier.tiers import LANGUAGES

COMPARED = ("best_value", "best_orders", "gini", "rank_correlation", "top_value")
WITH_INTERVAL = ("top_value", "best_value", "gini")
AGAINST = ("baselines", "segmenters")


@dataclass(frozen=True, slots=True)
class HoldoutCutoff:
    """What was there to be judged at one cutoff.

    Attributes
    ----------
    cutoff : date
        Last day that the segmenters knew.
    customers : int
        Known on that day; all of them are judged.
    returned : int
        Those of them who ordered within the horizon.
    value : float
        Their spend within the horizon; a customer who got back more than was paid counts as 0.
    below_zero : float
        What counting as 0 left out, 0 or less; with the refunds of customers who did not order
        within the horizon.
    new_value : float
        Net spend of customers who first ordered within the horizon: nobody could rank them.
    same_year : bool
        Whether *last year's spend* is *total spend*, because the log before the cutoff is that short.
    """

    cutoff: date_type
    customers: int
    returned: int
    value: float
    below_zero: float
    new_value: float
    same_year: bool


@dataclass(frozen=True, slots=True, eq=False)
class HoldoutScorecard:
    """How well segmenters told, before a day, who would be valuable after it.

    Print it for the verdict; :meth:`to_frame` is the table behind it.

    Attributes
    ----------
    segmenters, baselines : tuple of str
    cutoffs : tuple of HoldoutCutoff
    horizon_days : int
        Days after each cutoff.
    best_share : float
        Share of customers at which all rankings are compared.
    level : float
        Of the intervals.
    n_resamples : int
        Resamples behind the intervals.
    refit : bool
        Whether the segmenters were fitted anew to each resample.
    deciles : DataFrame
        name, decile (1 the best tenth of the customers), value_share, orders_share, lift.
    calibration : DataFrame
        name, bin (1 the tenth with the highest predicted spend), predicted_spend, actual_spend,
        predicted_orders, actual_orders per customer; empty if no segmenter predicts.
    stability : DataFrame
        cutoff, next_cutoff, name, same_tier, top_kept, rank_correlation, of the customers known at
        both; empty for a single cutoff.
    estimates, draws : Measured
        The measures at each cutoff, and in each resample of the customers.
    """

    segmenters: tuple[str, ...]
    baselines: tuple[str, ...]
    cutoffs: tuple[HoldoutCutoff, ...]
    horizon_days: int
    best_share: float
    level: float
    n_resamples: int
    refit: bool
    deciles: pd.DataFrame
    calibration: pd.DataFrame
    stability: pd.DataFrame
    estimates: Measured
    draws: Measured

    def to_frame(self, lang: str = "en", *, by_cutoff: bool = False) -> pd.DataFrame:
        """Return one row per segmenter and baseline, the most value in the best customers first.

        Measures are means over the cutoffs; ``by_cutoff`` gives a row for each. Columns:

        - top_customers, top_value, top_orders: shares in the top tier, of customers and of what
          they later spent and ordered; top_lift: value per customer against the mean of all;
          top_precision: share of the top tier that belongs to as many truly best customers.
          Baselines have no tiers.
        - best_value, best_orders: shares of spend and orders in the best ``best_share`` of customers.
        - gini: normalised, 1 for the order that came true, 0 for none, below 0 for a wrong one.
        - rank_correlation: of the ranking with the later spend (Spearman).
        - spend_ratio, orders_ratio: predicted in total, over what came.
        - same_tier: share of the customers who keep their tier from one cutoff to the next.
        - ``_low`` and ``_high``: the interval of a measure.
        """
        require_choice("lang", lang, LANGUAGES)
        if not by_cutoff:
            means = self.stability.groupby("name")["same_tier"].mean()
            kept = means.reindex([*self.segmenters, *self.baselines]).to_numpy(dtype=np.float64)
            return self._table(self.estimates.each.mean(axis=0), self.draws.each.mean(axis=1), lang, kept)
        tables = []
        for at, facts in enumerate(self.cutoffs):
            table = self._table(self.estimates.each[at], self.draws.each[:, at], lang)
            table.insert(0, "cutoff", facts.cutoff)
            tables.append(table)
        return pd.concat(tables, ignore_index=True)

    def _table(self, each: Floats, draws: Floats, lang: str, kept: Floats | None = None) -> pd.DataFrame:
        low, high = percentile_interval(draws, self.level)
        roles = np.repeat(np.array(ROLES[lang], dtype=object), [len(self.segmenters), len(self.baselines)])
        table = pd.DataFrame({"name": self._names(lang), "role": roles})
        for k, measure in enumerate(MEASURES):
            table[measure] = each[:, k]
            if measure in WITH_INTERVAL:
                table[f"{measure}_low"], table[f"{measure}_high"] = low[:, k], high[:, k]
        if kept is not None:
            table["same_tier"] = kept
        return table.sort_values("best_value", ascending=False, kind="stable", ignore_index=True)

    def intervals(self, lang: str = "en") -> pd.DataFrame:
        """Return name, measure, estimate, low and high of every measure, means over the cutoffs.

        Each interval holds for itself. Customers are resampled; the fitted segmenters stay, but with ``refit``.
        """
        require_choice("lang", lang, LANGUAGES)
        low, high = percentile_interval(self.draws.each.mean(axis=1), self.level)
        names = self._names(lang)
        return pd.DataFrame(
            {
                "name": np.repeat(np.array(names, dtype=object), len(MEASURES)),
                "measure": list(MEASURES) * len(names),
                "estimate": self.estimates.each.mean(axis=0).ravel(),
                "low": low.ravel(),
                "high": high.ravel(),
            }
        )

    def differences(
        self, measure: str = "best_value", against: str = "baselines", lang: str = "en"
    ) -> pd.DataFrame:
        """Return what separates each segmenter from others, on the same resampled customers.

        Parameters
        ----------
        measure : str
            ``"best_value"``, ``"best_orders"``, ``"gini"``, ``"rank_correlation"``, or ``"top_value"``:
            the value in the segmenter's top tier, against what the other ranking finds among as
            many customers.
        against : str
            ``"baselines"`` or the other ``"segmenters"``.
        lang : str

        Returns
        -------
        DataFrame with segmenter, other, estimate, other_estimate, difference, low, high, outcome.
        The intervals hold for all rows together with probability ``level``. The outcome is
        "better" or "worse" where 0 lies outside, else "no difference can be shown".
        """
        require_choice("measure", measure, COMPARED)
        require_choice("against", against, AGAINST)
        require_choice("lang", lang, LANGUAGES)
        n, names = len(self.segmenters), self._names(lang)
        others = range(n) if against == "segmenters" else range(n, len(names))
        pairs = np.array([(a, b) for a in range(n) for b in others if a != b], dtype=np.intp).reshape(-1, 2)
        own, theirs = _compared(self.estimates, measure, pairs)
        own_draws, their_draws = _compared(self.draws, measure, pairs)
        low, high = simultaneous_interval(own - theirs, own_draws - their_draws, self.level)
        outcomes = np.array(OUTCOMES[lang], dtype=object)
        labels = np.array(names, dtype=object)
        return pd.DataFrame(
            {
                "segmenter": labels[pairs[:, 0]],
                "other": labels[pairs[:, 1]],
                "estimate": own,
                "other_estimate": theirs,
                "difference": own - theirs,
                "low": low,
                "high": high,
                "outcome": outcomes[np.select([low > 0, high < 0], [0, 1], 2)],
            }
        )

    def verdict(self, lang: str = "en") -> str:
        """Return what the numbers allow to say, one finding a line, in English or Chinese."""
        require_choice("lang", lang, LANGUAGES)
        return verdict(self, lang)

    def __str__(self) -> str:
        return self.verdict()

    def __repr__(self) -> str:
        return (
            f"HoldoutScorecard(segmenters={list(self.segmenters)}, "
            f"cutoffs={[str(facts.cutoff) for facts in self.cutoffs]}, horizon_days={self.horizon_days})"
        )

    def _names(self, lang: str) -> list[str]:
        baselines = [BASELINES[name] if lang == "zh" else name for name in self.baselines]
        return [*self.segmenters, *baselines]


def holdout(
    segmenters: Any,
    orders: Any,
    *,
    cutoff: Any,
    horizon_days: int | None = None,
    customer: str = "customer_id",
    date: str = "date",
    amount: str = "amount",
    baselines: Sequence[str] = tuple(BASELINES),
    best_share: float = 0.2,
    n_resamples: int = 300,
    refit: bool = False,
    level: float = 0.95,
    random_state: int = 0,
    **options: Any,
) -> HoldoutScorecard:
    """Return how well segmenters, fitted before a day, told who would be valuable after it.

    Every customer known at the cutoff is judged by the spend within the horizon, also those who did
    not come back. A ranking goes by tier and, within a tier, by score where the segmenter has
    one. Customers who tie are taken by the same part of each, which is the mean over all ways to
    break the tie.

    Parameters
    ----------
    segmenters : segmenter, sequence of them, or mapping of name to segmenter
        Copies are fitted; the segmenters themselves, and what they may have learned, are left alone.
    orders : frame of any kind, DuckDB relation, or path
        The whole log, as :func:`valuetier.split` takes it; of Spark with ``as_="pandas"``.
    cutoff : date, ISO text, or sequence of them
        Last day that the segmenters know. Several make a rolling evaluation.
    horizon_days : int, optional
        How long the customers are watched. Default: from the last cutoff to the end of the log.
    customer, date, amount : str
        Columns of the log.
    baselines : sequence of str
        Of ``"last year's spend"`` (365 days), ``"days since last order"`` (fewer is better), ``"total spend"``
        and ``"random"``, the mean of all random orders.
    best_share : float
        Share of customers at which all rankings are compared, above 0 and below 1.
    n_resamples : int
        Bootstrap resamples of the customers, the same ones for all rankings and cutoffs.
    refit : bool
        Whether every segmenter is fitted anew to every resample: ``n_resamples`` more fits at each cutoff.
    level : float
        Of the intervals.
    random_state : int
    **options
        Further arguments of :func:`valuetier.summarize`; not ``as_of`` and ``since``.

    Returns
    -------
    HoldoutScorecard

    Raises
    ------
    InvalidParameterError
        If there is no segmenter, something is none, names repeat, or a parameter is out of range.
    InvalidDataError
        If nobody spent anything within a horizon, fewer than 20 resamples can be learned from, and
        whatever :func:`valuetier.split` refuses.

    Notes
    -----
    Segmenters see the customer table as of the cutoff and nothing else, so later rows cannot reach
    them through the log. What was put into earlier rows with hindsight cannot be recognised there;
    the verdict names a ranking that is too good to be true. Copies forget what was learned if the
    segmenter has ``get_params``; of other classes ``fit`` must begin anew, as it should.

    Intervals tell how another sample of customers would differ, not other times. As they stand they
    judge *these* fits: what other customers would have taught is not in them, and they are too short
    where that matters, as with k-means or few customers. With ``refit`` it is in them.

    Predictions are judged where a segmenter's ``transform`` has ``expected_orders`` (and
    ``expected_order_value``), as :class:`valuetier.CLVSegmenter` does: without discount and margin,
    and over the horizon of the holdout, whatever the segmenter's own ``horizon_days``.

    Examples
    --------
    >>> import valuetier as vt
    >>> orders = vt.datasets.load_cdnow_orders()
    >>> pyramid = vt.PyramidSegmenter(preset="hml")
    >>> card = holdout(pyramid, orders, cutoff="1997-09-30", horizon_days=273, n_resamples=50)
    >>> card.to_frame().loc[:, ["name", "top_customers", "top_value", "best_value", "gini"]].round(3)
                        name  top_customers  top_value  best_value   gini
    0                pyramid          0.199      0.661       0.661  0.696
    1      last year's spend            NaN        NaN       0.661  0.696
    2            total spend            NaN        NaN       0.661  0.696
    3  days since last order            NaN        NaN       0.644  0.639
    4                 random            NaN        NaN       0.200  0.000
    """
    named = named_segmenters(segmenters, baselines)
    refuse_uncollected(orders, options)
    days = cutoff_days(cutoff)
    share = a_share("best_share", best_share)
    level = a_share("level", level)
    n = validate.whole_number("n_resamples", n_resamples, FEWEST_RESAMPLES)
    seed = validate.whole_number("random_state", random_state, 0)
    log = Log(orders, {"customer": customer, "date": date, "amount": amount, **options})
    cases = [build_case(named, baselines, log, parts) for parts in split_at(log, days, horizon_days)]
    names = [*named, *baselines]
    draws = resampled(cases, share, n, seed, refit=refit)
    return HoldoutScorecard(
        segmenters=tuple(named),
        baselines=tuple(baselines),
        cutoffs=tuple(_facts(case) for case in cases),
        horizon_days=cases[0].parts.horizon_days,
        best_share=share,
        level=level,
        n_resamples=len(draws.each),
        refit=refit,
        deciles=decile_table(cases, names),
        calibration=calibration_table(cases, names),
        stability=stability_table(cases, names),
        estimates=measured(cases, share),
        draws=draws,
    )


def _compared(found: Measured, measure: str, pairs: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Return the measure of either side of the pairs, mean over the cutoffs: (…, pairs) each.

    Rounded: the same customers, summed in another order, must not make a difference.
    """
    first, second = pairs.T
    if measure == "top_value":
        at_size = significant(found.at_size.mean(axis=-3))
        return at_size[..., first, first], at_size[..., first, second]
    values = significant(found.each[..., MEASURES.index(measure)].mean(axis=-2))
    return values[..., first], values[..., second]


def _facts(case: Case) -> HoldoutCutoff:
    return HoldoutCutoff(
        cutoff=case.cutoff,
        customers=len(case.ids),
        returned=int(np.count_nonzero(case.orders > 0)),
        value=float(case.value.sum()),
        below_zero=float(case.below_zero.sum()) + case.unordered,
        new_value=case.parts.new_customers.spend,
        same_year=case.same_year,
    )
