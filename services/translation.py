"""The one translation point from transport and SDK failures to PlaygroundError."""

import contextlib
import socket
import ssl
from collections.abc import Iterator

import requests.exceptions as r
import urllib3.exceptions as u

from services.errors import (
    BadInput,
    EndpointFailed,
    PlaygroundError,
    Side,
    Unauthenticated,
    UnexpectedReply,
    Unreachable,
)
from services.known_refusals import Asked
from services.refusals import explained_code

_NOTHING_RETRIED = "Nothing was sent a second time: send again when you like."


_SILENT = (r.ReadTimeout, u.ReadTimeoutError, TimeoutError)
_Kind = tuple[tuple[type[BaseException], ...], type[PlaygroundError], str, str]
_CLOSED: _Kind = ((), Unreachable, "The connection to {name} was closed before an answer came.", _NOTHING_RETRIED)
# What is found in the chain of causes, and what it means. The first row that fits; {name} is what was being reached. A proxy's
# failure has the failure to reach it as its cause; urllib3's refused connections are connect timeouts too.
_KINDS: tuple[_Kind, ...] = (
    (
        (r.InvalidURL, r.MissingSchema, r.InvalidSchema, u.LocationParseError),
        BadInput,
        "{name} has an address that is not one.",
        "Check the host on the connection page.",
    ),
    (
        (r.InvalidJSONError,),
        UnexpectedReply,
        "{name} did not answer with JSON.",
        "That is often a sign-in page: check the host and the credentials on the connection page.",
    ),
    (
        (r.ProxyError, u.ProxyError),
        Unreachable,
        "The proxy on the way to {name} cannot be used.",
        "Check HTTPS_PROXY and NO_PROXY.",
    ),
    (
        (socket.gaierror, u.NameResolutionError),
        Unreachable,
        "The host of {name} is not known here.",
        "Check its spelling, and your DNS or VPN.",
    ),
    (
        (r.SSLError, ssl.SSLError, u.SSLError),
        Unreachable,
        "No trusted TLS connection to {name} could be made.",
        "Its certificate is not trusted here, or a proxy stands between: set REQUESTS_CA_BUNDLE to your CA's file.",
    ),
    (
        (ConnectionRefusedError,),
        Unreachable,
        "Nothing listens where {name} should be.",
        "Check host and port, and that it is running.",
    ),
    (
        (r.ConnectTimeout, u.ConnectTimeoutError),
        Unreachable,
        "{name} did not pick up in time.",
        "Check the host, your network and any IP access list.",
    ),
    (_SILENT, Unreachable, "{name} gave no answer in time.", f"It may be waking up or busy. {_NOTHING_RETRIED}"),
)


@contextlib.contextmanager
def translated(name: str, *, midway: bool = False) -> Iterator[None]:
    """Turn the failures of requests, urllib3 and sockets into Unreachable.

    *name* is what was being reached, as the person knows it; *midway* says that part of the reply had arrived.
    """
    try:
        yield
    except (r.RequestException, u.HTTPError, OSError) as failure:
        raise _unreachable(name, failure, midway) from failure


@contextlib.contextmanager
def translated_sdk(name: str) -> Iterator[None]:
    """Turn the failures of databricks-sdk into PlaygroundErrors, and those of its transport too."""
    from databricks.sdk.errors.base import DatabricksError
    from databricks.sdk.errors.sdk import OperationFailed

    try:
        yield
    except DatabricksError as refusal:  # an OSError too, so it comes first
        raise _sdk_refusal(name, refusal) from refusal
    except OperationFailed as failure:
        raise EndpointFailed(
            f"{name} did not get there: {_own_sentence(failure)}",
            "Its page in the workspace has the details.",
            side=Side.PLATFORM,
        ) from failure
    except (r.RequestException, u.HTTPError, OSError) as failure:
        # When its retries run out the SDK raises a bare TimeoutError; what refused it is only the cause.
        if isinstance(failure.__cause__, DatabricksError):
            raise _sdk_refusal(name, failure.__cause__) from failure.__cause__
        raise _unreachable(name, failure, midway=False) from failure
    except ValueError as unusable:
        raise Unauthenticated(
            f"Signing in to {name} failed: {_own_sentence(unusable).rstrip('. ')}.",
            "Check the host and the credentials on the connection page.",
            side=Side.YOU,
        ) from unusable


def _sdk_refusal(name: str, refusal: Exception) -> PlaygroundError:
    from databricks.sdk.errors import platform

    statuses = (
        (platform.Unauthenticated, 401),
        (platform.PermissionDenied, 403),
        (platform.NotFound, 404),
        (platform.ResourceConflict, 409),
        (platform.TooManyRequests, 429),
        (platform.TemporarilyUnavailable, 503),
        (platform.DeadlineExceeded, 504),
        (platform.Cancelled, 499),
        (platform.NotImplemented, 501),
        (platform.InternalError, 500),
        (platform.BadRequest, 400),
    )
    status = next((status for kind, status in statuses if isinstance(refusal, kind)), 500)
    sentence = _own_sentence(refusal)
    retry_after = getattr(refusal, "retry_after_secs", None)
    code = str(getattr(refusal, "error_code", "") or "")
    return explained_code(name, status, code, sentence, retry_after, asked=Asked.READ)


def _own_sentence(failure: Exception) -> str:
    """Without the configuration that the SDK appends."""
    return str(failure).split(" Config:")[0]


def _unreachable(name: str, failure: Exception, midway: bool) -> PlaygroundError:
    chain = list(_causes(failure))
    if midway:
        silent = _any(chain, *_SILENT)
        what = (
            "stayed silent too long in the middle of its answer" if silent else "broke off in the middle of its answer"
        )
        side = Side.ENDPOINT if silent else None
        return Unreachable(f"{name} {what}.", f"What had arrived is kept. {_NOTHING_RETRIED}", side=side)
    _, error, what, hint = next((row for row in _KINDS if _any(chain, *row[0])), _CLOSED)
    return error(what.format(name=name), hint)


def _causes(failure: BaseException | None) -> Iterator[BaseException]:
    """The failure, what caused it, and what requests and urllib3 wrap inside as arguments."""
    waiting, seen = [failure], 0
    while waiting and seen < 50:
        one = waiting.pop()
        seen += 1
        if isinstance(one, BaseException):
            yield one
            reason = getattr(one, "reason", None)
            waiting += [one.__cause__, one.__context__, reason, *(a for a in one.args if isinstance(a, BaseException))]


def _any(chain: list[BaseException], *kinds: type[BaseException]) -> bool:
    return any(isinstance(one, kinds) for one in chain)
