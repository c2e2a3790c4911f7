"""Weighted likelihoods with gradient and Hessian, in blocks on threads.

A model says for each row what its log-likelihood is and how it changes with the logarithms
of the parameters (``Rows``). Here rows become totals: by the parameters themselves, or,
with covariates, by the coefficients of a log-linear design.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from valuetier._core.compress import Floats, tabulated
from valuetier._core.threads import in_threads

# Rows whose intermediate arrays stay in a core's cache.
BLOCK = 16_384

# A subsample of this many drawn rows finds the neighbourhood of the maximum.
SAMPLE = 20_000


class Rows(NamedTuple):
    """Log-likelihood per row and its derivatives by the log-parameters.

    ``hessian`` has the upper triangle of each row's matrix, row by row: p (p + 1) / 2.
    """

    value: Floats
    gradient: Floats
    hessian: Floats


class Part(NamedTuple):
    """A term of the log-likelihood and the columns it depends on.

    ``of_counts`` says that it is one column with few distinct values: these are computed once.
    ``block`` rows are computed at a time.
    """

    rows: Callable[[Sequence[Floats], Floats], Rows]
    uses: tuple[int, ...]
    of_counts: bool = False
    block: int = BLOCK


class Likelihood(NamedTuple):
    """Total log-likelihood with gradient and Hessian by the working parameters."""

    value: float
    gradient: Floats
    hessian: Floats


class _Block(NamedTuple):
    part: Part
    columns: tuple[Floats, ...]
    weights: Floats
    designs: tuple[Floats, ...] | None


class Sample:
    """Weighted rows of a model: called with working parameters, the total log-likelihood.

    Parameters
    ----------
    parts : sequence of Part
        Their sum is a row's log-likelihood.
    columns : tuple of (n,) arrays
    weights : (n,) array
        How many customers a row stands for.
    designs : tuple of (n, m) arrays, optional
        One matrix per parameter, the first column ones: log-parameter = design @ coefficients.
        Without designs the log-parameters are the same for all rows.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        columns: Sequence[Floats],
        weights: Floats,
        designs: tuple[Floats, ...] | None = None,
    ) -> None:
        self.parts = tuple(parts)
        self.columns = tuple(columns)
        self.weights = weights
        self.designs = designs
        self.total = float(weights.sum())
        self._blocks = [block for part in self.parts for block in self._blocks_of(part)]

    def __len__(self) -> int:
        return len(self.weights)

    def __call__(self, working: Floats) -> Likelihood:
        """Return the total log-likelihood with its derivatives; sums do not depend on the threads."""
        totals = in_threads(lambda block: _total(block, working), self._blocks)
        return Likelihood(*(sum(terms) for terms in zip(*totals, strict=True)))

    def reweighted(self, weights: Floats) -> Sample:
        """Return the same rows with other weights; rows of weight 0 are left out."""
        return self._taking(np.flatnonzero(weights > 0), weights)

    def subsample(self, size: int = SAMPLE) -> Sample:
        """Return about ``size`` rows drawn evenly along the sorted rows, in proportion to weight."""
        places = np.floor(np.cumsum(self.weights) / self.total * size + 0.5)
        drawn = np.diff(places, prepend=0.0)
        return self.reweighted(drawn * (self.total / size))

    def _taking(self, kept: NDArray[np.intp], weights: Floats) -> Sample:
        designs = None if self.designs is None else tuple(design[kept] for design in self.designs)
        return Sample(self.parts, [column[kept] for column in self.columns], weights[kept], designs)

    def _blocks_of(self, part: Part) -> list[_Block]:
        columns, weights = tuple(self.columns[place] for place in part.uses), self.weights
        if self.designs is None and part.of_counts:
            values, weights = tabulated(columns[0], weights)
            columns = (values,)
        slices = [slice(start, start + part.block) for start in range(0, len(weights), part.block)]
        return [
            _Block(
                part, tuple(column[rows] for column in columns), weights[rows],
                None if self.designs is None else tuple(design[rows] for design in self.designs),
            )
            for rows in slices
        ]  # fmt: skip


def _total(block: _Block, working: Floats) -> tuple[float, Floats, Floats]:
    """Return a block's weighted value, gradient and Hessian by the working parameters."""
    with np.errstate(all="ignore"):  # a step too far gives inf or NaN, and is not taken
        return _total_of(block, working)


def _total_of(block: _Block, working: Floats) -> tuple[float, Floats, Floats]:
    if block.designs is None:
        value, gradient, packed = block.part.rows(block.columns, np.exp(working))
        hessian = unpacked(np.einsum("hn,n->h", packed, block.weights), len(working))
        return _sum(value, block.weights), np.einsum("pn,n->p", gradient, block.weights), hessian
    ends = np.cumsum([design.shape[1] for design in block.designs])
    coefficients = np.split(working, ends[:-1])
    theta = np.exp([design @ part for design, part in zip(block.designs, coefficients, strict=True)])
    value, gradient, packed = block.part.rows(block.columns, theta)
    weighted = np.broadcast_to(packed, (len(packed), len(block.weights))) * block.weights
    by_parameter = [
        np.einsum("nm,n->m", design, slope * block.weights)
        for design, slope in zip(block.designs, gradient, strict=True)
    ]
    return _sum(value, block.weights), np.concatenate(by_parameter), _by_coefficients(block.designs, weighted)


def _sum(value: Floats, weights: Floats) -> float:
    return float(np.einsum("n,n->", np.broadcast_to(value, weights.shape), weights))


def _by_coefficients(designs: Sequence[Floats], weighted: Floats) -> Floats:
    """Return the Hessian by the coefficients from the weighted Hessians by log-parameter."""
    size = len(designs)
    pieces: dict[tuple[int, int], Floats] = {}
    for (row, column), curvature in zip(upper_triangle(size), weighted, strict=True):
        piece = np.einsum("nm,n,nk->mk", designs[row], curvature, designs[column], optimize=False)
        pieces[row, column], pieces[column, row] = piece, piece.T
    return np.block([[pieces[row, column] for column in range(size)] for row in range(size)])


def log_sum(terms: Floats) -> Floats:
    """Return log Σ exp over the first axis, added one after the other.

    So that a customer's value does not depend on who else is asked about: array sums group
    their terms by the shape of the array.

    Examples
    --------
    >>> log_sum(np.log([[1.0, 0.5], [2.0, 0.5]])).round(6).tolist()
    [1.098612, 0.0]
    """
    top = terms.max(axis=0)
    top = np.where(np.isfinite(top), top, 0.0)
    total = np.zeros(terms.shape[1:])
    for term in terms:
        total += np.exp(term - top)
    with np.errstate(divide="ignore"):
        return np.asarray(top + np.log(total))


def mixture_rows(log_weights: Floats, slopes: Sequence[Floats], curvatures: Sequence[Floats]) -> Rows:
    """Return log Σ exp of components with derivatives: the mean of theirs and the spread of their slopes.

    Parameters
    ----------
    log_weights : (c, n) array
        One row per component.
    slopes, curvatures : p and p (p + 1) / 2 arrays that broadcast with (c, n)
        Derivatives of the log weights by the log-parameters; the latter in the order of
        an upper triangle.
    """
    top = log_weights.max(axis=0)
    weights = np.exp(log_weights - top)
    total = weights.sum(axis=0)
    weights /= total
    gradient = np.array([(weights * slope).sum(axis=0) for slope in slopes])
    hessian = np.array([
        (weights * (curvature + slopes[i] * slopes[j])).sum(axis=0) - gradient[i] * gradient[j]
        for (i, j), curvature in zip(upper_triangle(len(slopes)), curvatures, strict=True)
    ])  # fmt: skip
    return Rows(top + np.log(total), gradient, hessian)


def upper_triangle(size: int) -> list[tuple[int, int]]:
    """Return the places of an upper triangle, row by row."""
    return [(row, column) for row in range(size) for column in range(row, size)]


def unpacked(upper: Floats, size: int) -> Floats:
    """Return the symmetric matrix of an upper triangle.

    Examples
    --------
    >>> unpacked(np.array([1.0, 2.0, 3.0]), 2).tolist()
    [[1.0, 2.0], [2.0, 3.0]]
    """
    matrix = np.zeros((size, size))
    matrix[np.triu_indices(size)] = upper
    return matrix + np.triu(matrix, 1).T
