"""What Brickyard does, in plain Python: typed record in, record or iterator of records out. Never imports Streamlit."""
