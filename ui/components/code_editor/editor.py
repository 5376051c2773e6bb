"""The Python half of the code editor."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ui.components.registered import renderer
from ui.session import entered

_HOME = Path(__file__).parent


@dataclass(frozen=True)
class LineFault:
    """What is wrong with a line. Lines and columns count from 1; without columns it is the whole line."""

    line: int
    message: str
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None


@dataclass(frozen=True)
class Edited:
    """What stands in the editor."""

    text: str
    ran: bool
    """Whether this run was caused by Ctrl or Cmd with Enter."""


def code_editor(
    text: str,
    *,
    key: str,
    label: str,
    language: Literal["python", "json"] = "python",
    revision: int = 0,
    faults: Sequence[LineFault] = (),
    height: int = 240,
    editable: bool = True,
    runs: str = "",
    on_edit: Callable[[str], None] | None = None,
    on_run: Callable[[str], None] | None = None,
) -> Edited:
    """Draw the editor; what stands in it, as far as the browser has told.

    It begins with *text*. From then on the text is the person's, and *text* is looked at only when *revision* is another one,
    so that a rerun which comes late takes nothing away that was typed meanwhile: keep what is returned, give it back here, and
    count *revision* up only to replace it.

    *label* is what a screen reader says. *faults* are marked on their lines, and said below. *height* is in pixels, and grows
    with the text. *runs* says what Ctrl-Enter does. *on_edit* and *on_run* are callbacks of Streamlit's kind, before the
    script, with the text: what one of them keeps is not lost when the script is interrupted, or is another page's.
    """

    def edited() -> None:
        if on_edit is not None:
            on_edit(_told(key, "edit", text, revision))

    def ran() -> None:
        if on_run is not None:
            on_run(_told(key, "ran", text, revision))

    found = renderer("code_editor", _HOME)(
        key=key,
        data={
            "text": text,
            "revision": revision,
            "language": language,
            "faults": [asdict(fault) for fault in faults],
            "label": label,
            "height": height,
            "editable": editable,
            "runs": runs,
        },
        default={"edit": None},
        on_edit_change=edited,
        on_ran_change=ran,
    )
    return Edited(_text_of(found, "edit", text, revision), found.get("ran") is not None)


def _told(key: str, part: str, text: str, revision: int) -> str:
    held = entered(key)
    return _text_of(held if isinstance(held, Mapping) else {}, part, text, revision)


def _text_of(found: Mapping[str, Any], part: str, text: str, revision: int) -> str:
    """What the browser has told, unless it was about an older revision: then *text* has taken its place."""
    told = found.get(part)
    if isinstance(told, Mapping) and told.get("revision") == revision and isinstance(told.get("text"), str):
        return str(told["text"])
    return text
