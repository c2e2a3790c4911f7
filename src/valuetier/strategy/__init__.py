"""From tier to service action: playbooks as data, checked on load, mapped to customers."""

from valuetier.strategy.mapper import StrategyMapper
from valuetier.strategy.playbook import Action, Playbook, Rule

__all__ = ["Action", "Playbook", "Rule", "StrategyMapper"]
