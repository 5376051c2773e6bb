"""The notebook that embeds a table, run in Spark's local mode against the local workspace: each distinct text, once."""

import json
import shutil

import pytest

from services.embeddings.records import Asking
from services.snippets.spark_embeddings import spark_snippets
from tests.clients.environments import ROOT, run_script
from tests.local_workspace.calls import EMBEDDINGS, EMBEDDINGS_PATH

SPARK = ROOT / ".venv-clients-spark" / "bin"
SCRIPT = ROOT / "tests" / "clients" / "spark" / "notebook_script.py"
pytestmark = [
    pytest.mark.clients,
    pytest.mark.timeout(660),  # ten seconds a run where nothing else is under way, minutes beside others
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java 17 or newer."),
]
CLAY, WALL, KOREAN = "Bricks are made of clay.", "A wall of bricks", "벽돌은 점토로 만든다."


def run_of(asking, texts, output="vectors"):
    """One run of the notebook over a table of *texts*, with its output table's name."""
    notebook, _ = spark_snippets(asking, table="texts")
    return {"cells": notebook.code.split("# COMMAND ----------"), "texts": list(enumerate(texts)), "output": output}


def test_a_table_is_embedded_each_text_once_what_is_refused_is_halved_and_a_wrong_endpoint_ends_the_job(
    local_workspace, tmp_path
):
    asking = Asking(EMBEDDINGS, batch=2, at_once=2)
    first = [CLAY, WALL, CLAY, "", None]
    many = [f"brick number {number}" for number in range(1300)]
    local_workspace.queue_fault("return-429", EMBEDDINGS_PATH)
    runs = [
        run_of(asking, first),
        run_of(asking, [*first, KOREAN]),
        run_of(Asking(EMBEDDINGS, batch=200), many, "larger"),
        run_of(Asking("no-such-endpoint"), [CLAY], "none"),
    ]
    given = {"runs": runs, "folder": str(tmp_path)}
    one, two, larger, none = run_script(
        SPARK, SCRIPT, local_workspace, given, PYSPARK_PYTHON=str(SPARK / "python"), SPARK_LOCAL_IP="127.0.0.1"
    )

    assert (one["failed"], two["failed"]) == ("", "")
    assert {row["text"] for row in one["rows"]} == {CLAY, WALL}
    assert {row["text"] for row in two["rows"]} == {CLAY, WALL, KOREAN}
    for row in two["rows"]:
        assert (row["embedding_error"], len(row["embedding"])) == (None, 384)
        assert sum(value * value for value in row["embedding"]) == pytest.approx(1, abs=1e-3)
    asked = [entry for entry in local_workspace.requests() if entry.path == EMBEDDINGS_PATH]
    assert [entry.status for entry in asked].count(429) == 1
    sent = [text for entry in asked if entry.status == 200 for text in json.loads(entry.body)["input"]]
    assert sorted(sent) == sorted([CLAY, WALL, KOREAN, *many])

    assert larger["failed"] == ""
    assert sorted(row["text"] for row in larger["rows"] if row["embedding"]) == sorted(many)
    assert 400 in [entry.status for entry in asked], "a batch of more than 150 is refused there"

    assert "404" in none["failed"]
    assert none["rows"] == []
    assert local_workspace.token not in none["failed"]
