"""``fit``: learning from customers wherever they are, from an even sample where they are too many.

A segmenter learns where its cuts fall among the customers. A million of them, chosen without
regard to what they bought, say where a share of all falls to a seventh of a percentage point.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeVar

import narwhals as nw
import pandas as pd

from valuetier import _validate as validate
from valuetier.customers.sources import is_dask
from valuetier.errors import MissingColumnsError
from valuetier.tables import ID, as_frame, in_pandas

AnySegmenter = TypeVar("AnySegmenter", bound=Any)

# Ids are spread evenly over so many buckets by a hash; the first ones are the sample.
BUCKETS = 2**30
BUCKET = "bucket_of_the_id"


@dataclass(frozen=True, slots=True)
class LearningReport:
    """How many customers a segmenter was learned from, and how far shares may be off.

    Attributes
    ----------
    customers : int
        In the table.
    used : int
        Learned from.
    share_error : float
        With 95 % confidence the share of customers below any value, of any column, in the
        sample differs from that in the table by no more than this; 0 if all were used.
    """

    customers: int
    used: int
    share_error: float


def fit(segmenter: AnySegmenter, customers: Any, *, max_rows: int = 1_000_000) -> AnySegmenter:
    """Return the segmenter, fitted to the customers of a table of any kind and size.

    A table in memory is learned from as it is. Of a Spark or Dask DataFrame, an Ibis table, a
    DuckDB relation or a Polars query at most ``max_rows`` customers come to this process: if it has
    more, those with the smallest hashes of their ids. The same table gives the same sample,
    whatever the order of its rows, with one version of its engine. A segmenter that learns from
    counts, as :class:`valuetier.CLVSegmenter` does its purchase model, learns from those of all
    customers, made by the engine.

    Parameters
    ----------
    segmenter : Segmenter
        Anything with ``fit``. Its attribute ``learned_from`` becomes the :class:`LearningReport`
        of this fit; it is no part of the model and not stored.
    customers : table
        One row per customer. A query is run twice, to count and to fetch: cache what is dear.
    max_rows : int
        Most customers to learn from if they are not in memory.

    Returns
    -------
    Segmenter
        The same object.

    Raises
    ------
    MissingColumnsError
        If a sample is needed and the table has no column customer_id.

    Notes
    -----
    The error of shares is the bound of Dvoretzky, Kiefer and Wolfowitz with the constant of
    Massart (1990), Annals of Probability 18(3), 1269-1283: sqrt(log(2 / 0.05) / (2 n)). It holds for draws
    with replacement, and draws without are closer.

    Examples
    --------
    >>> import valuetier as vt
    >>> segmenter = vt.fit(vt.PyramidSegmenter(), vt.checks.make_customers(300))
    >>> segmenter.learned_from
    LearningReport(customers=300, used=300, share_error=0.0)
    """
    most = validate.whole_number("max_rows", max_rows, 2)
    sample, there, used = _sampled(customers, most)
    if used < there and hasattr(segmenter, "counted_columns"):
        segmenter.fit(sample, histories=_counted(as_frame(customers), segmenter.counted_columns()))
    else:
        segmenter.fit(sample)
    segmenter.learned_from = LearningReport(there, used, share_error(used) if used < there else 0.0)
    return segmenter


def share_error(n: int) -> float:
    """Return how far any share found among ``n`` customers may be off, with 95 % confidence.

    Examples
    --------
    >>> round(share_error(1_000_000), 5)
    0.00136
    """
    return math.sqrt(math.log(2 / 0.05) / (2 * n)) if n else 1.0


def _sampled(customers: Any, most: int) -> tuple[Any, int, int]:
    """Return a table in memory, how many customers there are, and how many are in it."""
    if is_dask(customers):
        return _from_partitions(customers, most)
    frame = as_frame(customers)
    if not isinstance(frame, nw.LazyFrame):
        n = len(customers)
        return customers, n, n
    there = int(in_pandas(frame.select(nw.len())).to_numpy()[0, 0])
    if there <= most:
        return in_pandas(frame), there, there
    _require_ids(list(frame.collect_schema().names()))
    first = _with_buckets(frame).filter(nw.col(BUCKET) < _limit(most, there))
    sample = _first(in_pandas(first), most)
    return sample, there, len(sample)


def _counted(frame: Any, columns: tuple[str, ...]) -> pd.DataFrame:
    """Return how many customers have each combination of values, counted by the engine."""
    with_one = frame.select(*columns, customers=nw.lit(1))
    return in_pandas(with_one.group_by(*columns).agg(nw.col("customers").sum()))


def _from_partitions(customers: Any, most: int) -> tuple[Any, int, int]:
    """Return the same of a Dask DataFrame."""
    there = len(customers)
    if there <= most:
        return customers.compute(), there, there
    _require_ids(list(customers.columns))
    limit = _limit(most, there)
    sample = _first(customers.map_partitions(_first_buckets, limit).compute(), most)
    return sample, there, len(sample)


def _limit(most: int, there: int) -> int:
    """Return how many buckets hold about as many customers as wanted."""
    return math.ceil(most * BUCKETS / there)


def _first(sample: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return the customers of the first buckets, sorted by id."""
    chosen = sample.sort_values([BUCKET, ID]).head(most).drop(columns=BUCKET)
    return chosen.sort_values(ID, ignore_index=True)


def _first_buckets(part: pd.DataFrame, limit: int) -> pd.DataFrame:
    hashes = pd.util.hash_array(part[ID].to_numpy(), categorize=False) % BUCKETS
    return part.assign(**{BUCKET: hashes.astype("int64")})[hashes < limit]


def _with_buckets(frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Return a query with the bucket of each id, by the hash that its engine has."""
    native, engine = frame.to_native(), frame.implementation
    if engine.is_duckdb():
        return nw.from_native(native.project(f'*, (hash("{ID}") % {BUCKETS})::BIGINT AS "{BUCKET}"'))
    if engine.is_spark_like():
        return nw.from_native(native.selectExpr("*", f"pmod(xxhash64({ID}), {BUCKETS}) AS {BUCKET}"))
    if engine.is_ibis():
        hashed = native[ID].hash() % BUCKETS
        return nw.from_native(native.mutate(**{BUCKET: (hashed + BUCKETS) % BUCKETS}))
    import polars as pl

    hashed = (pl.col(ID).hash(seed=0) % BUCKETS).cast(pl.Int64)
    return nw.from_native(native.with_columns(hashed.alias(BUCKET)))


def _require_ids(there: list[Any]) -> None:
    if ID not in there:
        raise MissingColumnsError(
            f"The customer table lacks {[ID]!r}, by which an even sample is drawn. It has {there}."
        )
