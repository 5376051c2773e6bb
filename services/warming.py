"""Import what the first page will need while its browser is still loading scripts."""

import threading


def import_sdk_soon() -> None:
    """Import databricks-sdk in a thread of its own; it takes a second of processor time."""
    threading.Thread(target=_import_sdk, name="import databricks-sdk", daemon=True).start()


def _import_sdk() -> None:
    import databricks.sdk  # noqa: F401
