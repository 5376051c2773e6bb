"""gr.ChatInterface as its guide shows streaming: yield the answer so far, once a token."""

import sys

import gradio as gr
from scripted import stream_tokens


def respond(message, history):  # noqa: ARG001 - the signature is Gradio's
    answer = ""
    for token in stream_tokens(message):
        answer += token
        yield answer


gr.ChatInterface(respond).launch(server_name="127.0.0.1", server_port=int(sys.argv[1]), share=False)
