"""A playbook is checked against the segmenter whose customers it will meet."""

import pandas as pd
import pytest

import valuetier as vt
from tests.strategy.books import book, rule

CUSTOMERS = pd.DataFrame({"spend": [900.0, 80.0, 40.0, 20.0, 10.0, 0.0]})
CATCH_ALL = rule("rest", {}, "mail")


def _pyramid():
    return vt.PyramidSegmenter(preset="abc").fit(CUSTOMERS)


def _against(*rules, columns=None, **changes):
    vt.Playbook.from_text(book(list(rules), **changes)).check_against(_pyramid(), columns)


def test_a_playbook_that_answers_passes():
    """All tiers named, or a rule for the rest, is enough."""
    _against(rule("all", {"tier": ["A", "B", "C", "No value"]}))
    _against(rule("best", {"tier": "A"}), CATCH_ALL)


def test_a_tier_without_a_rule_is_refused_with_a_customer():
    """A tier of the segmenter that the playbook does not know is a gap."""
    with pytest.raises(vt.UncoveredTiersError, match="no rule for a customer with tier = No value"):
        _against(rule("all", {"tier": ["A", "B", "C"]}))


def test_a_mistyped_tier_is_refused_though_a_rule_for_the_rest_hides_it():
    """``a`` is no tier, and its customers would all get what is meant for the rest."""
    with pytest.raises(
        vt.InvalidDataError, match=r"names the tiers \['a'\], which are not there: \['A', 'B'"
    ):
        _against(rule("best", {"tier": "a"}), CATCH_ALL)


def test_mapping_refuses_a_mistyped_tier():
    """What the check says before, the mapper says when the assignment comes."""
    playbook = vt.Playbook.from_text(book([rule("best", {"tier": "a"}), CATCH_ALL]))
    with pytest.raises(vt.InvalidDataError, match=r"names the tiers \['a'\].*under domain: tier"):
        vt.StrategyMapper(playbook).map(_pyramid().assign(CUSTOMERS))


def test_a_domain_may_hold_tiers_of_other_segmenters():
    """A playbook for several presets lists their tiers; those of the others do no harm."""
    _against(
        rule("best", {"tier": ["A", "Vital"]}),
        CATCH_ALL,
        domain={"tier": ["A", "B", "C", "Vital", "No value"]},
    )


def test_a_segment_that_the_segmenter_lacks_is_refused():
    """The pyramid names no segments."""
    with pytest.raises(vt.InvalidDataError, match=r"names the segments \['Champions'\]"):
        _against(rule("best", {"segment": "Champions"}), CATCH_ALL)


def test_a_column_that_the_customers_lack_is_refused():
    """Columns are known only where a customer table is given."""
    young = rule("young", {"recency_days": {"<": 90}})
    _against(young, CATCH_ALL)
    _against(young, CATCH_ALL, columns=["recency_days"])
    with pytest.raises(vt.MissingColumnsError, match=r"looks at \['recency_days'\].*: \['spend'\]"):
        _against(young, CATCH_ALL, columns=["spend"])


@pytest.mark.parametrize("preset", ["textbook", "zeithaml", "curry", "abc", "hml"])
def test_the_builtin_playbook_answers_every_preset(preset):
    """No preset of the pyramid has a tier without a rule."""
    vt.Playbook.builtin("pyramid").check_against(vt.PyramidSegmenter(preset=preset).fit(CUSTOMERS))


def test_a_tier_outside_the_domain_is_refused_though_a_rule_for_the_rest_takes_it():
    """A playbook written for other tiers would give the best customers what is meant for the rest."""
    rules = [rule("high", {"tier": "High"}), CATCH_ALL]
    playbook = vt.Playbook.from_text(book(rules, domain={"tier": ["High", "Low"]}))
    message = r"written for the tiers \['High', 'Low'\], and customers have \['A', 'B', 'C', 'No value'\]\. Add them"
    with pytest.raises(vt.UncoveredTiersError, match=message):
        vt.StrategyMapper(playbook).map(_pyramid().assign(CUSTOMERS))
    with pytest.raises(vt.UncoveredTiersError, match=message):
        playbook.check_against(_pyramid())
    nobody = CUSTOMERS[CUSTOMERS["spend"] > 0]
    fits = vt.Playbook.from_text(
        book([rule("a", {"tier": "A"}), CATCH_ALL], domain={"tier": ["A", "B", "C"]})
    )
    assert len(vt.StrategyMapper(fits).map(_pyramid().assign(nobody))) == 5


def test_columns_without_a_table_are_named():
    """Where no customers were passed, the message does not speak of their columns."""
    young = vt.Playbook.from_text(book([rule("young", {"recency_days": {"<": 90}}), CATCH_ALL]))
    with pytest.raises(
        vt.MissingColumnsError, match=r"\['recency_days'\], which are columns of customers\. Pass"
    ):
        vt.StrategyMapper(young).map(_pyramid().assign(CUSTOMERS))
