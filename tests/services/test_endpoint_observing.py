"""Looking into an endpoint: events, logs, metrics, what differs, and who answered."""

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest

from services.endpoints import (
    Route,
    config_differences,
    differences,
    get_build_logs,
    get_endpoint_detail,
    get_logs,
    get_metrics,
    list_events,
    list_grants,
    metrics_from_text,
    shares,
    verdict,
)
from services.errors import NotFound, PermissionDenied, UnexpectedReply
from tests.local_workspace.calls import CHAT, EMBEDDINGS, call, chat
from tests.local_workspace.serving_calls import created, entity
from tests.services.chats import at
from tests.services.replies import whole


@pytest.fixture(scope="module")
def custom(local_workspace):
    """An endpoint of a custom model, which nobody but the admin may see."""
    name = created(local_workspace, entity("one", entity_name="local.models.prompt-model"))
    yield name
    call(local_workspace, "DELETE", f"/api/2.0/serving-endpoints/{name}")


# --- events and logs


def test_events_come_newest_first_with_their_config_version(workspace, custom):
    events = list_events(workspace, custom)
    assert events[-1].message == "Created by admin@local."
    assert events[0].at_ms >= events[-1].at_ms
    assert {event.version for event in events} >= {1}


def test_logs_of_service_and_build_are_two_texts(workspace, custom):
    assert isinstance(get_logs(workspace, custom, "one"), str)
    assert get_build_logs(workspace, custom, "one")


def test_logs_of_what_is_not_served_are_not_found_by_name(workspace, custom):
    with pytest.raises(NotFound, match="logs of nobody"):
        get_logs(workspace, custom, "nobody")


def test_who_may_not_see_an_endpoint_sees_none_of_it(analyst, custom):
    for ask in (list_events, get_metrics):
        with pytest.raises(PermissionDenied, match="You may not see"):
            ask(analyst, custom)


@pytest.mark.parametrize("odd", [7, "x", {"a": 1}], ids=str)
def test_an_answer_in_another_form_says_so(make_reply_server, odd):
    inside = {"events": odd, "logs": [odd], "access_control_list": odd}
    workspace = at(make_reply_server(whole(odd if odd == 7 else inside)))
    for ask, names in ((list_events, ["e"]), (get_logs, ["e", "one"]), (list_grants, ["id", "e"])):
        with pytest.raises(UnexpectedReply) as caught:
            ask(workspace, *names)
        assert caught.value.hint


@pytest.mark.parametrize("body", [{}, {"events": None, "logs": None, "access_control_list": None}])
def test_nothing_is_nothing(make_reply_server, body):
    workspace = at(make_reply_server(whole(body)))
    assert list_events(workspace, "e") == []
    assert get_logs(workspace, "e", "one") == ""
    assert list_grants(workspace, "id", "e") == []


def test_odd_events_are_left_out_and_odd_permissions_told_as_such(make_reply_server):
    events = [None, {"timestamp": "soon", "message": 7, "config_version": "x"}, {"timestamp": 5, "message": "Done."}]
    odd = [7, {}, {"user_name": 7}, {"user_name": "a"}, {"user_name": "b", "all_permissions": [7, {}]}]
    good = {"group_name": "g", "all_permissions": [{"permission_level": "CAN_VIEW", "inherited": "yes"}]}
    workspace = at(make_reply_server(whole({"events": events, "access_control_list": [*odd, good]})))
    assert [(one.at_ms, one.message) for one in list_events(workspace, "e")] == [(5, "Done."), (None, "")]
    grants = list_grants(workspace, "id", "e")
    assert [(one.principal, one.level, one.inherited) for one in grants if one.field] == [("g", "CAN_VIEW", False)]
    assert len([one for one in grants if not one.field]) == 4


# --- metrics


def test_metrics_of_an_endpoint_count_its_calls(local_workspace, workspace):
    assert chat(local_workspace, fault="scripted-0-3").ok
    metrics = get_metrics(workspace, CHAT)
    asked = [one for one in metrics.samples if one.name == "request_count_total"]
    assert sum(one.value for one in asked) >= 1
    assert asked[0].labels["endpoint_name"] == CHAT
    assert asked[0].help == "Requests in the last minute"
    assert metrics.unreadable == 0
    assert "# TYPE" in metrics.text


def test_what_the_reference_implementation_writes_is_read(local_workspace):
    registry = CollectorRegistry()
    gauge = Gauge("a_gauge", 'with "quotes", \\ and\nlines', ["label"], registry=registry)
    hostile = 'a"b\\c\nd}e,f="g" 벽'
    gauge.labels(hostile).set(-1.5e300)
    gauge.labels("").set(math.inf)
    Histogram("h", "help", registry=registry, buckets=(0.5, math.inf)).observe(0.2)
    metrics = metrics_from_text(generate_latest(registry).decode())
    values = {(one.name, one.labels.get("label")): one.value for one in metrics.samples}
    assert values["a_gauge", hostile] == -1.5e300
    assert values["a_gauge", ""] == math.inf
    bucket = next(one for one in metrics.samples if one.name == "h_bucket")
    assert (bucket.labels, bucket.value, bucket.help) == ({"le": "0.5"}, 1, "help")
    assert metrics.unreadable == 0


def test_timestamps_and_exemplars_are_skipped_and_odd_lines_counted():
    text = '# EOF\na 1 1395066363000\nb{x="y"} NaN # {trace="1"} 0.5 1.0\n\nc{x= 1\nd one\n<html>\n'
    metrics = metrics_from_text(text)
    assert [(one.name, one.labels) for one in metrics.samples] == [("a", {}), ("b", {"x": "y"})]
    assert metrics.unreadable == 3


@pytest.mark.parametrize(
    "odd", ["a" + " " * 200_000 + "x y z", "a{" + " " * 200_000 + "} 1", "a{" + "b" * 200_000 + "} 1"]
)
def test_a_line_made_to_be_hard_to_read_stops_nobody(odd):
    began = time.process_time()
    metrics = metrics_from_text(f"{odd}\nup 1")
    assert time.process_time() - began < 2  # it was minutes
    assert (metrics.unreadable, [one.name for one in metrics.samples]) == (1, ["up"])


@given(st.text(alphabet='a1{}="\\,# \n.', max_size=60))
def test_no_text_breaks_the_reading_of_metrics(text):
    metrics_from_text(text)


# --- what differs


def test_a_pending_config_differs_in_what_was_asked_and_in_nothing_else(workspace, custom):
    config = dict(get_endpoint_detail(workspace, custom).wire["config"])
    assert config_differences(config, config | {"config_version": 9, "start_time": 1}) == []
    [one] = config["served_entities"]
    changed = config | {
        "served_entities": [one | {"entity_version": "2", "state": {}}, {"name": "two", "entity_name": "x"}]
    }
    found = {
        difference.place: (difference.before, difference.after) for difference in config_differences(config, changed)
    }
    assert found == {
        "served_entities.one.entity_version": ("1", "2"),
        "served_entities.two": (None, {"name": "two", "entity_name": "x"}),
    }


def test_items_without_names_are_told_apart_by_their_place():
    assert [one.place for one in differences({"a": [1, 2]}, {"a": [1, 3, 4]})] == ["a.1", "a.2"]
    twice = [{"name": "x", "n": 1}, {"name": "x", "n": 2}]
    assert [one.place for one in differences(twice, [twice[0], {"name": "x", "n": 3}])] == ["1.n"]


# --- who answered

SPLIT = (Route("a", 90), Route("b", 10))


def test_a_split_as_configured_can_be_chance_and_its_opposite_hardly():
    few, many = verdict(shares({"a": 9, "b": 1}, SPLIT)), verdict(shares({"a": 90, "b": 10}, SPLIT))
    assert few == "10 calls fit the 90/10 split; too few to tell more."
    assert many == "100 calls fit the 90/10 split."
    assert verdict(shares({"a": 1}, SPLIT)).startswith("1 call fits the")
    assert verdict(shares({"a": 5, "b": 20}, SPLIT)) == (
        "This differs from the 90/10 split more than chance explains "
        "(over 25 calls, chance does as much once in 100 times, or less often)."
    )


def test_the_chance_is_the_exact_two_sided_binomial():
    # By hand, of 3 calls at 10 %: two or three for b have together 3 * 0.01 * 0.9 + 0.001.
    [_, b] = shares({"a": 1, "b": 2}, SPLIT)
    assert b.chance == pytest.approx(0.028)
    assert (b.calls, b.of, b.configured) == (2, 3, 10)


def test_who_is_not_in_the_split_is_named():
    found = shares({"a": 9, "c": 1}, (Route("a", 100), Route("b", 0)))
    assert [one.entity for one in found] == ["a", "b", "c"]
    assert verdict(found).startswith("c answered, though the split gives it nothing")
    assert "b answered" in verdict(shares({"b": 1}, (Route("a", 100), Route("b", 0))))


def test_without_calls_there_is_no_verdict():
    assert verdict(shares({}, SPLIT)) == ""
    assert verdict(shares({}, ())) == ""
    assert verdict(shares({"a": 4}, (Route("a", 100),))) == "4 calls fit the split."


@given(st.dictionaries(st.sampled_from("abc"), st.integers(0, 400)), st.integers(0, 100))
def test_every_count_has_a_chance_between_0_and_1(calls, share):
    for one in shares(calls, (Route("a", share), Route("b", 100 - share))):
        assert 0 <= one.chance <= 1


def test_an_endpoint_has_its_metrics_before_anybody_asked_it(workspace):
    assert {one.name for one in get_metrics(workspace, EMBEDDINGS).samples} >= {
        "request_count_total",
        "request_latency_ms_count",
    }
