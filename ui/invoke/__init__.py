"""The parts of the Invoke page."""
