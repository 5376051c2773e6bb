"""The call and its transform as a script with requests alone. Pure."""

from services.sandbox import Hook
from services.snippets.python_source import literal
from services.snippets.shaped_call import ShapedCall
from services.snippets.shaped_source import (
    environment,
    free_name,
    headers_note,
    indented,
    main,
    opened_reply,
    post_source,
    reply_source,
    script,
    shaped_reply,
    shaped_request,
)
from services.snippets.snippet import Snippet
from services.snippets.stream_source import whole_reply

_HOST = 'os.environ["DATABRICKS_HOST"].rstrip("/")'
_SIGNED_IN = '{"Authorization": "Bearer " + os.environ["DATABRICKS_TOKEN"]}'


def requests_snippet(call: ShapedCall) -> Snippet:
    """The script: what it sends is, as JSON, what Brickyard sends."""
    name, whole = free_name(call, "call_once"), free_name(call, "whole_reply")
    said = f"\n\n{environment(call)}\n" if environment(call) else ""
    lines = (
        f'"""Ask once, and give what transform_output makes of the reply.{said}"""\n'
        "import os\n\nimport requests\n\n"
        f"request = {literal(call.request)}\n"
        + (f"request = {shaped_request(call, 'request')}\n" if Hook.INPUT in call.hooks else "")
        + post_source(call, _HOST, _SIGNED_IN)
        + "reply.raise_for_status()\n"
        f"response = {reply_source(call, whole)}\n"
        f"{opened_reply(call)}"
        f"return {shaped_reply(call)}\n"
    )
    parts = [whole_reply(whole)] if call.streams else []
    code = script(call, *parts, f"def {name}():\n{indented(lines)}", main(f"print({name}())"))
    return Snippet(
        "requests", "python", code, "pip install requests", headers_note(call), file_name="call_with_transform.py"
    )
