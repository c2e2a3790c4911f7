"""Ways between tiers: counts, amounts and reasons, against loops over single customers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import valuetier as vt
from tests.evaluate.tier_tables import Told, assigned, told
from valuetier.checks import make_customers
from valuetier.evaluate import migration

# One customer: tier before, by the old cuts, after, and value at both dates; 3 is "not there".
customer = st.tuples(*[st.integers(0, 3)] * 3, st.integers(-50, 500), st.integers(-50, 500))
portfolios = st.lists(customer, min_size=1, max_size=25).filter(
    lambda rows: any(b < 3 and a < 3 for b, _, a, *_ in rows)
)
HEADS = ("before", "moved", "entry", "exit", "cuts", "after")


def _found(rows):
    """Return the migration of such customers, and them as a list of dicts."""
    people = [
        {"id": i, "before": b, "old": min(m, 2) if a < 3 else 3, "after": a, "then": v0, "now": v1}
        for i, (b, m, a, v0, v1) in enumerate(rows)
    ]
    people = [p for p in people if p["before"] < 3 or p["after"] < 3]
    there = [p for p in people if p["before"] < 3]
    here = [p for p in reversed(people) if p["after"] < 3]
    found = migration(
        assigned([p["before"] for p in there], [p["id"] for p in there]),
        assigned([p["after"] for p in here], [p["id"] for p in here]),
        values_before=[p["then"] for p in there],
        values_after=[p["now"] for p in here],
        segmenter=Told(),
        X_after=told(
            [p["old"] for p in people if p["after"] < 3], [p["id"] for p in people if p["after"] < 3]
        ),
        n_resamples=2,
    )
    return found, people


@given(rows=portfolios)
def test_cells_are_those_of_a_loop_over_customers(rows):
    """Every customer is in one cell, with what it was and is worth."""
    found, people = _found(rows)
    for b in range(4):
        for a in range(4):
            cell = [p for p in people if (p["before"], p["after"]) == (b, a)]
            assert found.customers[b, a] == len(cell)
            assert found.value_before[b, a] == (sum(p["then"] for p in cell) if b < 3 else 0)
            assert found.value_after[b, a] == (sum(p["now"] for p in cell) if a < 3 else 0)
    assert found.up == sum(p["after"] < p["before"] < 3 for p in people)
    assert found.down == sum(p["before"] < p["after"] < 3 for p in people)


@given(rows=portfolios)
def test_parts_of_the_change_are_those_of_a_loop_and_add_up(rows):
    """Behaviour, entry, exit and moved cuts, in customers and in value, sum to the change, exactly."""
    found, people = _found(rows)
    why = found.decomposition
    for t in range(3):
        at = {
            "before": [p for p in people if p["before"] == t],
            "after": [p for p in people if p["after"] == t],
            "kept": [p for p in people if p["before"] == p["old"] == t],
            "in": [p for p in people if p["before"] not in (t, 3) and p["old"] == t],
            "out": [p for p in people if p["before"] == t and p["old"] not in (t, 3)],
            "entry": [p for p in people if p["before"] == 3 and p["old"] == t],
            "exit": [p for p in people if p["before"] == t and p["after"] == 3],
            "cut in": [p for p in people if p["after"] == t != p["old"]],
            "cut out": [p for p in people if p["old"] == t != p["after"]],
        }
        people_in = {group: len(members) for group, members in at.items()}
        was, is_now = ({g: sum(p[when] for p in who) for g, who in at.items()} for when in ("then", "now"))
        for part, then, now in ((why.customers, people_in, people_in), (why.value, was, is_now)):
            expected = {
                "before": then["before"],
                "in_place": now["kept"] - then["kept"],
                "moved": now["in"] - then["out"],
                "entry": now["entry"],
                "exit": -then["exit"],
                "cuts": now["cut in"] - now["cut out"],
                "after": now["after"],
            }
            assert {name: array[t] for name, array in part.items()} == {name: expected[name] for name in part}
            assert sum(v for name, v in expected.items() if name != "after") == expected["after"]
    both = [p for p in people if p["before"] < 3 and p["after"] < 3]
    assert sum(why.moves.values()) == len(both)
    assert sum(why.moves[c] for c in ("behaviour", "cuts", "both")) == found.up + found.down
    assert why.moves["behaviour"] == sum(p["before"] != p["old"] == p["after"] for p in both)
    assert why.moves["cuts"] == sum(p["before"] == p["old"] != p["after"] for p in both)
    assert why.moves["both"] == sum(len({p["before"], p["old"], p["after"]}) == 3 for p in both)
    assert why.moves["offset"] == sum(p["before"] == p["after"] != p["old"] for p in both)
    assert why.recut == sum(p["old"] != p["after"] for p in people if p["after"] < 3)
    assert why.recut_by_chance + why.recut_beyond_chance == why.recut


@given(rows=portfolios, seed=st.integers(0, 99))
def test_the_order_of_customers_changes_nothing(rows, seed):
    """Shuffled customers have the same migration, noise included."""
    shuffled = np.random.default_rng(seed).permutation(len(rows))
    one, other = _found(rows)[0], _found([rows[i] for i in shuffled])[0]
    assert one.customers.tolist() == other.customers.tolist()
    assert one.value_after.tolist() == other.value_after.tolist()
    assert one.decomposition.moves == other.decomposition.moves


def test_a_refit_moves_cuts_and_nothing_else():
    """Where all spend doubles and the cuts with it, behaviour and moved cuts cancel for everybody."""
    old = make_customers()
    new = old.assign(spend=old["spend"] * 2)
    before, after = (vt.PyramidSegmenter(preset="hml").fit(table) for table in (old, new))
    refit = migration(before.assign(old), after.assign(new), segmenter=before, X_after=new, n_resamples=20)
    assert refit.up == refit.down == 0
    why = refit.decomposition
    assert why.moves["offset"] == why.recut > 50
    assert (why.customers["moved"] + why.customers["cuts"]).tolist() == [0, 0, 0, 0]
    assert why.customers["moved"][0] > 0
    assert why.beyond_noise()
    kept = migration(before.assign(old), before.assign(new), segmenter=before, X_after=new, n_resamples=20)
    assert kept.decomposition.recut == 0
    assert kept.decomposition.moves["behaviour"] == kept.up == why.recut


def test_given_thresholds_make_no_noise():
    """Where nothing is learned a refit moves nobody; where shares are learned, fewer the more customers."""
    few, many = make_customers(200), make_customers(5_000)
    fixed = vt.PyramidSegmenter(cut=vt.ThresholdCut((200, 60)))
    rates = []
    for segmenter, table in ((fixed, few), (vt.PyramidSegmenter(), few), (vt.PyramidSegmenter(), many)):
        tiers = segmenter.fit(table).assign(table)
        found = migration(tiers, tiers, segmenter=segmenter, X_after=table, n_resamples=30)
        noise = found.decomposition.noise
        assert noise.low <= noise.rate <= noise.high
        assert np.nansum(noise.by_tier * tiers.counts()) / len(table) == pytest.approx(noise.rate)
        assert noise.resamples == 30
        rates.append(noise.rate)
    assert rates[0] == 0
    assert 0 < rates[2] < rates[1]


def test_chance_alone_is_not_called_more_than_chance():
    """Of pairs of samples from one population about one in forty is beyond the 97.5 % line; here at most one of ten."""
    beyond = 0
    for seed in range(10):
        old, new = make_customers(300, seed=seed), make_customers(300, seed=1_000 + seed)
        first, second = (vt.PyramidSegmenter(preset="hml").fit(table) for table in (old, new))
        found = migration(
            first.assign(old),
            second.assign(new),
            segmenter=first,
            X_after=new,
            n_resamples=30,
            random_state=seed,
        )
        beyond += found.decomposition.beyond_noise()
    assert beyond <= 1


def test_the_segmenter_is_left_as_it_was_and_the_seed_decides():
    """Refits are made of copies; equal seeds give equal noise, others do not."""
    table = make_customers()
    segmenter = vt.RFMSegmenter(grid=None).fit(table)
    tiers, version = segmenter.assign(table), segmenter.version()
    rates = [
        migration(
            tiers, tiers, segmenter=segmenter, X_after=table, n_resamples=3, random_state=seed
        ).decomposition.noise.rate
        for seed in (1, 1, 2)
    ]
    assert segmenter.version() == version
    assert rates[0] == rates[1] != rates[2]


@pytest.mark.parametrize(
    "kind", [pl.from_pandas, lambda f: pl.from_pandas(f).to_arrow(), lambda f: f.iloc[::-1]]
)
def test_frames_of_any_kind_and_order_are_one_table(kind):
    """Polars, Arrow and a table turned round give the same ways, values and noise."""
    old = make_customers()
    new = old.assign(spend=old["spend"] + 7 * (np.arange(len(old)) % 13))
    segmenter = vt.PyramidSegmenter(preset="hml").fit(old)
    before, after = segmenter.assign(old), vt.PyramidSegmenter(preset="hml").fit(new).assign(new)
    one, other = (
        migration(
            before,
            after,
            values_before=how(old),
            values_after=how(new),
            segmenter=segmenter,
            X_after=how(new),
            n_resamples=5,
        )
        for how in (lambda f: f, kind)
    )
    assert one.value_after.tolist() == other.value_after.tolist()
    assert one.decomposition.recut == other.decomposition.recut > 0
    assert one.decomposition.noise.rate == other.decomposition.noise.rate > 0
    by_column = migration(before, after, values_before=old["spend"], values_after=new["spend"].to_numpy())
    assert by_column.value_before.tolist() == one.value_before.tolist()


def test_ids_of_an_index_and_of_row_numbers_will_do():
    """Without a column customer_id the index names the customers, in an array their row numbers."""
    table = make_customers().set_index("customer_id")
    pyramid = vt.PyramidSegmenter().fit(table)
    tiers = pyramid.assign(table)
    assert migration(tiers, tiers, segmenter=pyramid, X_after=table, n_resamples=2).decomposition.recut == 0
    rows = table[["spend"]].to_numpy()
    bare = vt.PyramidSegmenter().fit(rows)
    found = migration(bare.assign(rows), bare.assign(rows), segmenter=bare, X_after=rows, n_resamples=2)
    assert found.both == len(rows)


def test_forms_of_the_table():
    """Long, wide with totals, shares by rows, and the ways into and out of a tier; in both languages."""
    found = migration(
        assigned([0, 0, 1, 2], [1, 2, 3, 4]),
        assigned([0, 1, 0, 2], [1, 2, 3, 5]),
        values_before=[100, 80, 20, 5],
        values_after=[110, 30, 90, 6],
    )
    assert found.table().to_numpy().tolist() == [
        [1, 1, 0, 0, 2], [1, 0, 0, 0, 1], [0, 0, 0, 1, 1], [0, 0, 1, 0, 1], [2, 1, 1, 1, 5],
    ]  # fmt: skip
    assert list(found.table(lang="zh").index) == ["金", "银", "铜", "新增", "合计"]
    assert list(found.table(lang="zh").columns) == ["金", "银", "铜", "离开", "合计"]
    assert found.table("value_after").loc["new"].tolist() == [0, 0, 6, 0, 6]
    assert found.table("share").loc["Gold"].tolist() == [0.5, 0.5, 0, 0]
    frame = found.to_frame()
    assert list(frame) == ["from", "to", "customers", "share", "value_before", "value_after"]
    assert len(frame) == 15
    assert frame["customers"].sum() == 5
    assert found.flows().values.tolist() == [["in", "Silver", 1, 20, 90], ["out", "Silver", 1, 80, 30]]
    assert found.flows(2, "zh").values.tolist() == [["in", "新增", 1, 0, 6], ["out", "离开", 1, 5, 0]]
    assert (found.both, found.up, found.down, found.entered, found.left) == (3, 1, 1, 1, 1)


def test_a_tier_nobody_was_in_has_no_shares():
    """Of nobody no share goes anywhere."""
    found = migration(assigned([0, 0]), assigned([0, 1]))
    assert found.table("share").loc["Bronze"].isna().all()
    assert list(found.flows()) == ["direction", "tier", "customers"]


def test_the_story_in_words():
    """Counts, dates and amounts, and what of it the cuts did, in English and in Chinese."""
    found = migration(
        assigned([0, 0, 1, 2], [1, 2, 3, 4], as_of=date(2024, 1, 31)),
        assigned([0, 1, 0, 2], [1, 2, 3, 5], as_of=date(2024, 6, 30)),
        values_before=[100, 80, 20, 5],
        values_after=[110, 30, 90, 6],
        segmenter=Told(),
        X_after=told([0, 0, 0, 2], [1, 2, 3, 5]),
        n_resamples=2,
    )
    assert found.verdict() == (
        "From 2024-01-31 to 2024-06-30, 2 of the 3 customers seen at both (66.7 %) changed tier: 1 up, 1 down; "
        "1 came and 1 went. Gold: 2 → 2 customers; 1 in (worth 90.00 now), 1 out (worth 80.00 then). "
        "Of the 2 moves, 1 are behaviour (they cross the old cuts), 1 moved cuts and 0 both; for 0 customers the "
        "new cuts undo what behaviour did. The new cuts put 1 of 4 customers (25.0 %) into another tier than the "
        "old ones, more than chance does: refits to the same customers disagree about 0.0 % "
        "(95 % of them: 0.0 % to 0.0 %)."
    )
    assert found.verdict("zh") == (
        "2024-01-31 至 2024-06-30，两期都在的 3 位客户中有 2 位（66.7%）变动了层级：上升 1 位，下降 1 位；"
        "新增 1 位，离开 1 位。“金”：2 → 2 位客户；流入 1 位（现在价值 90.00），流出 1 位（当时价值 80.00）。"
        "2 次变动中，1 次源于客户行为（按原分界线已换层），1 次源于分界线移动，0 次两者兼有；"
        "另有 0 位客户的行为变化被新分界线抵消。新分界线使 4 位客户中的 1 位（25.0%）与原分界线的结果不同，"
        "超出偶然波动：对同一批客户重新拟合，平均有 0.0% 的客户结果不一致（95% 在 0.0% 至 0.0% 之间）。"
    )
    assert str(found) == f"{found.table()}\n{found.verdict()}"
    assert str(found.decomposition).endswith(found.decomposition.verdict())
    plain = migration(assigned([0, 1]), assigned([0, 1])).verdict()
    assert plain.startswith("Between the two dates, 0 of the 2 customers seen at both (0.0 %) changed tier")


def test_cuts_that_agree_are_told_so():
    """One ruler at both dates: no recut, but what a refit would have moved by chance."""
    table = make_customers()
    pyramid = vt.PyramidSegmenter().fit(table)
    found = migration(
        pyramid.assign(table), pyramid.assign(table), segmenter=pyramid, X_after=table, n_resamples=5
    )
    why = found.decomposition
    assert "Old and new cuts agree about every customer." in why.verdict()
    assert "新旧分界线对每位客户的判断都相同。" in why.verdict("zh")
    assert list(why.to_frame()) == list(HEADS)
    assert why.to_frame(lang="zh").index[-1] == "合计"
    assert why.to_frame().loc["total", "before"] == len(table)
    assert why.recut_beyond_chance < 0


def test_no_more_than_chance_is_told_so():
    """One customer recut among three hundred is within the noise of a refit."""
    table = make_customers()
    pyramid = vt.PyramidSegmenter().fit(table)
    tiers = pyramid.assign(table)
    codes = tiers.codes.copy()
    codes[0] = (codes[0] + 1) % 4
    after = vt.TierAssignment(codes, tiers.tiers, None, None, tiers.ids, "pyramid")
    why = migration(tiers, after, segmenter=pyramid, X_after=table, n_resamples=20).decomposition
    assert why.recut == 1
    assert not why.beyond_noise()
    assert "no more than chance does" in why.verdict()
    assert "未超出偶然波动" in why.verdict("zh")


def test_cdnow_with_one_ruler():
    """On cumulative spend nobody can fall: with one ruler some only rise, with new cuts 1,329 fall."""
    orders = vt.datasets.load_cdnow_orders()
    old, new = (vt.summarize(orders, as_of=day).customers for day in ("1997-12-31", "1998-06-30"))
    first, second = (vt.PyramidSegmenter(preset="hml").fit(table) for table in (old, new))
    ruler = migration(first.assign(old), first.assign(new))
    assert ruler.up == 1_715
    assert ruler.down == ruler.entered == ruler.left == 0
    recut = migration(first.assign(old), second.assign(new), segmenter=first, X_after=new, n_resamples=4)
    assert recut.down == recut.decomposition.moves["cuts"] == 1_329
    assert ruler.up == sum(recut.decomposition.moves[cause] for cause in ("behaviour", "both", "offset"))
    assert pd.Series(recut.decomposition.customers["moved"]).iloc[0] == ruler.flows()["customers"].sum()


@pytest.mark.parametrize(
    ("names", "lang"), [(("new", "gone", "total"), "en"), (("新增", "离开", "合计"), "zh")]
)
def test_tiers_may_be_called_like_the_margins(names, lang):
    """Flows and totals go by place: a tier named new, gone or total is none of the margins."""
    tiers = tuple(vt.Tier(i, name, name) for i, name in enumerate(names))
    before, after = (
        replace(one, tiers=tiers)
        for one in (assigned([0, 0, 1, 2], [1, 2, 3, 4]), assigned([0, 1, 0, 2], [1, 2, 3, 5]))
    )
    found = migration(before, after)
    assert found.flows(0, lang).values.tolist() == [["in", names[1], 1], ["out", names[1], 1]]
    assert found.flows(2, lang)["tier"].tolist() == [names[0], names[1]]
    assert found.table(lang=lang).to_numpy().tolist() == [
        [1, 1, 0, 0, 2], [1, 0, 0, 0, 1], [0, 0, 0, 1, 1], [0, 0, 1, 0, 1], [2, 1, 1, 1, 5],
    ]  # fmt: skip
