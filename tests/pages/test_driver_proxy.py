"""The driver-proxy page: choosing an app on a cluster's driver, calling it, saving it, checking it, beginning one."""

import contextlib
import json
import threading
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from services.doors import typed
from services.driver_contract import Rule
from services.driver_proxy import Target
from services.sandbox import sandbox
from services.transforms import Place, PlaceKind, library
from services.visitors import THIS_MACHINE
from tests.broken_driver_apps import Flaw, driver_app
from tests.local_workspace.driver_apps import raw_app
from tests.local_workspaces import ROOT, LocalWorkspace, eventually
from tests.pages.conftest import OpenPage
from tests.services.replies import reply_server, whole
from ui.driver_proxy.saved import MOST_AT_ONCE, HealthWatch

COMPLETIONS = "/serving-endpoints/chat/completions"
SCRIPT = "scripted-0-4"
SCRIPTED = "Brick 벽돌 **bold** 🧱🏽 "
PAGE = str(ROOT / "pages" / "driver_proxy.py")
RUNNING, TERMINATED = "0101-000000-local001", "0101-000000-local002"
LOUD = '''
def transform_input(**request):
    full_prompt = f"""{request["prompt"]}
    Be Concise.
    """
    request["prompt"] = full_prompt
    return request


def transform_output(response):
    return response.upper()
'''


@pytest.fixture(scope="module", autouse=True)
def _end_the_sandbox():
    yield
    sandbox().close()


@pytest.fixture
def page(open_page: OpenPage, local_workspace: LocalWorkspace) -> AppTest:
    """The page with the example app's port."""
    return with_port(open_page("driver_proxy"), local_workspace.ready["driver_port"])


@pytest.fixture
def open_as(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The page in another workspace, or as somebody else."""

    def open_(host: str, token: str, **typed: str) -> AppTest:
        for name, value in {"HOME": str(tmp_path), "DATABRICKS_HOST": host, "DATABRICKS_TOKEN": token}.items():
            monkeypatch.setenv(name, value)
        page = AppTest.from_file(str(ROOT / "ui" / "main.py"), default_timeout=60)
        for name, value in typed.items():  # AppTest cannot type what is not in a list
            page.session_state[f"driver-proxy.{name}"] = value
        return page.run().switch_page(PAGE).run()

    return open_


def with_port(page: AppTest, port: int) -> AppTest:
    return page.number_input(key="driver-proxy.port").set_value(port).run()


def pressed(page: AppTest, label: str) -> AppTest:
    found = next(one for one in page.button if one.label == label)
    assert not found.disabled, f"{label} is disabled"
    found.click().run()
    assert not page.exception
    return page


def called(page: AppTest) -> AppTest:
    """Press Send, and run the page as it runs by itself until the reply is there."""
    pressed(page, "Send")
    eventually(lambda: not [one for one in page.run().button if one.label == "Stop"], 30)
    assert not page.exception
    return page


def codes(page: AppTest) -> list[str]:
    return [one.value for one in page.code]


def proxied(local_workspace: LocalWorkspace) -> list:
    return [one for one in local_workspace.requests() if one.path.startswith("/driver-proxy-api/")]


def part(page: AppTest, name: str) -> AppTest:
    page.session_state["part"] = name
    return page.run()


def said(page: AppTest) -> str:
    drawn = (*page.markdown, *page.caption, *page.info, *page.error, *page.success, *page.warning)
    return "\n".join(one.value for one in drawn)


def test_a_newcomer_presses_send_and_sees_the_answer_and_the_bytes(page, local_workspace):
    assert page.selectbox(key="driver-proxy.cluster_id").value == RUNNING
    assert [one for one in ("Running", "Access mode: dedicated", "You may attach") if one not in said(page)] == []
    local_workspace.queue_fault(SCRIPT, COMPLETIONS)
    called(page)
    assert codes(page)[:2] == [SCRIPTED, json.dumps(SCRIPTED)]
    (sent,) = proxied(local_workspace)
    assert (sent.method, sent.json) == ("POST", {"prompt": "How are you?"})
    assert sent.path == f"/driver-proxy-api/o/0/{RUNNING}/{local_workspace.ready['driver_port']}/"
    page.run()
    assert len(proxied(local_workspace)) == 1, "a rerun sends nothing"


def test_stop_and_parameters_go_with_the_prompt_and_what_is_wrong_is_told_with_nothing_sent(page, local_workspace):
    page.multiselect(key="driver-proxy.stop").set_value(["bold"]).run()
    page.number_input(key="driver-proxy.temperature").set_value(0.1).run()
    more = page.text_area(key="driver-proxy.more")
    for wrong, part_of in (
        ('{"a": ', "not JSON"),
        ("[1]", "not an object"),
        ('{"stop": 1}', "names stop again"),
        ('{"temperature": 1}', "names temperature again"),
    ):
        more.set_value(wrong).run()
        assert [one.value for one in page.markdown if part_of in one.value], "told at the field"
        pressed(page, "Send")
        assert "Nothing was sent" in page.error[0].value
        assert page.text_area(key="driver-proxy.more").value == wrong, "what was typed stays"
    assert proxied(local_workspace) == []
    page.text_area(key="driver-proxy.more").set_value('{"max_tokens": 9}').run()
    local_workspace.queue_fault(SCRIPT, COMPLETIONS)
    called(page)
    assert codes(page)[0] == "Brick 벽돌 **"
    page.text_area(key="driver-proxy.more").set_value("").run()
    page.number_input(key="driver-proxy.max_tokens").set_value(7).run()
    page.number_input(key="driver-proxy.temperature").set_value(None).run()
    local_workspace.queue_fault(SCRIPT, COMPLETIONS)
    called(page)
    first, second = proxied(local_workspace)
    assert first.json == {"prompt": "How are you?", "temperature": 0.1, "max_tokens": 9, "stop": ["bold"]}
    assert second.json == {"prompt": "How are you?", "max_tokens": 7, "stop": ["bold"]}


def test_a_port_that_cannot_be_is_not_called_as_the_one_before_and_what_came_of_that_is_marked(page, local_workspace):
    local_workspace.queue_fault(SCRIPT, COMPLETIONS)
    called(page)
    assert "of another call" not in said(page)
    assert "of another call" in said(with_port(page, 7998))
    with_port(page, 99_999)
    assert "The port is a whole number" in said(page)
    assert not [one for one in page.button if one.label == "Send"]


def test_any_json_any_method_and_headers_of_ones_own(page, local_workspace):
    page.text_area(key="driver-proxy.headers").set_value("Authorization: Bearer x").run()
    assert "cannot be set" in said(page)
    assert not [one for one in page.button if one.label == "Send"]
    page.text_area(key="driver-proxy.headers").set_value("X-Team: red").run()
    page.button_group(key="driver-proxy.form").set_value("Any JSON").run()
    page.text_area(key="driver-proxy.json").set_value("[1, 2]").run()
    called(page)
    assert "must be a JSON object" in said(page)
    assert json.loads(codes(page)[-1])["error"].startswith("The body must be"), "the raw reply is there"
    page.selectbox(key="driver-proxy.method").set_value("GET").run()
    page.text_input(key="driver-proxy.path").set_value("/health").run()
    called(page)
    assert json.loads(codes(page)[0])["status"] == "ok"
    first, second = proxied(local_workspace)
    assert (first.json, {name.lower(): value for name, value in first.headers.items()}["x-team"]) == ([1, 2], "red")
    assert (second.method, second.body) == ("GET", b"")


def test_a_transform_is_at_work_on_both_sides_and_seen_to_be(page, local_workspace):
    port = local_workspace.ready["driver_port"]
    library().save(THIS_MACHINE, "Loud", LOUD)
    library().attach(THIS_MACHINE, Place(PlaceKind.TARGET, local_workspace.host, f"{RUNNING}:{port}"), "Loud")
    local_workspace.queue_fault(SCRIPT, COMPLETIONS)
    called(page.run())
    assert SCRIPTED.upper() in codes(page)
    assert SCRIPTED in codes(page), "the answer as it came stays readable"
    assert "After transform_output" in said(page)
    (sent,) = proxied(local_workspace)
    assert sent.json == {"prompt": "How are you?\n    Be Concise.\n    "}
    assert any("Be·Concise." in one for one in codes(page)), "both bodies are shown"
    page.switch_page(str(ROOT / "pages" / "transforms.py")).run()
    pressed(pressed(page, "Use the driver proxy's last call"), "Dry run")
    assert eventually(lambda: [one for one in codes(page.run()) if "Brick·벽돌" in one or SCRIPTED in one])
    assert any('-   "prompt": "How·are·you?"' in one for one in codes(page)), "as it was before the transform"
    page.switch_page(PAGE).run()
    page.button_group(key="driver-proxy.form").set_value("Any JSON").run()
    page.text_area(key="driver-proxy.json").set_value("[1]").run()
    called(page)
    assert said(page).count("takes a JSON object by its keys") == 1
    assert len(proxied(local_workspace)) == 1, "what the function cannot be given does not leave unshaped"


def test_saved_ones_stand_side_by_side_with_how_they_do(page, local_workspace):
    part(page, "Saved")
    page.text_input(key="driver-proxy.name").set_value("  ").run()
    assert "needs a name" in said(pressed(page, "Save"))
    for name, port in (("The *one*", local_workspace.ready["driver_port"]), ("Nobody", 7998)):
        with_port(page, port)
        page.text_input(key="driver-proxy.name").set_value(name).run()
        pressed(page, "Save")
    eventually(lambda: "Well]" in said(page.run()) and "Away]" in said(page), 20)
    assert "The \\*one\\*" in said(page), "its name is text, not Markdown"
    page.button(key="driver-proxy.open-The *one*").click().run()
    assert page.number_input(key="driver-proxy.port").value == local_workspace.ready["driver_port"]
    assert page.session_state["part"] == "Call"
    part(page, "Saved")
    page.button(key="driver-proxy.delete-Nobody").click().run()
    assert not page.exception
    assert [one.key for one in page.button if one.label == "Open"] == ["driver-proxy.open-The *one*"]
    assert {one.method for one in proxied(local_workspace)} == {"GET"}


def test_the_check_says_of_each_rule_what_to_change_and_can_be_taken_away(page):
    part(with_port(page, 7997), "Contract check")
    assert "up to" in said(page), "how many requests is said before"
    pressed(page, "Check the contract")
    eventually(lambda: [one for one in page.run().get("download_button") if "report" in one.label], 30)
    assert not page.exception
    assert "1 of 18 rules is not kept" in page.error[0].value
    told = said(page)
    assert [rule for rule in Rule if rule.label.replace("-", "\\-") not in told.replace("-", "\\-")] == []
    assert "**Next:**" in told
    assert any(one.startswith("# Contract check of") for one in codes(page)), "the report can be copied"
    assert [one.label for one in page.get("download_button")] == ["Save the report", "Save as a pytest file"]


def test_a_rule_with_several_requests_has_one_button_and_a_menu_of_them(page):
    with driver_app(Flaw.NONE) as good:
        part(with_port(page, good.port), "Contract check")
        pressed(page, "Check the contract")
        eventually(lambda: [one for one in page.run().get("download_button") if "report" in one.label], 60)
    assert not page.exception
    buttons = [one for one in page.button if one.label == "Inspect"]
    assert 0 < len(buttons) <= len(Rule)
    assert not [one.label for one in page.button if one.label.startswith("Inspect ")]
    menus = [one.proto for one in page.get("menu_button")]
    assert [one.label for one in menus] == [f"All {len(one.options)}" for one in menus] != []
    assert min(len(one.options) for one in menus) > 1
    assert menus[0].options[0] == "Request 1: HTTP 200"


def test_who_may_not_attach_is_told_why_and_a_cluster_that_is_not_listed_can_be_typed(open_as, local_workspace):
    page = open_as(local_workspace.host, local_workspace.users["analyst"])
    assert "You may not attach" in said(page)
    assert "dedicated to admin@local" in said(page)
    for written, told in (
        ("0000-000000-nowhere", "0000-000000-nowhere"),
        ("no id at all!", "letters, digits and hyphens"),
    ):
        page = open_as(local_workspace.host, local_workspace.users["analyst"], cluster_id=written)
        assert told in said(page)
        assert page.error, "it is not there, and that is said"
        assert "nowhere" not in written or "or check its id" in said(page)
    assert not [one for one in page.button if one.label == "Send"]


def test_a_terminated_cluster_is_started_once_and_watched_until_it_runs(open_as, make_local_workspace):
    own = make_local_workspace("--deployment-seconds", "0.5")
    page = open_as(own.host, own.token)
    assert "apps cannot be called in this access mode" in said(page), "told beside its button"
    page.button(key=f"driver-proxy.use-{TERMINATED}").click().run()
    assert page.selectbox(key="driver-proxy.cluster_id").value == TERMINATED
    assert "Terminated" in said(page)
    assert "standard" in said(page)
    assert not [one for one in own.requests() if one.path == "/api/2.1/clusters/start"], "one click starts nothing"
    pressed(page, "Start the cluster")
    eventually(lambda: ":green-badge[Running]" in said(page.run()), 20)
    assert len([one for one in own.requests() if one.path == "/api/2.1/clusters/start"]) == 1


def test_a_look_at_a_passing_cluster_that_is_refused_is_told_and_not_repeated(open_as):
    looks = []

    def workspace(exchange):
        path = exchange.received.path
        if "clusters/list" in path:
            whole({"clusters": [{"cluster_id": "c1", "state": "PENDING", "data_security_mode": "NONE"}]})(exchange)
        elif "clusters/get" in path:
            looks.append(path)
            whole({"error_code": "PERMISSION_DENIED", "message": "no more looking"}, 403)(exchange)
        else:
            whole({"userName": "me@x", "access_control_list": []})(exchange)

    with reply_server(workspace) as server:
        page = open_as(server.host, "dapi1", cluster_id="c1")
        assert "could not be asked; Refresh asks again" in said(page)
        assert "no more looking" in said(page)
        page.run()
        assert len(looks) == 1
        pressed(page, "Refresh")
        assert len(looks) == 2


def test_many_saved_ones_are_asked_a_few_at_a_time_and_each_has_its_turn(local_workspace):
    released, watch = threading.Event(), HealthWatch()

    def answer(connection, _):
        released.wait(20)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with raw_app(answer) as app, contextlib.closing(typed(local_workspace.host, local_workspace.token)) as here:
        targets = [Target(f"t{number}", RUNNING, app.port) for number in range(3 * MOST_AT_ONCE)]
        watch.look(here, targets)
        eventually(lambda: len(app.heads) == MOST_AT_ONCE)
        watch.look(here, targets)
        assert len([one for one in watch.look(here, targets) if one.look is not None]) == MOST_AT_ONCE
        released.set()
        eventually(lambda: all(one.last for one in watch.look(here, targets)))
        assert len(app.heads) == len(targets), "each of them once"


def test_a_starter_app_is_shown_whole_and_what_cannot_be_is_told(page, open_as, local_workspace):
    part(page, "Starter app")
    endpoint = page.selectbox(key="driver-proxy.app-source-ENDPOINT")
    assert endpoint.value in endpoint.options, "one that chats here"
    assert f'"{endpoint.value}"' in max(codes(page), key=len)
    page.selectbox(key="driver-proxy.app-model").set_value("A GGUF file").run()
    page.button_group(key="driver-proxy.app-framework").set_value("Flask").run()
    page.text_input(key="driver-proxy.app-source-GGUF").set_value("/Volumes/a/b.gguf").run()
    whole = max(codes(page), key=len)
    assert 'MODEL = "/Volumes/a/b.gguf"' in whole
    assert "from flask import" in whole
    assert any(one.startswith("%pip install flask xllamacpp") for one in codes(page))
    page.number_input(key="driver-proxy.app-port").set_value(80).run()
    assert "does not reach port 80" in said(page)
    assert not page.exception
    elsewhere = open_as(local_workspace.host, local_workspace.token, **{"app-source-ENDPOINT": "typed-name"})
    part(elsewhere, "Starter app")
    assert '"typed-name"' in max(codes(elsewhere), key=len), "one that is not in the list can be typed"
    assert not [one for one in codes(elsewhere) if "127.0.0.2" in one], "another workspace's driver is not this machine"
