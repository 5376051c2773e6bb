"""One field of a provider's block: texts, URLs and credentials, refused in a sentence that never holds a credential."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from local_workspace.refusals import RefusalError, invalid_parameter
from local_workspace.secret_scopes.references import SecretReference
from local_workspace.server import is_loopback

PLAINTEXT = "_plaintext"
MAX_TEXT = 4096
MAX_CREDENTIAL = 128 * 1024  # what a secret may hold
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}", re.ASCII)
_HEADERS_OF_HTTP = {"host", "content-length", "content-type", "transfer-encoding", "connection", "accept-encoding"}
EXAMPLE = "{{secrets/<scope>/<key>}}"


def checked_text(value: object, place: str) -> str:
    """`value` when it is a text that is not empty. Raises RefusalError (400)."""
    if not isinstance(value, str) or not value.strip():
        raise invalid_parameter(f"The field '{place}' must be a string that is not empty.")
    if len(value) > MAX_TEXT:
        raise invalid_parameter(f"The field '{place}' must be a string of at most {MAX_TEXT} characters.")
    if any(ord(character) < 32 for character in value):
        raise invalid_parameter(f"The field '{place}' holds a control character.")
    return value


def checked_url(text: str, place: str) -> str:
    """`text` when it is an http or https URL with a host. Raises RefusalError (400)."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # a port over 65535, or a bracket left open
        usable = False
    if not usable or any(character.isspace() for character in text):
        raise invalid_parameter(f"The field '{place}' must be a URL such as https://api.example.com/v1.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise invalid_parameter(f"The field '{place}' must be a URL without a user name, a password or a fragment.")
    return text


def checked_https(url: str, place: str) -> None:
    """Raise RefusalError (400) when `url` would send a key in the clear to another machine."""
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise invalid_parameter(
            f"The field '{place}' is an http URL, please change to https. (http is allowed to this machine only.)"
        )


def checked_header(name: str, place: str) -> None:
    """Raise RefusalError (400) unless `name` can be the header that carries a key."""
    if not _HEADER.fullmatch(name) or name.lower() in _HEADERS_OF_HTTP:
        raise invalid_parameter(f"The field '{place}' must be the name of a header, such as x-api-key.")


def checked_credential(block: dict[str, Any], name: str, path: str, when: str) -> tuple[str, bool]:
    """The credential `name` of `block`, and whether it is a reference. Raises RefusalError (400)."""
    place, plaintext = f"{path}.{name}", name + PLAINTEXT
    if name in block and plaintext in block:
        raise invalid_parameter(f"Both '{place}' and '{path}.{plaintext}' are set; send only one of them.")
    if name in block:
        return checked_reference(block[name], place, plaintext), True
    if plaintext not in block:
        raise invalid_parameter(f"The field '{place}' is missing{when}: a secret reference, or '{plaintext}' instead.")
    value = block[plaintext]
    if not isinstance(value, str) or not value.strip() or len(value.encode()) > MAX_CREDENTIAL:
        raise invalid_parameter(f"The field '{path}.{plaintext}' must be a string of 1 byte to 128 KB.")
    if SecretReference.parse(value.strip()):
        raise invalid_parameter(f"The field '{path}.{plaintext}' holds a secret reference; send it as '{name}'.")
    return value, False


def checked_reference(value: object, place: str, plaintext: str) -> str:
    """`value` when it is a secret reference. Raises RefusalError (400), naming the mistake where it is a common one."""
    if not isinstance(value, str):
        raise invalid_parameter(f"The field '{place}' must be a secret reference such as {EXAMPLE}, a string.")
    if SecretReference.parse(value) is None:
        raise _no_reference(value, place, plaintext)
    return value


def _no_reference(text: str, place: str, plaintext: str) -> RefusalError:
    """What is wrong with `text`, which is shown only where it begins as a reference does: it may be a key."""
    says = f"The field '{place}' must be a secret reference such as {EXAMPLE}"
    path = text.strip(" {}")
    if not path.startswith("secrets/"):
        in_braces = text.strip().startswith("{")
        return invalid_parameter(
            f"{says}: the word 'secrets/' is missing." if in_braces else f"{says}. To send a key, use '{plaintext}'."
        )
    meant = "{{" + path[:280] + "}}"
    mistakes = (
        ("<" in path or ">" in path, f"put the names of your scope and key in place of <...> in '{path[:280]}'."),
        (path.count("/") != 2, f"'{path[:280]}' does not have three parts."),
        (" " in text, f"it has no spaces. Did you mean '{meant}'?"),
        ("{" not in text and "}" not in text, f"the braces are missing. Did you mean '{meant}'?"),
        (text != meant, f"it has two braces on each side, '{meant}'. (In a Python f-string that takes four.)"),
    )
    default = f"'{path[:280]}' is none. Names have letters, digits, '-', '_', '.' and at most 128 characters."
    return invalid_parameter(f"{says}: {next((sentence for wrong, sentence in mistakes if wrong), default)}")


def list_of(names: Iterable[str]) -> str:
    """`'a', 'b' or 'c'`, for sentences."""
    quoted = [f"'{name}'" for name in names]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def place_of(name: str) -> str:
    """A caller's field name as a sentence can hold it."""
    return "".join(character for character in name[:80] if character.isprintable())
