"""Embeddings: texts through an endpoint, and what can be seen in their vectors."""
