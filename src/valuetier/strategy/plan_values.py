"""What an action brings for a customer, read from what people have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier import _validate as validate
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError, InvalidParameterError, MissingColumnsError, suggestion
from valuetier.tables import ID, as_frame, materialised, read_ids

ACTION_ID, VALUE = "action_id", "value"
TAKEN = (
    "a number per action ({action_id: number}), a number per customer (array, Series, {customer_id: number} or the "
    "name of a column of customers=), a table customers × actions, a table with customer_id, action_id and value, or a function of "
    "the action table"
)


def read_values(
    value: Any,
    response: Any,
    ids: NDArray[Any],
    customers: Any,
    actions: list[str],
    offers: list[str],
    there: NDArray[np.bool_],
    action_table: Callable[[], pd.DataFrame],
) -> Floats:
    """Return what each action brings for each customer, (customers, actions); NaN where nothing is there.

    Parameters
    ----------
    value, response
        As :meth:`valuetier.StrategyMapper.plan` takes them.
    ids : (n,) array
    customers : table, optional
    actions : list of str
        Ids of the actions, in the order of the playbook.
    offers : list of str
        Those that are not contractual.
    there : (n, k) bool array
        Which actions are open to whom; only they need a value.
    action_table : function
        Returns one row per entry of ``there``, for a ``value`` that is a function.
    """
    found = np.full(there.shape, np.nan)
    if callable(value):
        found[there] = _per_row(value, action_table())
    else:
        found[:] = _table(value, ids, customers, actions, offers, there)
    if response is not None:
        found = found * _per_action("response", response, actions, there)
    _refuse_holes(found, there, actions)
    return found


def _table(
    value: Any,
    ids: NDArray[Any],
    customers: Any,
    actions: list[str],
    offers: list[str],
    there: NDArray[np.bool_],
) -> Floats:
    """Return the values, (customers, actions) or one column for all actions."""
    if isinstance(value, Mapping) and _by_customer(value, ids):
        value = pd.Series(value)
    if isinstance(value, pd.Series) and value.index.nlevels == 2:
        value = value.rename_axis([ID, ACTION_ID]).rename(VALUE).reset_index()
    if isinstance(value, pd.Series) and len(value) and set(value.index) <= set(actions):
        value = value.to_dict()
    if isinstance(value, Mapping):
        return np.broadcast_to(_per_action("value", value, actions, there), there.shape)
    if isinstance(value, str):
        return _column(value, ids, customers)[:, None]
    frame = as_frame(value) if not isinstance(value, pd.Series) else None
    if frame is not None:
        return _from_frame(materialised(value), ids, actions, there)
    if isinstance(value, pd.Series):
        return validate.float_column("value", _in_order(value, ids))[:, None]
    return _from_array(value, ids, actions, offers)


def _by_customer(value: Mapping[Any, Any], ids: NDArray[Any]) -> bool:
    """Return whether the keys are customers, or pairs of customer and action, and not actions."""
    pairs = bool(value) and all(isinstance(key, tuple) and len(key) == 2 for key in value)
    return pairs or bool(pd.Index(ids).isin(list(value)).any())


def _per_row(function: Callable[[pd.DataFrame], Any], table: pd.DataFrame) -> Floats:
    found = validate.float_column("value", function(table))
    if len(found) != len(table):
        raise InvalidDataError(
            f"value: the function returned {len(found)} numbers for a table of {len(table)} rows. "
            "Return one number per row."
        )
    return found


def _per_action(name: str, given: Any, actions: list[str], there: NDArray[np.bool_]) -> Floats:
    """Return one number per action; those that are open to nobody may be left out."""
    if not isinstance(given, Mapping):
        raise InvalidParameterError(
            f"{name} must be a number per action ({{action_id: number}}), got a {type(given).__name__}."
        )
    unknown = [key for key in given if key not in actions]
    if unknown:
        meant = [key for key in unknown if len(unknown) < len(given) or suggestion(str(key), actions)]
        raise InvalidParameterError(  # keys that may be customers are not told
            f"{name} names {meant or f'{len(unknown)} things'}, which are no actions of the playbook: {actions}."
            f"{suggestion(str(meant[0]), actions) if meant else ''}"
        )
    numbers = {key: validate.finite_number(f"{name}[{key!r}]", number) for key, number in given.items()}
    missing = [a for a, some in zip(actions, there.sum(axis=0), strict=True) if some and a not in given]
    if missing:
        raise InvalidParameterError(
            f"{name} has no number for {missing}. Add them; 0 is an action that brings nothing."
        )
    return np.array([numbers.get(action, 0.0) for action in actions])


def _column(name: str, ids: NDArray[Any], customers: Any) -> Floats:
    frame = None if customers is None else as_frame(materialised(customers))
    if not isinstance(frame, nw.DataFrame):
        raise MissingColumnsError(
            f"value is the column {name!r}, but there is no customer table. Pass customers=."
        )
    if name not in frame.columns:
        raise MissingColumnsError(
            f"value is the column {name!r}, which the customers do not have: {frame.columns}."
            f"{suggestion(name, frame.columns)}"
        )
    return validate.float_column("value", frame[name].to_numpy())[_rows(frame, ids, "customers")]


def _rows(frame: nw.DataFrame[Any], ids: NDArray[Any], name: str) -> NDArray[np.intp]:
    """Return where each customer stands in a table: by id, or in the same order where it has no ids."""
    native = frame.to_native()
    if ID not in frame.columns and not _has_index_of(native, ids):
        _check_length(name, len(frame), len(ids))
        return np.arange(len(ids))
    rows = pd.Index(read_ids(native)).get_indexer(pd.Index(ids))
    absent = int((rows < 0).sum())
    if absent:
        raise InvalidDataError(
            f"{name} lacks {absent} of {len(ids)} assigned customers. Pass a table with all of them."
        )
    return rows


def _has_index_of(native: Any, ids: NDArray[Any]) -> bool:
    """Return whether a pandas object's index holds ids instead of counting rows."""
    if not isinstance(native, (pd.DataFrame, pd.Series)):
        return False
    counts_rows = isinstance(native.index, pd.RangeIndex) and len(native) == len(ids)
    has_ids = bool(pd.Index(ids).isin(native.index).all())
    if counts_rows and has_ids and native.index.name != ID and not np.array_equal(native.index, ids):
        raise InvalidDataError(
            f"value: the index counts rows, and so do the {ID}s, in another order: whose number is whose? "
            f"Name the index {ID!r}, or pass value.to_numpy() for the order of the assignment."
        )
    return has_ids or not counts_rows


def _in_order(series: pd.Series, ids: NDArray[Any]) -> Any:
    if not _has_index_of(series, ids):
        return series.to_numpy()
    validate.refuse("value", series.index.duplicated(), "repeat a customer", "Give one number per customer.")
    rows = series.index.get_indexer(pd.Index(ids))
    absent = int((rows < 0).sum())
    if absent:
        raise InvalidDataError(
            f"value: the index of the Series lacks {absent} of {len(ids)} assigned customers. Index it by "
            f"{ID}, or pass its values in the order of the assignment."
        )
    return series.iloc[rows]


def _from_array(value: Any, ids: NDArray[Any], actions: list[str], offers: list[str]) -> Floats:
    if np.ndim(value) == 0:
        if isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
            return np.full((len(ids), 1), validate.finite_number("value", value))
        raise InvalidParameterError(f"value must be {TAKEN}; got a {type(value).__name__}.")
    array = np.asarray(value)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[1] not in (1, len(actions), len(offers)):
        raise InvalidDataError(
            f"value has shape {array.shape}: it needs one number per customer, or one column for each of the "
            f"actions that are not contractual, in the order of the playbook: {offers}."
        )
    _check_length("value", len(array), len(ids))
    columns = np.column_stack([validate.float_column("value", column) for column in array.T])
    if array.shape[1] in (1, len(actions)):
        return columns
    found = np.full((len(ids), len(actions)), np.nan)
    found[:, [actions.index(offer) for offer in offers]] = columns
    return found


def _check_length(name: str, rows: int, customers: int) -> None:
    if rows != customers:
        raise InvalidDataError(
            f"{name} has {rows} rows for {customers} assigned customers. Add the column {ID}, or pass one row "
            "for each in the order of the assignment."
        )


def _from_frame(native: Any, ids: NDArray[Any], actions: list[str], there: NDArray[np.bool_]) -> Floats:
    frame = nw.from_native(native, eager_only=True)
    found = np.full(there.shape, np.nan)
    if {ID, ACTION_ID, VALUE} <= set(frame.columns):
        row = pd.Index(ids).get_indexer(pd.Index(frame[ID].to_numpy()))
        action = pd.Index(actions).get_indexer(pd.Index(frame[ACTION_ID].to_numpy()))
        numbers = validate.float_column("value", frame[VALUE].to_numpy())
        known = (row >= 0) & (action >= 0)
        twice = pd.Index(row[known] * len(actions) + action[known]).duplicated()
        validate.refuse(
            "value", np.asarray(twice), "repeat a customer and action", "Give one number for each."
        )
        found[row[known], action[known]] = numbers[known]
        return found
    rows = _rows(frame, ids, "value")
    columns = [action for action in actions if action in frame.columns]
    if not columns:
        if VALUE in frame.columns:
            return validate.float_column("value", frame[VALUE].to_numpy())[rows][:, None]
        raise MissingColumnsError(
            f"The table in value has the columns {frame.columns}. It needs one for each action ({actions}), or "
            f"{ID}, {ACTION_ID} and {VALUE}."
        )
    for name in columns:
        found[:, actions.index(name)] = validate.float_column("value", frame[name].to_numpy())[rows]
    return found


def _refuse_holes(found: Floats, there: NDArray[np.bool_], actions: list[str]) -> None:
    """Raise if an open action has no finite value for a customer; by action, never by customer."""
    for problem, bad in (("no value (NaN)", np.isnan(found)), ("an infinite value", np.isinf(found))):
        counts = (bad & there).sum(axis=0)
        if counts.any():
            named = {action: int(n) for action, n in zip(actions, counts, strict=True) if n}
            raise InvalidDataError(
                f"value: customers to whom an action is open have {problem}, by action: {named}. "
                "Give a finite number for each; 0 is an action that brings nothing."
            )
