"""Texts, their vectors and pictures on disk, each person's apart."""

from services.embeddings.datasets.room import most_bytes_of
from services.embeddings.datasets.store import EmbeddingStore, NotKept, embedding_store

__all__ = ["EmbeddingStore", "NotKept", "embedding_store", "most_bytes_of"]
