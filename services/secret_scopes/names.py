"""What may be typed as a scope's, key's or principal's name: the platform's rules, checked before anything is sent. Pure."""

import re

from services.errors import BadInput
from services.secret_scopes.references import KEY_NAME, SCOPE_NAME

MOST = 128
_SHOWN = 60
_LONGEST_NAME = 60
"""Nobody types more for a name; many keys are longer."""
# Formats that say what they are: OpenAI and Anthropic, Databricks, AWS, Google, GitHub, Hugging Face, Slack, JWT, PEM.
_KEY = re.compile(
    r"\b(?:sk-[\w-]{16,}|dapi[0-9a-f]{16,}|dose[\w-]{16,}|AKIA[0-9A-Z]{16}|AIza[\w-]{30,}|gh[pousr]_\w{20,}|hf_\w{20,}"
    r"|xox[abp]-[\w-]{10,}|eyJ[\w-]{10,}\.[\w-]{10,}\.)|-----BEGIN [A-Z ]*PRIVATE KEY",
    re.ASCII,
)


def looks_like_key(text: str) -> bool:
    """Whether a text has the format of a well-known provider's key."""
    return _KEY.search(text) is not None


def is_key_not_name(name: str) -> bool:
    """Whether what was typed for a name is more likely the key itself: then it belongs into no name, text or code."""
    return len(name) > _LONGEST_NAME or looks_like_key(name)


def checked_scope(name: str) -> str:
    """The name of a scope to be created; it must not look like a key. Raises BadInput, which does not repeat one."""
    _refuse_key("secret scope", name)
    return _checked("secret scope", name, SCOPE_NAME.fullmatch(name) is not None, "- _ . @")


def checked_key(name: str) -> str:
    """The name of a new key; it must not look like the key itself. Raises BadInput, which does not repeat one."""
    _refuse_key("key", name)
    return allowed_key(name)


def allowed_key(name: str) -> str:
    """The name of a key, by the platform's rules alone: one that is there may look like anything. Raises BadInput."""
    return _checked("key", name, KEY_NAME.fullmatch(name) is not None, "- _ .")


def checked_principal(name: str) -> str:
    """A user's or group's name, or a service principal's application id. Raises BadInput."""
    if not name.strip():
        raise BadInput(
            "No name was typed for who gets the permission.",
            "Type a user's e-mail address, a group's name, or a service principal's application id.",
        )
    return name.strip()


def _refuse_key(what: str, name: str) -> None:
    if is_key_not_name(name):
        raise BadInput(
            f"This looks like a key itself, not like the name of a {what}, so nothing was sent.",
            f"A name can be read by others: take a short one, at most {_LONGEST_NAME} characters, such as openai-api-key. "
            "The key itself goes into the field “Value”.",
        )


def _checked(what: str, name: str, fits: bool, marks: str) -> str:
    if not name:
        raise BadInput(f"No name was typed for the {what}.", f"Type 1 to {MOST} letters, digits or {marks}")
    if len(name) > MOST:
        raise BadInput(f"The name of the {what} has {len(name)} characters.", f"Shorten it to {MOST}.")
    if not fits:
        odd = "".join(
            dict.fromkeys(sign for sign in name if not (sign.isascii() and (sign.isalnum() or sign in marks)))
        )
        odd = "a space" if not odd.strip() else f"“{odd.strip()[:_SHOWN]}”"
        raise BadInput(
            f"“{name[:_SHOWN]}” cannot be the name of a {what}: {odd} may not be in it.",
            f"Use letters (a to z), digits and {marks}",
        )
    return name
