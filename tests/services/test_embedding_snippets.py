"""A run as a program: it asks as Brickyard does, and what it makes is the same."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest
import yaml

from services.embeddings.asking.embedding import embed_texts
from services.embeddings.exports import csv_of
from services.embeddings.numbers.projection import pca
from services.embeddings.records import Algorithm, Asking, BodyForm, Layout, Progress, Run, RunState, Texts, Transform
from services.snippets.embeddings import TEXTS_FILE, call_snippets, run_snippet
from services.snippets.spark_embeddings import spark_snippets
from tests.local_workspace.calls import EMBEDDINGS, EMBEDDINGS_PATH

TEXTS = Texts(
    ("A wall of bricks", "", "Clay and straw", "A wall of bricks", "=1+1", '"NA"', "벽돌", "The cat sleeps", "null"),
    ("wall", "", "clay", "wall", "sum", "none", "wall", "cat", "none"),
)


def a_run(asking):
    return Run("key", "data", "https://host", asking, RunState.COMPLETE, datetime.now(UTC), 384, Progress(len(TEXTS)))


def test_the_program_makes_the_same_vectors_and_the_same_picture(workspace, local_workspace, tmp_path):
    asking = Asking(EMBEDDINGS, batch=3, at_once=2)
    ours = embed_texts(workspace, asking, TEXTS.texts)
    picture = pca(ours.vectors, 3)
    (tmp_path / TEXTS_FILE).write_bytes(csv_of(TEXTS, None, []))
    program = run_snippet(a_run(asking), picture).code + '\nnp.save("picture.npy", picture)\n'
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
    notebook, bundle = spark_snippets(asking)
    compile(notebook.code, notebook.file_name, "exec")
    assert "Louder" in notebook.note
    task = yaml.safe_load(bundle.code)["resources"]["jobs"]["embed_table"]["tasks"][0]
    assert task["notebook_task"]["base_parameters"]["endpoint"] == "it's"


def test_a_single_call_is_there_for_each_client():
    names = [one.dialect for one in call_snippets(a_run(Asking(EMBEDDINGS)), TEXTS.texts)]
    assert {"curl", "requests", "databricks-sdk", "mlflow.deployments"} < set(names)
    for one in call_snippets(a_run(Asking(EMBEDDINGS)), ["x" * 100_000]):
        assert len(one.code) < 5_000
