"""What was done here, as code to take away. Pure, and never with a credential."""

from services.snippets.chat import DIALECTS, Dialect
from services.snippets.snippet import Snippet

__all__ = ["DIALECTS", "Dialect", "Snippet"]
