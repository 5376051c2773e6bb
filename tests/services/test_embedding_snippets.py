"""A run as a program: it asks as Brickyard does, and what it makes is the same."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest
import requests
import yaml

from services.embeddings import spark_table
from services.embeddings.asking.embedding import embed_texts
from services.embeddings.exports import csv_of
from services.embeddings.numbers.projection import pca
from services.embeddings.records import Algorithm, Asking, BodyForm, Layout, Progress, Run, RunState, Texts, Transform
from services.snippets.embeddings import TEXTS_FILE, call_snippets, run_snippet
from services.snippets.spark_embeddings import spark_snippets
from tests.local_workspace.calls import EMBEDDINGS, EMBEDDINGS_PATH
from tests.services.embedding_endpoint import ScriptedEndpoint, refusal, vector_of
from tests.services.replies import whole

TEXTS = Texts(
    ("A wall of bricks", "", "Clay and straw", "A wall of bricks", "=1+1", '"NA"', "벽돌", "The cat sleeps", "null"),
    ("wall", "", "clay", "wall", "sum", "none", "wall", "cat", "none"),
)


def a_run(asking, failures=()):
    return Run(
        "key", "data", "https://host", asking, RunState.COMPLETE, datetime.now(UTC), 384, Progress(len(TEXTS)), failures
    )


def test_the_program_makes_the_same_vectors_and_the_same_picture(workspace, local_workspace, tmp_path, monkeypatch):
    asking = Asking(EMBEDDINGS, batch=3, at_once=2)
    ours = embed_texts(workspace, asking, TEXTS.texts)
    picture = pca(ours.vectors, 3)
    (tmp_path / TEXTS_FILE).write_bytes(csv_of(TEXTS, None, []))
    program = run_snippet(a_run(asking), picture).code + '\nnp.save("picture.npy", picture)\n'
    monkeypatch.delenv("DATABRICKS_TOKEN", raising=False)
    with pytest.raises(SystemExit, match="Set DATABRICKS_HOST to"):
        exec(program.partition("\nURL")[0], {})  # it is our own
    local_workspace.clear()
    environment = os.environ | {"DATABRICKS_HOST": local_workspace.host, "DATABRICKS_TOKEN": local_workspace.token}
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True, timeout=100)
    rows = [place for place, text in enumerate(TEXTS.texts) if text]
    assert np.allclose(np.load(tmp_path / "vectors.npy"), ours.vectors[rows], atol=1e-6)
    assert np.allclose(np.load(tmp_path / "picture.npy"), picture.coordinates[rows], atol=1e-4)
    assert "Clay and straw" in (tmp_path / "map.html").read_text()
    asked = [json.loads(one.body)["input"] for one in local_workspace.requests() if one.path == EMBEDDINGS_PATH]
    assert sorted(map(len, asked)) == [1, 3, 3], "each text once, in batches"


@pytest.mark.parametrize("form", BodyForm)
@pytest.mark.parametrize("algorithm", Algorithm)
def test_every_form_and_picture_is_a_program_and_a_notebook_whose_texts_are_its_readers_own(form, algorithm):
    transform = Transform("Louder", 1, "def transform_input(**request):\n    return request\n")
    asking = Asking(
        "it's", form=form, column="te'xt", dimensions=3, document_params={"p": "{texts}"}, transform=transform
    )
    picture = Layout(np.zeros((2, 2), dtype=np.float32), algorithm, {"seed": 5, "neighbours": 7, "perplexity": 9})
    snippet = run_snippet(a_run(asking), picture)
    compile(snippet.code, "embed.py", "exec")
    assert "Louder" in snippet.note
    body = snippet.code.split("def body(texts):\n    return ")[1].split("\n\n")[0]
    made = eval(body, {"texts": ["one", "two"]})  # it is our own
    from services.embeddings.asking.bodies import Purpose, body_of

    assert made == body_of(asking, Purpose.DOCUMENT, ["one", "two"])
    beside = {name: value for name, value in made.items() if name != form.value}
    on_spark = spark_table.Endpoint("", "", form=form.value, column=asking.column, params=beside)
    assert spark_table._body(on_spark, ["one", "two"]) == made, (
        "it stands alone, and so says again how texts stand in a body"
    )
    notebook, bundle = spark_snippets(asking)
    compile(notebook.code, notebook.file_name, "exec")
    assert "Louder" in notebook.note
    task = yaml.safe_load(bundle.code)["resources"]["jobs"]["embed_table"]["tasks"][0]
    assert task["notebook_task"]["base_parameters"]["endpoint"] == "it's"


def test_the_program_goes_on_where_the_run_did(make_reply_server, tmp_path):
    def never_five(texts, _):
        return refusal("no") if len(texts) > 4 or "bad" in texts else None

    server = make_reply_server(ScriptedEndpoint(never_five))
    texts = Texts(("a", "bad", *(f"text {number}" for number in range(9))))
    run = a_run(Asking("bge", batch=8), ((1, "no", "Take it out."),))
    picture = Layout(np.zeros((11, 2), dtype=np.float32), Algorithm.PCA, {})
    (tmp_path / TEXTS_FILE).write_bytes(csv_of(texts, None, []))
    environment = os.environ | {"DATABRICKS_HOST": server.host, "DATABRICKS_TOKEN": "x"}
    program = run_snippet(run, picture).code.partition("\nimport plotly")[0]
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True, timeout=100)
    assert np.allclose(np.load(tmp_path / "vectors.npy"), [vector_of(text) for text in texts.texts if text != "bad"])


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ({"predictions": [[1, 2], [3, 4]]}, [[1, 2], [3, 4]]),
        ({"data": [{"index": 1, "embedding": [3]}, {"index": 0, "embedding": [1]}]}, [[1], [3]]),
        ({"predictions": [[1], [2], [3]]}, "3 vectors for 2 texts"),
        ({"predictions": [[1]]}, "1 vectors for 2 texts"),
        ({"data": [{"index": 0, "embedding": [1]}, {"index": 0, "embedding": [2]}]}, "two vectors"),
        ({"predictions": [[10**400], [1e308]]}, "no vector for this text"),
        ({"predictions": [[float("nan")], [True]]}, "no vector for this text"),
    ],
)
def test_a_cluster_takes_no_vector_for_another_texts(make_reply_server, reply, found):
    asked = spark_table.Endpoint(make_reply_server(whole(reply)).host, "Bearer x")
    with requests.Session() as session:
        came = spark_table.embed(session, asked, ["a", "b"])
    assert came == found if isinstance(found, list) else found in came[0]


def test_a_cluster_keeps_no_token_that_a_refusal_repeats(make_reply_server):
    asked = spark_table.Endpoint(
        make_reply_server(refusal("auth was Bearer dapi-canary", 500)).host, "Bearer dapi-canary"
    )
    with requests.Session() as session:
        [said] = spark_table.embed(session, asked, ["a"])
    assert "auth was Bearer [redacted]" in said


def test_a_single_call_is_there_for_each_client():
    names = [one.dialect for one in call_snippets(a_run(Asking(EMBEDDINGS)), TEXTS.texts)]
    assert {"curl", "requests", "databricks-sdk", "mlflow.deployments"} < set(names)
    for one in call_snippets(a_run(Asking(EMBEDDINGS)), ["x" * 100_000]):
        assert len(one.code) < 5_000
