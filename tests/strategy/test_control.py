"""Control groups: the same customers every time, as many of each tier as asked for."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

import valuetier as vt
from valuetier._core.hashing import salted_hashes
from valuetier.strategy import control_group, in_control
from valuetier.strategy.control import control_sizes

IDS = np.arange(1000)
TIERS = np.repeat(["top", "middle", "bottom"], [50, 250, 700])


@pytest.fixture(scope="module")
def assignment():
    """Return a thousand customers in the three tiers of a pyramid."""
    spend = np.random.default_rng(0).lognormal(4, 1, 1000)
    customers = pd.DataFrame({"customer_id": [f"c{i}" for i in range(1000)], "spend": spend})
    return vt.PyramidSegmenter(preset="hml").fit(customers).assign(customers)


def test_hash_is_keyed_blake2b_of_the_text():
    """The number of an id is BLAKE2b with the salt's digest as key, as any other program can compute it."""
    expected = blake2b(b"anna", key=blake2b(b"spring").digest(), digest_size=8).digest()
    assert salted_hashes(["anna"], "spring")[0] == int.from_bytes(expected, "big")


@pytest.mark.parametrize(
    "same",
    [
        IDS.astype(np.int32),
        IDS.astype(np.float64),
        IDS.astype(str),
        np.array([int(i) for i in IDS], dtype=object),
        np.array([str(i) for i in IDS], dtype=object),
        pd.Series(IDS, dtype="Int64"),
        pd.Series(IDS.astype(str), dtype="string"),
        IDS.tolist(),
    ],
    ids=["int32", "float", "text", "Python int", "text objects", "nullable", "string", "list"],
)
def test_type_of_the_ids_does_not_matter(same):
    """The number 7 and the text "7" are in the same group."""
    np.testing.assert_array_equal(in_control(same, TIERS, 0.1), in_control(IDS, TIERS, 0.1))


@given(st.permutations(range(60)), st.floats(0, 0.95), st.text())
def test_row_order_does_not_matter(order, share, salt):
    """Any order of the rows gives each customer the same group."""
    order = np.array(order)
    strata = np.arange(60) % 4
    found = in_control(IDS[:60], strata, share, salt=salt)
    np.testing.assert_array_equal(in_control(IDS[order], strata[order], share, salt=salt), found[order])


@given(st.lists(st.integers(0, 4), min_size=1, max_size=80), st.floats(0, 0.999))
def test_every_stratum_has_its_share(strata, share):
    """Each stratum holds out share × n to the nearest customer, and never everybody."""
    strata = np.array(strata)
    found = in_control(np.arange(len(strata)), strata, share)
    for stratum in set(strata.tolist()):
        n, held_out = int((strata == stratum).sum()), int(found[strata == stratum].sum())
        assert held_out < n
        assert abs(held_out - share * n) <= 0.5 + 1e-6 or held_out == n - 1


@pytest.mark.parametrize(
    ("n", "share", "size"),
    [(1, 0.9, 0), (2, 0.9, 1), (4, 0.1, 0), (5, 0.1, 1), (15, 0.1, 2), (35, 0.1, 4), (0, 0.5, 0)],
)
def test_halves_are_rounded_up(n, share, size):
    """Half a customer counts as one, whatever the bits of share × n; a stratum is never emptied."""
    assert control_sizes(n, share) == size


def test_salt_chooses_who(assignment):
    """The same salt repeats the group; another one overlaps with it only as chance does."""
    spring, again, autumn = (
        control_group(assignment, salt=s)["group"] for s in ("spring", "spring", "autumn")
    )
    assert spring.equals(again)
    both = ((spring == "control") & (autumn == "control")).sum()
    assert binom.cdf(both, 1000, 0.01) > 1e-4
    assert binom.sf(both, 1000, 0.01) > 1e-4


def test_groups_do_not_hang_on_the_id():
    """Running numbers fall into control evenly: tenths of the ids, and even and odd ones."""
    found = in_control(np.arange(20_000), np.zeros(20_000), 0.2, salt="any")
    tenths = found.reshape(10, -1).sum(axis=1)
    assert ((tenths > binom.ppf(1e-5, 2000, 0.2)) & (tenths < binom.ppf(1 - 1e-5, 2000, 0.2))).all()
    assert binom.ppf(1e-5, 10_000, 0.2) < found[::2].sum() < binom.ppf(1 - 1e-5, 10_000, 0.2)


def test_few_change_sides_when_others_come_and_go():
    """With a tenth of the customers replaced, only customers near the line change their group."""
    before, after = np.arange(10_000), np.arange(1000, 11_000)
    first = pd.Series(in_control(before, np.zeros(10_000), 0.1), before)
    second = pd.Series(in_control(after, np.zeros(10_000), 0.1), after)
    stayed = np.arange(1000, 10_000)
    assert (first[stayed] != second[stayed]).mean() < 0.01


def test_one_who_changes_tier_mostly_keeps_the_group():
    """The hash knows no tier, so customers of control stay there when they move up."""
    moved = TIERS.copy()
    moved[300:400] = "middle"
    before, after = in_control(IDS, TIERS, 0.2), in_control(IDS, moved, 0.2)
    assert (before[300:400] == after[300:400]).mean() > 0.9


def test_table_has_a_row_for_every_customer(assignment):
    """The groups name every customer once with the tier of the assignment, in its order."""
    groups = control_group(assignment, share=0.1)
    assert groups["customer_id"].tolist() == assignment.ids.tolist()
    assert groups["tier"].equals(assignment.to_frame()["tier"])
    sizes = groups[groups["group"] == "control"].groupby("tier", observed=False).size()
    np.testing.assert_array_equal(sizes, control_sizes(assignment.counts().to_numpy(), 0.1))


def test_language_changes_names_only(assignment):
    """Chinese tier names come with the same groups."""
    english, chinese = control_group(assignment), control_group(assignment, lang="zh")
    assert english["group"].equals(chinese["group"])
    assert chinese["tier"].cat.categories.tolist() == [tier.name_zh for tier in assignment.tiers]


def test_share_by_tier(assignment):
    """A mapping holds out another share of each tier."""
    high, medium, low, none = (tier.name for tier in assignment.tiers)
    groups = control_group(assignment, share={high: 0.5, medium: 0.1, low: 0, none: 0})
    held_out = groups[groups["group"] == "control"].groupby("tier", observed=False).size()
    np.testing.assert_array_equal(held_out, control_sizes(assignment.counts().to_numpy(), [0.5, 0.1, 0, 0]))


def test_who_is_not_eligible_is_in_neither_group(assignment):
    """The share is taken of those who could get the action; the others are not in the table."""
    eligible = assignment.codes == 1
    groups = control_group(assignment, eligible=eligible)
    assert groups["customer_id"].tolist() == assignment.ids[eligible].tolist()
    assert (groups["group"] == "control").sum() == control_sizes(eligible.sum(), 0.1)


def test_nobody_is_an_empty_group():
    """No customers give no groups, and a share of 0 holds out nobody."""
    assert in_control(np.array([], dtype=object), np.array([], dtype=object), 0.1).shape == (0,)
    assert not in_control(IDS, TIERS, 0).any()


@pytest.mark.parametrize(
    ("share", "message"),
    [
        (1.0, r"share must be from 0 to below 1, got 1\.0\. 10 % is 0\.1\."),
        (10, r"share must be from 0 to below 1, got 10\. 10 % is 0\.1\."),
        (-0.1, r"share must be a number ≥ 0, got -0\.1\."),
        ("a tenth", r"share must be a number ≥ 0, got 'a tenth'\."),
        ({"top": 0.1}, r"share has none for \['middle', 'bottom'\]\. Add them; 0 holds out nobody\."),
    ],
)
def test_shares_that_cannot_be(share, message):
    """A share is from 0 to below 1, and there is one for each stratum."""
    with pytest.raises(vt.InvalidParameterError, match=message):
        in_control(IDS, TIERS, share)


def test_a_share_for_no_tier(assignment):
    """A misspelt tier is named with what was meant."""
    with pytest.raises(
        vt.InvalidParameterError, match=r"share names 'Hihg', which is no tier\. .* Did you mean 'High'\?"
    ):
        control_group(assignment, share={"Hihg": 0.1})


def test_salt_must_be_text():
    """A number is no salt: 1 and "1" would differ between programs."""
    with pytest.raises(
        vt.InvalidParameterError, match="salt must be a text, such as the experiment's name, got a int"
    ):
        in_control(IDS, TIERS, 0.1, salt=1)


@pytest.mark.parametrize(
    ("ids", "strata", "message"),
    [
        (["anna", "anna"], ["a", "b"], "ids: 1 of 2 values repeat another one. Pass each customer once."),
        ([7, "7"], ["a", "a"], "ids: 1 of 2 values repeat another one. Pass each customer once."),
        (["anna", None], ["a", "b"], "ids: 1 of 2 values are missing. Drop these rows first."),
        (["anna", "bob"], ["a", None], "strata: 1 of 2 values are missing. Give every customer a tier."),
        (["anna"], ["a", "b"], r"ids and strata must be as many, got shapes \(1,\) and \(2,\)\. "),
    ],
)
def test_customers_that_cannot_be(ids, strata, message):
    """Ids are there, once each, and each has a stratum; no id is shown."""
    with pytest.raises(vt.InvalidDataError, match=message) as caught:
        in_control(np.array(ids, dtype=object), np.array(strata, dtype=object), 0.1)
    assert "anna" not in str(caught.value)


@pytest.mark.parametrize("eligible", [[True, False], [1] * 1000])
def test_eligible_must_be_bools(assignment, eligible):
    """One bool for each customer says who could get the action."""
    with pytest.raises(vt.InvalidDataError, match="eligible must be one bool for each of 1000 customers"):
        control_group(assignment, eligible=eligible)
