"""Several endpoints side by side, as people build it on st.write_stream: one thread a column."""

import threading

import streamlit as st
from scripted import stream_tokens
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

if prompt := st.chat_input("Ask the endpoints, named first and separated by commas"):
    turn = st.session_state.setdefault("turn", 0)
    st.session_state["turn"] += 1
    names, _, question = prompt.partition(" ")
    threads = []
    for model, (name, column) in enumerate(zip(names.split(","), st.columns(names.count(",") + 1), strict=True)):
        answer = column.container(key=f"answer-{turn}-{model}")
        thread = threading.Thread(target=answer.write_stream, args=(stream_tokens(f"{name} {question}"),), daemon=True)
        add_script_run_ctx(thread, get_script_run_ctx())
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()
