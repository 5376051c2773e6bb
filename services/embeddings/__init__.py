"""Embeddings: texts through an endpoint, and what can be seen in their vectors.

A dataset (``datasets``; from ``files``) goes through an endpoint (``asking``) and becomes a run. ``numbers`` and ``layouts`` say
what its vectors hold and draw it; ``exports`` and ``spark_table`` take it away. ``records`` has what all of them speak of.
"""
