"""The second half of LangChain's Databricks notebook: each cell done here, exported, and run in the LangChain of its time.

What the class of that time cannot do (model_kwargs, finding its own cluster) is exported as code that can.
"""

import contextlib
import json

import pytest

from services.doors import local
from services.driver_proxy import DriverCallJob, Target
from services.invocation import InvocationJob
from services.jobs import Bell, Outcome
from services.local import LocalAddress
from services.sandbox import sandbox
from services.snippets.shaped_call import AskedEndpoint, ShapedCall
from services.snippets.shaped_seed_era import ATTACHED, DIALECT
from services.snippets.transforms import transform_snippets
from services.transforms import DRAFT, Envelope, Hooks, Transform
from tests.clients.environments import LEGACY, run_snippets
from tests.local_workspaces import eventually, start_local_workspace

pytestmark = [pytest.mark.clients, pytest.mark.timeout(240)]

PROMPT = "local-prompt-model"
ASKED = (f"/serving-endpoints/{PROMPT}/invocations", "/driver-proxy-api/")
"""Not what the model and the app ask for their own answers."""
NOTHING = Transform("", DRAFT, "")
# The notebook's own functions, as they are.
CONCISE = Transform(
    "Be concise",
    1,
    '''def transform_input(**request):
    full_prompt = f"""{request["prompt"]}
    Be Concise.
    """
    request["prompt"] = full_prompt
    return request
''',
)
BOTH = Transform(
    "Concise and upper-case",
    1,
    CONCISE.source + "\n\ndef transform_output(response):\n    return response.upper()\n",
)
SAID = "How are you?\n    Be Concise.\n    "
FEW = {"max_tokens": 12}
DBRUNTIME = '''\
"""What a notebook's runtime tells: here, from the environment."""

import os
import types


def get_context():
    host = os.environ["DATABRICKS_HOST"].removeprefix("https://")
    told = {"browserHostName": host, "apiToken": os.environ["DATABRICKS_TOKEN"], "clusterId": os.environ["ATTACHED_TO"]}
    return types.SimpleNamespace(**told)
'''


def custom(transform=NOTHING, **request):
    """A call of the registered model with one record, as LangChain sends it."""
    body = {"dataframe_records": [{"prompt": "How are you?", **request}]}
    return ShapedCall(AskedEndpoint(PROMPT), body, transform, Envelope.RECORD)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A workspace of the notebook's own, over TLS: the driver proxy of that time is asked over https only."""
    running = start_local_workspace(tmp_path_factory.mktemp("second-half") / "stderr.txt", "--tls")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def here(workspace):
    """The same, as Brickyard knows it."""
    address = LocalAddress(workspace.host, workspace.users, workspace.ca_bundle, str(workspace.state))
    with contextlib.closing(local(address, "admin")) as opened:
        yield opened


@pytest.fixture(scope="module")
def cells(workspace):
    """The notebook's cells, by what they show: (the call, which export)."""
    app = Target("", workspace.ready["cluster_id"], workspace.ready["driver_port"], path="")

    def driver(transform=NOTHING, **request):
        return ShapedCall(app, {"prompt": "How are you?", **FEW, **request}, transform)

    return {
        "custom model": (custom(), DIALECT),
        "stop": (custom(stop=["."]), DIALECT),
        "parameters": (custom(temperature=0.1), DIALECT),
        "transform_input": (custom(CONCISE), DIALECT),
        "driver proxy, attached": (driver(), ATTACHED),
        "driver proxy, cluster named": (driver(), DIALECT),
        "driver proxy, parameters": (driver(temperature=0.1), DIALECT),
        "driver proxy, both transforms": (driver(BOTH), DIALECT),
    }


@pytest.fixture(scope="module")
def ran(workspace, cells, tmp_path_factory):
    """What each export printed, and the bodies that came of it."""
    runtime = tmp_path_factory.mktemp("runtime") / "dbruntime"
    runtime.mkdir()
    (runtime / "__init__.py").touch()
    (runtime / "databricks_repl_context.py").write_text(DBRUNTIME)
    sources = [next(one.code for one in transform_snippets(call) if one.dialect == of) for call, of in cells.values()]
    last = workspace.requests()[-1].id if workspace.requests() else 0
    told = {"PYTHONPATH": str(runtime.parent), "ATTACHED_TO": workspace.ready["cluster_id"]}
    results = run_snippets(LEGACY, sources, workspace, **told)
    assert not any(one["failed"] for one in results), [one["failed"] for one in results if one["failed"]]
    asked = [one for one in workspace.requests(since=last) if one.path.startswith(ASKED)]
    said = [one["said"].strip() for one in results]
    return dict(zip(cells, zip(said, asked, strict=True), strict=True))


def test_every_cell_answers_and_sends_what_was_shaped(ran):
    """Keyed as the notebook says it."""
    bodies = {cell: entry.json for cell, (_, entry) in ran.items()}
    assert bodies == {
        "custom model": {"dataframe_records": [{"prompt": "How are you?"}]},
        "stop": {"dataframe_records": [{"prompt": "How are you?", "stop": ["."]}]},
        "parameters": {"dataframe_records": [{"prompt": "How are you?", "temperature": 0.1}]},
        "transform_input": {"dataframe_records": [{"prompt": SAID}]},
        "driver proxy, attached": {"prompt": "How are you?", **FEW},
        "driver proxy, cluster named": {"prompt": "How are you?", **FEW},
        "driver proxy, parameters": {"prompt": "How are you?", "temperature": 0.1, **FEW},
        "driver proxy, both transforms": {"prompt": SAID, **FEW},
    }
    assert all(text for text, _ in ran.values())
    assert "." not in ran["stop"][0]
    shouted = ran["driver proxy, both transforms"][0]
    assert shouted == shouted.upper() != shouted.lower()


def test_the_app_sends_the_same_to_the_same_place(ran, cells, workspace, here):
    for cell in ("transform_input", "driver proxy, both transforms"):
        call, entry = cells[cell][0], ran[cell][1]
        hooks = Hooks(sandbox(), call.transform, envelope=call.envelope)
        if isinstance(call.asked, Target):
            job = DriverCallJob(here, call.asked, call.body, Bell(), hooks=hooks)
        else:
            job = InvocationJob(here, call.asked.name, call.body, Bell(), hooks=hooks)
        eventually(lambda job=job: not job.running, 60)
        assert job.reply.outcome is Outcome.COMPLETE, job.reply.error
        mine = workspace.settled(entry.path)
        assert (mine.method, mine.path) == (entry.method, entry.path)
        assert json.loads(job.call.record.request_body) == mine.json == entry.json


def test_what_the_class_cannot_do_is_explained_in_the_export(cells):
    def code(cell):
        call, dialect = cells[cell]
        return next(one for one in transform_snippets(call) if one.dialect == dialect)

    parameters, attached = code("driver proxy, parameters"), code("driver proxy, attached")
    assert "# Not model_kwargs" in parameters.code
    assert "model_kwargs=" not in parameters.code
    assert "get_context().clusterId" in attached.code
    assert "without cluster_id" in attached.note.lower()
