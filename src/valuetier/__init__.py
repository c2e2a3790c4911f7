"""valuetier: from an order log to customer tiers to service actions.

The public names below are loaded when they are first used: importing the package loads
neither an engine nor scikit-learn, matplotlib or lifetimes.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version as _version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from valuetier import checks as checks
    from valuetier import datasets as datasets
    from valuetier import errors as errors
    from valuetier import evaluate as evaluate
    from valuetier import models as models
    from valuetier import plots as plots
    from valuetier import strategy as strategy
    from valuetier import values as values
    from valuetier.customers import (
        IngestReport,
        Split,
        Summary,
        Suspicion,
        from_lifetimes,
        from_pymc_marketing,
        spend_trend,
        split,
        sum_log_gaps,
        summarize,
        to_lifetimes,
        to_pymc_marketing,
    )
    from valuetier.cuts import NaturalBreakCut, ShareCut, ThresholdCut, ValueShareCut
    from valuetier.errors import (
        InfeasiblePlanError,
        InvalidDataError,
        InvalidParameterError,
        MissingColumnsError,
        MissingDependencyError,
        NotConvergedError,
        ProtectedColumnsError,
        UncoveredTiersError,
        UnknownSegmenterError,
        ValueTierError,
    )
    from valuetier.explain import Explanation, explanation
    from valuetier.learning import LearningReport, fit
    from valuetier.loyalty import ActivityPoints, LoyaltyProgramme, PointsMultiplier
    from valuetier.models import (
        BGBB,
        BGNBD,
        CNBDK,
        MBGNBD,
        MCNBDK,
        SBG,
        Draws,
        GammaGamma,
        Independence,
        LifetimesAdapter,
        ParetoNBD,
        compare_models,
        likelihood_ratio_test,
    )
    from valuetier.ondisk import DiskRun, run_on_disk
    from valuetier.pipeline import run
    from valuetier.plugins import available_segmenters, get_segmenter
    from valuetier.policy import TierPolicy, TierState
    from valuetier.referrals import referral_value
    from valuetier.segmenters import (
        AccountSheet,
        CascadeSegmenter,
        ClusterSegmenter,
        CLVSegmenter,
        Gate,
        KAISMSegmenter,
        KMeansSegmenter,
        LifecycleSegmenter,
        LoyaltySegmenter,
        MatrixSegmenter,
        PyramidSegmenter,
        RFMSegmenter,
        RuleSegmenter,
        ScorecardSegmenter,
        TierRule,
        combine_ratings,
    )
    from valuetier.store import load
    from valuetier.strategy import (
        FollowUpRules,
        FollowUps,
        Plan,
        Playbook,
        StrategyMapper,
        follow_ups,
    )
    from valuetier.tiers import Segmenter, Tier, TierAssignment, assign

_HOMES = {
    "checks": "",
    "datasets": "",
    "errors": "",
    "evaluate": "",
    "models": "",
    "plots": "",
    "strategy": "",
    "values": "",
    "IngestReport": "customers",
    "Split": "customers",
    "Summary": "customers",
    "Suspicion": "customers",
    "from_lifetimes": "customers",
    "from_pymc_marketing": "customers",
    "split": "customers",
    "spend_trend": "customers",
    "sum_log_gaps": "customers",
    "summarize": "customers",
    "to_lifetimes": "customers",
    "to_pymc_marketing": "customers",
    "NaturalBreakCut": "cuts",
    "ShareCut": "cuts",
    "ThresholdCut": "cuts",
    "ValueShareCut": "cuts",
    "InfeasiblePlanError": "errors",
    "InvalidDataError": "errors",
    "InvalidParameterError": "errors",
    "MissingColumnsError": "errors",
    "MissingDependencyError": "errors",
    "NotConvergedError": "errors",
    "ProtectedColumnsError": "errors",
    "UncoveredTiersError": "errors",
    "UnknownSegmenterError": "errors",
    "ValueTierError": "errors",
    "Explanation": "explain",
    "explanation": "explain",
    "LearningReport": "learning",
    "fit": "learning",
    "ActivityPoints": "loyalty",
    "LoyaltyProgramme": "loyalty",
    "PointsMultiplier": "loyalty",
    "BGBB": "models",
    "BGNBD": "models",
    "CNBDK": "models",
    "MBGNBD": "models",
    "MCNBDK": "models",
    "SBG": "models",
    "Draws": "models",
    "GammaGamma": "models",
    "Independence": "models",
    "LifetimesAdapter": "models",
    "ParetoNBD": "models",
    "compare_models": "models",
    "likelihood_ratio_test": "models",
    "DiskRun": "ondisk",
    "run_on_disk": "ondisk",
    "run": "pipeline",
    "available_segmenters": "plugins",
    "get_segmenter": "plugins",
    "TierPolicy": "policy",
    "TierState": "policy",
    "referral_value": "referrals",
    "CascadeSegmenter": "segmenters",
    "ClusterSegmenter": "segmenters",
    "AccountSheet": "segmenters",
    "CLVSegmenter": "segmenters",
    "Gate": "segmenters",
    "KAISMSegmenter": "segmenters",
    "KMeansSegmenter": "segmenters",
    "LifecycleSegmenter": "segmenters",
    "LoyaltySegmenter": "segmenters",
    "MatrixSegmenter": "segmenters",
    "PyramidSegmenter": "segmenters",
    "RFMSegmenter": "segmenters",
    "RuleSegmenter": "segmenters",
    "ScorecardSegmenter": "segmenters",
    "combine_ratings": "segmenters",
    "TierRule": "segmenters",
    "load": "store",
    "Plan": "strategy",
    "Playbook": "strategy",
    "FollowUpRules": "strategy",
    "FollowUps": "strategy",
    "StrategyMapper": "strategy",
    "follow_ups": "strategy",
    "Segmenter": "tiers",
    "Tier": "tiers",
    "TierAssignment": "tiers",
    "assign": "tiers",
}

__all__ = [*sorted(_HOMES), "__version__"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _version("valuetier")
    if name not in _HOMES:
        raise AttributeError(f"module 'valuetier' has no attribute {name!r}")
    home = _HOMES[name]
    if not home:
        return import_module(f"valuetier.{name}")
    return getattr(import_module(f"valuetier.{home}"), name)


def __dir__() -> list[str]:
    return __all__
