"""From an order log to a customer table: one definition, the engines that run it, the ingest report."""

from valuetier.customers.gaps import sum_log_gaps
from valuetier.customers.names import from_lifetimes, to_lifetimes
from valuetier.customers.report import IngestReport
from valuetier.customers.summary import Summary, summarize
from valuetier.customers.trend import spend_trend

__all__ = [
    "IngestReport",
    "Summary",
    "from_lifetimes",
    "spend_trend",
    "sum_log_gaps",
    "summarize",
    "to_lifetimes",
]
