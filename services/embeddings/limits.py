"""How much text is taken, whichever way it comes."""

from collections.abc import Sequence

from services.errors import BadInput

MOST_TEXTS = 200_000
"""Of one dataset."""
MOST_TEXT_BYTES = 1_000_000
"""Of one text, in UTF-8."""
MOST_LABEL = 1_000
"""Characters of a label or an id. Longer ones are texts, or a quote that was never closed."""
MOST_FILE_BYTES = 300_000_000
MOST_CHARACTERS = 300_000_000
"""Of all texts of one dataset together."""


def check_count(count: int) -> None:
    """Raise BadInput for none, and for too many."""
    if count == 0:
        raise BadInput("There is no text in it.", "Paste some lines, or choose a file that has texts.")
    if count > MOST_TEXTS:
        raise BadInput(
            f"That is more than {MOST_TEXTS:,} texts, which is what fits.",
            "Take a sample of them first, then come back.",
        )


def check_text(text: str, where: str) -> None:
    """Raise BadInput for a text that cannot be sent or kept; *where* it stands is how the sentence begins: “Row 7”."""
    if len(text) * 4 > MOST_TEXT_BYTES:
        _check_size(text, where)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as half:
            raise BadInput(f"{where} holds half a character.", "Repair that text, or take it out.") from half
    if "\0" in text:
        raise BadInput(f"{where} holds a NUL character, which no text has.", "Take it out.")


def check_label(label: str, where: str) -> None:
    """Raise BadInput for what cannot be a label or an id."""
    if len(label) > MOST_LABEL:
        raise BadInput(
            f"{where} has a label or an id of {len(label):,} characters; {MOST_LABEL:,} are the most.",
            "Choose another column for it; or look there for a quote that is not closed.",
        )
    check_text(label, where)


def check_texts(texts: Sequence[str], what: str = "Text") -> None:
    """Raise BadInput for texts that cannot be one dataset: none, too many, one too long, all together too long."""
    check_count(len(texts))
    for number, text in enumerate(texts, start=1):
        check_text(text, f"{what} {number:,}")
    if sum(map(len, texts)) > MOST_CHARACTERS:
        raise BadInput(
            f"The texts have more than {MOST_CHARACTERS // 1_000_000} million characters together.",
            "Take a sample of them first, or cut them into parts.",
        )


def _check_size(text: str, where: str) -> None:
    size = len(text.encode(errors="surrogatepass"))
    if size > MOST_TEXT_BYTES:
        raise BadInput(
            f"{where} has {size:,} bytes; {MOST_TEXT_BYTES:,} is the most for one text.",
            "Cut it into parts, each on a row of its own. Where it should be short, look for a quote that is not closed.",
        )
