"""One thing done here, as code for elsewhere."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Snippet:
    """Code in one dialect. Never with a credential or a secret's value in it."""

    dialect: str
    """What it is written for: curl, databricks-sdk, Terraform..."""
    language: str
    """For the highlighter."""
    code: str
    install: str = ""
    """A shell line that makes it run; empty where nothing is needed."""
    note: str = ""
    """What a person should know before they run it; empty for nothing."""
    file_name: str = "snippet.txt"
    """What it is called when it is saved."""
