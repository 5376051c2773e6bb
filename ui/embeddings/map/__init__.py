"""The map of a run: its picture, how far it can be believed, and what can be done with the points."""

from ui.embeddings.map.map import map_view

__all__ = ["map_view"]
