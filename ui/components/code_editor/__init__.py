"""A code editor: CodeMirror as a Streamlit component, its bundle served by this app.

``source.mjs`` is what the browser runs, ``npm ci && npm run build`` here makes ``built/`` of it.
"""

from ui.components.code_editor.editor import Edited, LineFault, code_editor

__all__ = ["Edited", "LineFault", "code_editor"]
