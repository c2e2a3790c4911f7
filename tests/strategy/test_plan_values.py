"""What plans take as value, budget, capacity and coverage, and how they refuse the rest."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from tests.strategy.test_plan import assigned, mapper, pairs
from valuetier import InvalidDataError, InvalidParameterError, MissingColumnsError, TierAssignment

CODES = [0, 1, 2, 1]
IDS = [f"id{i}" for i in range(4)]
EACH = np.array([40.0, 8.0, 30.0, 20.0])
SHARES = {"visit": 1.0, "call": 0.6, "letter": 0.1}
TABLE = pd.DataFrame({name: EACH * share for name, share in SHARES.items()})
LONG = TABLE.assign(customer_id=IDS).melt("customer_id", var_name="action_id")
LIMITS = {"budget": 40, "capacity": {"phone": 3}}


def with_ids(frame, order=(0, 1, 2, 3)):
    """Return the rows in another order, with their ids."""
    return frame.assign(customer_id=IDS).iloc[list(order)]


FORMS = {
    "wide, by position": TABLE,
    "wide, by id": with_ids(TABLE, (2, 0, 3, 1)),
    "wide, by index": with_ids(TABLE, (2, 0, 3, 1)).set_index("customer_id"),
    "wide, polars": pl.from_pandas(with_ids(TABLE, (1, 0, 3, 2)).reset_index(drop=True)),
    "wide, lazy": pl.from_pandas(with_ids(TABLE, (1, 0, 3, 2)).reset_index(drop=True)).lazy(),
    "long": LONG.sample(frac=1, random_state=0),
    "long, polars": pl.from_pandas(LONG),
    "array of offers": TABLE[["call", "letter", "visit"]].to_numpy(),
    "array of actions": TABLE.assign(care=7.0)[["call", "care", "letter", "visit"]].to_numpy(),
    "pairs": LONG.set_index(["customer_id", "action_id"])["value"].to_dict(),
    "series of pairs": LONG.set_index(["customer_id", "action_id"])["value"],
    "function": lambda table: (
        table["customer_id"].map(dict(zip(IDS, EACH, strict=True))) * table["action_id"].map(SHARES)
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_tables_of_any_form_give_one_plan(form):
    """Values by customer and action give the same plan however they come."""
    wanted = mapper().plan(assigned(CODES), value=EACH, response=SHARES, **LIMITS)
    plan = mapper().plan(assigned(CODES), value=FORMS[form], **LIMITS)
    assert pairs(plan) == pairs(wanted)
    assert plan.value == wanted.value


CUSTOMERS = pd.DataFrame({"customer_id": IDS[::-1], "spend": EACH[::-1]})
PER_CUSTOMER = {
    "list": EACH.tolist(),
    "series by position": pd.Series(EACH),
    "series by id": pd.Series(EACH[::-1], index=IDS[::-1]),
    "mapping": dict(zip(IDS[::-1], EACH[::-1], strict=True)),
    "polars series": pl.Series(EACH),
    "column": "spend",
    "table": CUSTOMERS.rename(columns={"spend": "value"}),
}


@pytest.mark.parametrize("form", PER_CUSTOMER)
def test_numbers_per_customer_of_any_form_give_one_plan(form):
    """A number per customer gives the same plan however it comes."""
    wanted = mapper().plan(assigned(CODES), value=EACH, response=SHARES, **LIMITS)
    plan = mapper().plan(
        assigned(CODES), value=PER_CUSTOMER[form], response=SHARES, customers=CUSTOMERS, **LIMITS
    )
    assert pairs(plan) == pairs(wanted)


@pytest.mark.parametrize("value", [SHARES, pd.Series(SHARES), 5, np.float64(5)])
def test_numbers_per_action_and_one_for_all(value):
    """A number per action, or one for everything, is what each chosen action brings."""
    plan = mapper().plan(assigned(CODES), value=value)
    chosen = plan.actions.dropna(subset="value")
    wanted = chosen["action_id"].map(SHARES) if isinstance(value, (dict, pd.Series)) else 5
    assert (chosen["value"] == wanted).all()


@pytest.mark.parametrize(
    "capacity", [{"owner": {"sales": 15}, "channel": {"visit": 0}}, pd.Series({"sales": 15, "visit": 0})]
)
def test_capacity_nested_and_as_series(capacity):
    """Owners and channels may be named apart, or be a Series."""
    plan = mapper().plan(assigned([1, 1]), value={"visit": 9, "call": 5, "letter": 1}, capacity=capacity)
    assert sorted(name for _, name in pairs(plan)) == ["call", "letter"]


REFUSED = [
    ({"value": {"vist": 1}}, InvalidParameterError,
     ("value names ['vist'], which are no actions of the playbook: ['call', 'care', 'letter', 'visit']. "
     "Did you mean 'visit'?")),
    ({"value": {"other1": 1, "other2": 2}}, InvalidParameterError,
     "value names 2 things, which are no actions of the playbook: ['call', 'care', 'letter', 'visit']."),
    ({"value": dict(zip(IDS[:3], EACH, strict=False))}, InvalidDataError,
     ("value: the index of the Series lacks 1 of 4 assigned customers. Index it by customer_id, or pass its values "
     "in the order of the assignment.")),
    ({"value": {"visit": 1, "call": 1}}, InvalidParameterError,
     "value has no number for ['letter']. Add them; 0 is an action that brings nothing."),
    ({"value": SHARES | {"call": float("nan")}}, InvalidParameterError,
     "value['call'] must be a finite number, got nan."),
    ({"value": True}, InvalidParameterError,
     ("value must be a number per action ({action_id: number}), a number per customer (array, Series, "
     "{customer_id: number} or the name of a column of customers=), a table customers × actions, a table with customer_id, action_id and value, or a "
     "function of the action table; got a bool.")),
    ({"value": [1, 2, np.nan, 4]}, InvalidDataError,
     ("value: customers to whom an action is open have no value (NaN), by action: {'call': 1, 'letter': 1}. "
     "Give a finite number for each; 0 is an action that brings nothing.")),
    ({"value": [1, np.inf, 3, 4]}, InvalidDataError,
     ("value: customers to whom an action is open have an infinite value, by action: "
     "{'call': 1, 'letter': 1, 'visit': 1}. Give a finite number for each; 0 is an action that brings nothing.")),
    ({"value": LONG.iloc[1:]}, InvalidDataError,
     ("value: customers to whom an action is open have no value (NaN), by action: {'visit': 1}. "
     "Give a finite number for each; 0 is an action that brings nothing.")),
    ({"value": pd.concat([LONG, LONG.iloc[:2]])}, InvalidDataError,
     "value: 2 of 14 values repeat a customer and action. Give one number for each."),
    ({"value": [1, 2]}, InvalidDataError,
     ("value has 2 rows for 4 assigned customers. Add the column customer_id, or pass one row for each in the "
     "order of the assignment.")),
    ({"value": np.ones((4, 2))}, InvalidDataError,
     ("value has shape (4, 2): it needs one number per customer, or one column for each of the actions that are "
     "not contractual, in the order of the playbook: ['call', 'letter', 'visit'].")),
    ({"value": pd.Series(EACH[:3], index=IDS[:3])}, InvalidDataError,
     ("value: the index of the Series lacks 1 of 4 assigned customers. Index it by customer_id, or pass its values "
     "in the order of the assignment.")),
    ({"value": pd.Series(np.ones(5), index=[*IDS, "id0"])}, InvalidDataError,
     "value: 1 of 5 values repeat a customer. Give one number per customer."),
    ({"value": with_ids(TABLE).iloc[:3]}, InvalidDataError,
     "value lacks 1 of 4 assigned customers. Pass a table with all of them."),
    ({"value": pd.DataFrame({"gain": EACH})}, MissingColumnsError,
     ("The table in value has the columns ['gain']. It needs one for each action (['call', 'care', 'letter', "
     "'visit']), or customer_id, action_id and value.")),
    ({"value": "spend"}, MissingColumnsError,
     "value is the column 'spend', but there is no customer table. Pass customers=."),
    ({"value": "spent", "customers": CUSTOMERS}, MissingColumnsError,
     ("value is the column 'spent', which the customers do not have: ['customer_id', 'spend']. "
     "Did you mean 'spend'?")),
    ({"value": lambda table: [1.0]}, InvalidDataError,
     "value: the function returned 1 numbers for a table of 11 rows. Return one number per row."),
    ({"value": 1, "response": 0.5}, InvalidParameterError,
     "response must be a number per action ({action_id: number}), got a float."),
    ({"value": 1, "budget": -1}, InvalidParameterError, "budget must be a number ≥ 0, got -1."),
    ({"value": 1, "capacity": 5}, InvalidParameterError,
     ('capacity must map owners to minutes and channels to contacts, such as {"account_manager": 1200, '
     '"email": 500}, got a int.')),
    ({"value": 1, "capacity": {"acount_manager": 5}}, InvalidParameterError,
     ("capacity names 'acount_manager', which is neither an owner nor a channel. The playbook has the owners "
     "['account_manager', 'automation', 'sales'] (minutes) and the channels ['email', 'phone', 'visit'] (contacts). "
     "Did you mean 'account_manager'?")),
    ({"value": 1, "capacity": {"sales": "5"}}, InvalidParameterError,
     "capacity['sales'] must be a number ≥ 0, got '5'."),
    ({"value": 1, "coverage": 1.0}, InvalidParameterError,
     'coverage must map tiers to shares of their customers, such as {"Vital": 1.0}, got a float.'),
    ({"value": 1, "coverage": {"Vital": 1.0}}, InvalidParameterError,
     "coverage names 'Vital', which is no tier. Tiers are ['A', 'B', 'C']."),
    ({"value": 1, "coverage": {"A": 50}}, InvalidParameterError,
     "coverage['A'] must be from 0 to 1, got 50. 50 % is 0.5."),
    ({"value": 1, "coverage": {"A": 1, "A类": 1}}, InvalidParameterError,
     "coverage names the tier 'A' twice. Give one share."),
    ({"value": 1, "holdout": 1}, InvalidParameterError,
     "holdout must be from 0 to below 1, got 1. 10 % is 0.1."),
    ({"value": 1, "holdout": {"A": 0.1, "D": 0.1}}, InvalidParameterError,
     "holdout names 'D', which is no tier. Tiers are ['A', 'B', 'C']."),
    ({"value": 1, "offers_per_customer": 0}, InvalidParameterError,
     "offers_per_customer must be a whole number ≥ 1, got 0."),
    ({"value": 1, "objective": "profit"}, InvalidParameterError,
     "objective must be one of ['value', 'net'], got 'profit'."),
    ({"value": 1, "horizon_days": 0}, InvalidParameterError, "horizon_days must be a number > 0, got 0."),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "error", "message"), REFUSED)
def test_what_cannot_be_used_is_refused_in_words(arguments, error, message):
    """Each refusal names the thing, the need and the way out, and no customer."""
    with pytest.raises(error) as caught:
        mapper().plan(assigned(CODES), **arguments)
    assert str(caught.value) == message
    assert not any(name in message for name in IDS)


def test_an_index_that_may_be_ids_or_rows_is_refused():
    """Ids that count like rows, in another order, leave open whose number is whose; a name settles it."""
    ids = np.array([2, 0, 1, 3])
    four = assigned(CODES)
    four = TierAssignment(four.codes, four.tiers, None, None, ids, four.kind)
    with pytest.raises(
        InvalidDataError, match="the index counts rows, and so do the customer_ids, in another order"
    ):
        mapper().plan(four, value=pd.Series(EACH), response=SHARES, **LIMITS)
    by_row = mapper().plan(four, value=EACH, response=SHARES, **LIMITS)
    named = pd.Series(EACH, index=ids).sort_index().rename_axis("customer_id")
    named.index = pd.RangeIndex(4, name="customer_id")
    assert pairs(mapper().plan(four, value=named, response=SHARES, **LIMITS)) == pairs(by_row)


def test_a_plan_says_that_all_actions_are_worth_the_same():
    """With one number per customer and no response the cheapest action wins, and the plan tells why."""
    told = "Every action is worth the same for a customer here"
    assert told in str(mapper().plan(assigned(CODES), value=EACH))
    assert "成本最低" in mapper().plan(assigned(CODES), value=EACH).summary("zh")
    assert told not in str(mapper().plan(assigned(CODES), value=EACH, response=SHARES))
