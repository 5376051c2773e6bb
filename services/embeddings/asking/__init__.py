"""Texts through an endpoint: how it is asked, batches in flight, what was paid for once, and runs in the background."""

from services.embeddings.asking.asking_form import asking_for
from services.embeddings.asking.bodies import MOST_AT_ONCE, body_of, check_asking
from services.embeddings.asking.cache import vector_cache
from services.embeddings.asking.embedding import embed_texts
from services.embeddings.asking.hosts import host_of
from services.embeddings.asking.runs import EmbeddingJob, embedding_runs, run_key
from services.embeddings.asking.sending import Cancel
from services.embeddings.asking.writers import under_way_elsewhere

__all__ = [
    "MOST_AT_ONCE",
    "Cancel",
    "EmbeddingJob",
    "asking_for",
    "body_of",
    "check_asking",
    "embed_texts",
    "embedding_runs",
    "host_of",
    "run_key",
    "under_way_elsewhere",
    "vector_cache",
]
