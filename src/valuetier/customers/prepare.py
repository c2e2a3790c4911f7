"""What happens to lines before they are judged: parents, refunds that name their order, currencies.

Written in Narwhals, so that it runs where the lines are. Tables of the caller are small or
as large as the list of customers, never as the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier.customers.audit import count_lines
from valuetier.customers.checks import no_ids
from valuetier.customers.dates import as_day
from valuetier.customers.definition import collected, ordinal
from valuetier.customers.report import IngestLine
from valuetier.customers.rules import MONEY, Columns
from valuetier.customers.sql import LINES
from valuetier.errors import InvalidDataError, InvalidParameterError, MissingColumnsError

RATE_COLUMNS = ("currency", "date", "rate")
PARENT_COLUMNS = ("customer_id", "parent_id")

# What was done to lines that are used all the same.
ROLLED_UP = "rolled up to a parent account"
CONVERTED = "converted from another currency"
MATCHED = "refund netted with the order it names"
UNMATCHED = "refund that names an order not in the log"

# Stands for a missing day, which pandas cannot count; the line is refused for it anyway.
ANY_DAY = datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Links:
    """Tables that the lines are looked up in.

    Attributes
    ----------
    roots : pandas.DataFrame or None
        Columns child and root: the topmost account of every account that has a parent.
    rates : pandas.DataFrame or None
        Columns currency, day (ordinal from which it holds) and rate.
    """

    roots: pd.DataFrame | None = None
    rates: pd.DataFrame | None = None

    @property
    def any(self) -> bool:
        """Whether there is something to look up."""
        return self.roots is not None or self.rates is not None


def read_links(parents: Any, rates: Any, columns: Columns) -> Links:
    """Return the caller's tables, checked."""
    if rates is not None and columns.currency is None:
        raise InvalidParameterError("rates needs currency=, the column of the log that names the currency.")
    return Links(
        None if parents is None else _roots(_table("parents", parents, PARENT_COLUMNS)),
        None if rates is None else _rates(rates),
    )


def prepared(lines: Any, columns: Columns, links: Links) -> Any:
    """Return the lines under their topmost account, in one currency, refunds beside their orders.

    New columns say what was done: ``child`` (the account that was rolled up, else missing)
    and ``rate`` (missing where none is known).
    """
    if links.roots is not None:
        lines = _rolled_up(lines, links.roots)
    if columns.refund_of is not None:
        lines = _refunds_beside_orders(lines, columns)
    if columns.currency is not None and links.rates is None:
        check_one_currency(lines, columns.currency)
    if links.rates is not None:
        lines = _converted(lines, columns, links.rates)
    return lines


def notes(good: Any, columns: Columns, links: Links) -> tuple[IngestLine, ...]:
    """Return what was done to good lines that are used all the same, counted by what it was."""
    found: list[IngestLine] = []
    if links.roots is not None:
        children = good.filter(~nw.col("child").is_null())
        found.append(count_lines(children.with_columns(customer=nw.col("child")), ROLLED_UP))
    if links.rates is not None:
        found.append(count_lines(good.filter(nw.col("rate") != 1.0), CONVERTED))
    if columns.refund_of is not None:
        unnamed = nw.col("refund_of").is_null()
        orders = good.filter(unnamed).select("customer", "order").unique()
        refunds = good.filter(~unnamed)
        both = ["customer", "order"]
        found.append(count_lines(refunds.join(orders, on=both, how="semi"), MATCHED))
        found.append(count_lines(refunds.join(orders, on=both, how="anti"), UNMATCHED))
    return tuple(line for line in found if line.rows)


def check_one_currency(lines: Any, name: str) -> None:
    """Raise if lines are in several currencies; ``name`` is the column of the log."""
    known = lines.filter(~nw.col("currency").is_null()).select(nw.col("currency").n_unique())
    different = int(collected(known).rows()[0][0] or 0)
    if different > 1:
        raise InvalidDataError(
            f"{name} holds {different} currencies, which cannot be added up. Pass rates=, a table of currency, "
            "date and rate."
        )


def _refunds_beside_orders(lines: Any, columns: Columns) -> Any:
    """Return the lines with refunds under the id of the order that they name."""
    if lines.implementation.is_pandas():
        frame = lines.to_native()
        known = frame["refund_of"].notna().to_numpy()
        if not known.any():
            return lines
        _check_one_type(lines, columns)
        order = _replaced(frame["order"], known, frame["refund_of"].array[known])
        return nw.from_native(frame.assign(order=order))
    _check_one_type(lines, columns)
    named = nw.col("refund_of").cast(lines.collect_schema()["order"])  # floats would not tell large ids apart
    is_refund = ~nw.col("refund_of").is_null()
    return lines.with_columns(order=nw.when(is_refund).then(named).otherwise(nw.col("order")))


def _check_one_type(lines: Any, columns: Columns) -> None:
    """Raise where ids of orders are numbers here and text there: none would be found."""
    schema = lines.collect_schema()
    types = (schema["order"], schema["refund_of"])
    if {dtype.is_numeric() for dtype in types if not isinstance(dtype, (nw.Object, nw.Unknown))} == {
        True,
        False,
    }:
        names = [type(dtype).__name__ for dtype in types]
        raise InvalidDataError(
            f"{columns.order} ({names[0]}) and {columns.refund_of} ({names[1]}) must hold ids of one type. "
            "Convert one of them."
        )


def _rolled_up(lines: Any, roots: pd.DataFrame) -> Any:
    if lines.implementation.is_pandas():
        return nw.from_native(_rolled_up_in_pandas(lines.to_native(), roots))
    table = _accounts(lines, roots)
    joined = lines.join(table, left_on="customer", right_on="child", how="left")
    is_child = ~nw.col("root").is_null()
    return joined.with_columns(
        child=nw.when(is_child).then(nw.col("customer")),
        customer=nw.when(is_child).then(nw.col("root")).otherwise(nw.col("customer")),
    ).drop("root")


def _accounts(lines: Any, roots: pd.DataFrame) -> Any:
    """Return roots as a frame of the engine in which the lines are, ids of the type of theirs."""
    dtype = lines.collect_schema()["customer"]
    table = alike(lines, _of_type(roots, dtype))
    if lines.implementation.is_duckdb():  # has types that Narwhals has no name for
        native, log = table.to_native(), lines.to_native()
        sql = log.types[log.columns.index("customer")]
        return nw.from_native(native.project(f"child::{sql} AS child, root::{sql} AS root"))
    table = table.select(nw.col("child", "root").cast(dtype))
    if not lines.implementation.is_polars():
        return table
    try:
        return table.lazy().collect().lazy()
    except nw.exceptions.NarwhalsError:
        raise _other_type(dtype) from None


def _rolled_up_in_pandas(lines: pd.DataFrame, roots: pd.DataFrame) -> pd.DataFrame:
    """Return the same of a pandas frame, in which a join would turn integers into floats."""
    ids = plain(lines["customer"])
    if ids.dtype != object:
        roots = _of_type(roots, nw.from_native(ids, series_only=True).dtype)
    place = pd.Index(roots["child"]).get_indexer(pd.Index(ids))
    found = place >= 0
    child = ids.astype(object).where(pd.Series(found, index=ids.index), None)
    return lines.assign(child=child, customer=_replaced(ids, found, roots["root"].array[place[found]]))


def plain(ids: pd.Series) -> pd.Series:
    """Return ids that are categories as what they are."""
    return ids.astype(ids.cat.categories.dtype) if isinstance(ids.dtype, pd.CategoricalDtype) else ids


def _replaced(ids: pd.Series, chosen: NDArray[np.bool_], others: Any) -> pd.Series:
    """Return ids, of the same type, with others in chosen places."""
    ids = plain(ids).copy()
    if chosen.any():
        ids[chosen] = pd.Series(others).astype(ids.dtype).array
    return ids


def _of_type(roots: pd.DataFrame, dtype: Any) -> pd.DataFrame:
    """Return roots with ids of the type of those in the log; raise unless that is possible."""
    if dtype == nw.String:
        roots = roots.astype("str")
    elif dtype.is_numeric():
        try:
            given = roots.apply(pd.to_numeric)
            sized = dtype.is_integer() and hasattr(np, str(dtype).lower())  # NumPy has none of 128 bits
            roots = given.astype(str(dtype).lower()) if sized else given
        except (ValueError, TypeError, OverflowError):
            raise _other_type(dtype) from None
        if not (roots == given).all(axis=None):
            raise _other_type(dtype)
    _check_one_parent(roots["child"])
    return roots


def _other_type(dtype: object) -> InvalidDataError:
    return InvalidDataError(
        f"parents: accounts must be ids of the same type as in the log, which is {type(dtype).__name__}. Convert them first."
    )


def _converted(lines: Any, columns: Columns, rates: pd.DataFrame) -> Any:
    """Return the lines with money in the base currency, at the rate of the line's day."""
    dtype = lines.collect_schema()["currency"]
    if isinstance(dtype, (nw.Categorical, nw.Enum)):
        lines = lines.with_columns(nw.col("currency").cast(nw.String))
    elif dtype.is_numeric() != pd.api.types.is_numeric_dtype(rates["currency"]):
        raise InvalidDataError(
            f"rates: currency must hold values of the same type as {columns.currency}, which is "
            f"{type(dtype).__name__}. Convert one of them."
        )
    lines = lines.with_columns(day=ordinal(nw.col("at").fill_null(ANY_DAY)))
    table = alike(lines, rates).with_columns(nw.col("day").cast(nw.Int64))
    # the day from which the rate of a line holds: the last one up to the line's own
    found = (
        lines.select("currency", "day")
        .unique()
        .join(table.rename({"day": "valid_from"}), on="currency", how="inner")
        .filter(nw.col("valid_from") <= nw.col("day"))
        .group_by("currency", "day")
        .agg(nw.col("valid_from").max())
    )
    table = table.rename({"day": "valid_from"})
    dated = found.join(table, on=["currency", "valid_from"], how="inner").select("currency", "day", "rate")
    money = [name for name in MONEY if name in columns.roles()]
    return (
        lines.join(dated, on=["currency", "day"], how="left")
        .with_columns(*(nw.col(name) * nw.col("rate") for name in money))
        .drop("day")
    )


def alike(lines: Any, small: pd.DataFrame) -> Any:
    """Return a small pandas table as a frame of the engine in which the lines are."""
    engine, native = lines.implementation, lines.to_native()
    if engine.is_duckdb():
        # DuckDB finds it by its name: one that no table of the caller has, for it would be read in its place
        valuetier_table = small  # noqa: F841
        return nw.from_native(native.query(LINES, "SELECT * FROM valuetier_table"))
    if engine.is_spark_like():
        table = nw.from_native(small).to_arrow()  # of pandas PySpark would take its own view
        return nw.from_native(native.sparkSession.createDataFrame(table))
    if engine.is_ibis():
        import ibis

        return nw.from_native(ibis.memtable(nw.from_native(small).to_arrow()))
    if engine.is_pandas():
        return nw.from_native(small)
    columns = {name: small[name].to_list() for name in small.columns}
    made = nw.from_dict(columns, backend=engine)
    return made.lazy() if isinstance(lines, nw.LazyFrame) else made


def _table(name: str, given: Any, columns: tuple[str, ...]) -> pd.DataFrame:
    """Return a small table of any kind as pandas; a mapping has its keys in the first column."""
    if isinstance(given, Mapping):
        return pd.DataFrame({columns[0]: list(given), columns[-1]: list(given.values())})
    frame = nw.from_native(given, pass_through=True)
    if not isinstance(frame, (nw.DataFrame, nw.LazyFrame)):
        raise InvalidParameterError(
            f"{name} must be a table with the columns {list(columns)} or a mapping, got {type(given).__name__}."
        )
    there = list(frame.collect_schema().names())
    missing = [column for column in columns if column not in there]
    if missing:
        raise MissingColumnsError(f"{name} lacks {missing}. It has {there}.")
    eager = frame.select(*columns)
    eager = eager.collect("pandas") if isinstance(eager, nw.LazyFrame) else eager
    return eager.to_pandas().reset_index(drop=True)


def _roots(parents: pd.DataFrame) -> pd.DataFrame:
    """Return the topmost account of each account with a parent; raise for cycles and two parents."""
    parents = parents.dropna().convert_dtypes(dtype_backend="numpy_nullable").astype(object)
    _check_one_parent(parents["customer_id"])
    try:
        codes, accounts = pd.factorize(pd.concat([parents["customer_id"], parents["parent_id"]]))
    except TypeError:
        raise no_ids("parents") from None
    above = np.arange(len(accounts))
    above[codes[: len(parents)]] = codes[len(parents) :]
    for _ in range(len(accounts).bit_length() + 1):  # each step doubles the levels that are climbed
        above = above[above]
    children = codes[: len(parents)]
    circular = np.intersect1d(above[children], children)  # a circle has no other end
    if len(circular):
        raise InvalidDataError(
            f"parents: {len(circular)} of {len(accounts)} accounts are among their own parents. "
            "Let every chain end at an account without parent."
        )
    return pd.DataFrame({"child": accounts.take(children), "root": accounts.take(above[children])})


def _check_one_parent(children: pd.Series) -> None:
    """Raise unless no account is named twice."""
    repeated = int(children.duplicated().sum())
    if repeated:
        raise InvalidDataError(
            f"parents: {repeated} of {len(children)} rows name an account a second time. "
            "An account has one parent: drop the others."
        )


def _rates(given: Any) -> pd.DataFrame:
    """Return rates by currency and the ordinal of the day from which they hold."""
    if isinstance(given, Mapping):
        table = _table("rates", given, ("currency", "rate")).assign(date=date(1, 1, 1))
    else:
        table = _table("rates", given, RATE_COLUMNS)
    if table.empty:
        raise InvalidDataError("rates has 0 rows. Pass at least one rate, of the currency that you want: 1.")
    rate = pd.to_numeric(table["rate"], errors="coerce").to_numpy(dtype=np.float64)
    bad = int((~(np.isfinite(rate) & (rate > 0))).sum())
    if bad:
        raise InvalidDataError(
            f"rates: {bad} of {len(table)} rates are not above 0. A rate is what one unit of the currency is worth."
        )
    days = np.array([_day_of(day).toordinal() for day in table["date"]], dtype=np.int64)
    rates = pd.DataFrame({"currency": table["currency"], "day": days, "rate": rate})
    repeated = int(rates.duplicated(["currency", "day"]).sum())
    if repeated:
        raise InvalidDataError(
            f"rates: {repeated} of {len(rates)} rows repeat a currency and day. Keep one rate a day."
        )
    return rates


def _day_of(day: Any) -> date:
    """Return the day from which a rate holds; raise unless it is a date, or ISO text."""
    try:
        found = as_day(day, "rates: date")
    except InvalidParameterError:
        found = None
    if found is None:
        raise InvalidDataError("rates: date must hold dates. Convert the column first.")
    return found
