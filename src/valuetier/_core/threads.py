"""Work on all cores: array functions release the interpreter's lock."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

Item = TypeVar("Item")
Found = TypeVar("Found")

PREFIX = "valuetier"


def in_threads(function: Callable[[Item], Found], items: Sequence[Item]) -> list[Found]:
    """Return the function's values in order, computed on all cores.

    The items go round the threads, and each thread works through its own: what is computed
    does not depend on their number. Worth it for items of a millisecond, not for small ones.

    Examples
    --------
    >>> in_threads(lambda number: number**2, [1, 2, 3])
    [1, 4, 9]
    """
    cores = min(_cores(), len(items))
    if cores < 2 or threading.current_thread().name.startswith(PREFIX):  # no threads of threads
        return [function(item) for item in items]
    shares = [items[start::cores] for start in range(cores)]
    rest = [_pool(os.getpid()).submit(_all, function, share) for share in shares[1:]]
    results = [_all(function, shares[0]), *(share.result() for share in rest)]
    return [results[place % cores][place // cores] for place in range(len(items))]


def _all(function: Callable[[Item], Found], items: Sequence[Item]) -> list[Found]:
    return [function(item) for item in items]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _pool(process: int) -> ThreadPoolExecutor:  # noqa: ARG001  # threads do not survive a fork
    """Return the threads of this process."""
    return ThreadPoolExecutor(_cores(), thread_name_prefix=PREFIX)
