"""What the pages share: the only user of Streamlit's session state, and what two or more pages show."""
