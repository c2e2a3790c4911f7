"""Data sets as they come with the installed package lifetimes, which is not imported."""

from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

import valuetier as vt


@pytest.fixture(scope="session")
def lifetimes_data():
    """Return the folder of the data sets."""
    return Path(find_spec("lifetimes").origin).parent / "datasets"


@pytest.fixture(scope="session")
def cdnow_weeks(lifetimes_data):
    """Return (ID, x, t_x, T, zbar) of 2,357 customers, in weeks rounded to two places."""
    counts = pd.read_csv(lifetimes_data / "cdnow_customers_summary.csv")
    money = pd.read_csv(lifetimes_data / "cdnow_customers_summary_with_transactions.csv")
    columns = {"frequency": "x", "recency": "t_x"}
    pd.testing.assert_frame_equal(counts.rename(columns=columns), money[["ID", "x", "t_x", "T"]])
    return money


@pytest.fixture(scope="session")
def cdnow_orders(lifetimes_data):
    """Return the order log of the 1/10 sample, 1997-01 to 1998-06."""
    names = ["old_id", "customer_id", "date", "quantity", "amount"]
    log = pd.read_csv(lifetimes_data / "CDNOW_sample.txt", sep=r"\s+", names=names, dtype={"date": "str"})
    return log.assign(date=pd.to_datetime(log["date"], format="%Y%m%d"))


@pytest.fixture(scope="session")
def cdnow(cdnow_orders):
    """Return the customer table of the sample to 1997-09-30, in days."""
    return vt.summarize(cdnow_orders, as_of="1997-09-30").customers


@pytest.fixture(scope="session")
def donations(lifetimes_data):
    """Return (frequency, recency, periods, weights) of 11,104 donors over six years."""
    return pd.read_csv(lifetimes_data / "donations.csv")[["frequency", "recency", "periods", "weights"]]
