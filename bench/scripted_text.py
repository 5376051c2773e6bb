"""The answer every scripted endpoint gives: Markdown whose words are numbered, so that each can be found on a screen."""

import functools

WORDS_PER_SECTION = 60
WORDS_PER_LINE = 20  # of a list and of a code block
BOLD_WORD = 7
SECTIONS = ("prose", "prose", "list", "prose", "code", "heading", "prose", "prose")
_OPENINGS = {"prose": "\n\n", "list": "\n\n- ", "code": "\n\n```python\n", "heading": "\n\n### Heading\n\n"}
_NEXT_LINES = {"prose": "", "heading": "", "list": "\n- ", "code": "\n"}


@functools.cache
def token(index: int) -> str:
    """Token number `index`: the word `t<index>` and the Markdown around it, 5.6 characters on average over 2,000."""
    section, position = divmod(index, WORDS_PER_SECTION)
    kind = SECTIONS[section % len(SECTIONS)]
    word = f"t{index} "
    if position == BOLD_WORD and kind != "code":
        word = f"**t{index}** "
    if index == 0:
        return word
    if position == 0:
        fence_end = "\n```" if SECTIONS[(section - 1) % len(SECTIONS)] == "code" else ""
        return fence_end + _OPENINGS[kind] + word
    if position % WORDS_PER_LINE == 0:
        return _NEXT_LINES[kind] + word
    return word
