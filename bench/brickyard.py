"""Brickyard as the bench drives it: everything that depends on the app's own pages is in this module."""

from urllib.parse import urlencode

from bench.browser import Target
from bench.subjects import CHAT_INPUT, ROOT, Subject, streamlit_command

TOKEN = "bench-token"


def chat_page(endpoints: list[str]) -> str:
    return "/chat?" + chat_query(endpoints)


def chat_query(endpoints: list[str]) -> str:
    return urlencode([("endpoint", name) for name in endpoints])


BRICKYARD = Subject(
    name="brickyard",
    command=streamlit_command("app.py"),
    prompt=lambda _endpoints, mark: f"Say {mark}",
    answer=lambda turn, model: Target(f".st-key-answer-{turn}-{model}"),
    input=CHAT_INPUT,
    page=chat_page,
    stop=".st-key-chat-stop button",
    health="/_stcore/health",
    cwd=ROOT,
    settings=(("DATABRICKS_TOKEN", TOKEN),),
    workspace_variable="DATABRICKS_HOST",
)
