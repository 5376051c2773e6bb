"""From failures of the network and of the SDK to errors for people."""

import importlib
import inspect
import pkgutil
import socket

import databricks.sdk.errors
import pytest
import requests
import urllib3.exceptions
from databricks.sdk.errors import DatabricksError

from services.doors import typed
from services.endpoints import get_endpoint, list_endpoints
from services.errors import (
    BadInput,
    Conflict,
    EndpointFailed,
    NotFound,
    PermissionDenied,
    PlaygroundError,
    Rejected,
    Side,
    TooManyRequests,
    Unauthenticated,
    UnexpectedReply,
    Unreachable,
)
from services.translation import translated, translated_sdk
from tests.local_workspaces import eventually
from tests.services.chats import TOKEN, at, chat
from tests.services.replies import silent, whole

LIST = "/api/2.0/serving-endpoints"


def failing(address: str, **options) -> PlaygroundError:
    """What a GET of *address* comes to."""
    with pytest.raises(PlaygroundError) as caught, translated("my-chat"):
        requests.get(address, timeout=5, **options)
    return caught.value


@pytest.fixture
def closed_port():
    """A port where nothing listens."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]


def test_a_host_that_is_not_known_is_a_matter_of_dns():
    error = failing("https://no-such-workspace.invalid")
    assert isinstance(error, Unreachable)
    assert error.message == "The host of my-chat is not known here."
    assert "DNS" in error.hint


def test_an_invocation_of_an_unknown_host_is_told_the_same():
    error = chat(typed("https://no-such-workspace.invalid", TOKEN)).error
    assert "is not known here" in error.message


def test_a_port_where_nothing_listens_says_so(closed_port):
    error = failing(f"http://127.0.0.1:{closed_port}")
    assert isinstance(error, Unreachable)
    assert error.message == "Nothing listens where my-chat should be."


def test_an_endpoint_that_gives_no_answer_in_time_says_that_nothing_was_repeated(make_reply_server):
    server = make_reply_server(silent)
    with pytest.raises(Unreachable, match="gave no answer in time") as caught, translated("my-chat"):
        requests.get(server.host, timeout=0.1)
    assert "Nothing was sent a second time" in caught.value.hint
    assert len(eventually(lambda: server.received)) == 1


def test_plain_text_where_tls_was_expected_is_a_matter_of_tls(make_reply_server):
    server = make_reply_server(whole("{}"))
    error = failing(server.host.replace("http:", "https:"))
    assert "TLS" in error.message


def test_a_proxy_that_is_not_there_is_named(closed_port):
    error = failing("http://workspace.example", proxies={"http": f"http://127.0.0.1:{closed_port}"})
    assert isinstance(error, Unreachable)
    assert "proxy" in error.message


@pytest.mark.parametrize("address", ["nonsense", "http://", "ftp://host/", "http://[half"])
def test_an_address_that_is_none_is_bad_input(address):
    assert isinstance(failing(address), BadInput)


@pytest.mark.parametrize(
    ("failure", "midway", "sentence", "side"),
    [
        (requests.exceptions.ConnectTimeout(), False, "did not pick up in time", Side.NETWORK),
        (TimeoutError(), False, "gave no answer in time", Side.NETWORK),
        (ConnectionResetError(), False, "was closed before an answer came", Side.NETWORK),
        (requests.exceptions.TooManyRedirects(), False, "was closed before an answer came", Side.NETWORK),
        (urllib3.exceptions.IncompleteRead(1, 2), True, "broke off in the middle", Side.NETWORK),
        (urllib3.exceptions.ReadTimeoutError(None, "", ""), True, "stayed silent too long", Side.ENDPOINT),
        (ConnectionResetError(), True, "broke off in the middle", Side.NETWORK),
    ],
)
def test_each_kind_of_silence_has_its_sentence(failure, midway, sentence, side):
    with pytest.raises(Unreachable, match=sentence) as caught, translated("my-chat", midway=midway):
        raise failure
    assert caught.value.side is side
    assert "my-chat" in caught.value.message
    assert "sent a second time" in caught.value.hint or not midway


def test_a_failure_that_causes_itself_does_not_hold_anyone_up():
    failure = ConnectionError()
    failure.__context__ = failure.__cause__ = OSError(failure)
    with pytest.raises(Unreachable), translated("my-chat"):
        raise failure


def test_a_bug_is_not_translated():
    with pytest.raises(KeyError), translated("my-chat"):
        raise KeyError("ours")
    with pytest.raises(KeyError), translated_sdk("my-chat"):
        raise KeyError("ours")


# --- the SDK


def sdk_errors() -> list[type[Exception]]:
    modules = [
        importlib.import_module(one.name)
        for one in pkgutil.iter_modules(databricks.sdk.errors.__path__, "databricks.sdk.errors.")
    ]
    found = {
        one
        for module in modules
        for _, one in inspect.getmembers(module, inspect.isclass)
        if issubclass(one, Exception)
    }
    return sorted((one for one in found if one.__module__.startswith("databricks.sdk")), key=lambda one: one.__name__)


def test_the_sdk_has_the_errors_that_we_walk():
    assert len(sdk_errors()) > 20
    assert DatabricksError in sdk_errors()


@pytest.mark.parametrize("kind", sdk_errors(), ids=lambda kind: kind.__name__)
def test_every_error_of_the_sdk_is_translated(kind):
    with pytest.raises(PlaygroundError) as caught, translated_sdk("my-chat"):
        raise kind("the platform's own sentence Config: host=https://x, token=***")
    error = caught.value
    assert error.hint
    assert error.message
    assert "Config:" not in error.message


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("BadRequest", Rejected),
        ("InvalidParameterValue", Rejected),
        ("Unauthenticated", Unauthenticated),
        ("PermissionDenied", PermissionDenied),
        ("NotFound", NotFound),
        ("ResourceDoesNotExist", NotFound),
        ("ResourceConflict", Conflict),
        ("AlreadyExists", Conflict),
        ("Aborted", Conflict),
        ("TooManyRequests", TooManyRequests),
        ("RequestLimitExceeded", TooManyRequests),
        ("InternalError", EndpointFailed),
        ("TemporarilyUnavailable", EndpointFailed),
        ("DeadlineExceeded", EndpointFailed),
        ("NotImplemented", EndpointFailed),
        ("Cancelled", EndpointFailed),
        ("OperationFailed", EndpointFailed),
        ("OperationTimeout", Unreachable),
    ],
)
def test_the_sdks_errors_become_ours_of_the_same_meaning(name, kind):
    with pytest.raises(PlaygroundError) as caught, translated_sdk("my-chat"):
        raise getattr(databricks.sdk.errors, name)("why")
    assert type(caught.value) is kind


def test_what_is_not_there_is_named(workspace):
    with pytest.raises(NotFound, match="does not know endpoint no-such-endpoint"):
        get_endpoint(workspace, "no-such-endpoint")


def test_an_unknown_token_is_told_at_the_first_control_call(local_workspace):
    stranger = typed(local_workspace.host, TOKEN)
    with pytest.raises(Unauthenticated) as caught:
        list_endpoints(stranger)
    assert "does not know this token" in caught.value.message
    assert TOKEN not in caught.value.message + caught.value.hint + caught.value.raw.body


def test_a_rate_limit_on_the_list_is_named_as_one_after_one_request(local_workspace, workspace):
    local_workspace.clear()
    local_workspace.queue_fault("return-429-retry-after-2", LIST)
    with pytest.raises(TooManyRequests) as caught:
        list_endpoints(workspace)
    assert "A rate limit of the list of serving endpoints" in caught.value.message
    assert caught.value.retry_after == 2
    assert len(local_workspace.requests()) == 1


def test_a_refusal_that_outlasts_the_sdks_retries_is_told_and_not_the_timeout():
    with (
        pytest.raises(TooManyRequests, match="A rate limit of my-chat is reached: slow down"),
        translated_sdk("my-chat"),
    ):
        raise TimeoutError("Timed out after 0:00:05") from databricks.sdk.errors.TooManyRequests("slow down")


def test_a_sign_in_page_where_json_was_expected_is_told_as_one(make_reply_server):
    server = make_reply_server(whole("<html>Sign in</html>", content_type="text/html"))
    with pytest.raises(UnexpectedReply) as caught:
        list_endpoints(at(server))
    assert "sign-in page" in caught.value.hint


def test_a_refusal_of_the_sdk_is_told_as_one_of_a_question_not_of_an_invocation():
    with pytest.raises(PermissionDenied) as refusal, translated_sdk("the clusters"):
        raise databricks.sdk.errors.PermissionDenied("no")
    assert refusal.value.message == "You may not see the clusters: no"
    assert "CAN QUERY" not in refusal.value.hint
