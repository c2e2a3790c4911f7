"""Real data to try things on: no download, it comes with an installed package."""

from __future__ import annotations

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
