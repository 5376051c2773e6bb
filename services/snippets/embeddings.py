"""A run of embeddings as code: one program that embeds the texts and draws the map again, and a single call. Pure."""

from collections.abc import Sequence
from typing import Any

from services.embeddings.asking import body_of
from services.embeddings.records import Algorithm, Layout, Purpose, Run
from services.invocation import invocation_path
from services.snippets.invocation import invocation_snippets
from services.snippets.python_source import literal
from services.snippets.snippet import Snippet

TEXTS_FILE = "texts.csv"
"""What the program reads: the run as CSV without vectors."""
MOST_SHOWN = 2
"""Texts in the code of a single call."""
_SHOWN_CHARACTERS = 200

_HEAD = '''"""Embed the texts of {texts} and draw them, as Brickyard did it."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import requests

HOST, TOKEN = (os.environ.get(name, "") for name in ("DATABRICKS_HOST", "DATABRICKS_TOKEN"))
if not HOST or not TOKEN:
    raise SystemExit("Set DATABRICKS_HOST to the workspace's address and DATABRICKS_TOKEN to a token of yours.")
URL = HOST.rstrip("/") + {path!r}
AT_ONCE, BATCH = {at_once}, {batch}


def signed(request):
    # By a function: requests would prefer a password in ~/.netrc to a header.
    request.headers["Authorization"] = "Bearer " + TOKEN
    return request


def body(texts):
    return {body}


def embed(texts):
    try:
        reply = requests.post(URL, json=body(texts), auth=signed, timeout=600)
    except requests.RequestException as lost:
        raise SystemExit(f"{{HOST}} did not answer: {{type(lost).__name__}}") from lost
    if reply.status_code in (400, 413) and len(texts) > 1:  # so many, or such long ones, are not taken at once
        half = len(texts) // 2
        return embed(texts[:half]) + embed(texts[half:])
    if not reply.ok:
        raise SystemExit(f"The endpoint answered {{reply.status_code}}: {{reply.text[:500]}}")
    answer = reply.json()
{read}


rows = pd.read_csv("{texts}", dtype=str, keep_default_na=False)
{without}# Each once, and those of like length together, for which a model pads less.
texts = sorted(dict.fromkeys(text for text in rows["text"] if text.strip()), key=len)
batches = [texts[at : at + BATCH] for at in range(0, len(texts), BATCH)]
with ThreadPoolExecutor(AT_ONCE) as threads:
    known = dict(zip(texts, (vector for vectors in threads.map(embed, batches) for vector in vectors), strict=True))
rows = rows[rows["text"].isin(known)]
vectors = np.array([known[text] for text in rows["text"]], dtype=np.float32)
np.save("vectors.npy", vectors)
lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
rows, unit = rows[lengths[:, 0] > 0], (vectors / np.where(lengths, lengths, 1))[lengths[:, 0] > 0]
'''
_READ_OPENAI = """    vectors = [None] * len(texts)
    for one in answer["data"]:
        vectors[one["index"]] = one["embedding"]
    return vectors"""
_READ_PREDICTIONS = """    return answer["predictions"]  # a list of numbers for each text"""
_PCA = """
_, axes = np.linalg.eigh(np.cov(unit, rowvar=False))
axes = axes[:, ::-1][:, :{dims}]
axes *= np.where(axes[np.abs(axes).argmax(axis=0), range({dims})] < 0, -1, 1)  # a sign of its own each time otherwise
picture = (unit - unit.mean(axis=0)) @ axes
"""
_LOCALMAP = """
import pacmap

localmap = pacmap.LocalMAP(
    n_components={dims}, n_neighbors={neighbours}, num_iters={phases}, low_dist_thres={nearby}, random_state={seed}
)
picture = localmap.fit_transform(unit, init="pca")
"""
_TSNE = """
import openTSNE

start = openTSNE.initialization.pca(unit, n_components={dims}, random_state={seed})
picture = openTSNE.TSNE({dims}, perplexity={perplexity}, random_state={seed}).fit(unit, initialization=start)
"""
_DRAW = """
import plotly.express as px

x, y, *z = np.asarray(picture).T
colour = rows["label"] if "label" in rows else None
hover = rows["text"].str.slice(0, 200)
figure = px.scatter_3d(x=x, y=y, z=z[0], color=colour, hover_name=hover) if z else px.scatter(
    x=x, y=y, color=colour, hover_name=hover
)
figure.write_html("map.html")
"""
_SAME = "The vectors and PCA come out as here."
_ALIKE = (
    "The algorithm and its parameters are the same, and so is what stands together. Where it stands may differ: the library's "
    "own neighbour search takes the place of Brickyard's."
)
_PACKAGES = {Algorithm.PCA: "", Algorithm.LOCALMAP: " pacmap", Algorithm.TSNE: " openTSNE"}


def run_snippet(run: Run, picture: Layout) -> Snippet:
    """The whole run, from texts to map, as one program."""
    asking = run.asking
    note = _SAME if picture.algorithm is Algorithm.PCA else _ALIKE
    if asking.transform is not None:
        note = f"The transform “{asking.transform.name}” is not in it: put it around the call yourself. {note}"
    packages = _PACKAGES[picture.algorithm]
    return Snippet(
        dialect="The whole run",
        language="python",
        code=_head(run) + _picture(picture) + _DRAW,
        install=f"pip install numpy pandas plotly requests{packages}",
        note=f"It reads {TEXTS_FILE}: save the CSV without vectors beside it. It asks the workspace that DATABRICKS_HOST names, "
        f"with the token in DATABRICKS_TOKEN. {note}",
        file_name="embed.py",
    )


def call_snippets(run: Run, texts: Sequence[str], *, task: str = "llm/v1/embeddings") -> list[Snippet]:
    """One request with the first of the texts, in each client that can make it. Raises BadInput for none."""
    some = [text[:_SHOWN_CHARACTERS] for text in texts if text.strip()][:MOST_SHOWN]
    return invocation_snippets(run.asking.endpoint, body_of(run.asking, Purpose.DOCUMENT, some), task)


def _head(run: Run) -> str:
    asking = run.asking
    refused = [place for place, _, _ in run.failures]
    mark = "\0texts"
    body: dict[str, Any] = body_of(asking, Purpose.DOCUMENT, [mark])
    as_source = literal(body)
    for held, loop in (
        (literal([[mark]]), "[[text] for text in texts]"),
        (literal([{asking.column: mark}]), f"[{{{asking.column!r}: text}} for text in texts]"),
        (literal([mark]), "texts"),
    ):
        as_source = as_source.replace(held, loop)
    read = _READ_OPENAI if asking.form.value == "input" else _READ_PREDICTIONS
    return _HEAD.format(
        texts=TEXTS_FILE,
        without=f"rows = rows.drop(index={refused!r})  # the endpoint did not take these\n" if refused else "",
        path=invocation_path(asking.endpoint),
        at_once=asking.at_once,
        batch=asking.batch,
        body=as_source.replace("\n", "\n    "),
        read=read,
    )


def _picture(picture: Layout) -> str:
    told = picture.parameters
    if picture.algorithm is Algorithm.LOCALMAP:
        return _LOCALMAP.format(
            dims=picture.dims, neighbours=int(told.get("neighbours", 10)), seed=int(told.get("seed", 0)),
            nearby=float(told.get("low_dist_thres", 10)), phases=_phases(told.get("iterations")),
        )  # fmt: skip
    if picture.algorithm is Algorithm.TSNE:
        return _TSNE.format(
            dims=picture.dims, perplexity=float(told.get("perplexity", 30)), seed=int(told.get("seed", 0))
        )
    return _PCA.format(dims=picture.dims)


def _phases(iterations: Any) -> tuple[int, ...]:
    """How many steps each of LocalMAP's three phases had; pacmap's own, where that was not kept."""
    return tuple(map(int, iterations)) if isinstance(iterations, Sequence) else (100, 100, 250)
