"""The starter apps: what is written, and that each runs and keeps the contract: started for real, asked over HTTP."""

import contextlib
import json
import random
import signal
import socket
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from local_workspace.engines.catalog import chat_model_file
from services.driver_apps import Framework, ModelKind, driver_app, step_here, steps
from services.driver_contract import ContractCheck, Rule, Verdict
from services.driver_proxy import Target
from services.errors import BadInput
from services.jobs import Bell
from tests.local_workspaces import eventually

ROOT = Path(__file__).parents[2]
CLUSTER = "0101-000000-local001"
EVERYWHERE = "0.0.0.0"
PIECES = "One two. Three four! "
"""What the scripted pipeline writes, a sign a token."""

SCRIPTED_TORCH = """
import contextlib
bool = "bool"
inference_mode = contextlib.nullcontext
def tensor(values, dtype, device):
    assert dtype == "bool" and device == "cpu"
    return values
"""
SCRIPTED_TRANSFORMERS = """
class StoppingCriteria: pass
class StoppingCriteriaList(list): pass
class Ids(list):
    device = "cpu"
    def __getitem__(self, place):
        rows, columns = place
        return [row[columns] for row in list.__iter__(self)]
class Tokenizer:
    chat_template = "template"
    def __call__(self, text, add_special_tokens):
        assert not add_special_tokens
        return {"input_ids": list(text)}
    def apply_chat_template(self, said, tokenize, add_generation_prompt):
        assert not tokenize and add_generation_prompt
        return "".join(f"<{one['role']}>{one['content']}" for one in said) + "<assistant>"
    def batch_decode(self, rows, skip_special_tokens):
        return ["".join(row) for row in rows]
class Model:
    evaluated = False
    def eval(self): self.evaluated = True
class Pipeline:
    def __init__(self): self.tokenizer, self.model = Tokenizer(), Model()
    def __call__(
        self, text, *, add_special_tokens, return_full_text, max_new_tokens, stopping_criteria, do_sample, temperature=0
    ):
        assert self.model.evaluated and not return_full_text and not add_special_tokens
        written = ""
        for sign in PIECES[:max_new_tokens]:
            written += sign
            if any(criteria(Ids([list(text + written)]), None)[0] for criteria in stopping_criteria):
                break
        return [{"generated_text": written + (f"|{temperature}" if do_sample else "")}]
def pipeline(task, model, device_map, trust_remote_code):
    assert (task, trust_remote_code) == ("text-generation", False)
    return Pipeline()
""".replace("PIECES", repr(PIECES))


def free_port():
    """One of those that the driver proxy reaches, which no other test takes meanwhile."""
    for port in random.sample(range(3100, 3900), 100):
        with contextlib.suppress(OSError), socket.create_server((EVERYWHERE, port)):
            return port
    raise AssertionError("No port is free.")


class Running:
    """A starter app that runs."""

    def __init__(self, folder, framework, model, **source):
        folder.mkdir()
        self.snippet = driver_app(framework, model, **source)
        file = folder / self.snippet.file_name
        file.write_text(self.snippet.code)
        self.port = free_port()
        self.log = folder / "log.txt"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(file), "--host", EVERYWHERE, "--port", str(self.port)],
                stdout=log,
                stderr=log,
                cwd=folder,
            )

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def health(self):
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(requests.ConnectionError):
            return requests.get(f"{self.url}/health", timeout=20).json()
        return None

    def ask(self, body, **options):
        return requests.post(self.url, json=body, timeout=60, **options)

    def say(self, body):
        reply = self.ask(body)
        assert reply.status_code == 200, reply.text
        assert reply.headers["content-type"] == "application/json"
        assert isinstance(reply.json(), str)
        return reply.json()


ECHO = """
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

class Echo(PythonModel):
    def predict(self, context, model_input, params=None):
        row = model_input.iloc[0]
        assert len(row["stop"]) < 9
        return [f"{row['prompt'][::-1]} It was asked with {params['temperature']:g}, and that is all."]

set_model(Echo())
"""
"""A model of the seed's signature, prompt and stop, that says what it was asked."""


@pytest.fixture(scope="module")
def apps(tmp_path_factory):
    """One of each model, both frameworks; started side by side."""
    folder = tmp_path_factory.mktemp("driver-apps")
    (folder / "scripted").mkdir()
    (folder / "scripted" / "torch.py").write_text(SCRIPTED_TORCH)
    (folder / "scripted" / "transformers.py").write_text(SCRIPTED_TRANSFORMERS)
    started = {
        ModelKind.GGUF: Running(folder / "gguf", Framework.FLASK, ModelKind.GGUF, source=str(chat_model_file())),
        ModelKind.MLFLOW: Running(
            folder / "mlflow", Framework.FASTAPI, ModelKind.MLFLOW, source=_saved_model(folder / "model")
        ),
    }
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", str(folder / "scripted"))
        started[ModelKind.TRANSFORMERS] = Running(
            folder / "pipeline", Framework.FLASK, ModelKind.TRANSFORMERS, source="scripted/model"
        )
    try:
        for app in started.values():
            eventually(app.health, 60)
        yield started
    finally:
        for app in started.values():
            app.process.kill()
            app.process.wait(10)


def _saved_model(path):
    import mlflow  # seconds, which every process that collects the tests would take
    from mlflow.models import ModelSignature
    from mlflow.types.schema import Array, ColSpec, DataType, ParamSchema, ParamSpec, Schema

    signature = ModelSignature(
        Schema([ColSpec("string", "prompt"), ColSpec(Array(DataType.string), "stop")]),
        Schema([ColSpec("string")]),
        ParamSchema([ParamSpec("temperature", "double", 0.5)]),
    )
    code = path.with_suffix(".py")
    code.write_text(ECHO)
    mlflow.pyfunc.save_model(path, python_model=str(code), signature=signature, pip_requirements=[])
    return str(path)


ALL = [ModelKind.GGUF, ModelKind.MLFLOW, ModelKind.TRANSFORMERS]


def test_the_example_is_what_is_written_for_fastapi_and_an_endpoint():
    written = driver_app(Framework.FASTAPI, ModelKind.ENDPOINT).code
    assert (ROOT / "examples" / "driver_app.py").read_text() == written


@pytest.mark.parametrize("model", ALL)
def test_it_keeps_the_contract(apps, workspace, model):
    check = ContractCheck(workspace, Target("", CLUSTER, apps[model].port), Bell())
    eventually(lambda: not check.running, 60)
    verdicts = {one.rule: (one.verdict, one.sentence) for one in check.findings}
    assert {rule: found for rule, found in verdicts.items() if found[0] is not Verdict.PASSED} == {}
    assert len(verdicts) == len(Rule)


@pytest.mark.parametrize("model", ALL)
def test_its_health_names_the_model(apps, model):
    assert apps[model].health()["status"] == "ok"
    assert apps[model].health()["model"]


@pytest.mark.parametrize("model", ALL)
@pytest.mark.parametrize(
    ("body", "status", "part"),
    [
        (b"{", 400, "not valid JSON"),
        (b"[]", 400, "JSON object"),
        (b"{}", 400, "'prompt' must be there"),
        (b'{"prompt": "\\ud800"}', 400, "half of a character"),
        (b'{"prompt": "x", "trust_remote_code": true}', 400, "Unknown key 'trust_remote_code'"),
        (b'{"prompt": "x", "stop": "."}', 400, "'stop' must be a list"),
        (b'{"prompt": "x", "temperature": 1e999}', 400, "number from 0 to 2"),
        (json.dumps({"prompt": "x" * 20_001}).encode(), 400, "longer than 20000"),
        (b'"' + b"x" * 1_100_000 + b'"', 413, "larger than 1048576 bytes"),
    ],
)
def test_what_is_wrong_is_refused_with_a_sentence_in_json(apps, model, body, status, part):
    reply = requests.post(apps[model].url, data=body, timeout=20)
    assert reply.status_code == status
    assert part in reply.json()["error"]


@pytest.mark.parametrize("model", ALL)
@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/", 405), ("POST", "/x", 404), ("PUT", "/health", 405)]
)
def test_what_is_not_there_is_refused_in_json(apps, model, method, path, status):
    reply = requests.request(method, apps[model].url + path, timeout=20)
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/json")
    assert reply.json()["error"]


def test_a_gguf_file_answers_stops_at_a_text_and_can_be_asked_by_many(apps):
    app = apps[ModelKind.GGUF]
    asked = {"prompt": "How are you?", "max_tokens": 12, "temperature": 0}
    whole = app.say(asked)
    middle = whole.split()[2][1:]  # not where a token begins
    assert app.say(asked | {"stop": [middle]}) == whole[: whole.index(middle)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(app.say, [asked] * 4)) == [whole] * 4


def test_too_long_a_question_for_the_model_is_said(apps):
    reply = apps[ModelKind.GGUF].ask({"prompt": "벽 " * 9_999})
    assert reply.status_code == 400
    assert "context" in reply.json()["error"]


def test_an_mlflow_model_gets_its_record_and_its_parameters(apps):
    app = apps[ModelKind.MLFLOW]
    assert app.say({"prompt": "Hi."}) == ".iH It was asked with 0.5, and that is all."
    assert app.say({"prompt": "Hi.", "stop": ["with", "asked"], "temperature": 0.25}) == ".iH It was "
    refused = app.ask({"prompt": "Hi.", "max_tokens": 3})
    assert (refused.status_code, refused.json()) == (400, {"error": "The model has no parameter 'max_tokens'."})


@pytest.mark.parametrize(
    ("extra", "answer"),
    [
        ({}, PIECES),
        ({"stop": ["o. T"]}, "One tw"),  # across the pieces that it comes in
        ({"stop": ["four", "two"]}, "One "),
        ({"stop": ["One"]}, ""),
        ({"stop": [". "]}, "One two"),
        ({"stop": ["assistant", "Say"]}, PIECES),  # the prompt's, not what was generated
        ({"max_tokens": 3}, "One"),
        ({"temperature": 0.5, "max_tokens": 3}, "One|0.5"),
    ],
)
def test_a_pipeline_stops_at_texts_of_what_it_wrote(apps, extra, answer):
    assert apps[ModelKind.TRANSFORMERS].say({"prompt": "Say One"} | extra) == answer


def test_more_than_may_wait_are_turned_away_and_a_failure_is_json_without_its_text(tmp_path):
    """The model's part put in by hand, as a person would: one that waits for a file, and then fails."""
    app = driver_app(Framework.FLASK, ModelKind.ENDPOINT).code
    begin, end = app.index("def generate("), app.index("class Door")
    own = f"""
        def generate(question: Question) -> str:
            import time, pathlib
            while not pathlib.Path({str(tmp_path / "go")!r}).exists():
                time.sleep(0.01)
            raise RuntimeError("a secret of the model")


    """
    code = app[:begin] + textwrap.dedent(own).lstrip() + app[end:]
    code = code.replace("MAX_WAITING = 24", "MAX_WAITING = 1").replace("MAX_AT_ONCE = 8", "MAX_AT_ONCE = 1")
    (tmp_path / "own.py").write_text(code)
    port = free_port()
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([sys.executable, str(tmp_path / "own.py"), "--port", str(port)], stderr=log)
    url = f"http://127.0.0.1:{port}"

    def well():
        with contextlib.suppress(requests.ConnectionError):
            return requests.get(f"{url}/health", timeout=20).ok
        return False

    try:
        eventually(well, 30)
        with ThreadPoolExecutor(5) as pool:
            asked = [pool.submit(requests.post, url, json={"prompt": "x"}, timeout=30) for _ in range(5)]
            eventually(lambda: sum(one.done() for one in asked) == 3, 20)
            assert well(), "its health is answered while it is full"
            (tmp_path / "go").touch()
            replies = [one.result() for one in asked]
        assert sorted(reply.status_code for reply in replies) == [500, 500, 503, 503, 503]
        assert {reply.json()["error"] for reply in replies} == {
            "Too many questions at once; ask again in a moment.",
            "The app failed; its log on the driver says where.",
        }
        assert "a secret of the model" in (tmp_path / "log").read_text()
        process.send_signal(signal.SIGTERM)
        process.wait(10)
    finally:
        process.kill()


@pytest.mark.parametrize("framework", list(Framework))
@pytest.mark.parametrize("model", list(ModelKind))
def test_every_app_is_python_that_is_told_what_to_install_and_does_what_the_seed_got_wrong_right(framework, model):
    app = driver_app(framework, model, source="a/'quoted'\\ name", port=3001)
    compile(app.code, app.file_name, "exec")
    assert repr("a/'quoted'\\ name") in app.code
    assert "type=int, default=3001" in app.code
    assert app.install.startswith("pip install ")
    assert app.install.removeprefix("pip install ") in app.code
    assert ".rstrip(check" not in app.code
    assert "trust_remote_code=True" not in app.code
    assert max(map(len, app.code.splitlines())) <= 130
    assert [step.code for step in steps(app, 3001)][1] == f"%{app.install}"
    assert step_here(app, 3001).code == "python driver_app.py --host 127.0.0.2 --port 3001"
    assert step_here(app, 3001, ". env.sh").code.startswith(". env.sh && python ")


@given(st.text(min_size=1, max_size=80))
def test_no_name_of_a_model_gets_out_of_its_quotes(source):
    try:
        app = driver_app(Framework.FLASK, ModelKind.GGUF, source=source)
    except BadInput:
        return
    space = {}
    line = next(line for line in app.code.split("\n") if line.startswith("MODEL = "))
    exec(compile(line, "line", "exec"), space)  # it is one line, and a plain text
    assert space["MODEL"] == (source.strip() or "/Volumes/main/default/models/model.gguf")


@pytest.mark.parametrize(
    ("source", "port"), [("a\nb", 7777), ("a\x00", 7777), ("x" * 501, 7777), ("m", 80), ("m", 8001)]
)
def test_what_cannot_be_is_told_before_anything_is_written(source, port):
    with pytest.raises(BadInput):
        driver_app(Framework.FLASK, ModelKind.GGUF, source=source, port=port)
