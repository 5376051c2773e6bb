"""One exchange from the inside: what was sent, what came back, and the same call as code. Views of its wire record."""

import json

import streamlit as st

from services.chat import ChatJob, chat_to_wire
from services.foreign_json import read_json
from services.snippets import DIALECTS
from services.wire_record import WireRecord
from ui.foreign_text import literal
from ui.navigation import link_to
from ui.transform_trace import draw_trace

SHOWN_EVENTS = 300


@st.dialog("The exchange", width="large")
def inspector_dialog(record: WireRecord) -> None:
    """Open what was sent and what came back, of any call."""
    if record.forgotten:
        st.info("This exchange is so long ago that its bytes are no longer kept.", icon=":material/history:")
        return
    names = ["Sent", "Received", f"Events ({len(record.events)})"]
    if record.trace is None:
        sent, received, events = st.tabs(names)
    else:
        sent, received, events, transform = st.tabs([*names, "Transform"])
        with transform:
            draw_trace(record.trace, key="inspector-trace")
    with sent:
        _draw_sent(record)
    with received:
        _draw_received(record)
    with events:
        _draw_events(record)


def _draw_sent(record: WireRecord) -> None:
    if record.sent_at is None:
        st.info("Nothing was sent.")
        return
    st.code(f"{record.method} {record.url}\n{_headers(record.request_headers)}", language="http", wrap_lines=True)
    body = record.request_body.decode("utf-8", errors="replace")
    st.markdown(f"**Body**, the exact {len(record.request_body):,} bytes")
    with st.container(key="inspector-sent-body"):
        st.code(body, language="json", wrap_lines=True)
    with st.expander("The same, indented"):
        st.code(_indented(body), language="json")
    st.download_button(
        "Download the body", record.request_body, "request.json", "application/json", key="inspector-body"
    )


def _draw_received(record: WireRecord) -> None:
    if record.status is None:
        st.info("No reply has come.")
        return
    after = f"after {record.headers_after:.3f} s" if record.headers_after is not None else ""
    st.code(f"HTTP {record.status} {after}\n{_headers(record.reply_headers)}", language="http", wrap_lines=True)
    reply = record.reply_body
    if reply and not record.streamed:
        body = reply.decode("utf-8", errors="replace")
        st.markdown(f"**Body**, {record.reply_bytes:,} bytes")
        st.code(body, language="json", wrap_lines=True)
        with st.expander("The same, indented"):
            st.code(_indented(body), language="json")
        st.download_button(
            "Download the reply", record.reply_body, "reply.json", "application/json", key="inspector-reply"
        )
    elif record.events:
        st.markdown(
            f"A stream of {record.reply_bytes:,} bytes: Events shows what was in it, the download has it as it came."
        )
        st.download_button(
            "Download the stream", record.reply_body, "reply.txt", "text/event-stream", key="inspector-stream"
        )


def _draw_events(record: WireRecord) -> None:
    if not record.events:
        st.info("The reply is not a stream, or nothing of it has arrived.")
        return
    lines = [f"{event.seconds * 1000:9.1f} ms  {event.data}" for event in record.events]
    if len(lines) > SHOWN_EVENTS:
        st.markdown(f"The first {SHOWN_EVENTS} of {len(lines):,} events, as they came; the download has all.")
    st.code("\n".join(lines[:SHOWN_EVENTS]), language=None, height=420)
    st.download_button("Download all events", "\n".join(lines), "events.txt", "text/plain", key="inspector-events")


@st.dialog("The same call as code", width="large")
def code_dialog(job: ChatJob) -> None:
    """Open the same chat exchange as code."""
    body = chat_to_wire(job.request)
    name = st.segmented_control(
        "Client", [dialect.name for dialect in DIALECTS], default=DIALECTS[0].name, key="code-dialect", required=True
    )
    dialect = next(dialect for dialect in DIALECTS if dialect.name == name)
    if dialect.install:
        st.code(dialect.install, language="bash")
    if job.hooks is not None:
        used = job.hooks.trace.transform
        st.info(
            f"The transform ({literal(used.label)}) is not in this code: it sends the body as it was before transform_input, "
            "and prints the reply as it came. The Transforms page gives the transform as code, too.",
            icon=":material/function:",
        )
        link_to("transforms", "Take the transform away", transform=used.name)
    with st.container(key="code-snippet"):
        st.code(dialect.write(job.request.endpoint, body), language=dialect.language)
    body_is = "It sends the body of this exchange" + (", before its transform." if job.hooks else ".")
    st.caption(
        f"{body_is} Host and token come from DATABRICKS_HOST and DATABRICKS_TOKEN: "
        "no credential is ever written into code."
    )


def _headers(headers: dict[str, str]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in headers.items())


def _indented(body: str) -> str:
    try:
        return json.dumps(read_json(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body
