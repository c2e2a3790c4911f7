"""Clusterers of scikit-learn, and what is kept of them: centres, or a Gaussian mixture."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # has no stubs

from valuetier._core.compress import significant
from valuetier._core.cuts import Codes
from valuetier._core.gaussians import log_densities, memberships
from valuetier._core.nearest import nearest_centre
from valuetier._validate import Floats
from valuetier.errors import InvalidDataError, InvalidParameterError
from valuetier.store import storable

N_DEFAULT = 4
REGULAR = 0.01  # keeps a component from shrinking onto the many customers with equal counts


@storable
@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Where clusters are, in scaled units; enough to place any customer.

    Attributes
    ----------
    centres : (k, d) array
    weights : (k,) array or None
        Shares of the components of a Gaussian mixture; None where the nearest centre decides.
    factors : (k, d, d) array or None
        Of each component the matrix P with P Pᵀ the inverse of its covariance.
    """

    centres: Floats
    weights: Floats | None = None
    factors: Floats | None = None

    def __len__(self) -> int:
        return len(self.centres)

    def take(self, order: NDArray[np.intp]) -> Clusters:
        """Return the clusters in another order, or some of them."""
        parts = (self.weights, self.factors)
        return Clusters(self.centres[order], *(None if part is None else part[order] for part in parts))

    def probabilities(self, rows: Floats) -> Floats | None:
        """Return the probability of each component per row; None where the nearest centre decides."""
        if self.weights is None or self.factors is None:
            return None
        return memberships(log_densities(rows, self.weights, self.centres, self.factors))

    def parabolas(self, rows: Floats, feature: int) -> tuple[Floats, Floats, Floats]:
        """Return, along one feature with the others as they are, how close each cluster is: highest wins.

        The closeness is square·z² + slope·z + level: squares (k,), slopes and levels (n, k). It is the log
        density of a mixture's component, or less the squared distance to a centre.
        """
        n, k = len(rows), len(self)
        squares, slopes, levels = np.zeros(k), np.zeros((n, k)), np.zeros((n, k))
        for i, centre in enumerate(self.centres):
            factor, scale = np.eye(rows.shape[1]), 1.0
            if self.weights is not None and self.factors is not None:
                factor, scale = self.factors[i], 0.5
                levels[:, i] = np.log(self.weights[i]) + np.log(np.diag(factor)).sum()
            others = rows - centre
            others[:, feature] = -centre[feature]
            for direction in factor.T:
                rest = sum(column * share for column, share in zip(others.T, direction, strict=True))
                squares[i] -= scale * direction[feature] ** 2
                slopes[:, i] -= 2.0 * scale * direction[feature] * rest
                levels[:, i] -= scale * rest**2
        return squares, slopes, levels

    def assign(self, rows: Floats) -> Codes:
        """Return the likeliest component, or the nearest centre, of each row."""
        if self.weights is None or self.factors is None:
            return nearest_centre(rows, self.centres)
        found = log_densities(rows, self.weights, self.centres, self.factors)
        return np.asarray(found.argmax(axis=1), dtype=np.int64)


class Found(NamedTuple):
    """Clusters, and how what is kept of them compares with what the clusterer said.

    ``agreement`` is the share of customers, noise aside, whom the kept clusters place as
    the clusterer did; ``noise_share`` the share that it put into no cluster.
    """

    clusters: Clusters
    agreement: float
    noise_share: float


def new_clusterer(estimator: Any, seed: int) -> Any:
    """Return an unfitted copy of a clusterer, seeded unless it has a seed of its own.

    Raises
    ------
    InvalidParameterError
        If it has not the methods of a clusterer.
    """
    if estimator is None:
        estimator = GaussianMixture(N_DEFAULT, reg_covar=REGULAR)
    if isinstance(estimator, type) or not all(hasattr(estimator, m) for m in ("fit_predict", "get_params")):
        raise InvalidParameterError(
            "estimator must be an unfitted clusterer with fit_predict and get_params, as scikit-learn's are, "
            f"such as GaussianMixture(4), got {estimator!r}."
        )
    copy = clone(estimator)
    seeds = [name for name, value in copy.get_params().items() if value is None and _is_seed(name)]
    return copy.set_params(**dict.fromkeys(seeds, seed)) if seeds else copy


def _is_seed(name: str) -> bool:
    """Return whether a parameter is the seed of the clusterer or of a part of it."""
    return name.rpartition("__")[2] == "random_state"


def find_clusters(
    estimator: Any, rows: Floats, weights: Floats, *, sample_size: int | None = None, seed: int = 0
) -> Found:
    """Return the clusters that a clusterer finds in weighted distinct rows.

    It sees every customer in sorted order, so that their order in the table does not
    matter, or ``sample_size`` of them. Customers that it calls noise belong to no cluster.

    Raises
    ------
    InvalidParameterError
        If a parameter of it cannot be.
    InvalidDataError
        If it fails, or finds fewer than two clusters.
    """
    name, counts = type(estimator).__name__, weights.astype(np.int64)
    everyone = np.repeat(rows, counts, axis=0)
    if sample_size is not None and sample_size < len(everyone):
        rng = np.random.default_rng(seed)
        everyone = everyone[np.sort(rng.choice(len(everyone), sample_size, replace=False))]
    fitted, labels = _fitted(estimator, everyone, len(rows))
    clusters, labels = _kept(fitted, everyone, labels)
    codes = clusters.assign(everyone)
    placed = labels >= 0
    agreement = float((codes[placed] == labels[placed]).mean()) if placed.any() else 0.0
    used = np.unique(codes)
    if len(clusters) < 2 or len(used) < 2:
        raise InvalidDataError(
            f"{name} found {min(len(clusters), len(used))} cluster(s) among {len(everyone)} customers, tiers "
            "need at least 2. Change its parameters or the features."
        )
    return Found(clusters.take(used), agreement, float(1.0 - placed.mean()))


def _fitted(estimator: Any, everyone: Floats, n_different: int) -> tuple[Any, Codes]:
    """Return the fitted clusterer and the labels from 0 up, -1 being noise."""
    fitted, name = clone(estimator), type(estimator).__name__
    try:
        with (
            threadpool_limits(1),
            warnings.catch_warnings(),
            np.errstate(divide="ignore"),
        ):  # OPTICS divides by 0
            warnings.simplefilter("ignore", ConvergenceWarning)  # whether it is stable is reported
            labels = np.asarray(fitted.fit_predict(everyone.copy()))
    except ValueError as error:
        if isinstance(error, TypeError):  # both is what scikit-learn raises for a wrong parameter
            raise InvalidParameterError(f"estimator: {error}") from None
        raise InvalidDataError(
            f"{name} cannot cluster {len(everyone)} customers of whom {n_different} are "
            f"different (n_samples = {len(everyone)}). Ask for fewer clusters, or fit on more customers."
        ) from None
    if labels.shape != everyone.shape[:1]:
        raise InvalidDataError(
            f"{name} must give each of {len(everyone)} customers a cluster, got labels of shape {labels.shape}."
        )
    return fitted, _whole(labels)


def _whole(labels: NDArray[Any]) -> Codes:
    """Return labels as whole numbers, texts in their order; -1 for what is negative or missing."""
    if labels.dtype.kind not in "biuf":
        labels = np.unique(labels, return_inverse=True)[1]
    return np.where(labels >= 0, labels, -1).astype(np.int64)


def _kept(fitted: Any, everyone: Floats, labels: Codes) -> tuple[Clusters, Codes]:
    """Return the first that there is of mixture, centres and mean of each cluster; and the labels as places in it."""
    factors = _factors(fitted)
    if factors is not None:
        mixture = (significant(part) for part in (fitted.means_, fitted.weights_, factors))
        return Clusters(*mixture), labels
    centres = getattr(fitted, "cluster_centers_", None)
    if centres is None:
        there = np.unique(labels[labels >= 0])
        found = [everyone[labels == label].mean(axis=0) for label in there]
        centres = np.array(found).reshape(-1, everyone.shape[1])
        labels = np.where(labels >= 0, np.searchsorted(there, labels), -1)
    return Clusters(significant(np.asarray(centres, dtype=np.float64))), labels


def _factors(fitted: Any) -> Floats | None:
    """Return the factors of a mixture's precisions as one matrix per component; None if it is none."""
    if not all(hasattr(fitted, name) for name in ("weights_", "means_", "precisions_cholesky_")):
        return None
    found, (k, d) = np.asarray(fitted.precisions_cholesky_), fitted.means_.shape
    match fitted.covariance_type:
        case "diag":
            found = found[:, :, None] * np.eye(d)
        case "spherical":
            found = found[:, None, None] * np.eye(d)
    return np.array(np.broadcast_to(found, (k, d, d)))
