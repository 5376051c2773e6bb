"""Brickyard measured against plain Streamlit, Gradio and Chainlit, all talking to one scripted endpoint."""
