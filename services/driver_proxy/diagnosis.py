"""What went wrong in a call of a driver app: told by status, kind, first bytes and time. Pure.

The proxy's own answers and the app's come through the same door. What the proxy says is known from the field: a 502 as a web
page, at once where nothing listens and late where the app died; INVALID_STATE as text; its refusals with an ``error_code``.
"""

import re
from typing import Any

from services.driver_proxy.reply import is_web_page, json_value
from services.driver_proxy.target import Target, Via
from services.errors import (
    EndpointFailed,
    NotFound,
    PermissionDenied,
    PlaygroundError,
    RawReply,
    Rejected,
    Side,
    Unauthenticated,
    UnexpectedReply,
)
from services.exchange import Answer
from services.refusals import SHOWN_REPLY, refused
from services.web_page import title_of

AT_ONCE = 2.0
"""Seconds. A 502 for want of a listener comes within 0.3 s; one for an app that died comes when it dies."""
SENTENCE = 300
LOOKED_AT = 2_000
"""Characters of a refusal that are looked through for what it is about."""


def trouble_in(answer: Answer, target: Target, seconds: float) -> PlaygroundError | None:
    """The failure that *answer*, which came after *seconds*, tells; None where it is a success."""
    status = answer.status
    if 200 <= status < 300:
        return None
    headers = {name.lower(): value for name, value in answer.headers.items()}
    raw = RawReply(status, answer.body.decode("utf-8", errors="replace")[:SHOWN_REPLY])
    if status < 400:
        return _redirected(target, status, headers.get("location", ""), raw)
    if target.via is Via.PROXY and (found := _by_the_proxy(answer, target, seconds, raw)) is not None:
        return found
    return _by_the_app(target, status, headers.get("allow", ""), answer.body, raw)


def is_no_listener(answer: Answer, target: Target, seconds: float) -> bool:
    """Whether the proxy says that it could not connect to the app."""
    return target.via is Via.PROXY and _is_bad_gateway(answer) and seconds < AT_ONCE


def _redirected(target: Target, status: int, location: str, raw: RawReply) -> PlaygroundError:
    where = f" to {location[:200]}" if location else ""
    hint = (
        "Redirects are not followed: a POST would become a GET. Use the address that it names, if it is the app's own."
    )
    if re.search(r"login|oauth|signin", location, re.IGNORECASE):
        hint = "That looks like a sign-in page: check the host and the credentials on the connection page."
    return UnexpectedReply(f"{target.label} answered with a redirect ({status}){where}.", hint, side=Side.APP, raw=raw)


def _is_bad_gateway(answer: Answer) -> bool:
    return answer.status == 502 and (is_web_page(answer.body) or not answer.body.strip())


def _by_the_proxy(answer: Answer, target: Target, seconds: float, raw: RawReply) -> PlaygroundError | None:
    if _is_bad_gateway(answer):
        return _bad_gateway(target, seconds, raw)
    if re.match(r"\W*INVALID_STATE", raw.body):
        return Rejected(
            f"Cluster {target.cluster_id} is not running: {_first_line(raw.body)}",
            "Start it, then start the app on it again.",
            side=Side.PLATFORM,
            raw=raw,
        )
    if answer.status in {503, 504} and is_web_page(answer.body):
        return EndpointFailed(
            f"The workspace's proxy gave up on {target.label} ({answer.status}).",
            "The driver may be overloaded, or the app answers too late. Look at the app's log, and try a smaller request.",
            side=Side.APP,
            raw=raw,
        )
    _, body = json_value(answer.body)
    if isinstance(body, dict) and "error_code" in body:
        return _refused_by_the_platform(answer, target, str(body.get("message") or "")[:LOOKED_AT], raw)
    return None


def _bad_gateway(target: Target, seconds: float, raw: RawReply) -> PlaygroundError:
    if seconds < AT_ONCE:
        return EndpointFailed(
            f"Nothing answers on port {target.port} of the driver.",
            "The app is not running, or listens on 127.0.0.1 only, where the proxy does not reach it: let it listen on 0.0.0.0. "
            "One that has just been started may need a moment.",
            side=Side.APP,
            raw=raw,
        )
    return EndpointFailed(
        f"{target.label} took the request, and broke off after {seconds:.0f} s without an answer.",
        "It probably died, perhaps for want of memory: look at its log on the driver, and start it again.",
        side=Side.APP,
        raw=raw,
    )


def _refused_by_the_platform(answer: Answer, target: Target, said: str, raw: RawReply) -> PlaygroundError:
    kinds = (
        (
            r"access token|invalid request",
            Unauthenticated,
            "The workspace does not take these credentials for the driver proxy.",
            "Connect again with a new token. One that was taken from a notebook's context works only inside the workspace.",
        ),
        (
            r"scope",
            PermissionDenied,
            "These credentials may not call clusters.",
            "The token needs the scope “clusters”. Users of a Databricks App cannot be given it: use an own token.",
        ),
        (
            r"single.user",
            PermissionDenied,
            f"Cluster {target.cluster_id} is dedicated to somebody else.",
            "Only they can call its driver. Use a cluster that is dedicated to you, or one without isolation.",
        ),
        (
            r"attach|permission",
            PermissionDenied,
            f"You may not attach to cluster {target.cluster_id}.",
            "Ask whoever manages it for CAN ATTACH TO.",
        ),
        (
            r"cluster.*not exist",
            NotFound,
            f"There is no cluster {target.cluster_id} in this workspace.",
            "Choose one in the list, or check its id.",
        ),
    )
    for pattern, error, message, hint in kinds:
        if re.search(pattern, said, re.IGNORECASE) and answer.status < 500:
            return error(f"{message} The workspace says: {said[:SENTENCE]}", hint, raw=raw)
    return refused(target.label, answer.status, answer.headers, answer.body)


def _by_the_app(target: Target, status: int, allow: str, body: bytes, raw: RawReply) -> PlaygroundError:
    said, path = _sentence(body), target.path or "/"
    if status == 405:
        taken = f" It takes {allow[:100]}." if allow else ""
        hint = "Choose a method that it takes. For LangChain's Databricks it must take POST at /."
        return Rejected(f"The app does not take {target.method} at {path} (405).{taken}", hint, side=Side.APP, raw=raw)
    if status == 404:
        return NotFound(
            f"The app has nothing at {path} (404).", "Check the path, and the app's routes.", side=Side.APP, raw=raw
        )
    if status in {401, 403}:
        hint = "The app wants credentials of its own. The proxy takes the Authorization header off: let it read another one."
        return PermissionDenied(f"The app did not let the call in ({status}){said}", hint, side=Side.APP, raw=raw)
    page = " It is a web page: a program that calls the app cannot read why." if is_web_page(body) else ""
    if status < 500:
        return Rejected(
            f"The app refused the request ({status}){said}", f"Change the request.{page}", side=Side.YOU, raw=raw
        )
    return EndpointFailed(
        f"The app failed ({status}){said}", f"Its log on the driver says why.{page}", side=Side.APP, raw=raw
    )


def _sentence(body: bytes) -> str:
    """What the app says about it, as the end of a sentence."""
    is_json, value = json_value(body)
    if is_json:
        said = _in_json(value)
    elif is_web_page(body):
        said = title_of(body.decode("utf-8", "replace"))
    else:
        said = _first_line(body.decode("utf-8", errors="replace"))
    return f": {said[:SENTENCE].rstrip('.')}." if said else "."


def _in_json(value: Any) -> str:
    if isinstance(value, dict):
        found = next((value[key] for key in ("error", "message", "detail") if value.get(key)), "")
        return _in_json(found)
    return value if isinstance(value, str) else ""


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:SENTENCE]
