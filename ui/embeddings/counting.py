"""Counts as people read them."""


def in_words(count: int, one: str) -> str:
    """“1 request”, “1,200 requests”."""
    return f"1 {one}" if count == 1 else f"{count:,} {one}s"


def texts_in_words(count: int) -> str:
    """“1 text”, “504 texts”."""
    return in_words(count, "text")
