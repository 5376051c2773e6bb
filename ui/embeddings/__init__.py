"""Embeddings: texts in, an endpoint's vectors, and views of them."""
