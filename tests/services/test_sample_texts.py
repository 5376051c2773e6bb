"""The sample: what is in it, and what a model makes of it."""

import re
from collections import Counter

import numpy as np
import pytest

from services.embeddings.asking.embedding import embed_texts
from services.embeddings.files.sample import sample_texts
from services.embeddings.records import Asking, Texts
from services.workspace import Workspace
from tests.local_workspaces import ROOT

ASKED = {
    "The brakes of my vehicle make a shrill noise whenever I stop.": {"cars-01", "cars-02"},
    "Where is my package? It says delivered but it is not here.": {"support-03", "support-04"},
    "Someone who rents an apartment can give three months' notice.": {"law-01", "law-02"},
    "At noon the sky went black as the moon covered the sun.": {"astronomy-01", "astronomy-02"},
    "Wait for the bread mixture to rise beneath a moist towel.": {"cooking-01", "cooking-02"},
    "Prune your rosebushes in March.": {"gardening-01", "gardening-02"},
    "I forgot my password and the e-mail to set a new one is out of date.": {"support-01", "support-02"},
    "The ensemble adjusts its pitch to the oboist.": {"music-01", "music-02"},
}
"""What a person would say is nearest."""


@pytest.fixture(scope="module")
def sample() -> Texts:
    return sample_texts()


def is_korean(text: str) -> bool:
    return re.search("[가-힣]", text) is not None


def test_the_sample_has_every_topic_in_both_languages_and_no_text_twice(sample):
    assert sample.labels
    assert sample.ids
    in_each = Counter((topic, is_korean(text)) for topic, text in zip(sample.labels, sample.texts, strict=True))
    assert len(in_each) == 2 * 14
    assert set(in_each.values()) == {18}
    assert (
        len({re.sub(r"\W", "", text).casefold() for text in sample.texts}) == len(set(sample.ids)) == len(sample) == 504
    )
    assert all(5 <= len(text.split()) <= 40 and text == text.strip() for text in sample.texts)
    assert all(id_.startswith(f"{topic}-") for id_, topic in zip(sample.ids, sample.labels, strict=True))


def test_the_sample_says_the_language_of_each_text_and_has_no_personal_data(sample):
    written = (ROOT / "examples" / "sample_texts.csv").read_text(encoding="utf-8")
    languages = [line.rsplit(",", 1)[1] for line in written.splitlines()[1:]]
    assert languages == ["ko" if is_korean(text) else "en" for text in sample.texts]
    assert not re.search(r"@|https?:|www\.|\d", " ".join(sample.texts))


def test_neighbours_are_what_a_person_would_say(workspace: Workspace, sample):
    """In English, which is what this model reads; half of the topics, for the time it takes."""
    topics = {id_.partition("-")[0] for ids in ASKED.values() for id_ in ids}
    english = [
        place for place, text in enumerate(sample.texts) if not is_korean(text) and sample.labels[place] in topics
    ]
    embedded = embed_texts(
        workspace, Asking("local-minilm-l6-v2"), [*(sample.texts[place] for place in english), *ASKED]
    )
    assert embedded.failures == ()
    vectors = embedded.vectors / np.linalg.norm(embedded.vectors, axis=1, keepdims=True)
    texts, asked = vectors[: len(english)], vectors[len(english) :]

    nearest = [sample.ids[english[row]] for row in (asked @ texts.T).argmax(axis=1)]
    assert [(query, found) for query, found in zip(ASKED, nearest, strict=True) if found not in ASKED[query]] == []
    assert purity(texts, np.array([sample.labels[place] for place in english])) > 0.7


def purity(vectors, topics, k: int = 10) -> float:
    """Share of a text's nearest that are about its topic; one in seven by chance."""
    similarities = vectors @ vectors.T
    np.fill_diagonal(similarities, -np.inf)
    nearest = np.argsort(-similarities, axis=1)[:, :k]
    return float((topics[nearest] == topics[:, None]).mean())
