"""The apps under measurement: how each is started, spoken to and looked at."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.browser import Target
from bench.processes import Server, free_port, running

ROOT = Path(__file__).resolve().parent.parent
PEERS = Path(__file__).resolve().parent / "peers"
PEER_BIN = ROOT / ".venv-bench" / "bin"
CHAT_INPUT = '[data-testid="stChatInput"] textarea'


@dataclass(frozen=True)
class Subject:
    name: str
    command: Callable[[int], list]  # from the port to listen on
    prompt: Callable[[list[str], str], str]  # from endpoints and the run's mark to what is typed
    answer: Callable[[int, int], Target]  # from turn and model to where the answer appears
    input: str = CHAT_INPUT
    sendable: str | None = None  # what the page shows once a typed prompt can be sent, where that is not at once
    page: Callable[[list[str]], str] = lambda _endpoints: "/"
    stop: str = '[data-testid="stChatInputStopButton"]'
    health: str = "/"
    cwd: Path | None = None
    settings: tuple[tuple[str, str], ...] = ()
    workspace_variable: str = "SCRIPTED_HOST"

    @contextlib.contextmanager
    def started(self, workspace: str) -> Iterator[Server]:
        port = free_port()
        settings = dict(self.settings) | {self.workspace_variable: workspace}
        with running(self.command(port), port, self.cwd, self.health, **settings) as server:
            yield server


def streamlit_command(script: Path | str, *flags: str) -> Callable[[int], list]:
    """Default settings, but for what a machine without a screen or a network needs."""
    run = [sys.executable, "-m", "streamlit", "run", script, "--server.headless", "true"]
    loopback = ["--server.address", "127.0.0.1", "--browser.gatherUsageStats", "false"]
    return lambda port: [*run, *loopback, "--server.port", str(port), *flags]


def name_first(endpoints: list[str], mark: str) -> str:
    """The peers have no endpoint picker: their prompt's first word names the endpoint."""
    return f"{','.join(endpoints)} {mark}"


WRITE_STREAM = Subject(
    name="write_stream",
    command=streamlit_command(PEERS / "write_stream_page.py"),
    prompt=name_first,
    answer=lambda turn, _model: Target('[data-testid="stChatMessage"]', 2 * turn + 1),
    health="/_stcore/health",
)
WRITE_STREAM_COLUMNS = Subject(
    name="write_stream",
    command=streamlit_command(PEERS / "write_stream_columns.py"),
    prompt=name_first,
    answer=lambda turn, model: Target(f".st-key-answer-{turn}-{model}"),
    health="/_stcore/health",
)
HELLO_WORLD = Subject(
    name="hello world",
    command=streamlit_command(PEERS / "hello_world.py"),
    prompt=name_first,
    answer=lambda _turn, _model: Target('[data-testid="stMarkdown"]'),
    input='[data-testid="stMarkdown"]',
    health="/_stcore/health",
)
ENDPOINT_TABLE = Subject(
    name="st.dataframe",
    command=streamlit_command(PEERS / "endpoint_table.py"),
    prompt=name_first,
    answer=lambda _turn, _model: Target('[data-testid="stDataFrame"]'),
    health="/_stcore/health",
)
GRADIO = Subject(
    name="gradio",
    command=lambda port: [PEER_BIN / "python", PEERS / "gradio_chat.py", str(port)],
    prompt=name_first,
    answer=lambda turn, _model: Target('[data-testid="bot"]', turn),
    input='[data-testid="textbox"]',
    settings=(("GRADIO_ANALYTICS_ENABLED", "False"), ("HF_HUB_OFFLINE", "1")),
)
CHAINLIT = Subject(
    name="chainlit",
    command=lambda port: [
        *(PEER_BIN / "chainlit", "run", PEERS / "chainlit_chat.py"),
        *("--headless", "--host", "127.0.0.1", "--port", str(port)),
    ],
    prompt=name_first,
    answer=lambda turn, _model: Target(".ai-message", turn),
    input="#chat-input",
    sendable="#chat-submit:not([disabled])",
)


def other_frameworks() -> list[Subject]:
    """Gradio and Chainlit, where `make bench` has installed them."""
    return [GRADIO, CHAINLIT] if (PEER_BIN / "chainlit").exists() else []
