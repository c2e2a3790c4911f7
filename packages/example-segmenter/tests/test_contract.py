"""The contract that valuetier publishes holds for a segmenter that knows nothing of it."""

import ast
import inspect

import example_segmenter
import pytest
from example_segmenter import TenureSegmenter

import valuetier as vt


@pytest.mark.parametrize("check", vt.checks.yield_checks(), ids=lambda check: check.__name__)
def test_contract(check):
    """Every published check passes."""
    check(TenureSegmenter())


def test_is_found_by_name():
    """The entry point makes it one of the installed segmenters."""
    assert "tenure" in vt.available_segmenters()
    assert isinstance(vt.get_segmenter("tenure"), TenureSegmenter)


def test_imports_nothing_of_valuetier():
    """The package stands on its own."""
    tree = ast.parse(inspect.getsource(example_segmenter))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not any(name.startswith("valuetier") for name in names)


def test_tiers_reach_actions_with_a_playbook_of_ones_own(tmp_path):
    """A kind without playbook says so; with one, every customer gets an action."""
    customers = vt.checks.make_customers()
    assignment = vt.assign(TenureSegmenter().fit(customers), customers)
    with pytest.raises(vt.UncoveredTiersError, match="No playbook comes with the kind 'tenure'"):
        vt.StrategyMapper().map(assignment)
    path = tmp_path / "tenure.yaml"
    path.write_text(PLAYBOOK, encoding="utf-8")
    actions = vt.StrategyMapper.from_yaml(path).map(assignment)
    assert set(actions["customer_id"]) == set(customers["customer_id"])


PLAYBOOK = """
name: tenure
version: 1
title: {en: Tenure, zh: 客龄}
actions:
  thanks:
    action: {en: Say thank you by name, zh: 致电感谢}
    channel: phone
    owner: crm
    cadence_days: 365
    cost: 1
    minutes: 5
    reason: {en: Has been with us for long., zh: 长期支持我们。}
  welcome:
    action: {en: Send the welcome series, zh: 发送欢迎系列邮件}
    channel: email
    owner: automation
    cadence_days: null
    cost: 0.1
    minutes: 0
    reason: {en: Is new here., zh: 刚刚成为客户。}
rules:
  - id: long
    when: {tier: [Veteran, Settled]}
    then: [thanks]
  - id: new
    when: {tier: New}
    then: [welcome]
"""
