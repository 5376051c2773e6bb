"""The Transforms page's parts, and ``diff``, which other pages draw too."""
