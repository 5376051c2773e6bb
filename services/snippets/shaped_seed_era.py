"""The call and its transform for LangChain 0.3, whose ``Databricks`` class took transforms first. Pure.

What the class does: langchain_community/llms/databricks.py 0.3.31. It begins with a prompt, wraps the request of a custom model
into ``dataframe_records``, adds temperature and n on chat and completions endpoints, and asks a driver app at
``https://<host>/driver-proxy-api/o/0/<cluster>/<port>`` only.
"""

from collections.abc import Mapping
from typing import Any

from services.driver_proxy import Target
from services.sandbox import Hook
from services.snippets.python_source import literal
from services.snippets.shaped_call import AskedEndpoint, ShapedCall
from services.snippets.shaped_langchain import chain_source
from services.snippets.shaped_source import free_name, headers_note, indented, main, script
from services.snippets.snippet import Snippet
from services.transforms.envelope import RECORDS

DIALECT = "LangChain 0.3"
ATTACHED = "LangChain 0.3, on the cluster"
INSTALL = 'pip install "langchain-community==0.3.31" "mlflow-skinny<3"'
FALLBACK_INSTALL = 'pip install "langchain-core==0.3.86" databricks-sdk requests'
NOTE = (
    "This class neither streams nor repeats, has no time limit on the driver proxy, shows the token in its repr, and was taken "
    "out of LangChain 1. transform_output has to return a text."
)
MODEL_KWARGS = (
    "# Not model_kwargs: with them this class always raises, since it takes its own empty extra_params for yours.\n"
)
_TASKS = ("llm/v1/chat", "llm/v1/completions")
_STREAM_FIELDS = ("stream", "stream_options")


def seed_era_snippets(call: ShapedCall) -> tuple[Snippet, ...]:
    """The class where it can make this call, for a driver app also from its own cluster; else a chain that can, and why."""
    reason = why_not(call)
    if reason:
        code = f"# LangChain's Databricks class cannot make this call:\n# {reason}\n# A chain of functions can.\n\n\n"
        return (
            Snippet(
                DIALECT,
                "python",
                code + chain_source(call),
                install=FALLBACK_INSTALL,
                note=f"LangChain's Databricks class cannot make this call: {reason} {headers_note(call)}".rstrip(),
                file_name="databricks_llm.py",
            ),
        )
    found = (Snippet(DIALECT, "python", _code(call), install=INSTALL, note=NOTE, file_name="databricks_llm.py"),)
    if not isinstance(call.asked, Target):
        return found
    note = "Without cluster_id this class raises even in a notebook of that cluster, so the code looks it up first."
    attached = Snippet(
        ATTACHED, "python", _code(call, attached=True), install=INSTALL, note=note, file_name="databricks_llm.py"
    )
    return (*found, attached)


def why_not(call: ShapedCall) -> str:
    """Why the class cannot make this call, as a sentence; empty where it can."""
    if isinstance(call.asked, Target):
        return _why_not_driver(call, call.asked) or _why_no_prompt(call)
    if call.asked.bare:
        if call.asked.task not in _TASKS:
            return "It reads answers of chat and completions endpoints only."
        return _why_no_prompt(call)
    if Hook.INPUT not in call.hooks and not _is_one_record(call.body):
        return "To a custom model it sends one record of dataframe_records, and nothing beside it."
    return _why_no_prompt(call)


def _why_not_driver(call: ShapedCall, target: Target) -> str:
    if not call.signed_in or target.org != "0" or target.path not in ("", "/"):
        return "It asks an app only through the workspace's proxy, at the app's root and with 0 for the workspace's id."
    if target.headers or target.method != "POST":
        return "It sends a POST without headers of one's own."
    return "It cannot read a stream." if call.body.get("stream") else ""


def _why_no_prompt(call: ShapedCall) -> str:
    return "" if _prompt_in(call.body) else "It begins with a prompt, which this body does not have."


def _is_one_record(body: Mapping[str, Any]) -> bool:
    records = body.get(RECORDS)
    return list(body) == [RECORDS] and isinstance(records, list) and len(records) == 1 and isinstance(records[0], dict)


def _prompt_in(body: Mapping[str, Any]) -> tuple[str, str] | None:
    """The prompt, and where it stands in ``body``, as source; None where there is none."""
    if isinstance(body.get("prompt"), str):
        return body["prompt"], '["prompt"]'
    for name, key in ((RECORDS, "prompt"), ("messages", "content")):
        rows = body.get(name)
        last = rows[-1] if isinstance(rows, list) and rows else None
        if isinstance(last, dict) and isinstance(last.get(key), str):
            return last[key], f"[{name!r}][-1][{key!r}]"
    return None


def _code(call: ShapedCall, *, attached: bool = False) -> str:
    name = free_name(call, "make_llm")
    given = _given_by_class(call)
    arguments, before, invoked = _native(call) if given else _adapted(call)
    lines = (
        '"""The LLM.\n\nDATABRICKS_HOST and DATABRICKS_TOKEN say which workspace, and who; a notebook knows both.\n"""\n'
        + ("import os\n\n" if isinstance(call.asked, Target) and not attached else "")
        + (_CONTEXT if attached else "")
        + "from langchain_community.llms import Databricks\n\n"
        + before
        + f"return Databricks(\n{indented(_where(call, attached=attached) + arguments)})\n"
    )
    return script(call, f"def {name}():\n{indented(lines)}", main(f"print({name}().invoke({invoked}))"))


def _given_by_class(call: ShapedCall) -> bool:
    """Whether the class itself gives the transform what Brickyard gives it: a request made of a prompt, stop and more."""
    if call.prompt is None:
        return False
    if isinstance(call.asked, Target):
        return not call.is_record
    return not call.asked.bare and not call.asked.task and call.is_record and not call.beside


def _native(call: ShapedCall) -> tuple[str, str, str]:
    """(arguments, lines before, what is invoked): the request as the class makes it."""
    stop = call.request.get("stop")
    extra = call.parameters | ({"stop": stop} if stop == [] else {})  # the class leaves an empty list out
    arguments = (MODEL_KWARGS + _lines({"extra_params": extra})) if extra else ""
    arguments += "".join(f"{hook.value}_fn={hook.value},\n" for hook in (Hook.INPUT, Hook.OUTPUT) if hook in call.hooks)
    return arguments, "", repr(call.prompt) + (f", stop={literal(stop)}" if stop else "")


def _adapted(call: ShapedCall) -> tuple[str, str, str]:
    """The same for a transform that is given the whole body: only the prompt comes from the class."""
    found = _prompt_in(call.body)
    prompt, place = found or ("", "")
    body = {name: value for name, value in call.body.items() if name not in _STREAM_FIELDS}
    wraps = isinstance(call.asked, AskedEndpoint) and not call.asked.bare
    shaped = f"{Hook.INPUT.value}(**body)" if Hook.INPUT in call.hooks else "body"
    if call.is_record and Hook.INPUT in call.hooks:
        shaped = f"{{**body, {RECORDS!r}: [{Hook.INPUT.value}(**body[{RECORDS!r}][0])]}}"
    before = (
        "def whole_body(prompt, **_):\n"
        '    """What Brickyard sends. This class would begin with {"prompt": ...}, and add fields of its own."""\n'
        f"    body = {indented(literal(body)).strip()}\n"
        f"    body{place} = prompt\n"
        f"    body = {shaped}\n" + (_ONE_RECORD if wraps else "    return body\n") + "\n"
    )
    arguments = f"{Hook.INPUT.value}_fn=whole_body,\n"
    if Hook.OUTPUT in call.hooks:
        opened = call.envelope.open_reply({"predictions": [None]}) is None
        inside = 'lambda prediction: transform_output({"predictions": [prediction]})'
        arguments += f"{Hook.OUTPUT.value}_fn={inside if wraps and not opened else Hook.OUTPUT.value},\n"
    return arguments, before, repr(prompt)


def _lines(arguments: Mapping[str, Any]) -> str:
    return "".join(f"{name}={literal(value)},\n" for name, value in arguments.items())


def _where(call: ShapedCall, *, attached: bool) -> str:
    if not isinstance(call.asked, Target):
        return f"endpoint_name={call.asked.name!r},\n"
    cluster = "get_context().clusterId" if attached else repr(call.asked.cluster_id)
    # The class takes letters of "https://" off the front of the variable, so "https://stage..." becomes "age...".
    host = "" if attached else 'host=os.environ["DATABRICKS_HOST"].removeprefix("https://").rstrip("/"),\n'
    return (
        f"{host}cluster_id={cluster},\ncluster_driver_port={str(call.asked.port)!r},  # a text: it refuses a number\n"
    )


_CONTEXT = "from dbruntime.databricks_repl_context import get_context\n"
_ONE_RECORD = f"""\
    records = body.get({RECORDS!r}, [])
    if list(body) != [{RECORDS!r}] or len(records) != 1:
        raise ValueError("This class sends one record of {RECORDS}, and nothing beside it.")
    return records[0]
"""
