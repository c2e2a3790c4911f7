"""From tier to service action: playbooks as data, checked on load, mapped to customers."""

from valuetier.strategy.consent import Withheld, permitted
from valuetier.strategy.control import control_group, in_control
from valuetier.strategy.followup import FollowUps, follow_ups
from valuetier.strategy.followup_rules import FollowUpRules, Touch
from valuetier.strategy.mapper import StrategyMapper
from valuetier.strategy.plan import Plan
from valuetier.strategy.playbook import Action, Playbook, Rule
from valuetier.strategy.power import SampleSize, detectable_effect, power_table, sample_size
from valuetier.strategy.suppression import SuppressionList, read_suppression

__all__ = [
    "Action",
    "FollowUpRules",
    "FollowUps",
    "Plan",
    "Playbook",
    "Rule",
    "SampleSize",
    "StrategyMapper",
    "SuppressionList",
    "Touch",
    "Withheld",
    "control_group",
    "detectable_effect",
    "follow_ups",
    "in_control",
    "permitted",
    "power_table",
    "read_suppression",
    "sample_size",
]
