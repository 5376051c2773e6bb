"""The contract as tests that run elsewhere. export.py writes this file's own functions out, so they need nothing of Brickyard.

Not collected as tests here. ``unittest.SkipTest`` is a skip for pytest too, and needs no pytest.
"""

import functools
import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import SkipTest

import requests

from services.driver_contract.load_rules import LONG_PROMPT, LONG_TOKENS, OTHER_PROMPT
from services.driver_contract.records import EXTRAS
from services.driver_contract.stop_rules import PROMPT
from services.driver_contract.stops import (
    ABSENT,
    common_characters,
    cut,
    telling_stop,
    what_it_did,
    what_it_seems_to_have_done,
    without_echo,
    word_in,
)
from services.driver_proxy.target import RESERVED_PORTS

PATH, PORT, CLUSTER_ID, SECONDS = "/", 7777, "", 60.0
HEADERS: dict[str, str] = {}
FIT_MODES = (
    "NONE",
    "SINGLE_USER",
    "LEGACY_SINGLE_USER",
    "LEGACY_SINGLE_USER_STANDARD",
    "DATA_SECURITY_MODE_DEDICATED",
)
SHARED_MODES = ("USER_ISOLATION", "DATA_SECURITY_MODE_STANDARD", "LEGACY_TABLE_ACL", "LEGACY_PASSTHROUGH")
TAKEN_PORTS = tuple(RESERVED_PORTS)
TIMES: list[float] = []


def signed(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """An explicit way of signing in: requests would prefer a password in ~/.netrc to a header."""
    request.headers["Authorization"] = f"Bearer {os.environ['DATABRICKS_TOKEN']}"
    return request


def unsigned(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """The same without credentials."""
    return request


def post(body: Any, seconds: float = SECONDS) -> requests.Response:
    """One POST to the app. A direct call, with DRIVER_URL, carries no credentials."""
    direct = os.environ.get("DRIVER_URL")
    url, auth = (direct, unsigned) if direct else (os.environ["DATABRICKS_HOST"].rstrip("/") + PATH, signed)
    given = {"data": body} if isinstance(body, bytes) else {"json": body}
    headers = {"Content-Type": "application/json", **HEADERS}
    began = time.monotonic()
    reply = requests.post(url, headers=headers, auth=auth, timeout=seconds, allow_redirects=False, **given)
    if reply.ok:
        TIMES.append(time.monotonic() - began)
    return reply


def text_of(reply: requests.Response) -> str:
    """The text of an answer."""
    assert reply.status_code == 200, f"{reply.status_code}: {reply.text[:300]}"
    value = value_of(reply)
    assert isinstance(value, str), f"The answer is no JSON string: {reply.text[:300]}"
    return value


def value_of(reply: requests.Response) -> Any:
    """The JSON value of a reply; the reply itself where it is not JSON."""
    try:
        return reply.json()
    except ValueError:
        return reply


def refused_in_json(reply: requests.Response) -> None:
    """Check that it is a refusal that a program can read."""
    assert 400 <= reply.status_code < 500, f"{reply.status_code}: {reply.text[:300]}"
    assert value_of(reply) is not reply, f"The refusal is not JSON: {reply.text[:300]}"


@functools.cache
def cluster() -> dict[str, Any]:
    """The cluster, as the workspace has it."""
    if "DATABRICKS_HOST" not in os.environ or "DATABRICKS_TOKEN" not in os.environ:
        raise SkipTest("DATABRICKS_HOST and DATABRICKS_TOKEN are needed to ask for the cluster.")
    url = os.environ["DATABRICKS_HOST"].rstrip("/") + "/api/2.1/clusters/get"
    reply = requests.get(url, params={"cluster_id": CLUSTER_ID}, auth=signed, timeout=20)
    assert reply.ok, reply.text[:300]
    found: dict[str, Any] = reply.json()
    return found


@functools.cache
def baseline() -> tuple[dict[str, int], str, str]:
    """What the app takes beside the prompt, and its answer to the same prompt, twice."""
    tuned = post({"prompt": PROMPT, **EXTRAS})
    extras = EXTRAS if tuned.ok else {}
    text = text_of(tuned if tuned.ok else post({"prompt": PROMPT}))
    again = text_of(post({"prompt": PROMPT, **extras}))
    return extras, without_echo(text, PROMPT), without_echo(again, PROMPT)


@functools.cache
def stopped() -> list[str]:
    """What the app does with stop texts: see what_it_did."""
    extras, text, again = baseline()
    middle, telling = word_in(text, prompt=PROMPT), telling_stop(text, prompt=PROMPT)
    late = word_in(text, after=text.find(middle) + len(middle), prompt=PROMPT) if middle else None
    tried = [[middle]] if middle else []
    tried += [[ABSENT, telling]] if telling else []
    tried += [[late, middle]] if late and middle else []
    if text != again:
        tried = [common_characters(text, again)]
    if not tried or not tried[0]:
        raise SkipTest("The answer is too short to choose stop texts from.")
    found = []
    for stops in tried:
        got = without_echo(text_of(post({"prompt": PROMPT, "stop": stops, **extras})), PROMPT)
        found.append(what_it_did(text, stops, got) if text == again else what_it_seems_to_have_done(stops, got))
    return found


def test_cluster_is_running() -> None:
    """Otherwise start it."""
    assert cluster()["state"] in {"RUNNING", "RESIZING"}


def test_access_mode() -> None:
    """Otherwise use a cluster that is dedicated to you, or one without isolation."""
    mode = cluster().get("data_security_mode")
    if mode not in FIT_MODES + SHARED_MODES:
        raise SkipTest(f"What {mode} means for an app on the driver is not known.")
    assert mode in FIT_MODES


def test_port() -> None:
    """Otherwise let the app listen on another one."""
    assert 3000 <= PORT <= 8000
    assert PORT not in TAKEN_PORTS


def test_listens() -> None:
    """Otherwise start the app; it must listen on 0.0.0.0, not on 127.0.0.1."""
    reply = post({"prompt": PROMPT})
    refused = reply.status_code == 502 and (not reply.content.strip() or reply.text.lstrip().startswith("<"))
    assert not refused, "The proxy reaches no app on that port."


def test_prompt_is_answered() -> None:
    """Otherwise let it take POST with {"prompt": ...}."""
    reply = post({"prompt": PROMPT})
    assert reply.status_code == 200, f"{reply.status_code}: {reply.text[:300]}"


def test_answer_is_a_json_string() -> None:
    """Otherwise return jsonify(text), once, and nothing around it."""
    text = text_of(post({"prompt": PROMPT}))
    assert not text.strip().startswith(('"', "{", "[")), f"It holds JSON in its turn: {text[:300]}"
    assert not text.strip().replace(".", "", 1).isdigit(), f"It is a number: {text[:300]}"


def test_stop_is_taken() -> None:
    """Otherwise take "stop", a list of strings."""
    reply = post({"prompt": PROMPT, "stop": [ABSENT], **baseline()[0]})
    assert reply.status_code == 200, f"{reply.status_code}: {reply.text[:300]}"


def test_stops() -> None:
    """Otherwise cut the generated text at the first stop text in it."""
    assert "went on" not in stopped()


def test_stop_is_not_in_the_text() -> None:
    """Otherwise cut before the stop text, not behind it."""
    assert "kept" not in stopped()


def test_nothing_else_is_cut() -> None:
    """Otherwise use removesuffix in place of rstrip."""
    if "right" not in stopped() and "ate" not in stopped():
        raise SkipTest("The answers do not show it.")
    assert "ate" not in stopped()


def test_unknown_key() -> None:
    """Otherwise check the keys, and refuse in JSON."""
    reply = post({"prompt": PROMPT, **baseline()[0], "brickyard_unknown_key": True})
    if reply.status_code != 200:
        refused_in_json(reply)


def test_missing_prompt() -> None:
    """Otherwise refuse with 400 and a JSON object."""
    refused_in_json(post({}))


def test_not_json() -> None:
    """Otherwise catch what the JSON parser raises, and refuse with 400 and a JSON object."""
    refused_in_json(post(b"this is not JSON"))


def test_several_at_once() -> None:
    """Otherwise keep nothing of a request in a global."""
    extras, text, again = baseline()
    other = without_echo(text_of(post({"prompt": OTHER_PROMPT, **extras})), OTHER_PROMPT)
    asked = {PROMPT: text, OTHER_PROMPT: other}
    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(lambda one: without_echo(text_of(post({"prompt": one, **extras})), one), [*asked, *asked]))
    if text == again:
        wrong = [
            one for one, got in zip([*asked, *asked], said, strict=True) if got != asked[one] and got in asked.values()
        ]
        assert not wrong, "A request got the answer of another."


def test_long_answer() -> None:
    """Otherwise limit the length of answers, and their time."""
    extras = baseline()[0]
    text_of(post({"prompt": LONG_PROMPT, **extras, **({"max_tokens": LONG_TOKENS} if extras else {})}))


def test_latency() -> None:
    """No rule: figures, with pytest -s."""
    text_of(post({"prompt": PROMPT, **baseline()[0]}))
    print(f"\n{statistics.median(TIMES):.2f} s median of {len(TIMES)} answers, {max(TIMES):.2f} s the longest")


PARTS = (signed, unsigned, post, text_of, value_of, refused_in_json, cluster, baseline, stopped)
"""What every export carries, in this order."""
STOPS = (word_in, telling_stop, without_echo, cut, common_characters, what_it_did, what_it_seems_to_have_done)
"""The same, of another file."""
