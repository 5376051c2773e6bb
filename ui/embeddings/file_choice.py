"""Choose a file, and which of its columns hold the texts, their labels and their ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import streamlit as st

from services.embeddings.files import Column, ColumnKind, columns_of_file, how_read, read_file
from services.embeddings.limits import MOST_FILE_BYTES, MOST_TEXTS
from services.embeddings.records import Texts
from services.errors import PlaygroundError, Side
from ui.embeddings.view import distinct
from ui.errors import draw_error
from ui.foreign_text import literal
from ui.session import seed, uploaded, uploaded_id, uploaded_name

LABEL_NAMES = ("label", "topic", "category", "class", "intent", "group", "tag", "target", "sentiment")
ID_NAMES = ("id", "key", "uuid", "ref", "reference", "nr", "no", "number")
_LABEL_KINDS = (ColumnKind.TEXT, ColumnKind.NUMBER)


@dataclass
class ReadFile:
    """A file that was chosen, as far as it was looked into."""

    id: str
    name: str
    columns: list[Column] = field(default_factory=list)
    remark: str = ""
    """What was assumed in reading it."""
    error: PlaygroundError | None = None


@dataclass(frozen=True)
class Columns:
    """The names of those that were chosen."""

    text: str
    label: str | None
    id: str | None


def file_choice(uploader: str, last: ReadFile | None) -> ReadFile | None:
    """Draw the uploader of that key; the file in it, looked into once for each upload. *last*: what this said before."""
    st.file_uploader(
        "CSV, TSV, Parquet, JSON, JSON Lines, or plain text (.txt) of a text a line",
        # Of any kind: what the browser refuses stays listed beside the next one, and is told in fewer words.
        key=uploader,
        max_upload_size=MOST_FILE_BYTES // 1_000_000,
        help=f"At most {MOST_TEXTS:,} rows. It stays on the machine that Brickyard runs on.",
    )
    identity = uploaded_id(uploader)
    if not identity:
        return None
    file = last if last is not None and last.id == identity else _looked_into(identity, uploader)
    if file.error is not None:
        draw_refusal(file.error)
    elif file.remark:
        st.caption(literal(file.remark))
    return file


def read_chosen(uploader: str, file: ReadFile, columns: Columns) -> Texts:
    """The texts of the chosen columns. Raises BadInput."""
    content = uploaded(uploader) or b""
    return read_file(file.name, content, text_column=columns.text, label_column=columns.label, id_column=columns.id)


def _looked_into(identity: str, uploader: str) -> ReadFile:
    file, content = ReadFile(identity, uploaded_name(uploader)), uploaded(uploader) or b""
    with st.spinner("Looking into the file", show_time=True):
        try:
            file.columns, file.remark = columns_of_file(file.name, content), how_read(file.name, content)
        except PlaygroundError as error:
            file.error = error
    return file


def column_choice(file: ReadFile) -> Columns | None:
    """Draw the choice of the columns, and what is in them; None while there is none for the texts."""
    columns = file.columns
    labels = distinct({str(place): one.name or "(no name)" for place, one in enumerate(columns)})
    places = list(labels)
    texts = [place for place in places if columns[int(place)].kind is ColumnKind.TEXT]
    longest = max(texts, key=lambda place: len(columns[int(place)].example), default=None)
    _draw_columns(columns, is_open=longest is None)
    if longest is None:
        st.warning("None of its columns holds texts. **Next:** choose another file.", icon=":material/warning:")
        return None

    def choice(label: str, begin: str | None, help_text: str) -> str | None:
        chosen = st.selectbox(
            label, places, None,
            key=seed(f"embeddings.column-{label}-{file.id}", begin),
            format_func=lambda place: labels[place], placeholder="none", help=help_text,
        )  # fmt: skip
        return columns[int(chosen)].name if chosen is not None else None

    with st.container(horizontal=True):
        text = choice("Column of the texts", longest, "What is embedded")
        others = {place: columns[int(place)] for place in places if place != longest}
        label = choice(
            "Column of labels",
            guessed({place: one for place, one in others.items() if one.kind in _LABEL_KINDS}, LABEL_NAMES),
            "A topic or a class: colours the map, and tells models apart",
        )
        identifier = choice("Column of ids", guessed(others, ID_NAMES), "Named in what you take away")
    return Columns(text, label, identifier) if text is not None else None


def guessed(columns: Mapping[str, Column], names: Sequence[str]) -> str | None:
    """The place of the column that is called by one of *names*, or ends in one, as ``doc_id`` does; the likeliest first."""
    for name in names:
        for place, column in columns.items():
            if column.kind is not ColumnKind.OTHER and column.filled and _is_called(column.name, name):
                return place
    return None


def _is_called(column: str, name: str) -> bool:
    said = column.strip().casefold()
    return said == name or said.endswith((f"_{name}", f" {name}", f"-{name}"))


def draw_refusal(error: PlaygroundError) -> None:
    """Why that cannot be read or kept. Where what was brought is at fault, “your request” would be the wrong word."""
    if error.side is not Side.YOU:
        draw_error(error)
        return
    st.error(f"{literal(error.message)}\n\n**Next:** {literal(error.hint)}", icon=":material/warning:")


def _draw_columns(columns: Sequence[Column], *, is_open: bool) -> None:
    title = "Its one column" if len(columns) == 1 else f"Its {len(columns):,} columns"
    with st.expander(title, expanded=is_open or len(columns) > 1):
        st.dataframe(
            {
                "Column": [one.name for one in columns],
                "Holds": [one.kind.value for one in columns],
                "Filled rows": [one.filled for one in columns],
                "Example": [one.example for one in columns],
            },
            hide_index=True,
            height="content" if len(columns) <= 5 else 220,
        )
