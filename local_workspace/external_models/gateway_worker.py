"""The gateway's process: `python -m local_workspace.external_models.gateway_worker`. mlflow lives here, out of the workspace.

A connection brings a Question as one line of JSON and gets lines, each a letter and JSON: one `R` with the whole reply; or a
`C` for each chunk of a stream and a `D` at its end; or an `F` with a Failure, at first or after chunks. A caller that hangs up
cancels the call to the provider.
"""

import json
from typing import Any

from local_workspace.workers import child


def make_answer(_: dict[str, Any]) -> child.Answer:
    """What answers, once mlflow is imported, which takes seconds."""
    from local_workspace.external_models import asking, upstream

    upstream.install()
    return lambda question: asking.lines(asking.Question(**json.loads(question)))


if __name__ == "__main__":
    child.serve_lines(make_answer)
