"""What the address names, so that a reload finds it and a link can be sent: endpoints, a scope, a transform, texts."""

import streamlit as st


def endpoints_in_address() -> list[str]:
    """The endpoints that a link asks for."""
    return st.query_params.get_all("endpoint")


def show_endpoints_in_address(names: list[str]) -> None:
    """Let the address name the endpoints, so that it can be sent to a colleague."""
    if st.query_params.get_all("endpoint") != names:
        st.query_params["endpoint"] = names


def scope_in_address() -> str:
    """The secret scope that the address names; empty for none."""
    return st.query_params.get("scope") or ""


def show_scope_in_address(name: str) -> None:
    """Open that secret scope, or none where *name* is empty."""
    if name:
        st.query_params["scope"] = name
    else:
        st.query_params.pop("scope", None)


def transform_in_address() -> str:
    """The saved transform that the address names; empty for none."""
    return st.query_params.get("transform") or ""


def take_sample_from_address() -> bool:
    """Whether a link brings a body along as the sample. It does so once: the address says it no more."""
    return st.query_params.pop("sample", None) is not None


def show_transform_in_address(name: str) -> None:
    """Let the address name that saved transform, or none where *name* is empty."""
    if name and st.query_params.get("transform") != name:
        st.query_params["transform"] = name
    elif not name:
        st.query_params.pop("transform", None)


def embeddings_in_address(of: str) -> str:
    """What the address of the Embeddings page names: *of* is ``dataset``, ``run`` or ``stage``. Empty for nothing."""
    return st.query_params.get(of) or ""


def show_embeddings_in_address(**shown: str) -> None:
    """Let that address name these; empty for none. What is not given stays."""
    for of, name in shown.items():
        if not name:
            st.query_params.pop(of, None)
        elif st.query_params.get(of) != name:
            st.query_params[of] = name
