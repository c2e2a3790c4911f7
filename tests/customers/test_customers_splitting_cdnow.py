"""``split`` on CDNOW, as published and as lifetimes cuts it."""

from __future__ import annotations

import importlib.util
import warnings
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import valuetier as vt


def cdnow_sample() -> pd.DataFrame:
    """Return the published sample of every tenth CDNOW customer: 6,919 orders of 2,357."""
    home = Path(importlib.util.find_spec("lifetimes").origin).parent  # type: ignore[union-attr, arg-type]
    names = ["master_id", "customer_id", "date", "quantity", "amount"]
    path = home / "datasets" / "CDNOW_sample.txt"
    sample = pd.read_csv(path, sep=r"\s+", header=None, names=names, dtype={"date": "str"})
    return sample.assign(date=pd.to_datetime(sample["date"], format="%Y%m%d"))


@pytest.mark.parametrize(("load", "end"), [
    (cdnow_sample, None), (cdnow_sample, "1998-03-31"), (vt.datasets.load_cdnow_orders, None),
])  # fmt: skip
def test_cdnow_equals_lifetimes(load: Any, end: str | None) -> None:
    """The split of 39 and 39 weeks, and a shorter one, have lifetimes' numbers for every customer.

    lifetimes averages the rows of the holdout, so its mean times the rows is our spend. Without a column
    of amounts it fails on logs of two columns with pandas 3.
    """
    orders = load()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lifetimes is archived and warns on import and in pandas
        from lifetimes.utils import calibration_and_holdout_data

        theirs = calibration_and_holdout_data(
            orders, "customer_id", "date", "1997-09-30", end, monetary_value_col="amount"
        )
    horizon = None if end is None else (date.fromisoformat(end) - date(1997, 9, 30)).days
    found = vt.split(orders, "1997-09-30", horizon)
    ours = vt.to_lifetimes(found.customers).set_index("customer_id")
    assert ours.index.tolist() == theirs.index.tolist()
    for name in ("frequency", "recency", "T"):
        np.testing.assert_array_equal(ours[name], theirs[f"{name}_cal"], err_msg=name)
    np.testing.assert_allclose(ours["monetary_value"].fillna(0), theirs["monetary_value_cal"], rtol=1e-12)
    np.testing.assert_array_equal(ours["holdout_orders"], theirs["frequency_holdout"])
    assert set(theirs["duration_holdout"]) == {found.horizon_days}
    later = orders[(orders["date"] > "1997-09-30") & (orders["date"] <= (end or "1998-06-30"))]
    rows = later.groupby("customer_id").size().reindex(ours.index, fill_value=0)
    np.testing.assert_allclose(ours["holdout_spend"], theirs["monetary_value_holdout"] * rows, rtol=1e-12)


def test_the_cdnow_sample_by_weeks_of_39() -> None:
    """The sample has 2,357 customers with 2,457 repeat occasions in 39 weeks and 1,882 in the next 39."""
    found = vt.split(cdnow_sample(), "1997-09-30", 39 * 7)
    assert len(found.customers) == 2_357
    assert found.customers["x"].sum() == 2_457
    assert found.customers["holdout_orders"].sum() == 1_882
    assert found.new_customers.customers == found.after_horizon.rows == 0
