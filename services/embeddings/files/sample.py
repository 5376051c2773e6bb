"""The sample: texts that were written for Brickyard, in Korean and in English, labelled by topic."""

from pathlib import Path

from services.embeddings.files.reading import read_file
from services.embeddings.records import Texts
from services.state_file import StateTrouble

_FILE = Path(__file__).parents[3] / "examples" / "sample_texts.csv"


def sample_texts() -> Texts:
    """504 sentences: 18 in each language about each of 14 topics, some of them saying nearly the same as another one.

    Raises StateTrouble where this installation came without them.
    """
    try:
        content = _FILE.read_bytes()
    except OSError as error:
        raise StateTrouble(
            f"The sample cannot be read ({error.strerror or error}).",
            f"Put {_FILE.name} back into the folder examples of this Brickyard, or paste texts of your own.",
        ) from error
    return read_file(_FILE.name, content, text_column="text", label_column="topic", id_column="id")
