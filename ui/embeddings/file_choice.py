"""Choose a file, and which of its columns hold the texts, their labels and their ids."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import streamlit as st

from services.embeddings.files import Column, ColumnKind, columns_of_file, how_read, read_file
from services.embeddings.limits import MOST_FILE_BYTES, MOST_TEXTS
from services.embeddings.records import Texts
from services.errors import PlaygroundError
from ui.embeddings.view import distinct
from ui.errors import draw_error
from ui.foreign_text import literal
from ui.session import uploaded, uploaded_id, uploaded_name

FILE_TYPES = ["csv", "tsv", "txt", "parquet", "jsonl", "ndjson", "json"]


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
        "CSV, Parquet or JSON Lines",
        FILE_TYPES,
        key=uploader,
        max_upload_size=MOST_FILE_BYTES // 1_000_000,
        help=f"At most {MOST_TEXTS:,} rows. It stays on the machine that Brickyard runs on.",
    )
    identity = uploaded_id(uploader)
    if not identity:
        return None
    file = last if last is not None and last.id == identity else _looked_into(identity, uploader)
    if file.error is not None:
        draw_error(file.error)
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

    def choice(label: str, index: int | None, help_text: str) -> str | None:
        chosen = st.selectbox(
            label, places, index,
            key=f"embeddings.column-{label}-{file.id}",
            format_func=lambda place: labels[place], placeholder="none", help=help_text,
        )  # fmt: skip
        return columns[int(chosen)].name if chosen is not None else None

    _draw_columns(columns)
    with st.container(horizontal=True):
        text = choice("Column of the texts", places.index(longest) if longest else None, "What is embedded")
        label = choice("Column of labels", None, "A topic or a class: colours the map, and tells models apart")
        identifier = choice("Column of ids", None, "Named in what you take away")
    if not texts:
        st.warning("None of its columns holds texts. **Next:** choose another file.", icon=":material/warning:")
    return Columns(text, label, identifier) if text is not None else None


def _draw_columns(columns: Sequence[Column]) -> None:
    with st.expander("Its one column" if len(columns) == 1 else f"Its {len(columns):,} columns"):
        st.dataframe(
            {
                "Column": [one.name for one in columns],
                "Holds": [one.kind.value for one in columns],
                "Filled rows": [one.filled for one in columns],
                "Example": [one.example for one in columns],
            },
            hide_index=True,
            height="content" if len(columns) <= 8 else 300,
        )
