"""The chat page of Streamlit's own tutorial: the history, st.chat_input, st.write_stream."""

import streamlit as st
from scripted import stream_tokens

history = st.session_state.setdefault("messages", [])
for message in history:
    with st.chat_message(message["role"]):
        st.markdown(message["content"])

if prompt := st.chat_input("Ask the endpoint", submit_mode="stop"):
    with st.chat_message("user"):
        st.markdown(prompt)
    history.append({"role": "user", "content": prompt})
    with st.chat_message("assistant"):
        answer = st.write_stream(stream_tokens(prompt))
    history.append({"role": "assistant", "content": answer})
