"""What a plan must keep to: the budget, the capacities and the coverage of tiers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import pandas as pd

from valuetier import _validate as validate
from valuetier._validate import Floats
from valuetier.errors import InvalidParameterError, suggestion
from valuetier.strategy.playbook import Action, Channel, Owner
from valuetier.tiers import Tier

OBJECTIVES = ("value", "net")
BUDGET, OWNER, CHANNEL, COVERAGE = "budget", "owner", "channel", "coverage"
OWNERS, CHANNELS = get_args(Owner), get_args(Channel)


@dataclass(frozen=True, slots=True, eq=False)
class Limit:
    """Something there is only so much of.

    Attributes
    ----------
    kind : str
        ``"budget"`` (money), ``"owner"`` (minutes) or ``"channel"`` (contacts).
    name : str
        The owner or the channel.
    most : float
    use : (k,) array
        What one customer's share of each action uses.
    """

    kind: str
    name: str
    most: float
    use: Floats


@dataclass(frozen=True, slots=True)
class Coverage:
    """The least share of a tier's customers who get something.

    Attributes
    ----------
    tier : Tier
    share : float
    """

    tier: Tier
    share: float


def executions(actions: list[Action], horizon_days: Any) -> Floats:
    """Return how often each action is done within the horizon; once without one."""
    if horizon_days is None:
        return np.ones(len(actions))
    days = validate.positive_number("horizon_days", horizon_days)
    times = [1 if a.cadence_days is None else math.ceil(days / a.cadence_days) for a in actions]
    return np.array(times, dtype=np.float64)


def read_limits(budget: Any, capacity: Any, actions: list[Action], times: Floats) -> list[Limit]:
    """Return the budget, then the capacities in the order they came in."""
    limits = []
    if budget is not None:
        most = validate.positive_number("budget", budget, zero=True)
        limits.append(Limit(BUDGET, BUDGET, most, np.array([a.cost for a in actions]) * times))
    return limits + [_capacity(name, most, actions, times) for name, most in _flat(capacity).items()]


def _flat(capacity: Any) -> Mapping[Any, Any]:
    """Return capacities by owner and channel, also from {"owner": {…}, "channel": {…}}."""
    if capacity is None:
        return {}
    if isinstance(capacity, pd.Series):
        capacity = capacity.to_dict()
    if not isinstance(capacity, Mapping):
        raise InvalidParameterError(
            'capacity must map owners to minutes and channels to contacts, such as {"account_manager": 1200, '
            f'"email": 500}}, got a {type(capacity).__name__}.'
        )
    nested = {k: v for k, v in capacity.items() if k in (OWNER, CHANNEL) and isinstance(v, Mapping)}
    flat = {k: v for k, v in capacity.items() if k not in nested}
    return flat | {name: most for part in nested.values() for name, most in part.items()}


def _capacity(name: Any, most: Any, actions: list[Action], times: Floats) -> Limit:
    number = validate.positive_number(f"capacity[{name!r}]", most, zero=True)
    if name in OWNERS:
        use = np.array([a.minutes if a.owner == name else 0.0 for a in actions]) * times
        return Limit(OWNER, name, number, use)
    if name in CHANNELS:
        return Limit(CHANNEL, name, number, np.array([float(a.channel == name) for a in actions]) * times)
    owners, channels = sorted({a.owner for a in actions}), sorted({a.channel for a in actions})
    raise InvalidParameterError(
        f"capacity names {name!r}, which is neither an owner nor a channel. The playbook has the owners "
        f"{owners} (minutes) and the channels {channels} (contacts).{suggestion(name, [*OWNERS, *CHANNELS])}"
    )


def read_coverage(coverage: Any, tiers: tuple[Tier, ...]) -> list[Coverage]:
    """Return the tiers with a least share, in the order they came in; by their English or Chinese names."""
    if coverage is None:
        return []
    if not isinstance(coverage, Mapping):
        raise InvalidParameterError(
            'coverage must map tiers to shares of their customers, such as {"Vital": 1.0}, '
            f"got a {type(coverage).__name__}."
        )
    return [Coverage(tier, share) for tier, share in _by_tier("coverage", coverage, tiers).items()]


def _by_tier(parameter: str, shares: Mapping[Any, Any], tiers: tuple[Tier, ...]) -> dict[Tier, float]:
    """Return shares by tier, from those by English or Chinese names; ``parameter`` is what messages call them."""
    known = {name: tier for tier in tiers for name in (tier.name, tier.name_zh)}
    names = [tier.name for tier in tiers]
    found: dict[Tier, float] = {}
    for key, share in shares.items():
        name = str(key)
        if name not in known:
            raise InvalidParameterError(
                f"{parameter} names {name!r}, which is no tier. Tiers are {names}.{suggestion(name, names)}"
            )
        if known[name] in found:
            raise InvalidParameterError(
                f"{parameter} names the tier {known[name].name!r} twice. Give one share."
            )
        number = validate.positive_number(f"{parameter}[{name!r}]", share, zero=True)
        if number > 1:
            raise InvalidParameterError(
                f"{parameter}[{name!r}] must be from 0 to 1, got {share!r}. 50 % is 0.5."
            )
        found[known[name]] = number
    return found


def read_holdout(holdout: Any, tiers: tuple[Tier, ...]) -> dict[str, float]:
    """Return the share of each tier that is held out; tiers that are not named have no control group."""
    if isinstance(holdout, Mapping):
        named = {tier.name: share for tier, share in _by_tier("holdout", holdout, tiers).items()}
        shares = {tier.name: named.get(tier.name, 0.0) for tier in tiers}
    else:
        shares = dict.fromkeys(
            (tier.name for tier in tiers), validate.positive_number("holdout", holdout, zero=True)
        )
    if any(share >= 1 for share in shares.values()):
        raise InvalidParameterError(f"holdout must be from 0 to below 1, got {holdout!r}. 10 % is 0.1.")
    return shares


def read_offers(offers_per_customer: Any) -> int:
    """Return the most actions per customer; a very large number for no limit."""
    if offers_per_customer is None:
        return int(np.iinfo(np.int32).max)
    return validate.whole_number("offers_per_customer", offers_per_customer, 1)
