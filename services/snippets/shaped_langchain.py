"""The call and its transform as a LangChain chain of today: a runnable that other chains can be built with. Pure."""

from services.sandbox import Hook
from services.snippets.python_source import literal
from services.snippets.shaped_call import AskedEndpoint, ShapedCall
from services.snippets.shaped_source import (
    SDK_ENVIRONMENT,
    environment,
    free_name,
    headers_note,
    indented,
    main,
    opened_reply,
    post_source,
    reply_source,
    script,
)
from services.snippets.snippet import Snippet
from services.snippets.stream_source import whole_reply

CHAT = "llm/v1/chat"
# Without the bound pip chooses mcp 2, with which databricks-langchain 0.22 cannot be imported.
_CHAT_INSTALL = 'pip install databricks-langchain "mcp<2"'
_INSTALL = "pip install langchain-core databricks-sdk requests"
_CHAT_NOTE = (
    "ChatDatabricks adds the endpoint's name as model, and stream. transform_output is given what it keeps of the reply: "
    "the messages, why each ended, and the usage."
)
_HOST = "config.host"


def langchain_snippet(call: ShapedCall) -> Snippet:
    """The chain: ChatDatabricks for a chat endpoint, else a runnable around the call itself."""
    takes_messages = "messages" in call.request or Hook.INPUT in call.hooks
    if isinstance(call.asked, AskedEndpoint) and call.asked.task == CHAT and takes_messages:
        return _chat(call)
    return Snippet(
        "LangChain", "python", chain_source(call), _INSTALL, headers_note(call), file_name="chain_with_transform.py"
    )


def chain_source(call: ShapedCall) -> str:
    """A chain around a POST; it also runs in langchain-core 0.3."""
    name, whole = free_name(call, "make_chain"), free_name(call, "whole_reply")
    ask = (
        "def ask(request):\n"
        + indented(post_source(call, _HOST, "config.authenticate()"))
        + "    reply.raise_for_status()\n"
        f"    response = {reply_source(call, whole)}\n" + indented(opened_reply(call)) + "    return response\n"
    )
    needs_os = "import os\n\n" if "os.environ" in ask else ""
    signs_in = "config = WorkspaceClient().config\n" if call.signed_in else ""
    lines = (
        f'"""What is invoked with a request: transform_input, the call, transform_output.{_signed(call)}"""\n'
        f"{needs_os}import requests\n"
        + ("from databricks.sdk import WorkspaceClient\n" if call.signed_in else "")
        + f"from langchain_core.runnables import RunnableLambda\n\n{signs_in}\n{ask}\n{_chain(call, 'ask')}"
    )
    parts = [whole_reply(whole)] if call.streams else []
    return script(
        call,
        *parts,
        f"def {name}():\n{indented(lines)}",
        main(f"print({name}().invoke({_argument(call)}))"),
    )


def _chat(call: ShapedCall) -> Snippet:
    name = free_name(call, "make_chain")
    whole = Hook.OUTPUT in call.hooks
    lines = (
        f'"""What is invoked with a request: transform_input, ChatDatabricks, transform_output.{_signed(call)}"""\n'
        "from databricks_langchain import ChatDatabricks\n"
        + (_CHAT_IMPORTS if whole else "from langchain_core.messages import convert_to_messages\n")
        + "from langchain_core.runnables import RunnableLambda\n\n"
        f"chat = ChatDatabricks(model={call.asked.label!r}, max_retries=0)\n\n"
        f"{_ASK_CHAT}{_AS_COMPLETION if whole else _AS_TEXT}\n"
        f"{_chain(call, 'ask')}"
    )
    return Snippet(
        "LangChain",
        "python",
        script(call, f"def {name}():\n{indented(lines)}", main(f"print({name}().invoke({_argument(call)}))")),
        install=_CHAT_INSTALL,
        note=_CHAT_NOTE if whole else "ChatDatabricks adds the endpoint's name as model, and stream.",
        file_name="chain_with_transform.py",
    )


def _chain(call: ShapedCall, ask: str) -> str:
    """The line that returns the chain of the functions that there are."""
    links = [
        *([f"lambda request: {Hook.INPUT.value}(**request)"] if Hook.INPUT in call.hooks else []),
        ask,
        *([f"lambda response: {Hook.OUTPUT.value}(response)"] if Hook.OUTPUT in call.hooks else []),
    ]
    chain = "\n    | ".join(f"RunnableLambda({link})" for link in links)
    return f"return (\n    {chain}\n)\n" if len(links) > 1 else f"return {chain}\n"


def _signed(call: ShapedCall) -> str:
    said = environment(call, SDK_ENVIRONMENT)
    return f"\n\n{said}\n" if said else ""


def _argument(call: ShapedCall) -> str:
    return indented(literal(call.request), 1).strip()


_CHAT_IMPORTS = "from langchain_core.messages import convert_to_messages, convert_to_openai_messages\n"
_ASK_CHAT = """\
def ask(request):
    request = dict(request)
    messages, streams = convert_to_messages(request.pop("messages")), request.pop("stream", False)
    arguments = {"extra_body": request}  # what else is in the body, as it is
    if streams:
        replies = [None]
        for piece in chat.stream(messages, **arguments):
            replies = [piece if replies[0] is None else replies[0] + piece]
    else:
        replies = [one.message for one in chat.generate([messages], **arguments).generations[0]]
"""
_AS_TEXT = "    return replies[0].content\n"
_AS_COMPLETION = """\
    usage = replies[0].usage_metadata or {}
    names = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens", "total_tokens": "total_tokens"}
    return {
        "choices": [
            {
                "index": index,
                "message": convert_to_openai_messages(reply),
                "finish_reason": reply.response_metadata.get("finish_reason"),
            }
            for index, reply in enumerate(replies)
        ],
        "usage": {names[name]: count for name, count in usage.items() if name in names},
    }
"""
