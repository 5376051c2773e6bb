"""The databricks-langchain dialect, run with the real client."""

from pathlib import Path

import pytest

from tests.services.snippet_cases import BY_NAME, CASES, body_of, environment, run_python, sent_by

PYTHON = Path(__file__).parents[2] / ".venv-clients" / "bin" / "python"
WAYS = [(case, streams) for case in CASES for streams in (True, False)]


@pytest.mark.clients
def test_databricks_langchain_sends_the_body_that_was_sent(local_workspace, tmp_path):
    assert PYTHON.exists(), "There is no .venv-clients: make it with `make clients`."
    dialect = BY_NAME["databricks-langchain"]
    sources = [
        dialect.write("local-smollm2-135m-instruct", body_of(CASES[case], streams=streams)) for case, streams in WAYS
    ]
    local_workspace.clear()
    local_workspace.queue_fault("scripted-0-3", "/serving-endpoints/", times=len(sources))
    variables = environment(local_workspace.host, local_workspace.token, tmp_path)
    results = run_python(str(PYTHON), [(source, variables) for source in sources])
    posts = [entry for entry in local_workspace.requests() if entry.path.startswith("/serving-endpoints/")]
    assert [result["failed"] for result in results] == [""] * len(sources)
    assert len(posts) == len(sources)
    for (case, streams), result, logged in zip(WAYS, results, posts, strict=True):
        wanted = body_of(CASES[case], streams=streams) | {"stream": streams}  # it always says which
        assert sent_by(dialect, logged) == wanted, case
        assert "Brick" in result["said"]
