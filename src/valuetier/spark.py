"""Spark DataFrames of customers: judged where they are, batch by batch in the executors."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from valuetier.errors import InvalidDataError, MissingColumnsError

ID = "customer_id"

# What is known of a customer besides the id, with Spark's types.
COLUMNS = {"tier": "string", "segment": "string", "score": "double", "tier_code": "int"}

NUMBERS = ("tinyint", "smallint", "int", "bigint", "float", "double")

Judge = Callable[[pd.DataFrame], pd.DataFrame]


def is_spark(X: Any) -> bool:
    """Return whether a table is a Spark DataFrame; PySpark is not imported to find out."""
    module = sys.modules.get("pyspark.sql")
    return module is not None and isinstance(X, module.DataFrame)


def judged(customers: Any, judge: Judge) -> Any:
    """Return a Spark DataFrame of customer_id and what ``judge`` finds, computed when it is used.

    Parameters
    ----------
    customers : Spark DataFrame
        One row per customer, with the column customer_id of any type.
    judge : callable
        Takes a pandas frame of some customers and returns one with the columns tier,
        segment, score and tier_code in the same order. It travels to the executors, which need
        the packages that it comes from.

    Raises
    ------
    MissingColumnsError
        If there is no column customer_id, or ``judge`` lacks a column.
    """
    there = list(customers.columns)
    if ID not in there:
        raise MissingColumnsError(
            f"The customer table lacks {[ID]!r}. It has {there}. In Spark customers have no other id: "
            "rows have no numbers there."
        )
    customers = _with_doubles(customers)
    _ask_for_columns(customers, judge)
    found = ", ".join(f"{name} {dtype}" for name, dtype in COLUMNS.items())
    id_type = dict(customers.dtypes)[ID]
    with warnings.catch_warnings():  # which pandas PySpark supports does not matter: it gets Arrow
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        return customers.mapInArrow(_in_batches(judge), f"{ID} {id_type}, {found}")


def refuse_to_collect(X: Any, name: str = "X") -> None:
    """Raise if ``X`` is a Spark DataFrame, which is not brought to the driver unasked."""
    if is_spark(X):
        raise InvalidDataError(
            f"{name} is a Spark DataFrame, which is not collected unasked. Learn with "
            "valuetier.fit(segmenter, customers), give tiers with valuetier.assign(segmenter, customers), "
            "or collect what fits with customers.toPandas()."
        )


def _ask_for_columns(customers: Any, judge: Judge) -> None:
    """Raise here, not in the executors, if the customers lack a column."""
    try:
        judge(_empty(customers))
    except MissingColumnsError:
        raise
    except Exception:  # a segmenter need not bear a table without customers
        return


def _empty(customers: Any) -> pd.DataFrame:
    """Return a pandas frame with the columns of the customers and none of them."""
    kinds = {name: "float64" if dtype in NUMBERS else "object" for name, dtype in customers.dtypes}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})


def _with_doubles(customers: Any) -> Any:
    """Return the customers with decimals as doubles, except the id: numbers are computed with."""
    exact = [name for name, dtype in customers.dtypes if dtype.startswith("decimal") and name != ID]
    doubles = {name: customers[f"`{name}`"].cast("double") for name in exact}
    return customers.withColumns(doubles) if doubles else customers


def _in_batches(judge: Judge) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """Return the function that executors run on their Arrow batches."""

    def run(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow as pa

        for batch in batches:
            found = judge(batch.to_pandas())
            columns = [
                batch.column(batch.schema.get_field_index(ID)),
                pa.array(found["tier"].astype(object), pa.string()),
                pa.array(found["segment"].astype(object), pa.string()),
                pa.array(found["score"].to_numpy(np.float64), pa.float64()),
                pa.array(found["tier_code"].to_numpy(np.int32), pa.int32()),
            ]
            yield pa.RecordBatch.from_arrays(columns, names=[ID, *COLUMNS])

    return run
