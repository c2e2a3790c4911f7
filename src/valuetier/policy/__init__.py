"""Tiers over time: when a customer rises, keeps its tier or loses it, as a value and as a state machine."""

from valuetier.policy.machine import TierPolicy
from valuetier.policy.replay import PolicyReplay
from valuetier.policy.state import TierState

__all__ = ["PolicyReplay", "TierPolicy", "TierState"]
