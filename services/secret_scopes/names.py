"""What may be typed as a scope's, key's or principal's name: the platform's rules, checked before anything is sent. Pure."""

from services.errors import BadInput
from services.secret_scopes.references import KEY_NAME, SCOPE_NAME

MOST = 128
_SHOWN = 60


def checked_scope(name: str) -> str:
    """The name of a scope to be created. Raises BadInput."""
    return _checked("secret scope", name, SCOPE_NAME.fullmatch(name) is not None, "- _ . @")


def checked_key(name: str) -> str:
    """The name of a key to be put. Raises BadInput."""
    return _checked("key", name, KEY_NAME.fullmatch(name) is not None, "- _ .")


def checked_principal(name: str) -> str:
    """A user's or group's name, or a service principal's application id. Raises BadInput."""
    if not name.strip():
        raise BadInput(
            "No name was typed for who gets the permission.",
            "Type a user's e-mail address, a group's name, or a service principal's application id.",
        )
    return name.strip()


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
