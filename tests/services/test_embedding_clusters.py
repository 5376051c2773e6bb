import threading
from typing import Any

import numpy as np
import pytest

from services.embeddings.numbers.clusters import MOST_CLUSTERS, cluster, name_clusters
from services.errors import BadInput

ENGLISH = {
    "moon": ["The moon rose above the hills", "A telescope shows craters on the moon", "The moon hides the sun",
             "Astronauts walked on the moon", "A planet has more than one moon"],
    "goal": ["The striker scored a goal", "Their goalkeeper stopped it, no goal", "A late goal decided the match",
             "The referee gave the goal", "The goal was an own goal of the match"],
    "dough": ["Knead the dough for ten minutes", "Let the dough rest", "The dough rises in the oven",
              "Bake the bread when the dough is ready", "Roll the dough thin"],
    "court": ["The court heard the witness", "A judge of the court ruled", "The court dismissed the appeal",
              "Her lawyer went to court", "The verdict of the court is final"],
    "invoice": ["The invoice was paid twice", "Please send the invoice", "My invoice has a wrong amount",
                "The invoice isn't due", "An invoice, an invoice, and don't forget the refund of the invoice"],
}  # fmt: skip
KOREAN = {
    "은행": [
        "은행이 문을 닫았습니다",
        "은행에서 대출을 받았어요",
        "은행은 금리를 올렸다",
        "그 은행의 직원이 친절했습니다",
    ],
    "고양이": [
        "고양이가 창가에서 잡니다",
        "고양이는 생선을 좋아해요",
        "고양이 두 마리를 키웁니다",
        "고양이와 놀았어요",
    ],
    "날씨": ["오늘 날씨가 맑습니다", "날씨는 내일부터 흐려져요", "이 날씨에 우산을 챙겼다", "날씨를 확인했습니다"],
}


def corpus(topics: dict[str, list[str]]) -> tuple[list[str], Any]:
    texts = [(text, label) for label, said in enumerate(topics.values()) for text in said]
    return [text for text, _ in texts], np.array([label for _, label in texts])


def subjects(count: int, of: int, dimensions: int = 96) -> tuple[Any, Any]:
    random = np.random.default_rng(1)
    subject = random.integers(of, size=count)
    vectors = random.normal(size=(of, dimensions))[subject] + 0.6 * random.normal(size=(count, dimensions))
    return vectors.astype(np.float32), subject


def test_the_first_word_of_a_name_is_what_the_group_is_about():
    texts, labels = corpus(ENGLISH)
    names = name_clusters(texts, labels)
    assert [name.split(", ")[0] for name in names] == list(ENGLISH)
    assert all(len(name.split(", ")) == 4 for name in names)
    assert "isn" not in " ".join(names)


def test_korean_names_lose_their_particles_and_no_part_of_a_noun():
    texts, labels = corpus(KOREAN)
    assert [name.split(", ")[0] for name in name_clusters(texts, labels, words=3)] == list(KOREAN)


def test_no_two_names_are_alike_and_groups_without_words_have_a_number():
    same = ["sun and rain", "sun and rain"]
    names = name_clusters([*same, *same, "", "!!", "42 17"], np.array([0, 0, 1, 1, 2, 2, 3]))
    assert len(set(names)) == 4
    assert names[2:] == ("Cluster 3", "Cluster 4")
    assert name_clusters(["left out"], np.array([-1])) == ()
    assert name_clusters([], np.array([], dtype=np.int64)) == ()


def test_groups_are_found_largest_first_and_unusable_texts_are_in_none():
    vectors, subject = subjects(1200, 6)
    vectors[[4, 9]] = [[np.nan], [0]]
    found = cluster(vectors, 6)
    assert found.labels[[4, 9]].tolist() == [-1, -1]
    usable = found.labels >= 0
    assert usable.sum() == 1198
    assert sum(found.sizes) == 1198
    assert list(found.sizes) == sorted(found.sizes, reverse=True)
    assert np.bincount(found.labels[usable]).tolist() == list(found.sizes)
    assert len({(a, b) for a, b in zip(found.labels[usable], subject[usable], strict=True)}) == 6
    assert (found.count, found.algorithm, found.suggested) == (6, "k-means", ())
    assert found.parameters["seed"] == 0


def test_the_suggested_count_is_the_one_that_sets_them_apart():
    vectors, _ = subjects(600, 10)
    found = cluster(vectors)
    assert found.count == found.suggested[0] == 10
    assert len(found.suggested) == 3
    assert found.parameters["counts_compared_by"] == "silhouette"


def test_the_same_vectors_give_the_same_groups_also_to_several_at_once():
    vectors, _ = subjects(800, 5)
    found = []
    threads = [threading.Thread(target=lambda: found.append(cluster(vectors).labels.tobytes())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert len(set(found)) == 1


@pytest.mark.parametrize("count", [None, 1, 5, 200])
def test_few_equal_or_no_texts_are_no_trouble(count):
    for vectors in (np.zeros((0, 8)), np.zeros((3, 8)), np.full((2, 8), np.nan), np.zeros((4, 0))):
        assert cluster(vectors.astype(np.float32), count).sizes == ()
    one = cluster(np.ones((1, 8), dtype=np.float32), count)
    assert (one.labels.tolist(), one.sizes) == ([0], (1,))
    equal = cluster(np.ones((30, 8), dtype=np.float32), count)
    assert equal.sizes == (30,)
    two = cluster(np.repeat(np.eye(2, 8, dtype=np.float32), 10, axis=0), count)
    assert two.sizes in ((20,), (10, 10))


@pytest.mark.parametrize("count", [0, -1, MOST_CLUSTERS + 1])
def test_an_impossible_count_is_refused(count):
    with pytest.raises(BadInput):
        cluster(np.ones((5, 3), dtype=np.float32), count)
