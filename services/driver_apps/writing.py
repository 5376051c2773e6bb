"""The parts of a starter app, put together."""

import sys
from itertools import groupby

from services.driver_apps.common import ANSWER, HEAD, IMPORTS, MAIN, QUESTION, SETTINGS
from services.driver_apps.frameworks import FRAMEWORKS
from services.driver_apps.models import MODELS
from services.driver_apps.records import SOURCES, Framework, ModelKind
from services.errors import BadInput
from services.snippets.snippet import Snippet

FIRST_PORT, LAST_PORT = 3000, 8000
"""What the driver proxy reaches."""
USUAL_PORT = 7777
MOST_SOURCE = 500


def driver_app(framework: Framework, model: ModelKind, *, source: str = "", port: int = USUAL_PORT) -> Snippet:
    """A whole app in one file. *source* names the model (see SOURCES); empty for the example's.

    Raises BadInput for a source that no file or model can have as its name, and for a port that the proxy does not reach.
    """
    source = source.strip() or SOURCES[model].example
    _check(source, port, model)
    http, writer = FRAMEWORKS[framework], MODELS[model]
    packages = (*http.packages, *writer.packages)
    name = "ENDPOINT" if model is ModelKind.ENDPOINT else "MODEL"
    # A model that lies in this process is loaded before the first call, so that no caller waits for it.
    prepare = "" if model is ModelKind.ENDPOINT else "    load()\n"
    code = http.code.replace("{KEY}", f'"{name.lower()}"').replace("{NAME}", name).replace("{PREPARE}", prepare)
    settings = f"{writer.settings.replace('{SOURCE}', _quoted(source))}{SETTINGS}MAX_AT_ONCE = {writer.at_once}\n"
    head = HEAD.format(ABOUT=writer.about, PACKAGES=" ".join(packages), PORT=port)
    body = "\n\n".join((QUESTION, writer.code, ANSWER, code, MAIN.replace("{PORT}", str(port))))
    return Snippet(
        dialect=f"{framework} and {model[0].lower()}{model[1:]}",
        language="python",
        code=f"{head}\n{_imports(IMPORTS + http.imports + writer.imports)}\n{settings}\n\n{body}",
        install=f"pip install {' '.join(packages)}",
        file_name="driver_app.py",
    )


def _check(source: str, port: int, model: ModelKind) -> None:
    label = SOURCES[model].label.lower()
    if len(source) > MOST_SOURCE or not source.isprintable():
        raise BadInput(
            f"The {label} has signs that no name has, or more than {MOST_SOURCE} of them.",
            f"Give it as one line, such as {SOURCES[model].example}.",
        )
    if not FIRST_PORT <= port <= LAST_PORT:
        raise BadInput(
            f"The driver proxy does not reach port {port}.",
            f"Choose one from {FIRST_PORT} to {LAST_PORT}, such as 7777.",
        )


def _quoted(text: str) -> str:
    """The text as a Python literal, in double quotes where it can."""
    return repr(text) if any(sign in text for sign in "\"\\'") else f'"{text}"'


def _imports(lines: tuple[str, ...]) -> str:
    """The import lines in the usual order: the standard library first, whole modules before parts of them."""

    def place(line: str) -> tuple[bool, bool, str]:
        name = line.split()[1]
        return name.split(".")[0] not in sys.stdlib_module_names, line.startswith("from"), name

    ordered = sorted(lines, key=place)
    blocks = ["\n".join(block) for _, block in groupby(ordered, key=lambda line: place(line)[0])]
    return "\n\n".join(blocks) + "\n"
