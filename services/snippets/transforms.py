"""A call and its transform as code for elsewhere. Pure: the person's source stands in it as it is, and no credential does."""

from services.snippets.shaped_call import AskedEndpoint, ShapedCall
from services.snippets.shaped_langchain import langchain_snippet
from services.snippets.shaped_requests import requests_snippet
from services.snippets.shaped_seed_era import seed_era_snippets
from services.snippets.snippet import Snippet

__all__ = ["AskedEndpoint", "ShapedCall", "transform_snippets"]


def transform_snippets(call: ShapedCall) -> tuple[Snippet, ...]:
    """In each dialect. Raises BadInput for a target that cannot be called."""
    return (requests_snippet(call), langchain_snippet(call), *seed_era_snippets(call))
