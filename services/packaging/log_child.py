"""A process of its own that logs and registers one packed model. It runs the person's code: outside the sandbox.

Reads one JSON object from stdin: host, token, source, log (the name of the function that logs). Writes one on stdout:
``{"version": "1"}``. What the code prints goes to stderr.
"""

import contextlib
import json
import os
import runpy
import sys
import tempfile
from pathlib import Path
from typing import Any

EXPERIMENT = "brickyard"


def main() -> None:
    """Log it."""
    order: dict[str, Any] = json.load(sys.stdin)
    with contextlib.redirect_stdout(sys.stderr):
        found = log(order)
    sys.stdout.write(json.dumps({"version": str(found)}) + "\n")


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
