"""Playbooks are checked when they are loaded."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import valuetier as vt
from tests.strategy.books import BUILT_IN, action, book, rule
from valuetier import InvalidDataError, Playbook, UncoveredTiersError
from valuetier.conditions import Condition
from valuetier.coverage import check_answers
from valuetier.segmenters import loyalty, scorecard
from valuetier.segmenters.grids import GRIDS
from valuetier.segmenters.matrices import MATRICES, PLAIN
from valuetier.segmenters.pyramid import NO_VALUE, PRESETS
from valuetier.segmenters.stages import STAGES
from valuetier.strategy.playbook import Rule, builtin_kinds
from valuetier.tiers import level_names

AB = {"tier": ["A", "B"]}


def chinese(text):
    """Whether a text has Chinese characters."""
    return any("\u4e00" <= character <= "\u9fff" for character in text)


def test_every_builtin_segmenter_has_a_playbook():
    """A default playbook comes with each kind of ours."""
    kinds = {vt.get_segmenter(name).kind for name in BUILT_IN}
    assert kinds <= set(builtin_kinds())


@pytest.mark.parametrize("kind", builtin_kinds())
def test_builtin_texts_are_in_both_languages(kind):
    """Every action and reason is written in English and in Chinese."""
    playbook = Playbook.builtin(kind)
    for one in playbook.actions.values():
        for text in (one.action, one.reason):
            assert chinese(text.zh)
            assert not chinese(text.en)


@pytest.mark.parametrize("preset", PRESETS)
def test_pyramid_playbook_knows_every_preset(preset):
    """Every tier name of every preset is in the pyramid playbook."""
    names = {en for en, _ in (*PRESETS[preset].tier_names(), NO_VALUE)}
    assert names <= set(Playbook.builtin("pyramid").domain["tier"])


@pytest.mark.parametrize("grid", GRIDS)
def test_rfm_playbook_knows_every_segment(grid):
    """Every segment of every grid is in the RFM playbook."""
    assert {en for en, _ in GRIDS[grid].cells} <= set(Playbook.builtin("rfm").domain["segment"])


@pytest.mark.parametrize("kind", ["rfm", "clv", "kmeans", "cluster", "rules"])
@pytest.mark.parametrize("n_tiers", [2, 3, 4, 5])
def test_playbooks_know_the_level_names(kind, n_tiers):
    """The names that cuts give to 2 to 5 tiers are in the playbooks."""
    assert {en for en, _ in level_names(n_tiers)} <= set(Playbook.builtin(kind).domain["tier"])


@pytest.mark.parametrize("name", [*MATRICES, None])
def test_matrix_playbook_knows_every_preset(name):
    """The four segments of every preset of the matrix, and those without a preset, are in its playbook."""
    matrix = PLAIN if name is None else MATRICES[name]
    assert {en for en, _ in matrix.segments.values()} <= set(Playbook.builtin("matrix").domain["segment"])


@pytest.mark.parametrize("preset", scorecard.PRESETS)
def test_scorecard_playbook_knows_every_preset(preset):
    """Every tier name of every preset of the scorecard is in its playbook."""
    names = {en for en, _ in scorecard.PRESETS[preset].tier_names()}
    assert names <= set(Playbook.builtin("scorecard").domain["tier"])


def test_lifecycle_and_loyalty_playbooks_know_their_tiers():
    """The stages and the tiers of a loyalty programme are those of their playbooks."""
    assert {en for en, _ in STAGES.values()} == set(Playbook.builtin("lifecycle").domain["tier"])
    assert {en for en, _ in loyalty.TIERS} <= set(Playbook.builtin("loyalty").domain["tier"])


def test_unknown_kind_names_the_way_out():
    """A kind without playbook says which exist and how to bring one."""
    with pytest.raises(UncoveredTiersError, match=r"No playbook comes with the kind 'x'.*from_yaml"):
        Playbook.builtin("x")


def test_gap_is_refused_with_a_customer_in_it():
    """A case that no rule answers is described."""
    text = book([rule("a", {"tier": "A"})], domain=AB)
    with pytest.raises(UncoveredTiersError, match="no rule for a customer with tier = B"):
        Playbook.from_text(text)


def test_each_gap_has_a_witness():
    """Up to three cases without a rule are described, the others counted."""
    tiers = {"tier": [*"ABCDEF"]}
    for named, expected in (
        ("ABCDE", "tier = F. Add a rule for it."),
        ("ABC", "tier = D, nor for one with tier = E, nor for one with tier = F. Add rules for them."),
        ("A", "tier = B, nor for one with tier = C, nor for one with tier = D, nor in 2 more cases."),
    ):
        with pytest.raises(UncoveredTiersError) as caught:
            Playbook.from_text(book([rule("some", {"tier": [*named]})], domain=tiers))
        assert f"no rule for a customer with {expected}" in str(caught.value)


def test_two_holes_in_a_range_are_two_gaps():
    """Cases that differ by neighbouring numbers are one gap, whatever lies apart another."""
    rules = [rule("mid", {"spend": {">=": 1, "<": 2}}), rule("high", {"spend": {">=": 5}, "tier": "A"})]
    with pytest.raises(UncoveredTiersError) as caught:
        Playbook.from_text(book(rules, domain=AB))
    assert str(caught.value).count("tier =") == 3
    for witness in ("tier = A, spend = 0.0", "tier = A, spend = 2.0", "tier = B, spend = 0.0"):
        assert witness in str(caught.value)
    assert "nor in 1 more cases" in str(caught.value)


def test_each_overlap_has_a_witness():
    """Every pair of rules that hold at once is named with a customer; many are counted."""
    rules = [rule(name, {"tier": [*tiers]}) for name, tiers in (("x", "AB"), ("y", "BC"), ("z", "CD"))]
    with pytest.raises(InvalidDataError) as caught:
        Playbook.from_text(book(rules, hit_policy="unique"))
    assert "['x', 'y'] both hold for a customer with tier = B" in str(caught.value)
    assert "['y', 'z'] both hold for a customer with tier = C; but the hit policy" in str(caught.value)
    same = [rule(name, {"tier": "A"}) for name in "abcd"]
    with pytest.raises(InvalidDataError, match="and 3 more pairs; but"):
        Playbook.from_text(book(same, hit_policy="unique"))


def test_gap_between_bounds_has_a_witness():
    """A hole in a range of numbers is found."""
    rules = [rule("low", {"spend": {"<": 100}}), rule("high", {"spend": {">": 100}})]
    with pytest.raises(UncoveredTiersError, match=r"spend = 100\.0"):
        Playbook.from_text(book(rules))


def test_unnamed_values_are_a_gap_too():
    """Without a domain, a value that no rule names must be answered."""
    with pytest.raises(UncoveredTiersError, match=r"country = \(anything else\)"):
        Playbook.from_text(book([rule("cn", {"country": ["CN"]})]))


def test_rule_never_reached_is_refused():
    """A rule behind one that holds for the same cases is dead."""
    rules = [rule("all", {"tier": ["A", "B"]}), rule("late", {"tier": "B"})]
    with pytest.raises(InvalidDataError, match=r"the rules \['late'\] are never reached"):
        Playbook.from_text(book(rules, domain=AB))


def test_tiers_need_no_domain():
    """Without a domain, the tiers that rules name are the tiers; others are found when mapping."""
    playbook = Playbook.from_text(book([rule("a", {"tier": "A"}), rule("b", {"tier": ["B"]})]))
    assert playbook.known_values() == {"tier": ("A", "B")}


def test_a_rule_for_the_rest_needs_no_domain():
    """Tiers that no rule names may exist: a last rule without conditions is for them."""
    Playbook.from_text(book([rule("best", {"tier": "A"}), rule("rest", {})]))
    with pytest.raises(InvalidDataError, match=r"\['rest'\] are never reached"):
        Playbook.from_text(book([rule("best", {"tier": "A"}), rule("rest", {})], domain={"tier": ["A"]}))


def test_overlap_is_refused_where_only_one_rule_may_hold():
    """The hit policy unique refuses two rules for one case, and names both."""
    rules = [rule("one", {"tier": ["A", "B"]}), rule("two", {"tier": "B"})]
    with pytest.raises(InvalidDataError, match=r"\['one', 'two'\] both hold .* tier = B.*unique"):
        Playbook.from_text(book(rules, domain=AB, hit_policy="unique"))
    Playbook.from_text(book(rules, domain=AB, hit_policy="collect"))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"actions": {"call": action(channel="pigeon")}}, "actions.call.channel: Input should be"),
        ({"actions": {"call": action(cost=-1)}}, "actions.call.cost: Input should be greater than"),
        ({"actions": {"call": action(cadence_days=0)}}, "actions.call.cadence_days"),
        ({"actions": {"call": action(action={"en": "x"})}}, "actions.call.action.zh: Field required"),
        ({"actions": {"call": action(), "idle": action()}}, r"no rule uses the actions \['idle'\]"),
        ({"actions": {"other": action()}}, r"actions that are not there: \['call'\]"),
        ({"surprise": 1}, "surprise: Extra inputs are not permitted"),
        ({"hit_policy": "last"}, "hit_policy: Input should be"),
        ({"rules": []}, "rules"),
        ({"rules": [rule("a", {"tier": "A"}), rule("a", {"tier": "B"})]}, r"stand twice: \['a'\]"),
        ({"rules": [rule("a", {"tier": ["A", "B", "C"]})]}, r"values of tier outside its domain: \['C'\]"),
        ({"rules": [rule("a", {"spend": {"~": 1}})]}, r"rules.0.when.spend.~: Extra inputs"),
        ({"rules": [rule("a", {"spend": {}})]}, "a condition needs at least one of in"),
        ({"rules": [rule("a", {"spend": []})]}, "a list of values must not be empty"),
        ({"rules": [rule("a", {"spend": {">=": True}})]}, "a bound must be a number, not true or false"),
        ({"actions": {"call": action(cost=True)}}, "actions.call.cost: Input should be a valid number"),
        (
            {"actions": {"call": action(cadence_days=40_000)}},
            "actions.call.cadence_days: Input should be less",
        ),
        (
            {"domain": {"tier": [1, 2]}, "rules": [rule("a", {})]},
            "names of a tier are texts: write them in quotes",
        ),
        ({"rules": [rule("a", {"segment": [True]})]}, "names of a segment are texts: write them in quotes"),
    ],
)
def test_every_mistake_is_named_with_its_place(changes, problem):
    """A mistake in the file is reported with the path to it."""
    text = book(**({"rules": [rule("a", {"tier": ["A", "B"]})], "domain": AB} | changes))
    with pytest.raises(InvalidDataError, match=problem):
        Playbook.from_text(text)


def test_costs_are_finite():
    """An endless cost is refused, also where it does not come from a file."""
    made = Playbook.from_text(book([rule("a", {"tier": ["A", "B"]})], domain=AB)).model_dump()
    made["actions"]["call"]["cost"] = float("inf")
    with pytest.raises(ValueError, match="finite"):
        Playbook.model_validate(made)


def test_a_rule_for_missing_values_is_reached():
    """Below bounds that leave nothing out, the last rule is for customers of whom the value is missing."""
    rules = [rule("low", {"spend": {"<": 100}}), rule("high", {"spend": {">=": 100}})]
    Playbook.from_text(book(rules))
    Playbook.from_text(book([*rules, rule("unknown", {})]))
    Playbook.from_text(book([*rules, rule("unknown", {"spend": [None]})]))
    with pytest.raises(InvalidDataError, match=r"the rules \['late'\] are never reached"):
        Playbook.from_text(book([*rules, rule("unknown", {}), rule("late", {})]))


def test_true_and_false_are_all_there_is():
    """A column that is compared with true has one other value; both leave no gap."""
    with pytest.raises(UncoveredTiersError, match=r"a customer with vip = False\. Add a rule for it"):
        Playbook.from_text(book([rule("vip", {"vip": [True]})]))
    Playbook.from_text(book([rule("vip", {"vip": [True]}), rule("other", {"vip": [False]})]))


def test_texts_beside_bounds_leave_other_texts():
    """Where a column is compared with a text and with numbers, another text meets no rule."""
    rules = [rule("a", {"x": "a"}), rule("low", {"x": {"<": 0}}), rule("high", {"x": {">=": 0}})]
    with pytest.raises(UncoveredTiersError, match=r"a customer with x = \(anything else\)"):
        Playbook.from_text(book(rules))


def test_file_in_another_encoding(tmp_path):
    """A file that is no UTF-8 says so."""
    path = tmp_path / "book.yaml"
    path.write_bytes("title: 金牌".encode("gbk"))
    with pytest.raises(InvalidDataError, match=r"book\.yaml is no text in UTF-8\. Save it as UTF-8"):
        Playbook.from_yaml(path)


def test_file_that_is_not_there(tmp_path):
    """A path without a file is an error that names the file."""
    with pytest.raises(InvalidDataError, match=r"There is no playbook at 'none\.yaml'"):
        Playbook.from_yaml(tmp_path / "none.yaml")


def test_file_is_read_as_its_text(tmp_path):
    """from_yaml and from_text give the same playbook."""
    text = book([rule("a", {"tier": ["A", "B"]})], domain=AB)
    path = tmp_path / "book.yaml"
    path.write_text(text, encoding="utf-8")
    assert Playbook.from_yaml(path) == Playbook.from_text(text)


bounds = st.sampled_from([0, 1, 2, 3])
conditions = st.one_of(
    st.lists(st.sampled_from(["A", "B", "C"]), min_size=1, max_size=3).map(lambda v: {"in": tuple(v)}),
    st.lists(st.sampled_from(["A", "B"]), min_size=1, max_size=2).map(lambda v: {"not_in": tuple(v)}),
).map(Condition.model_validate)
ranges = st.dictionaries(st.sampled_from(["<", "<=", ">", ">="]), bounds, min_size=1, max_size=2).map(
    Condition.model_validate
)
rules = st.lists(
    st.fixed_dictionaries({}, optional={"tier": conditions, "spend": ranges}), min_size=1, max_size=4
).map(lambda found: [Rule(id=f"r{i}", when=when, then=("x",)) for i, when in enumerate(found)])


@given(rules=rules)
def test_coverage_agrees_with_trying_a_fine_grid(rules):
    """Gaps are found exactly when a customer on a fine grid of values meets no rule."""
    tiers, spends = ["A", "B", "C"], np.arange(-2, 6, 0.25)
    cases = list(itertools.product(tiers, spends))
    table = {"tier": np.array([c[0] for c in cases], dtype=object), "spend": np.array([c[1] for c in cases])}
    met = np.zeros(len(cases), dtype=bool)
    for one in rules:
        holds = np.ones(len(cases), dtype=bool)
        for column, condition in one.when.items():
            holds &= condition.holds(table[column])
        met |= holds
    try:
        check_answers(rules, {"tier": tiers}, "collect", "test")
        gap = False
    except UncoveredTiersError:
        gap = True
    assert gap == (not met.all())


def test_too_many_cases_are_refused():
    """A table that tells too many cases apart says so instead of running for ever."""
    when = {f"column{i}": {"in": tuple(range(9))} for i in range(7)}
    many = [Rule(id="r", when={c: Condition.model_validate(v) for c, v in when.items()}, then=("x",))]
    with pytest.raises(InvalidDataError, match="more than 500,000 cases"):
        check_answers(many, {}, "first", "big.yaml")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({">=": 2, "<": 4}, [False, True, True, False, False]),
        ({">": 2}, [False, False, True, True, False]),
        ({"<=": 2}, [True, True, False, False, False]),
        ({"in": (1, None)}, [True, False, False, False, True]),
        ({"not_in": (1, None)}, [False, True, True, True, False]),
    ],
)
def test_conditions_on_numbers(condition, expected):
    """Bounds, sets and their complements; a missing value is within no bounds."""
    values = np.array([1, 2, 3, 4, None], dtype=object)
    assert Condition.model_validate(condition).holds(values).tolist() == expected


def test_null_stands_for_nan_in_a_column_of_numbers():
    """A missing mean order value is NaN, and ``null`` finds it; so does its complement."""
    values = np.array([5.0, np.nan])
    assert Condition.model_validate({"in": (None,)}).holds(values).tolist() == [False, True]
    assert Condition.model_validate({"not_in": (None,)}).holds(values).tolist() == [True, False]
