import csv
import math

import numpy as np
import pytest

from services.embeddings.files import MAX_QUERIES, look_through_queries
from services.embeddings.numbers.retrieval import better, check_retrieval
from services.embeddings.records import Texts
from services.errors import BadInput

TEXTS = Texts(
    ("Bricks are fired clay.", "Mortar holds | bricks.", "7", "Roofs keep rain out.", "Bricks are fired clay."),
    ids=("clay", "mortar", "seven", "roof", "2"),
)


def read_queries(given, texts):
    read = look_through_queries(given, texts)
    if read.refused:
        raise read.refused[0]
    return list(read.queries)


def at_angle(*degrees):
    return np.column_stack([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))]).astype(np.float32)


def test_recall_and_mrr_are_those_worked_out_by_hand():
    texts = at_angle(0, 10, 20, 30, 90)
    # From 1 degree: 0 1 2 3 4. From 29: 3 2 1 0 4.
    found = check_retrieval(texts, at_angle(1, 29), [{1}, {3, 1, 4}], (1, 2, 3))
    assert [one.rank for one in found.queries] == [2, 1]
    assert found.mrr.value == pytest.approx((1 / 2 + 1) / 2)
    assert {k: one.value for k, one in found.recall.items()} == pytest.approx(
        {1: (0 + 1 / 3) / 2, 2: (1 + 1 / 3) / 2, 3: (1 + 2 / 3) / 2}
    )
    assert [one.found for one in found.queries] == [(0, 1, 2), (3, 2, 1)]
    assert found.mrr.low <= found.mrr.value <= found.mrr.high


def test_among_equal_texts_the_rank_goes_by_their_order_and_is_said_to():
    found = check_retrieval(at_angle(50, 5, 5, 5, 80), at_angle(0), [{2}])
    assert (found.queries[0].rank, found.queries[0].tied) == (2, 2)
    assert found.queries[0].found[:3] == (1, 2, 3)
    assert found.recall[1].value == 0


def test_what_cannot_be_measured_is_reported_and_left_out():
    texts = at_angle(0, 10, 20)
    texts[1] = np.nan
    queries = at_angle(1, 2, 3, 19)
    queries[2] = 0
    found = check_retrieval(texts, queries, [{1}, {1, 2}, {0}, set()], (1, 10))
    assert [one.rank for one in found.queries] == [None, 2, None, None]
    assert [one.unusable for one in found.queries] == [(1,), (1,), (), ()]
    assert [one.problem.split()[0] for one in found.queries if one.problem] == ["None", "The", "No"]
    assert found.measured == 1
    assert (found.mrr.value, found.recall[10].value) == (0.5, 1)
    nothing = check_retrieval(texts[:0], queries, [set()] * 4)
    assert math.isnan(nothing.mrr.value)


def test_two_models_are_told_apart_over_the_queries_that_both_could_measure():
    texts, queries = at_angle(0, 30, 60), at_angle(1, 31, 61)
    good = check_retrieval(texts, queries, [{0}, {1}, {2}])
    bad = check_retrieval(texts, queries[::-1].copy(), [{0}, {1}, {2}])
    assert better(bad, good).value == pytest.approx((2 / 3 + 0 + 2 / 3) / 3)
    assert better(good, bad).value == -better(bad, good).value
    queries[0] = np.nan
    assert better(check_retrieval(texts, queries, [{0}, {1}, {2}]), bad).of == 2


def test_expected_texts_are_named_by_id_by_text_or_by_row_number():
    pasted = "\n".join(
        [
            "query\texpected",
            "What is a brick?\tclay",
            "",
            "What holds?\tMortar holds | bricks.",
            "A number\t7",
            "An id before a row number\t2|1",
            "Two\troof | Bricks are fired clay. | 4\r",
        ]
    )
    found = read_queries(pasted, TEXTS)
    assert [one.text for one in found] == [
        "What is a brick?",
        "What holds?",
        "A number",
        "An id before a row number",
        "Two",
    ]
    assert [sorted(one.expected) for one in found] == [[0], [1], [2], [0, 4], [0, 3, 4]]


def test_queries_are_read_from_pasted_csv_and_from_the_rows_of_a_file():
    csv = 'Expected,Query\nroof,"Rain, and what keeps it out?"\n3,Third?\n'
    rows = [
        {"Query": "Rain, and what keeps it out?", "expected": "roof", "note": "-"},
        {"Query": "Third?", "expected": "3"},
    ]
    found = read_queries(csv, TEXTS)
    assert found == read_queries(rows, TEXTS)
    assert [(one.text, set(one.expected)) for one in found] == [("Rain, and what keeps it out?", {3}), ("Third?", {2})]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("", "There are no queries."),
        ("query\texpected\n\n", "There are no queries."),
        ("Good?\tclay\nNo tab", "Line 2 says nothing of what is expected."),
        ("\tclay", "Line 1 has no query."),
        ("What?\t|", "Line 1 says nothing of what is expected."),
        ("What?\t6", "Line 1: “6” is no id, no text and no row number of this dataset."),
        ("What?\t0", "Line 1: “0” is no id"),
        ("What?\tclay|²", "Line 1: “²” is no id"),
        ("What?\t" + "x" * 90, "Line 1: “" + "x" * 60 + "…” is no id"),
        ("query,expected\nWhat?,nowhere", "Query 1: “nowhere” is no id"),
        ("query,expected\na\rb,clay", "These lines are no CSV: new-line"),
        ([{"question": "What?", "expected": "clay"}], "The columns query and expected are needed"),
        ([{"query": None, "expected": "clay"}], "Query 1 has no query."),
        ("What?\tclay\n" * (MAX_QUERIES + 1), "2,001 queries are more than the 2,000 that fit."),
    ],
)
def test_queries_that_cannot_be_read_are_refused_with_their_place(given, told):
    with pytest.raises(BadInput) as refused:
        read_queries(given, TEXTS)
    assert told in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize("limit", [131_072, 2_000_000])
@pytest.mark.parametrize("between", [",", "\t"])
def test_a_query_that_is_too_long_is_refused_alike_whatever_else_has_told_the_csv_module(limit, between):
    before = csv.field_size_limit(limit)
    try:
        with pytest.raises(BadInput, match=r"^(Query 1|Line 2) has more than 100,000 characters"):
            read_queries(f'query{between}expected\n"' + "x" * 200_000 + f'"{between}clay', TEXTS)
    finally:
        csv.field_size_limit(before)


def test_a_line_that_cannot_be_read_does_not_take_the_others_with_it():
    read = look_through_queries("A\tclay\nno tab\nB\troof\nC\tnowhere", TEXTS)
    assert [(one.text, set(one.expected)) for one in read.queries] == [("A", {0}), ("B", {3})]
    assert [one.message[:6] for one in read.refused] == ["Line 2", "Line 4"]
