"""What happens to customers under a policy, and how it is said in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from valuetier._core import policy as core

Words = Mapping[str, str]


class Happening(NamedTuple):
    """The name of an event and its reason in words."""

    event: str
    reason: Words


HAPPENINGS: Mapping[int, Happening] = {
    core.ENTERED: Happening("entered", {"en": "New customer, enters {to}.", "zh": "新客户，进入“{to}”。"}),
    core.RETURNED: Happening(
        "returned",
        {"en": "Is back after lapsing, enters {to} anew.", "zh": "失效后重新出现，按当前评定进入“{to}”。"},
    ),
    core.UPGRADED: Happening(
        "upgraded", {"en": "Reaches {to}, rises from {old}.", "zh": "达到“{to}”标准，由“{old}”升级。"}
    ),
    core.DOWNGRADED: Happening(
        "downgraded",
        {"en": "Below {old} {reviews}, falls to {to}.", "zh": "{reviews}低于“{old}”标准，降至“{to}”。"},
    ),
    core.SOFT_LANDED: Happening(
        "soft_landed",
        {
            "en": "Below {old} {reviews}, falls one tier only, to {to}.",
            "zh": "{reviews}低于“{old}”标准，软着陆，只降一级至“{to}”。",
        },
    ),
    core.KEPT_BY_BAND: Happening(
        "kept_by_band",
        {
            "en": "Below the line of {old} by {band} at most, keeps it.",
            "zh": "低于“{old}”标准线但不超过 {band}，予以保级。",
        },
    ),
    core.KEPT_BY_QUALIFICATION: Happening(
        "kept_by_qualification",
        {
            "en": "Below {old}, which is still valid, keeps it.",
            "zh": "低于“{old}”标准，但资格仍在有效期内，予以保级。",
        },
    ),
    core.KEPT_BY_DWELL: Happening(
        "kept_by_dwell",
        {
            "en": "Below {old}, but not yet {reviews}, keeps it.",
            "zh": "低于“{old}”标准，但尚未{reviews}均不达标，予以保级。",
        },
    ),
    core.KEPT_BY_GRACE: Happening(
        "kept_by_grace",
        {
            "en": "Below {old}, keeps it for a grace period of {grace} days.",
            "zh": "低于“{old}”标准，在 {grace} 天宽限期内予以保级。",
        },
    ),
    core.KEPT_WHILE_MISSING: Happening(
        "kept_by_grace",
        {
            "en": "Not among the customers, keeps {old} for a grace period of {grace} days.",
            "zh": "未出现在客户名单中，在 {grace} 天宽限期内保留“{old}”。",
        },
    ),
    core.LAPSES: Happening(
        "lapsed",
        {
            "en": "Not among the customers, and no grace is left: {old} lapses.",
            "zh": "未出现在客户名单中，且已无宽限期，“{old}”失效。",
        },
    ),
}

STARTED, ENDED, CUTS_CHANGED = "override_started", "override_ended", "cuts_changed"

# Every event there is, in the order in which a step tells them.
EVENTS = (CUTS_CHANGED, ENDED, *dict.fromkeys(each.event for each in HAPPENINGS.values()), STARTED)

MOVES = ("upgraded", "downgraded", "soft_landed")

OTHER_CUTS: Words = {
    "en": "The tiers are cut by version {new}, before by version {old}.",
    "zh": "分界线版本由 {old} 变更为 {new}。",
}
OVER: Words = {
    "en": "Override is over ({reason}); back to the tier of the policy.",
    "zh": "人工指定到期（{reason}），恢复为规则评定的层级。",
}
OVER_AND_LAPSED: Words = {
    "en": "Override is over ({reason}); the tier of the policy has lapsed.",
    "zh": "人工指定到期（{reason}），规则评定的层级已失效。",
}


def reviews(number: int, lang: str) -> str:
    """Return in how many reviews, as the reasons say it.

    Examples
    --------
    >>> reviews(1, "en"), reviews(2, "en"), reviews(2, "zh")
    ('at the review', 'at 2 successive reviews', '连续 2 次复核')
    """
    if number == 1:
        return "复核时" if lang == "zh" else "at the review"
    return f"连续 {number} 次复核" if lang == "zh" else f"at {number} successive reviews"
