"""Runs Python snippets one after another, in one process: `mlflow` takes seconds to import.

Reads a JSON list of {"source", "environment"} on stdin; writes a JSON list of {"said", "failed"} on stdout.
"""

import contextlib
import io
import json
import os
import sys
import traceback

results = []
for snippet in json.load(sys.stdin):
    os.environ.update(snippet["environment"])
    said, failed = io.StringIO(), ""
    with contextlib.redirect_stdout(said):
        try:
            exec(compile(snippet["source"], "snippet", "exec"), {"__name__": "__main__"})
        except Exception:  # noqa: BLE001 — whatever it is, the test shows it
            failed = traceback.format_exc()
    results.append({"said": said.getvalue(), "failed": failed})
json.dump(results, sys.stdout)
