"""The parts of the Transforms page; other pages draw ``diff``, ``dry_run`` and ``take_away``, too."""
