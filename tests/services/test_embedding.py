"""Texts to vectors: against the real local model, and against endpoints that refuse, fail, hang and lie."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from services.embeddings.asking.asking_form import asking_for
from services.embeddings.asking.cache import KEPT, VectorCache
from services.embeddings.asking.embedding import Cancel, embed_texts
from services.embeddings.records import Asking, Embedded, Progress, Purpose
from services.endpoints import get_endpoint
from services.errors import BadInput, NotFound, PlaygroundError, TooManyRequests, Unreachable
from services.transforms import Transform
from services.workspace import Workspace
from tests.local_workspaces import eventually
from tests.services.chats import CHAT, EMBEDDINGS, TOKEN, at
from tests.services.embedding_endpoint import ScriptedEndpoint, openai_reply, refusal, vector_of
from tests.services.replies import silent, whole

HERE = Asking("bge", batch=8, at_once=3)
PATH = f"/serving-endpoints/{EMBEDDINGS}/invocations"
Serve = Callable[[ScriptedEndpoint], Workspace]


@pytest.fixture
def serve(make_reply_server) -> Serve:
    """The workspace in which that endpoint is the only one."""
    return lambda endpoint: at(make_reply_server(endpoint))


@pytest.fixture
def real(workspace: Workspace) -> Asking:
    """The local model."""
    return asking_for(get_endpoint(workspace, EMBEDDINGS))


def numbered(count: int) -> list[str]:
    return [f"text {number:05d}" for number in range(count)]


def belong(embedded: Embedded, texts: list[str], but: tuple[int, ...] = ()) -> bool:
    """Whether each text has its own vector, and those in *but* none."""
    good = [place for place in range(len(texts)) if place not in but]
    expected = np.array([vector_of(texts[place]) for place in good], dtype=np.float32)
    bad = embedded.vectors[list(but)]
    return np.allclose(embedded.vectors[good], expected) and bool(np.isnan(bad).all())


def test_the_local_model_embeds_and_a_second_run_asks_nothing(workspace, analyst, local_workspace, real, tmp_path):
    texts = ["How do I reset my password?", "I forgot my login credentials", "하늘은 파랗다", "The sky is blue"]
    cache = VectorCache(tmp_path)
    before = len(local_workspace.requests())
    first = embed_texts(workspace, real, [*texts, "", texts[0]], cache=cache, owner="ann")
    assert first.complete
    assert first.vectors.shape == (6, 384)
    assert first.vectors.dtype == np.float32
    similar = first.vectors[:4] @ first.vectors[:4].T
    assert similar[0, 1] > 0.5 > similar[0, 3]
    assert np.array_equal(first.vectors[0], first.vectors[5])
    assert [one.index for one in first.failures] == [4]
    assert "empty text" in first.failures[0].error.message
    assert (first.progress.done, first.progress.failed, first.progress.repeated, first.progress.requests) == (
        5,
        1,
        1,
        1,
    )
    assert first.progress.tokens > 4
    asked = [one for one in local_workspace.requests()[before:] if one.path == PATH]
    assert [one.json for one in asked] == [{"input": sorted(texts, key=len)}]
    again = embed_texts(workspace, real, texts, cache=VectorCache(tmp_path), owner="ann")
    assert np.array_equal(again.vectors, first.vectors[:4])
    assert again.progress.cached == 4
    assert again.progress.requests == 0
    other = embed_texts(workspace, replace(real, version="2"), texts[:1], cache=cache, owner="ann")
    stranger = embed_texts(analyst, real, texts[:1], cache=cache, owner="bob")
    assert other.progress.requests == stranger.progress.requests == 1


def test_order_batches_and_parameters_are_kept_while_several_requests_are_under_way(serve):
    def three_at_once(_: list[str], number: int) -> None:
        eventually(lambda: number >= 3 or endpoint.most_at_once == 3)

    endpoint = ScriptedEndpoint(three_at_once, seconds=0.05)
    texts = [f"{'long ' * (number % 7)}{number}" for number in range(60)]
    seen: list[Progress] = []
    asking = replace(HERE, dimensions=3, document_params={"kind": "d"}, query_params={"kind": "q"})
    embedded = embed_texts(serve(endpoint), asking, texts * 2, on_progress=seen.append)
    assert belong(embedded, texts * 2)
    assert embedded.complete
    assert max(map(len, endpoint.asked)) == 8
    assert endpoint.most_at_once == 3
    in_order = sorted(texts, key=len)
    assert sorted(endpoint.asked) == sorted(in_order[start : start + 8] for start in range(0, 60, 8))
    assert {(body["kind"], body["dimensions"]) for body in endpoint.bodies} == {("d", 3)}
    last = seen[-1]
    assert (last.texts, last.done, last.repeated, last.left_seconds, last.tokens) == (120, 120, 60, 0.0, 60)
    embed_texts(serve(endpoint), asking, ["?"], purpose=Purpose.QUERY)
    assert endpoint.bodies[-1] == {"kind": "q", "dimensions": 3, "input": ["?"]}


def test_a_batch_that_is_too_large_is_halved_once_and_remembered(serve):
    endpoint = ScriptedEndpoint(lambda texts, _: refusal("Too many inputs, at most 5.") if len(texts) > 5 else None)
    texts = numbered(64)
    embedded = embed_texts(serve(endpoint), replace(HERE, batch=16, at_once=1), texts)
    assert embedded.complete
    assert not embedded.failures
    assert belong(embedded, texts)
    refused = [one for one in endpoint.asked if len(one) > 5]
    assert [len(one) for one in refused] == [16, 8]
    assert len(endpoint.asked) == 2 + 16


def test_one_bad_text_costs_a_few_requests_and_no_other_text(serve):
    texts = numbered(64)
    bad = texts[37]
    endpoint = ScriptedEndpoint(lambda asked, _: refusal("A text is not allowed") if bad in asked else None)
    embedded = embed_texts(serve(endpoint), replace(HERE, batch=64), texts)
    assert belong(embedded, texts, but=(37,))
    assert embedded.complete
    assert [one.index for one in embedded.failures] == [37]
    assert "not allowed" in embedded.failures[0].error.message
    assert len(endpoint.asked) == 1 + 2 * 6
    assert endpoint.asked.count([bad]) == 1


def test_a_bad_text_that_the_refusal_names_costs_two_requests(serve):
    texts = numbered(64)
    bad = texts[37]

    def names(asked, _):
        return refusal(f"The field 'input.{asked.index(bad)}' is not to be said.") if bad in asked else None

    endpoint = ScriptedEndpoint(names)
    embedded = embed_texts(serve(endpoint), replace(HERE, batch=64), texts)
    assert belong(embedded, texts, but=(37,))
    assert sorted(map(len, endpoint.asked)) == [1, 63, 64]


def test_where_every_text_is_bad_it_ends_soon(serve):
    def never(_, number):
        return refusal(f"This model is not for you, {'sir' if number % 2 else 'madam'}.")

    endpoint = ScriptedEndpoint(never)
    embedded = embed_texts(serve(endpoint), replace(HERE, batch=64, at_once=1), numbered(320))
    assert embedded.error is not None
    assert "not for you" in embedded.error.message
    assert len(endpoint.asked) <= 22
    late = numbered(320)
    some = ScriptedEndpoint(lambda asked, _: refusal("no") if max(asked) > late[159] else None)
    embedded = embed_texts(serve(some), replace(HERE, batch=64, at_once=1), late)
    assert embedded.complete
    assert embedded.progress.done == 160
    assert len(embedded.failures) == 160
    assert len(some.asked) < 100
    assert "not asked for on its own" in embedded.failures[-1].error.hint


def test_a_field_that_is_refused_ends_it_at_once(workspace, local_workspace, real):
    local_workspace.clear()
    embedded = embed_texts(workspace, replace(real, dimensions=7, batch=4, at_once=1), numbered(40))
    assert embedded.error is not None
    assert "dimensions" in embedded.error.message
    assert len([one for one in local_workspace.requests() if one.path == PATH]) == 1


def test_too_many_requests_are_waited_for_as_long_as_the_endpoint_asks(workspace, local_workspace, real):
    local_workspace.clear()
    local_workspace.queue_fault("return-429-retry-after-1", path=PATH, times=2)
    notes: list[str] = []
    began = time.monotonic()
    embedded = embed_texts(
        workspace, replace(real, batch=2, at_once=2), numbered(8), on_progress=lambda one: notes.append(one.note)
    )
    assert embedded.complete
    assert embedded.progress.done == 8
    assert not embedded.failures
    assert 1.0 <= time.monotonic() - began < 20
    assert "Too many requests: waits 1 s, as the endpoint asks." in notes
    assert notes[-1] == ""
    asked = [one for one in local_workspace.requests() if one.path == PATH]
    assert len(asked) == 6
    assert embedded.progress.requests == 6


def test_a_limit_that_lasts_ends_it_and_what_arrived_is_kept(serve, tmp_path):
    endpoint = ScriptedEndpoint(
        lambda _, number: refusal("Later.", 429, retry_after="0.01" if number < 20 else "3600") if number > 1 else None
    )
    cache, workspace = VectorCache(tmp_path), serve(endpoint)
    embedded = embed_texts(workspace, replace(HERE, at_once=1), numbered(40), cache=cache)
    assert isinstance(embedded.error, TooManyRequests)
    assert not embedded.complete
    assert embedded.progress.done == 16
    assert len(endpoint.asked) == 2 + 7
    assert "16 texts are kept and not sent again" in embedded.error.hint
    assert "Nothing was retried" not in embedded.error.hint
    endpoint.instead = lambda *_: None
    assert belong(embed_texts(workspace, HERE, numbered(40), cache=cache), numbered(40))
    assert [endpoint.texts.count(text) for text in numbered(40)[::8]] == [1, 1, 8, 1, 1]


def test_an_endpoint_that_wakes_is_waited_for(workspace, local_workspace, real):
    local_workspace.queue_fault("return-503", path=PATH)
    embedded = embed_texts(workspace, real, ["Good morning"])
    assert embedded.complete
    assert embedded.progress.done == 1
    assert embedded.progress.requests == 2


def test_cancel_ends_requests_that_hang_at_once(serve):
    endpoint = ScriptedEndpoint(lambda _, number: silent if number >= 2 else None)
    cancel = Cancel()
    seen: list[Progress] = []
    found: list[Embedded] = []
    work = threading.Thread(
        target=lambda: found.append(
            embed_texts(serve(endpoint), HERE, numbered(80), cancel=cancel, on_progress=seen.append)
        )
    )
    work.start()
    eventually(lambda: seen and seen[-1].done == 16 and endpoint.at_once == 3)
    began = time.monotonic()
    cancel.cancel()
    work.join(10)  # of 30; alone it takes some 10 ms
    assert time.monotonic() - began < 10
    assert found[0].stopped
    assert found[0].error is None
    assert found[0].progress.done == 16
    assert not found[0].failures
    eventually(lambda: endpoint.at_once == 0)
    assert len(endpoint.asked) == 5


def test_a_connection_that_drops_at_60_percent_keeps_what_came_and_goes_on_from_there(serve, tmp_path):
    def cut(exchange):
        exchange.head(content_type="application/json", content_length="9000")
        exchange.send(b'{"data": [')
        exchange.hang_up()

    endpoint = ScriptedEndpoint(lambda _, number: cut if number >= 6 else None)
    cache, workspace = VectorCache(tmp_path), serve(endpoint)
    texts = numbered(80)
    embedded = embed_texts(workspace, replace(HERE, at_once=1), texts, cache=cache)
    assert isinstance(embedded.error, Unreachable)
    assert embedded.progress.done == 48
    assert len(endpoint.asked) == 9
    assert len(set(endpoint.texts)) == len(endpoint.texts) == 72
    assert len(embedded.failures) == 24
    assert "48 texts are kept" in embedded.error.hint
    endpoint.instead = lambda *_: None
    again = embed_texts(workspace, HERE, texts, cache=cache)
    assert belong(again, texts)
    assert again.progress.cached == 48
    assert len(endpoint.texts) == 72 + 32


def test_what_watches_may_fail_and_nothing_more_is_asked(serve, tmp_path):
    endpoint = ScriptedEndpoint(seconds=0.05)
    cache, workspace = VectorCache(tmp_path), serve(endpoint)

    def bursts(progress: Progress) -> None:
        if progress.done:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        embed_texts(workspace, replace(HERE, batch=1, at_once=2), numbered(100), cache=cache, on_progress=bursts)
    eventually(lambda: endpoint.at_once == 0)
    asked = len(endpoint.asked)
    assert asked < 50
    again = embed_texts(workspace, HERE, numbered(100), cache=cache)
    assert again.progress.cached >= asked - 2, "but for those under way, what was paid for is kept"
    assert belong(again, numbered(100)), "what was not kept is asked again"
    assert len(endpoint.texts) <= 100 + 2, "and nothing else is"
    here = cache.count_many("", workspace.host, HERE, Purpose.DOCUMENT, ["not here", *numbered(100)])
    assert (here, cache.count_many("ann", workspace.host, HERE, Purpose.DOCUMENT, numbered(100))) == (100, 0)


def test_one_small_reply_does_not_decide_over_all_memory(serve):
    def long(size: int):
        return lambda texts, _: whole({"data": [{"index": at, "embedding": [1] * size} for at in range(len(texts))]})

    endpoint = ScriptedEndpoint(long(1000))
    embedded = embed_texts(serve(endpoint), replace(HERE, at_once=1), numbered(80), most_bytes=300_000)
    assert embedded.vectors.shape == (80, 0)
    assert "80 vectors of 1,000 numbers would take 0.0 GB" in embedded.error.message
    assert len(endpoint.asked) == 1
    endless = embed_texts(serve(ScriptedEndpoint(long(16_385))), HERE, ["x"])
    assert "16,385 numbers" in endless.failures[0].error.message
    digits = whole({"predictions": [{"9" * 5000: 1.0, "1": 2.0}]})
    assert embed_texts(serve(ScriptedEndpoint(lambda *_: digits)), HERE, ["x"]).vectors.tolist() == [[1.0, 2.0]]


def test_a_query_does_not_wait_for_minutes(serve):
    endpoint = ScriptedEndpoint(lambda *_: refusal("Later.", 429, retry_after="11"))
    embedded = embed_texts(serve(endpoint), HERE, ["x"], purpose=Purpose.QUERY)
    assert isinstance(embedded.error, TooManyRequests)
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_token_that_a_refusal_repeats_is_in_no_sentence(serve, status):
    said = refusal(f"auth was Bearer {TOKEN}", status) if status != 200 else whole({"error": f"not {TOKEN}"})
    embedded = embed_texts(serve(ScriptedEndpoint(lambda *_: said)), HERE, ["x"])
    errors = [one.error for one in embedded.failures] + ([embedded.error] if embedded.error else [])
    assert errors
    for error in errors:
        assert "[redacted]" in error.message
        assert TOKEN not in f"{error.message} {error.hint} {error.raw}"


def test_one_failure_of_the_endpoint_costs_its_texts_and_is_not_sent_again(workspace, local_workspace, real):
    local_workspace.clear()
    local_workspace.queue_fault("return-500", path=PATH)
    embedded = embed_texts(workspace, replace(real, batch=2, at_once=1), numbered(8))
    assert embedded.complete
    assert embedded.progress.done == 6
    assert len(embedded.failures) == 2
    assert len([one for one in local_workspace.requests() if one.path == PATH]) == 4


def test_what_no_request_can_change_ends_it_at_once(workspace, local_workspace, real):
    local_workspace.clear()
    missing = embed_texts(workspace, replace(real, endpoint="nowhere", batch=2, at_once=1), numbered(20))
    assert isinstance(missing.error, NotFound)
    assert missing.vectors.shape == (20, 0)
    assert not missing.failures
    assert len([one for one in local_workspace.requests() if "/nowhere/" in one.path]) == 1


def test_a_chat_endpoint_is_told_from_one_for_embeddings(serve, workspace):
    talks = whole(
        {"object": "chat.completion", "choices": [{"message": {"content": "Hi"}}], "usage": {"total_tokens": 3}}
    )
    embedded = embed_texts(serve(ScriptedEndpoint(lambda *_: talks)), replace(HERE, batch=1, at_once=1), numbered(5))
    assert embedded.error is not None
    assert "bge is not an endpoint for embeddings" in embedded.error.message
    assert embedded.progress.requests == 1
    refused = embed_texts(workspace, Asking(CHAT, batch=1, at_once=1), numbered(5))
    assert refused.error is not None
    assert "messages" in refused.error.message
    assert refused.progress.requests == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty text"),
        (" \n", "empty text"),
        ("a" * 1_000_001, "1,000,001 bytes"),
        ("half \ud83d", "half a character"),
    ],
)
def test_a_text_that_cannot_be_sent_is_not_and_the_others_are(serve, text, says):
    endpoint = ScriptedEndpoint()
    embedded = embed_texts(serve(endpoint), HERE, ["one", text, "two"])
    assert [one.index for one in embedded.failures] == [1]
    assert says in embedded.failures[0].error.message
    assert endpoint.texts == ["one", "two"]
    assert belong(embedded, ["one", text, "two"], but=(1,))
    alone = embed_texts(serve(endpoint), HERE, [text])
    assert alone.complete
    assert alone.vectors.shape == (1, 0)
    assert alone.progress.requests == 0


def test_requests_stay_below_a_megabyte_whatever_the_texts(serve):
    endpoint = ScriptedEndpoint()
    texts = [f"{number}{'x' * 300_000}" for number in range(8)] + ["y" * 1_000_000]
    embedded = embed_texts(serve(endpoint), HERE, texts)
    assert belong(embedded, texts)
    assert sorted(map(len, endpoint.asked)) == [1, 2, 3, 3]


def test_vectors_of_another_length_are_failures_and_stale_ones_are_asked_for_again(serve, tmp_path):
    def odd(texts, _):
        reply = openai_reply(texts)
        next(one for one in reply["data"] if texts[one["index"]] == "text 00003")["embedding"] = [1.0]
        return whole(reply)

    endpoint = ScriptedEndpoint(odd)
    embedded = embed_texts(serve(endpoint), replace(HERE, batch=4), numbered(4))
    assert belong(embedded, numbered(4), but=(3,))
    assert "1 numbers" in embedded.failures[0].error.message
    cache = VectorCache(tmp_path)
    workspace = serve(endpoint)
    old = {text: np.ones(2, dtype=np.float32) for text in numbered(3)}
    cache.put_many("", workspace.host, HERE, Purpose.DOCUMENT, old)
    endpoint.instead = lambda *_: None
    embedded = embed_texts(workspace, HERE, numbered(9), cache=cache)
    assert belong(embedded, numbered(9))
    assert embedded.progress.cached == 0
    assert embedded.progress.done == 9
    assert embed_texts(workspace, HERE, numbered(9), cache=cache).progress.cached == 9


def test_a_damaged_cache_is_told_once_and_costs_no_vector(serve, tmp_path):
    (tmp_path / KEPT.file).write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    embedded = embed_texts(serve(ScriptedEndpoint()), HERE, numbered(20), cache=VectorCache(tmp_path))
    assert belong(embedded, numbered(20))
    assert embedded.trouble is not None
    assert "damaged" in embedded.trouble.message


def test_the_cache_stays_within_its_room_and_the_oldest_go(tmp_path):
    cache = VectorCache(tmp_path, replace(KEPT, most_on_disk=1 << 20))
    for number in range(20):
        vectors = {f"{number} {one}": np.full(256, one, dtype=np.float32) for one in range(100)}
        cache.put_many("ann", "https://a", HERE, Purpose.DOCUMENT, vectors)
    newest = cache.get_many("ann", "https://a", HERE, Purpose.DOCUMENT, [f"19 {one}" for one in range(100)])
    assert len(newest) == 100
    assert np.array_equal(newest["19 7"], np.full(256, 7, dtype=np.float32))
    assert not cache.get_many("ann", "https://a", HERE, Purpose.DOCUMENT, ["0 0"])
    assert (tmp_path / KEPT.file).stat().st_size <= 1 << 20
    same = replace(HERE, query_params={"kind": "q"})
    cache.put_many("ann", "https://a", same, Purpose.DOCUMENT, {"x": np.zeros(2, dtype=np.float32)})
    assert cache.get_many("ann", "https://a", same, Purpose.DOCUMENT, ["x"])
    assert not cache.get_many("ann", "https://a", same, Purpose.QUERY, ["x"])
    assert not cache.get_many("ann", "https://b", same, Purpose.DOCUMENT, ["x"])


@pytest.mark.parametrize(
    "wrong",
    [
        Asking(""),
        replace(HERE, batch=0),
        replace(HERE, at_once=17),
        replace(HERE, dimensions=0),
        replace(HERE, document_params={"input": "x"}),
        replace(HERE, transform=Transform("gone", 1, "", gone=True)),
        replace(HERE, transform=Transform("no hooks", 1, "")),
    ],
)
def test_what_can_never_be_sent_is_refused_before(workspace, wrong):
    with pytest.raises(BadInput):
        embed_texts(workspace, wrong, ["a"])
    with pytest.raises(BadInput):
        embed_texts(workspace, HERE, [])


def test_replies_that_bring_nothing_are_not_paid_for_to_the_end(serve):
    nothing = whole({"data": [{"index": 0, "embedding": [None, 1.0]}]})
    embedded = embed_texts(serve(ScriptedEndpoint(lambda *_: nothing)), replace(HERE, at_once=1), numbered(80))
    assert embedded.error is not None
    assert embedded.progress.requests == 3
    assert len(embedded.failures) == 24


def test_nothing_listening_is_told_after_few_tries(make_reply_server):
    server = make_reply_server(ScriptedEndpoint())
    workspace = at(server)
    server.stop()
    embedded = embed_texts(workspace, replace(HERE, batch=1, at_once=1), numbered(50))
    assert isinstance(embedded.error, PlaygroundError)
    assert embedded.progress.requests == 0
    assert len(embedded.failures) == 3
