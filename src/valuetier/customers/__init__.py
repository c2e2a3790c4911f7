"""From an order log to a customer table: one definition, the engines that run it, the ingest report."""

from valuetier.customers.gaps import sum_log_gaps
from valuetier.customers.names import (
    from_lifetimes,
    from_pymc_marketing,
    to_lifetimes,
    to_pymc_marketing,
)
from valuetier.customers.report import IngestReport
from valuetier.customers.splitting import Split, split
from valuetier.customers.summary import Summary, summarize
from valuetier.customers.suspicions import Suspicion
from valuetier.customers.trend import spend_trend

__all__ = [
    "IngestReport",
    "Split",
    "Summary",
    "Suspicion",
    "from_lifetimes",
    "from_pymc_marketing",
    "spend_trend",
    "split",
    "sum_log_gaps",
    "summarize",
    "to_lifetimes",
    "to_pymc_marketing",
]
