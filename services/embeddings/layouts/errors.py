"""What the worker refuses, as it says it over its pipe."""


class Refused(Exception):
    """These vectors cannot be laid out: what is the matter, and what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
