"""What all tests share: how many examples Hypothesis tries, and the reference values."""

import csv
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.spark import new_session
from valuetier.segmenters import cluster_quality

DATA = Path(__file__).parent / "data"

settings.register_profile(
    "valuetier",
    deadline=None,  # the first call of a function pays for its imports
    derandomize=True,  # the same examples on every machine
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],  # how fast the machine is proves nothing
)
settings.load_profile("valuetier")


@pytest.fixture(scope="module")
def few_bootstraps():
    """Judge the stability of clusters by two resamples: a contract holds for any number of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster_quality, "BOOTSTRAPS", 2)
        yield


@pytest.fixture(scope="session")
def spark():
    """Return a Spark session, one for all tests; they are skipped where there is no Java."""
    yield from new_session()


@pytest.fixture(scope="session")
def reference():
    """Return the reference values by id."""
    entries = json.loads((DATA / "reference_values.json").read_text(encoding="utf-8"))
    return {entry["id"]: entry for entry in entries}


@pytest.fixture(scope="session")
def expectations():
    """Return BG/NBD at 1,000 points, computed with 60 digits, as a list of dicts of numbers."""
    with (DATA / "expectation_reference.csv").open(encoding="utf-8") as lines:
        return [
            {name: text if name == "set" else float(text) for name, text in row.items()}
            for row in csv.DictReader(lines)
        ]
