"""What looks wrong in an order log although every row can be read: found in a few small counts.

Each rule is a function of counts and returns what it suspects; nothing is changed or refused.
Texts name days and numbers of the whole log, never a customer.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from valuetier.customers.definition import collected
from valuetier.customers.swaps import Month, swapped_months
from valuetier.store import storable

SENTINEL, LAST, FIRST = "sentinel date", "isolated last days", "isolated first days"
SWAPPED, ACCOUNT, IDS = "day and month swapped", "collective account", "ids that differ in case or blanks"

# Days that software writes where it knows none, and why just that one.
SENTINELS: dict[date, str] = {
    date(1, 1, 1): "the empty date of .NET and Go",
    date(1601, 1, 1): "day 0 of Windows",
    date(1753, 1, 1): "the first day of SQL Server",
    date(1899, 12, 30): "day 0 of Excel and OLE",
    date(1899, 12, 31): "day 0 of Excel, counted from 1900-01-01",
    date(1900, 1, 1): "day 1 of Excel, and the empty date of SQL Server",
    date(1904, 1, 1): "day 0 of Excel on old Macs",
    date(1969, 12, 31): "day 0 of Unix, west of Greenwich",
    date(1970, 1, 1): "day 0 of Unix",
    date(1980, 1, 1): "day 0 of DOS",
    date(2038, 1, 19): "the last day of Unix in 32 bits",
    date(2079, 6, 6): "the last short day of SQL Server",
    date(2099, 12, 31): "a common never",
    date(2999, 12, 31): "a common never",
    date(9999, 12, 31): "the last day that databases know",
}
# An ordinary day so near makes a sentinel an ordinary day: the log may well be of that time.
NEAR_DAYS = 31

# Isolated days hold a handful of rows: at most one in a hundred, and five; in large logs one in ten thousand.
HANDFUL_SHARE, HANDFUL, HANDFUL_SHARE_OF_LARGE = 100, 5, 10_000
# ... beyond a gap of at least a quarter of a year, which a shop that sells every month does not know,
GAP_DAYS = 90
# ... and so much longer than every gap elsewhere. Where orders come at random times, m gaps elsewhere let one at
# an end be c times the longest with probability m B(m, c + 1) ≈ c! / m^c: below 3e-8 from 100 orders on.
GAP_RATIO = 5

# A tenth of all rows in one account, and fifty times the mean, so 500 customers or more. Among 500 customers
# who differ as much as those of CDNOW (gamma with shape 0.24) the largest has 3.5 % of the orders on average,
# and more than 8 % in one log of a thousand.
ACCOUNT_SHARE, ACCOUNT_RATIO = 0.1, 50
# Fewer rows than this in the account are too few to speak of a share.
ACCOUNT_ROWS = 100

# What a regular expression of every engine takes for a blank: also those that do not break, of Chinese text, and of no width.
BLANKS = "[\\s\u00a0\u2000-\u200b\u202f\u3000\ufeff]+"


# A character that no id has, and no blank.
END_OF_ID = "\x00"


@storable
@dataclass(frozen=True, slots=True)
class Suspicion:
    """Something in an order log that is probably not what it says.

    Attributes
    ----------
    code : str
        Which rule found it.
    rows : int
        Rows of the log that it is about; 0 if the rule does not count rows.
    customers : int
        Customers that it is about; 0 if the rule does not count customers.
    days : tuple of str
        Days that it is about, in ISO 8601: of isolated days the first and the last, of months the first days.
    text, text_zh : str
        What was seen, and what to do about it.
    """

    code: str
    rows: int
    customers: int
    days: tuple[str, ...]
    text: str
    text_zh: str

    def __str__(self) -> str:
        return self.text


class Accounts(NamedTuple):
    """How rows are spread: of the customer who has most, customers, and rows in all."""

    largest: int
    customers: int
    rows: int


class IdCounts(NamedTuple):
    """Distinct ids as they are, and without regard to case and blanks."""

    distinct: int
    normalised: int


def find_suspicions(
    days: pd.DataFrame, accounts: Accounts | None = None, ids: IdCounts | None = None
) -> tuple[Suspicion, ...]:
    """Return all that looks wrong in an order log.

    Parameters
    ----------
    days : DataFrame
        One line per calendar day that has rows: ``day`` (dates or datetimes), ``rows``.
    accounts : Accounts, optional
    ids : IdCounts, optional
        For ids that are text; see :func:`count_ids`.

    Examples
    --------
    >>> days = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=200), "rows": 3})
    >>> find_suspicions(days, Accounts(40, 90, 600), IdCounts(90, 90))
    ()
    >>> days.loc[200] = [pd.Timestamp("1970-01-01"), 12]
    >>> print(*find_suspicions(days))
    12 rows are dated 1970-01-01, day 0 of Unix: probably dates that were not known. Make them missing, or
    pass since='2024-01-01' to leave them out.
    """
    found = suspicious_days(days)
    if accounts is not None:
        found += suspicious_account(accounts)
    return found if ids is None else found + suspicious_ids(ids)


# --- days -------------------------------------------------------------------------------------


class _Days(NamedTuple):
    """Days as ordinals, ascending, and the rows of each."""

    ordinals: NDArray[np.int64]
    rows: NDArray[np.int64]

    def where(self, chosen: NDArray[np.bool_]) -> _Days:
        return _Days(self.ordinals[chosen], self.rows[chosen])


def suspicious_days(days: pd.DataFrame) -> tuple[Suspicion, ...]:
    """Return what looks wrong in the days of a log: each rule looks at what the one before it left.

    Parameters
    ----------
    days : DataFrame
        One line per calendar day that has rows: ``day`` (dates or datetimes), ``rows``.
    """
    log = _read(days)
    sentinels, log = _without_sentinels(log)
    isolated, log = _without_isolated(log)
    strange, whole = swapped_months(log.ordinals, log.rows)
    return (*sentinels, *isolated, *([_swapped(strange, whole)] if strange else []))


def _read(days: pd.DataFrame) -> _Days:
    column = days["day"]
    if column.dtype == object:
        at = np.fromiter((day.toordinal() for day in column), dtype=np.int64, count=len(column))
    else:
        at = column.to_numpy("datetime64[D]").astype(np.int64) + date(1970, 1, 1).toordinal()
    order = np.argsort(at, kind="stable")
    return _Days(at[order], days["rows"].to_numpy(np.int64)[order])


def _iso(ordinal: float) -> str:
    return date.fromordinal(int(ordinal)).isoformat()


def _without_sentinels(log: _Days) -> tuple[list[Suspicion], _Days]:
    """Return the days that stand for none, and the log without them."""
    known = np.array([day.toordinal() for day in SENTINELS])
    named = np.isin(log.ordinals, known)
    ordinary = log.ordinals[~named]
    place = np.searchsorted(ordinary, log.ordinals)
    before = np.append(-np.inf, ordinary)[place]
    after = np.append(ordinary, np.inf)[place]
    strange = named & (np.minimum(log.ordinals - before, after - log.ordinals) > NEAR_DAYS)
    found = [
        _sentinel(day, int(log.rows[place]), before[place], after[place])
        for place, day in enumerate(map(date.fromordinal, log.ordinals.tolist()))
        if strange[place]
    ]
    return found, log.where(~strange)


def _sentinel(day: date, rows: int, before: float, after: float) -> Suspicion:
    """Return the suspicion; ``before`` and ``after`` are the nearest ordinary days, infinite if there is none."""
    way_out, way_out_zh = "Make them missing", "请把它们改为缺失"
    if math.isfinite(before) != math.isfinite(after):
        window = f"as_of='{_iso(before)}'" if math.isfinite(before) else f"since='{_iso(after)}'"
        way_out += f", or pass {window} to leave them out"
        way_out_zh += f"，或传入 {window} 将其排除"
    return Suspicion(
        SENTINEL,
        rows,
        0,
        (day.isoformat(),),
        f"{rows} rows are dated {day}, {SENTINELS[day]}: probably dates that were not known. {way_out}.",
        f"有 {rows} 行的日期是 {day}，这是软件在日期未知时常写的值，多半并非真实日期。{way_out_zh}。",
    )


def _without_isolated(log: _Days) -> tuple[list[Suspicion], _Days]:
    """Return the few rows far from all others at either end, and the log without them."""
    total = int(log.rows.sum())
    handful = min(total // HANDFUL_SHARE, max(HANDFUL, total // HANDFUL_SHARE_OF_LARGE))
    below = int(np.count_nonzero(np.cumsum(log.rows) <= handful))
    above = int(np.count_nonzero(np.cumsum(log.rows[::-1]) <= handful))
    core = log.ordinals[below : len(log.ordinals) - above]
    if not handful or len(core) < 2:
        return [], log
    least = max(GAP_DAYS, GAP_RATIO * int(np.diff(core).max()))
    wide = np.diff(log.ordinals) >= least
    starts = np.flatnonzero(wide[:below]) + 1
    first = int(starts[-1]) if len(starts) else 0
    ends = np.flatnonzero(wide[len(wide) - above :]) if above else np.empty(0, dtype=np.intp)
    last = len(log.ordinals) - above + int(ends[0]) if len(ends) else len(log.ordinals)
    found = []
    if first:
        found.append(_isolated_first(_Days(log.ordinals[:first], log.rows[:first]), int(log.ordinals[first])))
    if last < len(log.ordinals):
        found.append(_isolated_last(_Days(log.ordinals[last:], log.rows[last:]), int(log.ordinals[last - 1])))
    return found, _Days(log.ordinals[first:last], log.rows[first:last])


def _isolated_last(days: _Days, before: int) -> Suspicion:
    rows, gap, end = int(days.rows.sum()), int(days.ordinals[0]) - before, _iso(days.ordinals[-1])
    return Suspicion(
        LAST,
        rows,
        0,
        (_iso(days.ordinals[0]), _iso(days.ordinals[-1])),
        f"{rows} rows lie {gap} days and more after all others, the last on {end}, which is as_of unless you "
        f"say otherwise. Correct them if they are typos, or pass as_of='{_iso(before)}'.",
        f"有 {rows} 行比其余各行晚 {gap} 天以上，最后一天是 {end}；若不另行指定，as_of 就会取这一天。"
        f"若为录入错误请更正，或传入 as_of='{_iso(before)}'。",
    )


def _isolated_first(days: _Days, after: int) -> Suspicion:
    rows, gap, start = int(days.rows.sum()), after - int(days.ordinals[-1]), _iso(days.ordinals[0])
    return Suspicion(
        FIRST,
        rows,
        0,
        (_iso(days.ordinals[0]), _iso(days.ordinals[-1])),
        f"{rows} rows lie {gap} days and more before all others, the first on {start}. "
        f"Correct them if they are typos or tests, or pass since='{_iso(after)}'.",
        f"有 {rows} 行比其余各行早 {gap} 天以上，最早一天是 {start}。"
        f"若为录入错误或测试订单请更正，或传入 since='{_iso(after)}'。",
    )


def _swapped(strange: list[Month], whole: int) -> Suspicion:
    rows = sum(month.rows for month in strange)
    start, end = (f"{month.first:%Y-%m}" for month in (strange[0], strange[-1]))
    return Suspicion(
        SWAPPED,
        rows,
        0,
        tuple(month.first.isoformat() for month in strange),
        f"{len(strange)} of {whole} whole months, {start} to {end}, have orders on several days but on none after "
        f"the 12th ({rows} rows): day and month are probably swapped, as where 03/04 is read now as 3 April, now "
        "as 4 March. Read the dates again, with date_format= as they are written.",
        f"{whole} 个完整月份中有 {len(strange)} 个（{start} 至 {end}，共 {rows} 行）在多个日子有订单，"
        "却没有一天在 12 日之后：很可能把日和月读反了，例如 03/04 时而读作 4 月 3 日、时而读作 3 月 4 日。"
        "请用 date_format= 按原来的写法重新读取日期。",
    )


# --- customers --------------------------------------------------------------------------------


def suspicious_account(accounts: Accounts) -> tuple[Suspicion, ...]:
    """Return the one customer who has a large share of all rows, if there is one."""
    largest, customers, rows = accounts
    small = largest < max(ACCOUNT_ROWS, ACCOUNT_SHARE * rows)
    if small or largest * customers < ACCOUNT_RATIO * rows:
        return ()
    share = f"{largest / rows:.0%}"
    return (
        Suspicion(
            ACCOUNT,
            largest,
            1,
            (),
            f"One of {customers} customers has {largest} of {rows} rows ({share}): probably no person, but "
            "where orders without a known customer are booked, such as guests or the till. "
            "Make that id missing and pass bad_rows='drop', so that they are counted apart.",
            f"{customers} 位客户中有一位占了 {rows} 行中的 {largest} 行（{share}）：这多半不是真实的客户，"
            "而是散客、收银台等归集账户。请把该编号改为缺失，并传入 bad_rows='drop' 单独计数。",
        ),
    )


def suspicious_ids(ids: IdCounts) -> tuple[Suspicion, ...]:
    """Return how many ids differ from another one in case or blanks only, if any do."""
    spare = ids.distinct - ids.normalised
    if not spare:
        return ()
    return (
        Suspicion(
            IDS,
            0,
            spare,
            (),
            f"{ids.distinct} ids are {ids.normalised} if upper and lower case and blanks do not count: {spare} "
            "customers may be counted twice. Write ids in one way, unless case tells yours apart.",
            f"若不计大小写与空格，{ids.distinct} 个客户编号只剩 {ids.normalised} 个：有 {spare} 位客户可能被重复计算。"
            "请统一编号写法；若你的编号本来就区分大小写，则不必理会。",
        ),
    )


def count_spellings(ids: list[str]) -> IdCounts:
    """Return the same counts of distinct ids in memory: one pass over all of them as one text.

    Examples
    --------
    >>> count_spellings(["A 1", "a1", "b2"])
    IdCounts(distinct=3, normalised=2)
    """
    plain = re.sub(BLANKS, "", END_OF_ID.join(ids)).lower()
    return IdCounts(len(ids), len(set(plain.split(END_OF_ID))))


def count_ids(ids: nw.Series[Any] | nw.DataFrame[Any] | nw.LazyFrame[Any]) -> IdCounts:
    """Return how many distinct ids there are, as they are and without regard to case and blanks.

    Parameters
    ----------
    ids : Narwhals series, or frame of one column
        Ids that are text, distinct or not; missing ones do not count.

    Examples
    --------
    >>> count_ids(nw.from_native(pd.Series(["A 1", "a1", "b2", None]), series_only=True))
    IdCounts(distinct=3, normalised=2)
    """
    frame = ids.to_frame() if isinstance(ids, nw.Series) else ids
    name = frame.collect_schema().names()[0]
    known = frame.filter(~nw.col(name).is_null())
    plain = nw.col(name).str.replace_all(BLANKS, "").str.to_lowercase()
    counts = known.select(distinct=nw.col(name).n_unique(), normalised=plain.n_unique())
    row = collected(counts).rows(named=True)[0]
    if pd.isna(row["distinct"]):  # DuckDB's count of no rows
        return IdCounts(0, 0)
    return IdCounts(int(row["distinct"]), int(row["normalised"]))
