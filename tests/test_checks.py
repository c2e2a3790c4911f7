"""The published checks hold for ours, and each catches the segmenter that breaks its rule."""

import itertools

import numpy as np
import pandas as pd
import pytest

import valuetier as vt
from valuetier.checks import make_customers, yield_checks

pytestmark = pytest.mark.usefixtures("few_bootstraps")

CHECKS = {check.__name__: check for check in yield_checks()}


@pytest.mark.parametrize("name", vt.available_segmenters())
@pytest.mark.parametrize("check", yield_checks(), ids=lambda check: check.__name__)
def test_every_installed_segmenter_keeps_the_contract(name, check):
    """Every installed segmenter passes every check."""
    check(vt.get_segmenter(name))


class Plain:
    """A segmenter of three methods: above or below the mean spend."""

    names = ("High", "Low")

    def fit(self, X, y=None):
        """Learn the mean spend."""
        self.line_ = round(float(X["spend"].mean()), 6)
        return self

    def predict(self, X):
        """Return 0 at or above the line."""
        return (X["spend"].to_numpy() < self.line_).astype(np.int64)

    def get_tier_names_out(self, lang="en"):
        """Return the names."""
        return list(self.names)


@pytest.mark.parametrize("check", yield_checks(), ids=lambda check: check.__name__)
def test_three_plain_methods_keep_the_contract(check):
    """A segmenter without anything of ours passes every check."""
    check(Plain())


class NoNames:
    """Lacks a method of the protocol."""

    fit, predict = Plain.fit, Plain.predict


class FitReturnsNothing(Plain):
    """``fit`` does not return the segmenter."""

    def fit(self, X, y=None):
        """Learn, and return None."""
        super().fit(X)


class TooManyCodes(Plain):
    """Codes beyond the names."""

    def predict(self, X):
        """Return codes 1 and 2 for two names."""
        return super().predict(X) + 1


class SameNames(Plain):
    """Two tiers of one name."""

    names = ("High", "High")


class CutsByRow(Plain):
    """Ranks rows, so that ties are parted."""

    def predict(self, X):
        """Give the first half of the ranks the best tier."""
        rank = X["spend"].rank(method="first", ascending=False).to_numpy()
        return (rank > len(X) / 2).astype(np.int64)


class LearnsFromTheFirstRow(Plain):
    """What is learned depends on the order of the rows."""

    def fit(self, X, y=None):
        """Take the first customer's spend for the line."""
        self.line_ = float(X["spend"].iloc[0])
        return self


class JudgesByPosition(Plain):
    """The first row always gets the best tier."""

    def predict(self, X):
        """Return 0 for the first row."""
        codes = super().predict(X)
        codes[0] = 0
        codes[-1] = 1
        return codes


class CutsThoseItSees(Plain):
    """Cuts at the median of whoever is asked about."""

    def predict(self, X):
        """Return 0 from the median of these customers up."""
        return (X["spend"].to_numpy() < X["spend"].median()).astype(np.int64)


class KnowsOnlyItsOwn(Plain):
    """Has no tier for customers it did not see."""

    def fit(self, X, y=None):
        """Remember the largest spend."""
        self.most_ = X["spend"].max()
        return super().fit(X)

    def predict(self, X):
        """Return -1 for a larger spend than any seen."""
        return np.where(X["spend"] > self.most_ / 2, -1, super().predict(X))


class WritesIntoTheTable(Plain):
    """Adds a column to the customers' table."""

    def fit(self, X, y=None):
        """Learn, and leave a trace."""
        super().fit(X)
        X["seen"] = 1
        return self


class LearnsWhenPredicting(Plain):
    """Counts whom it was asked about."""

    def predict(self, X):
        """Count, then predict."""
        self.asked_ = getattr(self, "asked_", 0) + len(X)
        return super().predict(X)


class NeverForgets(Plain):
    """A second fit keeps the line of the first."""

    def fit(self, X, y=None):
        """Learn once."""
        return self if hasattr(self, "line_") else super().fit(X)


class Rolls(Plain):
    """Different each time it is fitted."""

    turns = itertools.cycle((0.2, 0.8))

    def fit(self, X, y=None):
        """Learn another line than the last time."""
        self.line_ = float(np.quantile(X["spend"], next(self.turns)))
        return self


class CannotBePickled(Plain):
    """Holds a function that has no name."""

    def fit(self, X, y=None):
        """Keep a lambda."""
        self.rule_ = lambda: None
        return super().fit(X)


class KeepsTheCustomers(Plain):
    """Stores what it was fitted on."""

    def fit(self, X, y=None):
        """Keep the table."""
        self.customers_ = X.copy()
        return super().fit(X)


class InfiniteScores(Plain):
    """Scores without end."""

    def score_samples(self, X):
        """Return infinity."""
        return np.full(len(X), np.inf)


class TakesAnything(Plain):
    """Fits a table in which nothing is known."""

    def fit(self, X, y=None):
        """Learn from the first column."""
        self.line_ = X.iloc[:, -1].mean() if "spend" not in X else X["spend"].mean()
        return self


class SavesNothing(Plain):
    """Saves something that is no JSON."""

    def save(self, path):
        """Write a text."""
        path.write_text("High, Low")


class ExplainsOtherTiers(Plain):
    """Names the wrong tier in its reasons."""

    def explain(self, X, lang="en"):
        """Return the best tier for all."""
        return pd.DataFrame({"tier": ["High"] * len(X), "reason": ["because"] * len(X)})


class StatesWhatIsNotSo(vt.PyramidSegmenter):
    """Tells customers of a threshold that changes nothing."""

    def _codes(self, columns):
        """Return other tiers than ``predict``."""
        return np.where(columns[:, 0] > 1e6, 0, 4)


class StatesOtherCuts(vt.PyramidSegmenter):
    """Its stored cuts are not those it uses."""

    def _assess(self, columns):
        """Assess half of each value."""
        return super()._assess(columns / (2.0 if type(self) is StatesOtherCuts else 1.0))

    def grounds(self, X):
        """State the cuts of the ordinary pyramid."""
        plain = vt.PyramidSegmenter().fit(X)
        return super().grounds(X)._replace(document=plain.grounds(X).document)


class ExplainsWithoutChanges(vt.PyramidSegmenter):
    """Says why, and not what would change it."""

    def explain(self, X, lang="en"):
        """Return reasons alone."""
        return super().explain(X, lang)[["tier", "reason"]]


BREAKERS = {
    "check_protocol": [NoNames, FitReturnsNothing],
    "check_codes": [TooManyCodes],
    "check_tier_names": [SameNames],
    "check_equal_customers": [CutsByRow],
    "check_order_when_fitting": [LearnsFromTheFirstRow],
    "check_order_when_predicting": [JudgesByPosition],
    "check_subset": [CutsThoseItSees],
    "check_unseen": [KnowsOnlyItsOwn],
    "check_input_unchanged": [WritesIntoTheTable],
    "check_predict_learns_nothing": [LearnsWhenPredicting],
    "check_refit": [NeverForgets],
    "check_repeatable": [Rolls],
    "check_pickle": [CannotBePickled],
    "check_holds_no_customers": [KeepsTheCustomers],
    "check_assign": [InfiniteScores],
    "check_bad_table": [TakesAnything],
    "check_store": [SavesNothing],
    "check_explain": [ExplainsOtherTiers, ExplainsWithoutChanges],
    "check_explanation": [StatesWhatIsNotSo, StatesOtherCuts],
}


def test_every_check_has_its_breaker():
    """No check is without a segmenter that shows what it is for."""
    assert set(BREAKERS) == set(CHECKS)


@pytest.mark.parametrize(
    ("name", "breaker"), [(name, breaker) for name, found in BREAKERS.items() for breaker in found]
)
def test_each_check_catches_who_breaks_its_rule(name, breaker):
    """The check fails for the segmenter that breaks its rule."""
    with pytest.raises((AssertionError, AttributeError, vt.ValueTierError, ValueError)):
        CHECKS[name](breaker())


def test_customers_of_the_checks_are_customers():
    """The table that checks use obeys the laws of a customer table."""
    X = make_customers(500)
    assert X["customer_id"].is_unique
    assert (X["orders"] == X["x"] + 1).all()
    assert (X["t_x"] <= X["T"]).all()
    assert ((X["t_x"] > 0) == (X["x"] > 0)).all()
    assert (X["recency_days"] == X["T"] - X["t_x"]).all()
    assert (X["m_x"].isna() == (X["x"] == 0)).all()
