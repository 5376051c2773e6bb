"""The list of endpoints: found, filtered, paged, and renewed behind what is shown."""

import threading
import time

import pytest

from services.endpoints import Endpoint
from services.errors import PlaygroundError, Unreachable
from tests.local_workspace.calls import call
from tests.local_workspace.serving_calls import ROOT, created, entity, split
from tests.local_workspaces import ROOT as ROOT_FOLDER
from tests.local_workspaces import LocalWorkspace, eventually
from tests.pages.conftest import OpenPage
from ui.endpoint_cache import EndpointCache
from ui.endpoints.filters import EndpointsView

LIST = "/api/2.0/serving-endpoints"
SEEDED = ["local-minilm-l6-v2", "local-prompt-model", "local-smollm2-135m-instruct"]


def rows(page):
    """The names that are linked, in order."""
    links = [element.proto for element in page.get("page_link")]
    return [link.query_string.removeprefix("endpoint=") for link in links if link.query_string.startswith("endpoint=")]


def go(page, name: str) -> None:
    page.switch_page(str(ROOT_FOLDER / "pages" / f"{name}.py")).run()
    assert not page.exception


def lists(workspace: LocalWorkspace) -> int:
    return sum(entry.path == LIST for entry in workspace.requests())


def test_each_endpoint_is_a_row_that_leads_to_its_page(open_page: OpenPage):
    page = open_page("endpoints")
    assert rows(page) == SEEDED
    about = [caption.value for caption in page.caption if "· by" in caption.value]
    assert about[2] == "&ensp;llm/v1/chat · serves SmolLM2 135M Instruct · by `admin@local` · CAN\\_MANAGE"
    labels = [element.proto.label for element in page.get("page_link")]
    assert sum(":green-badge[:material/check: Ready]" in label for label in labels) == 3


def test_a_split_shows_each_ones_share(open_page: OpenPage, local_workspace: LocalWorkspace):
    two = [entity("champion"), entity("challenger")]
    name = created(local_workspace, *two, traffic_config=split(champion=90, challenger=10))
    page = open_page("endpoint", endpoint=name)
    call(local_workspace, "DELETE", f"{ROOT}/{name}")
    about = " ".join(caption.value for caption in page.caption)
    assert "champion \\(SmolLM2 135M Instruct\\) 90 %, challenger" in about


def test_search_and_filters_narrow_the_list_and_survive_another_page(open_page: OpenPage):
    page = open_page("endpoints")
    page.text_input(key="endpoints.search").set_value("LOCAL MiniLM").run()
    assert rows(page) == [SEEDED[0]]
    page.text_input(key="endpoints.search").set_value("").run()
    page.selectbox(key="endpoints.provider").select("custom").run()
    assert rows(page) == [SEEDED[1]]
    go(page, "connection")
    go(page, "endpoints")
    assert rows(page) == [SEEDED[1]]
    page.selectbox(key="endpoints.task").select("llm/v1/chat").run()
    assert rows(page) == []
    assert page.info[0].value == "No endpoint fits the search and the filters."
    page.button(key="endpoints-reset").click().run()
    assert rows(page) == SEEDED


def test_switching_pages_asks_for_no_other_list(open_page: OpenPage, local_workspace: LocalWorkspace):
    page = open_page("endpoints")
    for name in ("home", "chat", "endpoints", "connection", "endpoints"):
        go(page, name)
    assert lists(local_workspace) == 1


def test_refresh_shows_what_there_is_and_a_failure_keeps_it(open_page: OpenPage, local_workspace: LocalWorkspace):
    page = open_page("endpoints")
    local_workspace.queue_fault("return-503", LIST)
    page.button(key="endpoints-refresh").click().run()
    assert rows(page) == SEEDED
    eventually(lambda: lists(local_workspace) == 2)

    def failed():
        page.run()
        return page.error

    assert "**Next:**" in eventually(failed)[0].value
    assert rows(page) == SEEDED
    assert any(caption.value.startswith("No newer list came; this one is as of ") for caption in page.caption)
    page.button(key="endpoints-refresh").click().run()
    eventually(lambda: not failed())


def test_a_list_that_never_came_is_told_with_a_next_step(open_page: OpenPage, local_workspace: LocalWorkspace):
    local_workspace.queue_fault("return-500", LIST, times=2)
    page = open_page("endpoints")
    assert "the list of serving endpoints" in page.error[0].value
    assert "**Next:**" in page.error[0].value
    assert rows(page) == []


# --- the page's memory


def endpoint(name: str, **fields) -> Endpoint:
    known = {"id": "", "task": "", "ready": True, "updating": False, "update_failed": False, "permission_level": ""}
    return Endpoint(name=name, **(known | {"creator": "", "description": "", "served_entities": ()} | fields))


def test_every_word_of_a_search_counts_wherever_it_is():
    listed = [endpoint("alpha", creator="ann", task="llm/v1/chat"), endpoint("beta", description="For ANN's team")]
    view = EndpointsView(search="ann")
    assert view.found(listed) == listed
    assert [one.name for one in EndpointsView(search="  team ann ").found(listed)] == ["beta"]
    assert [one.name for one in EndpointsView(chosen={"Task": "llm/v1/chat", "State": ""}).found(listed)] == ["alpha"]


# --- the list behind it


class Lists:
    """Lists that are answered when the test says so."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers: list[list[Endpoint] | PlaygroundError] = []
        self._ready = threading.Semaphore(0)

    def __call__(self) -> list[Endpoint]:
        self.asked += 1
        assert self._ready.acquire(timeout=10)
        answer = self.answers.pop(0)
        if isinstance(answer, PlaygroundError):
            raise answer
        return answer

    def say(self, answer: list[Endpoint] | PlaygroundError) -> None:
        self.answers.append(answer)
        self._ready.release()


@pytest.fixture
def shown() -> tuple[EndpointCache, Lists]:
    """A cache that has the list [a]."""
    cache, lists_ = EndpointCache(), Lists()
    lists_.say([endpoint("a")])
    cache.ask(lists_)
    assert [one.name for one in cache.first()] == ["a"]
    return cache, lists_


def test_two_never_ask_at_once_and_what_is_there_stays_meanwhile(shown):
    cache, lists_ = shown
    for _ in range(3):
        cache.ask(lists_)
    eventually(lambda: lists_.asked == 2)
    assert [one.name for one in cache.listed] == ["a"]
    lists_.say([endpoint("b")])
    eventually(lambda: not cache.asking)
    assert ([one.name for one in cache.listed], lists_.asked) == (["b"], 2)


def test_a_change_while_a_list_is_under_way_asks_once_more(shown):
    cache, lists_ = shown
    cache.ask(lists_)
    eventually(lambda: lists_.asked == 2)
    cache.outdated()
    assert cache.is_due(1000, 1000)
    cache.ask(lists_)
    assert not cache.is_due(1000, 1000)
    lists_.say([endpoint("too early")])
    eventually(lambda: lists_.asked == 3)
    lists_.say([endpoint("with the change")])
    eventually(lambda: not cache.asking)
    assert [one.name for one in cache.listed] == ["with the change"]


def test_a_failed_refresh_keeps_the_list_and_its_time(shown):
    cache, lists_ = shown
    as_of, revision = cache.as_of, cache.revision
    cache.ask(lists_)
    lists_.say(Unreachable("gone", "wait"))
    eventually(lambda: not cache.asking)
    assert (cache.error.message, cache.as_of, [one.name for one in cache.listed]) == ("gone", as_of, ["a"])
    assert cache.revision == revision + 1
    assert not cache.is_due(0, 1000)
    assert cache.is_due(1000, -1)


def test_a_first_list_that_fails_is_raised_to_everybody_who_waits():
    cache, lists_ = EndpointCache(), Lists()
    cache.ask(lists_)
    caught: list[str] = []

    def wait() -> None:
        try:
            cache.first()
        except PlaygroundError as error:
            caught.append(error.message)

    waiting = [threading.Thread(target=wait) for _ in range(2)]
    for thread in waiting:
        thread.start()
    lists_.say(Unreachable("gone", "wait"))
    for thread in waiting:
        thread.join(10)
    assert caught == ["gone", "gone"]
    lists_.say([])
    cache.ask(lists_)
    assert cache.first() == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_while_asking_ends_the_asking_and_is_told():
    cache = EndpointCache()
    cache.ask(lambda: 1 / 0)
    with pytest.raises(PlaygroundError, match="Brickyard itself failed"):
        cache.first()
    assert not cache.asking
    eventually(lambda: not any(thread.name == "list endpoints" for thread in threading.enumerate()))


def test_an_endpoint_that_is_gone_is_left_out_at_once(shown):
    cache, _ = shown
    cache.forget("a")
    assert cache.listed == []
    assert cache.as_of <= time.time()


def test_what_was_done_stays_said_when_a_newer_list_comes_at_once():
    view = EndpointsView()
    view.say("Deleted `one`.")
    assert [view.take_done(), view.take_done()] == ["Deleted `one`."] * 2
    assert EndpointsView().take_done() == ""
