"""An endpoint, its parameters and a transform as one MLflow model: the file that is it, and that logs it. Pure.

"Models from code": MLflow copies the file into the model and runs it there, so that nothing is ever pickled.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from services.driver_proxy import Target
from services.errors import BadInput
from services.sandbox import Hook
from services.snippets.python_source import literal
from services.snippets.shaped_call import ShapedCall
from services.snippets.shaped_source import (
    free_name,
    indented,
    main,
    opened_reply,
    post_source,
    script,
    shaped_reply,
    shaped_request,
)
from services.snippets.snippet import Snippet

REQUIREMENTS = ("mlflow", "requests", "databricks-sdk", "pandas")
_STREAM_FIELDS = ("stream", "stream_options")
_DEEPEST = 8
_SCALARS: Mapping[type, str] = {bool: "boolean", int: "long", float: "double", str: "string"}
_NOTE = (
    "Set MLFLOW_TRACKING_URI (databricks, or this workspace's address) and MLFLOW_EXPERIMENT_NAME, then run it. The model asks "
    "the endpoint with the identity that it is served with; it never streams."
)
_DRIVER_NOTE = (
    " A driver app is no resource of a served model: give the endpoint DATABRICKS_HOST and, as a secret reference, "
    "DATABRICKS_TOKEN."
)


@dataclass(frozen=True)
class PackedSource:
    """The file."""

    code: str
    log: str
    """The name of its function that logs it and returns the version."""
    serve: str
    """The name of its function that makes it the model of the file that MLflow runs."""


@dataclass(frozen=True)
class Column:
    """One column of the model's input."""

    name: str
    type: str
    """As source of ``mlflow.types``."""
    required: bool

    @property
    def depth(self) -> int:
        """How many lists stand around a value."""
        inner = self.type.removeprefix("Array(")
        return 0 if inner == self.type else 1 + Column(self.name, inner, self.required).depth


def packed_snippet(call: ShapedCall, model: str) -> Snippet:
    """The file as a script that logs itself. Raises BadInput as ``packed_source`` does."""
    return Snippet(
        "MLflow model",
        "python",
        packed_source(call, model).code,
        install="pip install " + " ".join(_pins()),
        note=_NOTE + (_DRIVER_NOTE if isinstance(call.asked, Target) else ""),
        file_name="packed_model.py",
    )


def packed_source(call: ShapedCall, model: str) -> PackedSource:
    """The file; *model* is the name that it is registered under. Raises BadInput for a body without a field to ask with."""
    columns = columns_of(call)
    if not columns:
        raise BadInput(
            "The body has no field that a caller of the model could fill in.",
            "Put an example of what is asked into it, such as a prompt.",
        )
    serve, log = free_name(call, "serve_model"), free_name(call, "log_model")
    code = script(
        call,
        f"def {serve}():\n{indented(_serving(call, columns))}",
        f"def {log}():\n{indented(_logging(call, columns, model))}",
        main(f"print({log}())") + f"else:\n    {serve}()\n",
    )
    return PackedSource(code, log, serve)


def columns_of(call: ShapedCall) -> list[Column]:
    """What a caller of the model gives: a prompt and stop texts, messages, or every field of the request that has a type."""
    if call.prompt is not None:
        return [Column("prompt", '"string"', True), Column("stop", 'Array("string")', False)]
    given = _request(call)
    if "messages" in given:
        given = {"messages": given["messages"]}
    typed = {name: _type(value) for name, value in given.items()}
    return [Column(name, type_, name == "messages") for name, type_ in typed.items() if type_]


def _request(call: ShapedCall) -> dict[str, Any]:
    return {name: value for name, value in call.request.items() if name not in _STREAM_FIELDS}


def _type(value: Any, depth: int = 0) -> str:
    """The value's type as source of ``mlflow.types``; empty where it says none, as an empty list does."""
    if type(value) in _SCALARS:
        return f'"{_SCALARS[type(value)]}"'
    if depth >= _DEEPEST:
        return ""
    if isinstance(value, list):
        rows = all(isinstance(one, dict) for one in value)
        inner = _object(value, depth) if value and rows else _only({_type(one, depth + 1) for one in value})
        return f"Array({inner})" if inner else ""
    return _object([value], depth) if isinstance(value, dict) else ""


def _object(rows: list[dict[str, Any]], depth: int) -> str:
    """The type of objects that have these fields; what not all of them have may be left out."""
    names = dict.fromkeys(name for row in rows for name in row)
    parts = []
    for name in names:
        type_ = _only({_type(row[name], depth + 1) for row in rows if name in row})
        if not type_:
            return ""
        left_out = "" if all(name in row for row in rows) else ", required=False"
        parts.append(f"Property({name!r}, {type_}{left_out})")
    return f"Object([{', '.join(parts)}])" if parts else ""


def _only(types: set[str]) -> str:
    return types.pop() if len(types) == 1 else ""


def _serving(call: ShapedCall, columns: list[Column]) -> str:
    required = {column.name for column in columns if column.required}
    fixed = {name: value for name, value in _request(call).items() if name not in required}
    shape = f"request = {shaped_request(call, 'request')}\n" if Hook.INPUT in call.hooks else ""
    answer = (
        '"""One call of the endpoint."""\n'
        "request = {**copy.deepcopy(fixed), **fields}\n"
        + shape
        + post_source(call, "config().host", "config().authenticate()", streams=False)
        + "if not reply.ok:\n"
        f"    raise RuntimeError({call.asked.label!r} + "
        'f" answered {reply.status_code}: {reply.text[:1000]}")\n'
        + "response = reply.json()\n"
        + opened_reply(call)
        + f"return {shaped_reply(call)}\n"
    )
    return (
        '"""Make this file a model: the call with its parameters and the functions above, as one."""\n'
        "import copy\nimport functools\n"
        + ("import os\n" if "os.environ" in answer else "")
        + "\nimport mlflow\nimport pandas\nimport requests\nfrom databricks.sdk import WorkspaceClient\n\n"
        f"fixed = {literal(fixed)}\n"
        f"depths = {literal({column.name: column.depth for column in columns})}  # lists around each column's values\n\n"
        "@functools.cache\ndef config():\n"
        '    """Where the model is served, that tells it the workspace and who it is."""\n'
        "    return WorkspaceClient().config\n\n"
        f"def answer(fields):\n{indented(answer)}\n{READ_ROWS}\n{_MODEL}\n"
        "mlflow.models.set_model(PackedModel())\n"
    )


def _logging(call: ShapedCall, columns: list[Column], model: str) -> str:
    lines = "".join(
        f"ColSpec({column.type}, {column.name!r}{'' if column.required else ', required=False'}),\n"
        for column in columns
    )
    types = [name for name in ("Array", "Object", "Property") if f"{name}(" in lines]
    resource = not isinstance(call.asked, Target)
    answers = '"string"' if call.prompt is not None else "AnyType()"
    return (
        '"""Log the model, register it, and return its version."""\n'
        "import mlflow\nfrom mlflow.models import ModelSignature\n"
        + ("from mlflow.models.resources import DatabricksServingEndpoint\n" if resource else "")
        + "from mlflow.types import ColSpec, Schema\n"
        + f"from mlflow.types.schema import {', '.join(sorted([*types, *(['AnyType'] if 'Any' in answers else [])]))}\n\n"
        f"inputs = Schema(\n    [\n{indented(lines, 2)}    ]\n)\n"
        "logged = mlflow.pyfunc.log_model(\n"
        '    name="model",\n'
        "    python_model=__file__,\n"
        f"    signature=ModelSignature(inputs=inputs, outputs=Schema([ColSpec({answers})])),\n"
        + (f"    resources=[DatabricksServingEndpoint(endpoint_name={call.asked.label!r})],\n" if resource else "")
        + f"    pip_requirements={literal(_pins())},\n"
        f"    registered_model_name={model!r},\n)\n"
        "return logged.registered_model_version\n"
    )


def _pins() -> list[str]:
    return [f"{name}=={version(name)}" for name in REQUIREMENTS]


READ_ROWS = '''\
def plain(value):
    """Arrays as lists, numbers as Python's."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, list):
        return [plain(one) for one in value]
    return {name: plain(one) for name, one in value.items()} if isinstance(value, dict) else value

def depth(value):
    """How many lists stand around what is in it."""
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0

def rows(given):
    """The fields of each row; what a row does not say is left out."""
    for row in [given] if isinstance(given, dict) else given.to_dict("records"):
        said = {name: plain(value) for name, value in row.items()}
        fields = {name: value for name, value in said.items() if value is not None and value == value}
        if any(depth(value) > depths.get(name, depth(value)) for name, value in fields.items()):
            yield from rows(pandas.DataFrame(fields))  # "inputs" may come as one row of whole columns
        else:
            yield fields
'''
_MODEL = '''\
class PackedModel(mlflow.pyfunc.PythonModel):
    """One row in, one answer out."""

    def predict(self, context, model_input, params=None):
        return [answer(fields) for fields in rows(model_input)]
'''
