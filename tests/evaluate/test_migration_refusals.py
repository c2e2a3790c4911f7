"""What a migration refuses, and what it says then."""

from __future__ import annotations

import numpy as np
import pytest

import valuetier as vt
from tests.evaluate.tier_tables import NAMES, Told, assigned, told
from valuetier.evaluate import migration


def _message(error: type[Exception], call) -> str:
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


class Choosy(Told):
    """Learns from nobody."""

    def fit(self, X, y=None):
        raise vt.InvalidDataError("Nothing to learn.")


class Versioned(Told):
    """Has a fingerprint."""

    def version(self):
        return "b"


TWO = assigned([0, 1])
TABLE = told([0, 1], [0, 1])


@pytest.mark.parametrize(
    ("error", "call", "message"),
    [
        (
            vt.InvalidParameterError,
            lambda: migration(TWO, TWO, values_before=[1, 2]),
            "values_before and values_after belong together, values_after is missing. Pass both or none.",
        ),
        (
            vt.InvalidParameterError,
            lambda: migration(TWO, TWO, X_after=TABLE),
            "segmenter and X_after belong together, segmenter is missing. Pass both or none.",
        ),
        (
            vt.InvalidDataError,
            lambda: migration(TWO, assigned([0, 1], names=NAMES[:2])),
            (
                "The assignments have different tiers: ['Gold', 'Silver', 'Bronze'] and ['Gold', 'Silver']. "
                "Assign both by the same kind of segmenter with the same tiers."
            ),
        ),
        (
            vt.InvalidDataError,
            lambda: migration(TWO, assigned([0], np.array(["0"], dtype=object))),
            (
                "The assignments have no customer in common: 2 ids of type int64, 1 of type object. "
                "Give both the same ids, of the same type."
            ),
        ),
        (
            vt.InvalidDataError,
            lambda: migration(TWO, TWO, values_before=[1], values_after=[1, 2]),
            (
                "values_before, assigned must have the same length, got {'values_before': 1, 'assigned': 2}. "
                "Pass one value per customer in each."
            ),
        ),
        (
            vt.InvalidDataError,
            lambda: migration(TWO, TWO, values_before=[1, 2], values_after=[np.nan, 2]),
            "values_after: 1 of 2 values are missing (NaN). Drop or fill these customers first.",
        ),
        (
            vt.InvalidDataError,
            lambda: migration(TWO, TWO, segmenter=Told(), X_after=told([0, 1, 1], [0, 7, 8])),
            (
                "X_after is of other customers than its assignment: 1 of 2 assigned ones are not in the table, "
                "2 of 3 in the table are not assigned. Pass the table that was assigned."
            ),
        ),
        (
            vt.InvalidDataError,
            lambda: migration(
                assigned([0, 1, 1, 3 - 1], version="a"), assigned([0]), segmenter=Versioned(), X_after=TABLE
            ),
            (
                "segmenter has version b, before was assigned by version a. Pass the segmenter that made before, "
                "as it was fitted then."
            ),
        ),
        (
            vt.InvalidDataError,
            lambda: migration(TWO, TWO, segmenter=Choosy(), X_after=TABLE, n_resamples=3),
            (
                "None of 3 resamples of the 2 customers could be learned from, so chance cannot be measured. "
                "Use a table of more customers."
            ),
        ),
        (
            vt.InvalidParameterError,
            lambda: migration(TWO, TWO, segmenter=Told(), X_after=TABLE, n_resamples=0),
            "n_resamples must be a whole number ≥ 1, got 0.",
        ),
        (
            vt.InvalidParameterError,
            lambda: migration(TWO, TWO).table("value_before"),
            "cell 'value_before' needs values_before and values_after. Pass them to migration.",
        ),
        (
            vt.InvalidParameterError,
            lambda: migration(TWO, TWO).flows(3),
            "tier must be a code from 0 to 2, got 3.",
        ),
        (
            vt.InvalidParameterError,
            lambda: migration(TWO, TWO, segmenter=Told(), X_after=TABLE, n_resamples=1).decomposition.to_frame("value"),
            "of 'value' needs values_before and values_after. Pass them to migration.",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(error, call, message):
    """The message counts and names the way out, never a customer."""
    assert _message(error, call) == message
