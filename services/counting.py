"""Counts as people read them."""


def in_words(count: int, one: str, many: str = "") -> str:
    """“1 request”, “1,200 requests”. *many*: the plural, where it is not *one* with an s."""
    return f"1 {one}" if count == 1 else f"{count:,} {many or one + 's'}"
