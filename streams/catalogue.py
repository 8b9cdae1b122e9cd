"""The catalogue of indices: each a formula over additive counters, nothing else.

A new index is a row in the module of its subject. Its value is ``numerator / denominator / scale``, both weighted sums of
the counters of one entity in one window (:mod:`kernels.layout`); an index without a denominator is its numerator. ``base``
is what the value rests on: the denominator, or for plain sums what they were summed over. Rows of another ``kind`` tell how
far such a value can be trusted, by the same sums (:mod:`kernels.formulas`).
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from kernels import layout as c
from streams.call_indices import call_indices
from streams.configuration import Configuration
from streams.goal_indices import goal_indices
from streams.index import Index, Scope, Weights
from streams.request_indices import request_indices
from streams.sale_indices import sale_indices
from streams.score_indices import score_indices
from streams.survey_indices import survey_indices
from streams.work_indices import work_indices


def catalogue(configuration: Configuration) -> list[Index]:
    """Every index, in the order of publication."""
    return [
        *survey_indices(configuration),
        *call_indices(),
        *sale_indices(),
        *score_indices(),
        *request_indices(),
        *work_indices(),
        *goal_indices(),
    ]


def weight_matrix(rows: Iterable[Weights]) -> NDArray[np.float64]:
    """Weights as a matrix of shape (COUNTERS, indices), to be multiplied with counters from the left."""
    weights = list(rows)
    matrix = np.zeros((c.COUNTERS, len(weights)), np.float64)
    for column, row in enumerate(weights):
        for counter, weight in row.items():
            matrix[counter, column] = weight
    return matrix


def metric_name(scope: Scope, index: Index) -> str:
    """Name of an index in Prometheus, with the suffix of its unit."""
    suffix = {"ratio": "_ratio", "seconds": "_seconds", "count": "", "money": "", "score": "", "text": ""}[index.unit]
    return f"kqi_{scope}_{index.name.removesuffix('_s')}{suffix}"
