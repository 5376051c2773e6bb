"""The contract check: each planted fault is found by its rule, and none is invented."""

import ast
import shlex
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.clusters import AccessMode, Cluster, ClusterState, Fitness, get_cluster
from services.clusters.listing import _MODES
from services.doors import typed
from services.driver_contract import (
    MOST_REQUESTS,
    ContractCheck,
    Finding,
    Limits,
    Rule,
    Verdict,
    cluster_rules,
    pytest_file,
    report_text,
)
from services.driver_contract import exported as exported_tests
from services.driver_contract.listeners import listening_addresses, loopback_only
from services.driver_contract.stops import cut, telling_stop, what_it_did, word_in
from services.driver_proxy import Target, Via
from services.errors import BadInput
from services.jobs import Bell, Outcome
from tests.broken_driver_apps import Flaw, driver_app
from tests.local_workspaces import eventually
from tests.services.replies import whole

CLUSTER = "0101-000000-local001"
SHARED = "0101-000000-local002"
QUICK = Limits(answer_seconds=3.0)
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc, and a driver with an address of its own")
# What each flaw breaks; the rest passes, but for what it makes meaningless.
BROKEN = {
    Flaw.WRONG_METHOD: {Rule.PROMPT},
    Flaw.IGNORES_STOP: {Rule.STOPS},
    Flaw.FIRST_STOP_ONLY: {Rule.STOPS},
    Flaw.KEEPS_STOP: {Rule.STOP_GONE},
    Flaw.RSTRIP: {Rule.ONLY_STOP_GONE},
    Flaw.HTML_ERRORS: {Rule.NO_PROMPT, Rule.NOT_JSON},
    Flaw.STRING_PORT: {Rule.STRING},
    Flaw.NOT_JSON: {Rule.STRING},
    Flaw.WEB_PAGE: {Rule.STRING},
    Flaw.OBJECT: {Rule.STRING},
    Flaw.TWICE: {Rule.STRING},
    Flaw.MIXES_UP: {Rule.AT_ONCE},
    Flaw.ONE_AT_A_TIME: {Rule.AT_ONCE},
    Flaw.FAILS_ON_UNKNOWN_KEYS: {Rule.UNKNOWN_KEY},
    Flaw.NEEDS_NO_PROMPT: {Rule.NO_PROMPT},
    Flaw.REDIRECTS: {Rule.PROMPT},
}


def target(port, **more):
    return Target("", more.pop("cluster_id", CLUSTER), port, **more)


def checked(workspace, target, limits=QUICK, **options):
    check = ContractCheck(workspace, target, Bell(), limits=limits, **options)
    eventually(lambda: not check.running, 60)
    assert [one.rule for one in check.findings] == list(Rule)
    assert check.error is None
    assert check.sent <= MOST_REQUESTS
    return check


def rules(check, verdict):
    return {one.rule for one in check.findings if one.verdict is verdict}


def finding(check, rule):
    return next(one for one in check.findings if one.rule is rule)


@pytest.mark.parametrize("flaw", [Flaw.NONE, Flaw.STRICT, Flaw.ECHOES])
def test_an_app_that_keeps_the_contract_passes_whole(workspace, flaw):
    with driver_app(flaw) as app:
        check = checked(workspace, target(app.port))
        assert rules(check, Verdict.PASSED) == set(Rule), [
            one for one in check.findings if one.verdict is not Verdict.PASSED
        ]
        assert len(app.bodies) == check.sent, "nothing is sent that is not counted"
    assert ("return_full_text" in finding(check, Rule.STRING).change) == (flaw is Flaw.ECHOES)


def test_one_that_never_says_the_same_twice_is_not_accused(workspace):
    with driver_app(Flaw.NEVER_THE_SAME) as app:
        check = checked(workspace, target(app.port))
    assert rules(check, Verdict.FAILED) == set()
    assert rules(check, Verdict.UNKNOWN) == {Rule.ONLY_STOP_GONE, Rule.AT_ONCE}


@pytest.mark.parametrize("flaw", BROKEN)
def test_each_planted_fault_is_found_by_its_rule_and_by_no_other(workspace, flaw):
    with driver_app(flaw) as app:
        check = checked(workspace, target(app.port))
    assert rules(check, Verdict.FAILED) == BROKEN[flaw]
    for rule in BROKEN[flaw]:
        found = finding(check, rule)
        assert found.sentence
        assert found.change
        assert found.evidence
        assert all(record.status for record in found.evidence)


@linux
@pytest.mark.parametrize(
    ("flaw", "rule", "sentence"),
    [
        (Flaw.LOOPBACK, Rule.ADDRESS, "It listens on 127.0.0.1 only"),
        (Flaw.CLOSED, Rule.LISTENS, "Nothing listens on port"),
        (Flaw.DIES, Rule.PROMPT, "closed the connection without an answer"),
    ],
)
@pytest.mark.parametrize("via", Via)
def test_a_closed_port_one_on_loopback_only_and_an_app_that_dies_are_told_apart(
    embedded_workspace, flaw, rule, sentence, via
):
    here = {"driver": get_cluster(embedded_workspace, CLUSTER), "alone": True}
    with driver_app(flaw) as app:
        check = checked(embedded_workspace, target(app.port, via=via), **here)
    assert rules(check, Verdict.FAILED) == {rule}
    if via is Via.PROXY or flaw is not Flaw.DIES:
        assert sentence in finding(check, rule).sentence
    assert check.sent == 1
    assert (finding(check, Rule.LISTENS).verdict is Verdict.FAILED) == (flaw is Flaw.CLOSED)


def test_from_elsewhere_they_look_alike_and_a_command_says_which(make_reply_server):
    server = make_reply_server(away)
    check = checked(typed(server.host, "dapi1"), target(7777))
    assert rules(check, Verdict.FAILED) == {Rule.LISTENS}
    found = finding(check, Rule.ADDRESS)
    assert (found.verdict, found.command) == (Verdict.UNKNOWN, "ss -ltn 'sport = :7777'")
    assert "dapi1" not in report_text(check)


def test_a_call_that_is_let_in_shows_that_we_may_attach_and_a_short_answer_accuses_nobody(make_reply_server):
    def near(exchange):
        if "driver-proxy-api" not in exchange.received.path:
            away(exchange)
        elif exchange.received.body.startswith(b'{"prompt'):
            whole('"Yes."')(exchange)
        else:
            whole({"error": "no"}, 400)(exchange)

    check = checked(typed(make_reply_server(near).host, "dapi1"), target(7777))
    assert finding(check, Rule.ATTACH).sentence == "The proxy let the call in."
    assert rules(check, Verdict.FAILED) == set()
    assert "too short" in finding(check, Rule.STOPS).sentence
    assert finding(check, Rule.STOPS).verdict is Verdict.SKIPPED


def away(exchange):
    """A workspace whose driver is far away, and takes no calls on that port."""
    if "driver-proxy-api" in exchange.received.path:
        whole("<html><h1>502 Bad Gateway</h1></html>", 502, "text/html")(exchange)
    elif "clusters/get" in exchange.received.path:
        driver = {"private_ip": "192.0.2.1"}
        whole({"cluster_id": CLUSTER, "state": "RUNNING", "data_security_mode": "NONE", "driver": driver})(exchange)
    elif "Me" in exchange.received.path:
        whole({"userName": "me@x"})(exchange)
    else:
        whole({"access_control_list": []})(exchange)


def test_an_app_that_hangs_is_left_in_bounded_time(workspace):
    began = time.monotonic()
    with driver_app(Flaw.HANGS) as app:
        check = checked(workspace, target(app.port), Limits(answer_seconds=0.5))
        assert len(app.bodies) == 1
    assert time.monotonic() - began < 20  # of the 30 and more that it would hang
    assert rules(check, Verdict.FAILED) == {Rule.PROMPT}
    assert "within 0.5 s" in finding(check, Rule.PROMPT).sentence
    with driver_app(Flaw.HANGS_ON_STOP) as app:
        check = checked(workspace, target(app.port), Limits(answer_seconds=1.5))
    assert rules(check, Verdict.FAILED) == {Rule.STOP_TAKEN}
    assert rules(check, Verdict.PASSED) >= {Rule.NO_PROMPT, Rule.AT_ONCE, Rule.SLOW}


def test_the_whole_check_has_an_end_too(workspace):
    with driver_app(Flaw.NONE) as app:
        check = checked(workspace, target(app.port), Limits(total_seconds=0.0))
        assert (check.sent, app.bodies) == (0, [])
    assert "may take 0 s in all" in finding(check, Rule.PROMPT).sentence


def test_stop_ends_the_request_under_way_and_keeps_what_was_found(workspace):
    with driver_app(Flaw.HANGS) as app:
        check = ContractCheck(workspace, target(app.port), Bell())
        eventually(lambda: app.bodies)
        assert check.doing is Rule.LISTENS
        check.stop()
        eventually(lambda: not check.running)
        assert len(app.bodies) == 1
    assert check.outcome is Outcome.STOPPED
    assert finding(check, Rule.ACCESS_MODE).verdict is Verdict.PASSED
    assert finding(check, Rule.PROMPT) == Finding(Rule.PROMPT, Verdict.SKIPPED, "The check was stopped.")


def test_one_that_nobody_looks_at_ends(workspace):
    with driver_app(Flaw.HANGS) as app:
        check = ContractCheck(workspace, target(app.port), Bell(), unwatched_seconds=0.05)
        eventually(lambda: not check.running)
    assert check.outcome is Outcome.STOPPED


def test_a_cluster_that_does_not_run_or_is_somebody_elses_is_said_before_the_app_is_blamed(
    workspace, analyst, local_workspace
):
    asleep = checked(workspace, target(7777, cluster_id=SHARED))
    assert (rules(asleep, Verdict.FAILED), asleep.sent) == ({Rule.RUNNING, Rule.ACCESS_MODE}, 0)
    theirs = checked(analyst, target(local_workspace.ready["driver_port"]))
    assert (rules(theirs, Verdict.FAILED), theirs.sent) == ({Rule.ATTACH}, 1)
    unknown = checked(workspace, target(7777, cluster_id="0101-000000-nowhere"))
    assert rules(unknown, Verdict.FAILED) == {Rule.RUNNING}
    assert "no cluster 0101-000000-nowhere" in finding(unknown, Rule.RUNNING).sentence


def test_what_cannot_be_called_is_refused_before_anything_is_sent(workspace, local_workspace):
    before = len(local_workspace.requests())
    for wrong in (target(0), target(7777, path="/../x"), target(7777, via=Via.DIRECT)):
        with pytest.raises(BadInput):
            ContractCheck(workspace, wrong, Bell())
    assert len(local_workspace.requests()) == before


@pytest.mark.parametrize(
    ("port", "verdict"),
    [(7777, Verdict.PASSED), (8787, Verdict.FAILED), (4040, Verdict.FAILED), (2999, Verdict.FAILED)],
)
def test_ports_of_others_are_found(port, verdict):
    assert cluster_rules.port(target(port)).verdict is verdict


def test_access_modes():
    verdicts = {
        mode: cluster_rules.access_mode(Cluster("c", "c", ClusterState.RUNNING, access_mode=mode)).verdict
        for mode in AccessMode
    }
    assert {mode for mode, verdict in verdicts.items() if verdict is Verdict.PASSED} == {
        AccessMode.DEDICATED,
        AccessMode.NO_ISOLATION,
    }
    assert {mode for mode, verdict in verdicts.items() if verdict is Verdict.UNKNOWN} == {
        AccessMode.AUTO,
        AccessMode.UNKNOWN,
    }


def test_the_example_app_passes_whole_with_the_real_model(workspace, local_workspace):
    check = checked(workspace, target(local_workspace.ready["driver_port"]), Limits())
    left = {one.rule: one for one in check.findings if one.verdict is not Verdict.PASSED}
    # Several answers at once may differ from those given alone: the model's sums are made in another order.
    assert set(left) <= {Rule.AT_ONCE}, left
    assert all(one.verdict is Verdict.UNKNOWN for one in left.values()), left
    assert "median of" in finding(check, Rule.LATENCY).sentence


@linux
def test_what_listens_here_is_seen():
    with driver_app(Flaw.LOOPBACK) as app:
        assert listening_addresses(app.port) == {"127.0.0.1"}
        assert loopback_only(listening_addresses(app.port), "127.0.0.2")
        assert not loopback_only(listening_addresses(app.port), "127.0.0.1")
    assert listening_addresses(app.port) == set()
    assert not loopback_only(frozenset(), "127.0.0.2")
    assert not loopback_only(frozenset({"::"}), "10.0.0.1")


# ---- stop texts


def test_a_stop_text_does_not_stand_in_the_prompt_where_an_app_that_repeats_it_would_stop():
    text = "A kiln of sand, and some clay banana is used for them, and for all walls."
    for choose in (word_in, telling_stop):
        chosen = choose(text)
        prompt = f"Is {chosen} good?"
        assert choose(text, prompt=prompt) not in prompt
        assert choose(text, prompt=text) is None


@given(st.text(min_size=1, max_size=80))
def test_stop_texts_are_chosen_where_they_tell_something(text):
    for stop in filter(None, (word_in(text), telling_stop(text))):
        before = text[: text.find(stop)]
        assert before
        assert before + stop != text
        assert what_it_did(text, [stop], before) == "right"
        assert what_it_did(text, [stop], text) in {"went on", "kept"}
    if telling := telling_stop(text):
        kept = cut(text, [telling]) + telling
        assert what_it_did(text, [telling], kept.rstrip(telling)) in {"ate", "short"}
        assert what_it_did(text, [telling], kept) == "kept"


@pytest.mark.parametrize(
    ("stops", "got", "did"),
    [
        (["good"], "All is ", "right"),
        (["good"], "All is", "right"),
        (["good", "is"], "All ", "right"),
        (["good"], "All is good", "kept"),
        (["good"], "All is good in the wall", "went on"),
        (["good"], "All", "short"),
        (["good"], "", "short"),
        (["good"], "Nothing is ", "other"),
        (["lis good"], "A", "short"),
        (["l is"], "A", "ate"),
        (["absent"], "All is good in the wall", "right"),
    ],
)
def test_what_an_app_did_with_stop_texts(stops, got, did):
    assert what_it_did("All is good in the wall", stops, got) == did


# ---- taken away


def test_the_report_is_markdown_that_the_apps_texts_cannot_break(workspace):
    with driver_app(Flaw.OBJECT) as app:
        check = checked(workspace, target(app.port, path="/a`b[c](d)"))
    text = report_text(check)
    assert "- [ ] **The answer is a JSON string**: failed" in text
    assert "1 failed" in text
    assert workspace.host not in text
    rows = [line for line in text.splitlines() if line.startswith("- [")]
    assert len(rows) == len(Rule)


def test_the_exported_tests_find_the_same(local_workspace, tmp_path):
    """In a process that knows nothing of Brickyard, and never with the token in the file."""
    found = {flaw: exported(local_workspace, tmp_path, flaw) for flaw in (Flaw.ECHOES, Flaw.RSTRIP, Flaw.HTML_ERRORS)}
    assert found[Flaw.ECHOES] == set()
    assert found[Flaw.RSTRIP] == {Rule.ONLY_STOP_GONE.value}
    assert found[Flaw.HTML_ERRORS] == {Rule.NO_PROMPT.value, Rule.NOT_JSON.value}


def exported(local_workspace, folder, flaw):
    """The names of the rules that the exported tests find broken."""
    with driver_app(flaw) as app:
        snippet = pytest_file(target(app.port, headers=(("X-Request-Id", "1"), ("X-Api-Key", "canary"))))
        assert "canary" not in snippet.code
        file = folder / snippet.file_name
        file.write_text(snippet.code)
        environment = {
            "DATABRICKS_HOST": local_workspace.host,
            "DATABRICKS_TOKEN": local_workspace.token,
            "APP_X_API_KEY": "k",
        }
        ran = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-p",
                "no:cacheprovider",
                "-c",
                "/dev/null",
                "--rootdir",
                str(folder),
                str(file),
            ],
            cwd=folder,
            env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ran.returncode in {0, 1}, ran.stdout + ran.stderr
    assert "SKIPPED" not in ran.stdout
    return {
        line.partition("::test_")[2].partition(" ")[0] for line in ran.stdout.splitlines() if line.startswith("FAILED")
    }


def test_an_export_has_the_chosen_rules_only_and_no_host_that_breaks_its_docstring():
    snippet = pytest_file(target(7777, via=Via.DIRECT), {Rule.STRING}, host='x"""', driver_address="10.0.0.1")
    tests = [line for line in snippet.code.splitlines() if line.startswith("def test_")]
    assert tests == ["def test_answer_is_a_json_string() -> None:"]
    assert "DRIVER_URL=http://10.0.0.1:7777/" in snippet.code
    compile(snippet.code, "exported", "exec")
    quoted = pytest_file(
        target(7777, via=Via.DIRECT, path="/$(id)'x"), host="https://w", driver_address="10.0.0.1"
    ).code
    line = next(one for one in ast.get_docstring(ast.parse(quoted)).splitlines() if "DRIVER_URL=" in one)
    assert shlex.split(line) == ["export", "DRIVER_URL=http://10.0.0.1:7777/$(id)'x"]


def test_the_modes_that_the_export_knows_are_those_of_the_list():
    known = {mode: found.fitness for mode, found in _MODES.items()}
    assert {mode for mode, fitness in known.items() if fitness is Fitness.FIT} == set(exported_tests.FIT_MODES)
    assert {mode for mode, fitness in known.items() if fitness is Fitness.UNFIT} == set(exported_tests.SHARED_MODES)
