"""Small playbooks for tests."""

from typing import Any

import yaml

import valuetier as vt
from valuetier.plugins import segmenter_class

# Installed segmenters of this library: those of other packages bring playbooks of their own, or none.
BUILT_IN = tuple(
    name for name in vt.available_segmenters() if segmenter_class(name).__module__.startswith("valuetier.")
)


def action(**changes: Any) -> dict[str, Any]:
    """Return an action with every field."""
    return {
        "action": {"en": "Call", "zh": "致电"},
        "channel": "phone",
        "owner": "crm",
        "cadence_days": 90,
        "cost": 2,
        "minutes": 5.5,
        "reason": {"en": "Because.", "zh": "因为。"},
    } | changes


def book(rules: list[dict[str, Any]], **changes: Any) -> str:
    """Return a playbook as YAML whose actions are those that the rules name."""
    names = {name for rule in rules for name in rule["then"]}
    content = {
        "name": "test",
        "version": 1,
        "title": {"en": "Test", "zh": "测试"},
        "actions": {name: action() for name in sorted(names)},
        "rules": rules,
    } | changes
    return yaml.safe_dump(content, allow_unicode=True)


def rule(name: str, when: dict[str, Any], *then: str) -> dict[str, Any]:
    """Return a rule."""
    return {"id": name, "when": when, "then": list(then) or ["call"]}
