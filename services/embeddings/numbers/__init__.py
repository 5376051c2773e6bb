"""What can be seen in vectors: pure functions on arrays, deterministic."""

from services.embeddings.numbers.clusters import Clusters, cluster, name_clusters
from services.embeddings.numbers.comparing import Comparison, Mover, align, compare
from services.embeddings.numbers.describing import Description, describe
from services.embeddings.numbers.estimating import Estimate
from services.embeddings.numbers.faithfulness import distortion, faithfulness
from services.embeddings.numbers.near_duplicates import near_duplicates
from services.embeddings.numbers.neighbours import nearest, similarity_matrix
from services.embeddings.numbers.outliers import outliers
from services.embeddings.numbers.principal import principal_components
from services.embeddings.numbers.projection import pca
from services.embeddings.numbers.retrieval import (
    QueryRank,
    RetrievalFigures,
    better,
    check_retrieval,
)
from services.embeddings.numbers.sampling import sample
from services.embeddings.numbers.selecting import within
from services.embeddings.numbers.unit import BLOCK, lengths, unit, usable

__all__ = [
    "BLOCK",
    "Clusters",
    "Comparison",
    "Description",
    "Estimate",
    "Mover",
    "QueryRank",
    "RetrievalFigures",
    "align",
    "better",
    "check_retrieval",
    "cluster",
    "compare",
    "describe",
    "distortion",
    "faithfulness",
    "lengths",
    "name_clusters",
    "near_duplicates",
    "nearest",
    "outliers",
    "pca",
    "principal_components",
    "sample",
    "similarity_matrix",
    "unit",
    "usable",
    "within",
]
