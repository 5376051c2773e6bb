"""A process of its own that logs and registers one packed model. It runs the person's code: outside the sandbox.

Reads one JSON object from stdin: host, token, source, log (the name of the function that logs). Writes one on stdout:
``{"version": "1"}``. What the code prints goes to stderr.
"""

import contextlib
import importlib.util
import json
import os
import runpy
import sys
import tempfile
from pathlib import Path
from typing import Any

EXPERIMENT = "brickyard"
MOST_WRITTEN = 32 << 20
"""How large a file of it may become, also those that hold what it prints; a packed model is a few kilobytes."""


def main() -> None:
    """Log it."""
    order: dict[str, Any] = json.load(sys.stdin)
    limit_files()
    with contextlib.redirect_stdout(sys.stderr):
        found = log(order)
    sys.stdout.write(json.dumps({"version": str(found)}) + "\n")


def limit_files() -> None:
    """Where the system has such a limit, which what is started here inherits; beyond it writing is an OSError."""
    if importlib.util.find_spec("resource") is not None:
        import resource

        with contextlib.suppress(ValueError):  # a lower one stands already
            resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_WRITTEN, MOST_WRITTEN))


def log(order: dict[str, Any]) -> Any:
    """The version that was registered."""
    # Read at MLflow's import and at its calls. Set here: neither the command line nor the start of the process shows them.
    os.environ.update(
        MLFLOW_TRACKING_URI=order["host"],
        MLFLOW_TRACKING_TOKEN=order["token"],
        MLFLOW_EXPERIMENT_NAME=EXPERIMENT,
        MLFLOW_DISABLE_TELEMETRY="true",
        DO_NOT_TRACK="true",
        GIT_PYTHON_REFRESH="quiet",
    )
    with tempfile.TemporaryDirectory(prefix="packed-model-") as folder:
        file = Path(folder) / "packed_model.py"
        file.write_text(order["source"], encoding="utf-8")
        return runpy.run_path(str(file), run_name="packed_model")[order["log"]]()


if __name__ == "__main__":
    main()
