"""A call of the app as code for elsewhere."""

from typing import Any

import streamlit as st

from services.clusters import Cluster
from services.driver_proxy import Target
from services.snippets.driver_proxy import driver_proxy_snippets
from services.snippets.shaped_call import ShapedCall
from services.snippets.snippet import Snippet
from services.snippets.transforms import transform_snippets
from services.transforms import DRAFT, Transform
from ui.driver_proxy.view import KEY
from ui.snippet_list import draw_snippets

_NONE = Transform("", DRAFT, "")


def draw_code(target: Target, body: Any, transform: Transform | None, cluster: Cluster | None) -> None:
    """Draw the dialects that can say this call, with the transform around it."""
    address = cluster.driver_address if cluster else ""
    plain = driver_proxy_snippets(target, body, driver_address=address)
    if not isinstance(body, dict):
        draw_snippets(plain, key=f"{KEY}-code")
        if transform is not None:
            st.caption("Without the transform: its functions are given JSON objects.")
        return
    shaped = transform_snippets(ShapedCall(target, body, transform or _NONE, driver_address=address))
    draw_snippets(shaped if transform else _both(plain, shaped), key=f"{KEY}-code")


def _both(first: tuple[Snippet, ...], more: tuple[Snippet, ...]) -> tuple[Snippet, ...]:
    """*first*, and what is in *more* for other dialects."""
    known = {one.dialect for one in first}
    return first + tuple(one for one in more if one.dialect not in known)
