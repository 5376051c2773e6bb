import math
import threading
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from services.embeddings.numbers.clusters import cluster, name_clusters
from services.embeddings.numbers.comparing import align, compare
from services.embeddings.numbers.describing import describe
from services.embeddings.numbers.estimating import mean_of
from services.embeddings.numbers.faithfulness import distortion, faithfulness
from services.embeddings.numbers.neighbours import near_duplicates, nearest, outliers, similarity_matrix
from services.embeddings.numbers.projection import pca
from services.embeddings.numbers.retrieval import check_retrieval
from services.embeddings.numbers.sampling import sample
from services.embeddings.numbers.selecting import within
from services.embeddings.numbers.taking_turns import AT_ONCE, in_turn
from services.embeddings.numbers.unit import lengths, moments, usable

NAN = np.nan

SMALLER = {"each_with_each": 500, "directions": 6}
"""The bounds of what is done in full, so small that a test can step over them."""


def vectors_of(*rows):
    return np.array(rows, dtype=np.float32)


def random_vectors(count, size, seed=0):
    random = np.random.default_rng(seed)
    centres = random.standard_normal((7, size)) * 1.5
    found = centres[random.integers(0, 7, count)] + random.standard_normal((count, size))
    return (found * random.uniform(0.5, 3, (count, 1))).astype(np.float32)


def unit_length(vectors):
    exact = vectors.astype(np.float64)
    return exact / np.linalg.norm(exact, axis=1, keepdims=True)


def at_angle(*degrees):
    return np.column_stack([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))]).astype(np.float32)


# What can be compared


def test_a_vector_is_usable_when_it_is_finite_and_not_zero():
    given_ones = vectors_of([3, 4], [0, 0], [NAN, 1], [np.inf, 1], [1e30, 0], [-1, 0])
    assert usable(given_ones).tolist() == [True, False, False, False, False, True]
    assert lengths(given_ones)[0] == 5
    assert usable(np.zeros((3, 0), dtype=np.float32)).tolist() == [False] * 3


def test_mean_and_covariance_are_those_of_double_precision():
    found = random_vectors(9_000, 24)
    rows = np.flatnonzero(np.arange(9_000) % 5 > 0)  # more than one block, and not in one piece
    mean, covariance = moments(found, rows)
    exact = unit_length(found)[rows]
    assert mean == pytest.approx(exact.mean(axis=0), abs=1e-6)
    assert covariance == pytest.approx(np.cov(exact.T, bias=True), abs=1e-7)


# Neighbours


def test_neighbours_are_by_angle_nearest_first_and_not_by_length():
    texts = at_angle(0, 10, 40, 180) * np.float32([[1], [9], [0.1], [5]])
    found = nearest(texts, at_angle(12), 3)
    assert found.indices.tolist() == [[1, 0, 2]]
    assert found.similarities[0] == pytest.approx(np.cos(np.radians([2, 12, 28])), abs=2e-6)


def test_a_text_can_be_left_out_of_its_own_neighbours():
    texts = at_angle(0, 10, 40)
    found = nearest(texts, texts, 2, leave_out=np.array([0, 1, -1]))
    assert found.indices.tolist() == [[1, 2], [0, 2], [2, 1]]


def test_no_more_neighbours_are_found_than_there_are():
    texts = vectors_of([1, 0], [NAN, NAN], [0, 1], [0, 0])
    assert nearest(texts, texts[:1], 10).indices.tolist() == [[0, 2]]
    found = nearest(texts, texts, 10, leave_out=np.arange(4))
    assert found.indices.tolist() == [[2], [-1], [0], [-1]]
    assert np.isnan(found.similarities[[1, 3]]).all()


@pytest.mark.parametrize("count", [40, 3_000])  # as a whole, and by groups
def test_equal_texts_come_in_the_order_of_their_indices(count):
    texts = np.tile(at_angle(0, 30), (count // 2, 1))
    found = nearest(texts, at_angle(1, 29), 5)
    assert found.indices.tolist() == [[0, 2, 4, 6, 8], [1, 3, 5, 7, 9]]


def test_neighbours_are_those_of_a_full_sort_at_a_size_that_takes_several_blocks():
    texts = random_vectors(10_000, 16)
    texts[17] = NAN
    queries = np.arange(0, 10_000, 5)
    found = nearest(texts, texts[queries], 15, leave_out=queries)
    exact = unit_length(texts)
    for row in [0, 1, 700, 1_999]:
        own = np.nan_to_num(exact @ exact[queries[row]], nan=-2)
        own[queries[row]] = -2
        assert found.indices[row].tolist() == np.argsort(-own, kind="stable")[:15].tolist()


def test_a_similarity_matrix_keeps_the_order_asked_and_a_gap_for_the_unusable():
    found = similarity_matrix(vectors_of([2, 0], [0, 0], [3, 4]), np.array([2, 0, 1]))
    assert found[:2, :2] == pytest.approx(np.array([[1, 0.6], [0.6, 1]]), abs=1e-6)
    assert np.isnan(found[2]).all()
    assert np.isnan(found[:, 2]).all()


# Near-duplicates and outliers


def test_near_duplicates_are_pairs_most_alike_first():
    texts = at_angle(0, 90, 5, 91, 200)
    found = near_duplicates(texts, least=math.cos(math.radians(6)))
    assert [(pair.first, pair.second) for pair in found.pairs] == [(1, 3), (0, 2)]
    assert found.pairs[0].similarity == pytest.approx(math.cos(math.radians(1)), abs=1e-6)
    assert (found.found, found.looked_at, found.of) == (2, 5, 5)


def test_too_many_pairs_are_counted_and_the_first_listed():
    texts = np.tile(at_angle(7), (2_500, 1))  # 3 million pairs: more than are held at once
    found = near_duplicates(texts, most=3)
    assert [(pair.first, pair.second) for pair in found.pairs] == [(0, 1), (0, 2), (0, 3)]
    assert found.found == 2_500 * 2_499 // 2


def test_by_their_bounds_the_same_pairs_are_found_as_by_all_similarities():
    texts = np.random.default_rng(3).standard_normal((2_000, 20)).astype(np.float32)
    texts[:, :6] *= 4
    for place in range(0, 1_000, 10):
        texts[place + 1] = texts[place] + 0.02 * (place % 7) * texts[place + 2]
    cosines = np.triu(unit_length(texts) @ unit_length(texts).T, 1)
    found = near_duplicates(texts, least=0.99, **SMALLER)
    assert {(pair.first, pair.second) for pair in found.pairs} == set(zip(*np.nonzero(cosines >= 0.99), strict=True))
    assert found.found > 50
    assert found.looked_at == 2_000


def test_where_everything_is_alike_a_random_sample_is_compared_and_told():
    texts = random_vectors(2_000, 20) * np.float32(0.01) + 1
    found = near_duplicates(texts, least=0.5, **SMALLER)
    assert (found.looked_at, found.of) == (500, 2_000)
    assert found.found == 500 * 499 // 2
    assert max(pair.second for pair in found.pairs) > 1_000


def test_the_text_that_stands_alone_is_the_first_outlier():
    texts = at_angle(0, 1, 2, 3, 180, 60)
    found = outliers(texts, k=2, most=2)
    assert [one.index for one in found.outliers] == [4, 5]
    assert found.outliers[0].similarity == pytest.approx(
        (math.cos(math.radians(120)) + math.cos(math.radians(177))) / 2
    )
    assert (found.k, found.looked_at, found.of) == (2, 6, 6)


def test_among_many_texts_the_loneliest_are_still_found():
    random = np.random.default_rng(0)
    texts = (random.standard_normal((5_000, 12)) * 0.1 + 1).astype(np.float32)
    alone = [4, 1_999, 4_321]
    for place, index in enumerate(alone):
        texts[index] = -np.eye(12)[place]
    found = outliers(texts, most=3, each_with_each=500)
    assert sorted(one.index for one in found.outliers) == alone
    assert found.looked_at < found.of == 5_000


# PCA


@pytest.mark.parametrize(("count", "size"), [(300, 20), (30, 200)])  # by the covariance, and by the texts' products
def test_pca_is_that_of_a_singular_value_decomposition(count, size):
    found = random_vectors(count, size)
    layout = pca(found, 3)
    centred = unit_length(found) - unit_length(found).mean(axis=0)
    left, values, axes = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign(axes[np.arange(3), np.argmax(np.abs(axes[:3]), axis=1)])
    assert layout.coordinates == pytest.approx(left[:, :3] * values[:3] * signs, abs=1e-5)
    assert layout.explained == pytest.approx(values[:3] ** 2 / (values**2).sum(), abs=1e-6)


def test_pca_agrees_with_scikit_learn_and_with_many_dimensions():
    from sklearn.decomposition import PCA

    found = random_vectors(1_200, 1_100)
    theirs = PCA(2, svd_solver="covariance_eigh").fit(unit_length(found))
    layout = pca(found)
    assert layout.explained == pytest.approx(theirs.explained_variance_ratio_, abs=1e-5)
    assert np.abs(layout.coordinates) == pytest.approx(np.abs(theirs.transform(unit_length(found))), abs=1e-4)


def test_pca_leaves_out_what_is_not_usable_and_gives_zeros_where_nothing_differs():
    found = vectors_of([1, 0], [NAN, 1], [0, 0], [2, 0])
    layout = pca(found, 3)
    assert np.isnan(layout.coordinates).all(axis=1).tolist() == [False, True, True, False]
    assert (layout.coordinates[[0, 3]] == 0).all()
    assert layout.explained == (0, 0, 0)
    line = pca(at_angle(0, 90), 2)
    assert line.explained == pytest.approx((1, 0))
    assert np.abs(line.coordinates[:, 0]) == pytest.approx(np.full(2, math.sqrt(0.5)))


# Faithfulness


def test_trustworthiness_is_that_of_scikit_learn():
    from sklearn.manifold import trustworthiness

    texts = random_vectors(300, 12)
    picture = pca(texts).coordinates
    found = faithfulness(texts, picture, k=15)
    assert found.trustworthiness == pytest.approx(
        trustworthiness(unit_length(texts), picture, n_neighbors=15), abs=1e-6
    )
    assert (found.k, found.sampled, found.of) == (15, 300, 300)
    assert faithfulness(texts, picture, sample=100).sampled == 100


def test_a_picture_that_keeps_every_neighbour_is_wholly_faithful_and_one_that_keeps_none_wholly_distorted():
    texts = at_angle(0, 1, 3, 90, 91, 93)
    kept = np.array([[0, 0], [1, 0], [3, 0], [90, 0], [91, 0], [93, 0]], dtype=np.float32)
    found = faithfulness(texts, kept, k=2)
    assert (found.trustworthiness, found.overlap) == (1, 1)
    assert distortion(texts, kept, k=2).tolist() == [0] * 6
    swapped = kept[[0, 3, 1, 4, 2, 5]]  # 0 beside 3 and 4, and so on: one of two neighbours at most is a true one
    assert distortion(texts, swapped, k=1).tolist() == [1, 1, 1, 1, 1, 1]


def test_overlap_and_trustworthiness_are_those_worked_out_by_hand():
    texts = at_angle(0, 10, 30, 65)
    picture = np.array([[0, 0], [5, 0], [1, 0], [6, 0]], dtype=np.float32)
    # Nearest: 1 0 1 2. In the picture: 2 3 0 1; their true ranks: 2 3 2 2. n = 4, k = 1: 1 - 2/(4*1*4) * (1+2+1+1).
    found = faithfulness(texts, picture, k=1)
    assert found.overlap == 0
    assert found.trustworthiness == pytest.approx(1 - 2 / 16 * 5)
    assert distortion(texts, picture, k=1).tolist() == [1, 1, 1, 1]


def test_a_picture_is_not_blamed_for_its_choice_among_equal_texts():
    texts = np.tile(at_angle(20), (50, 1))
    found = faithfulness(texts, np.random.default_rng(0).standard_normal((50, 2)).astype(np.float32), k=5)
    assert (found.trustworthiness, found.overlap) == (1, 1)


def test_distortion_is_measured_for_a_sample_of_many_and_nowhere_without_a_vector():
    texts = random_vectors(100, 8)
    picture = pca(texts).coordinates
    texts[3] = NAN
    found = distortion(texts, picture, k=5, most=40)
    assert np.isfinite(found).sum() == 40
    assert np.isnan(found[3])
    assert (faithfulness(vectors_of([1, 0], [0, 1]), vectors_of([1, 0], [0, 1]))).k == 0


# Two models


def test_a_turned_mirrored_scaled_and_shifted_picture_is_brought_back():
    onto = vectors_of([0, 0], [2, 0], [2, 1], [NAN, NAN])
    # Mirrored at the first axis, turned by 90 degrees, three times as large, elsewhere.
    turned = vectors_of([10, -5], [10, 1], [13, 1], [13, -5])
    assert align(onto, turned)[:3] == pytest.approx(onto[:3], abs=1e-5)
    assert align(onto, turned)[3] == pytest.approx(np.array([0, 1]), abs=1e-5)  # moved along


def test_procrustes_is_the_best_fit_where_pictures_differ():
    onto = vectors_of([1, 0], [-1, 0], [0, 1], [0, -1])
    moved = vectors_of([2, 0], [-2, 0], [0, 1], [0, -1])
    # No turn helps; the best scale is <onto, moved> / <moved, moved> = 6 / 10.
    assert align(onto, moved) == pytest.approx(0.6 * moved, abs=1e-6)


def test_pictures_that_cannot_be_aligned_keep_their_shape():
    point, line = vectors_of([1, 1], [1, 1]), vectors_of([0, 0], [4, 0])
    assert align(point, line) == pytest.approx(vectors_of([-1, 1], [3, 1]))
    assert align(line, point) == pytest.approx(vectors_of([2, 0], [2, 0]))
    gaps = np.full((2, 2), NAN, dtype=np.float32)
    assert align(gaps, line).tolist() == line.tolist()
    assert align(vectors_of([5, 5], [NAN, 0]), line).tolist() == [[5, 5], [9, 5]]
    with pytest.raises(ValueError, match="shape"):
        align(line, np.zeros((2, 3), dtype=np.float32))


def test_a_model_and_its_turned_self_agree_in_everything():
    a = random_vectors(400, 10)
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((10, 10)))[0]
    found = compare(a, (a @ turn * 7).astype(np.float32))
    assert found.cka == pytest.approx(1, abs=1e-5)
    assert found.overlap.value > 0.999
    assert found.similarities_a.mean == pytest.approx(found.similarities_b.mean, abs=1e-5)
    assert compare(a, a).movers == ()


def test_overlap_and_movers_are_those_worked_out_by_hand():
    a, b = at_angle(0, 10, 25, 90, 110), at_angle(0, 80, 5, 90, 110)
    # Two nearest with a: 1 2 | 0 2 | 1 0 | 4 2 | 3 2; with b: 2 1 | 3 4 | 0 1 | 1 4 | 3 1.
    found = compare(a, b, k=2)
    assert found.overlaps.tolist() == [1, 0, 1, 0.5, 0.5]
    assert found.overlap.value == pytest.approx(0.6)
    assert found.chance == pytest.approx(0.5)
    assert [mover.index for mover in found.movers] == [1, 3, 4]
    assert (found.movers[0].only_a, found.movers[0].only_b) == ((0, 2), (3, 4))
    assert (found.movers[1].only_a, found.movers[1].only_b) == ((2,), (1,))


def test_cka_is_that_of_the_formula_and_models_may_differ_in_dimensions():
    a, b = random_vectors(60, 9), random_vectors(60, 30, seed=5)
    b[:, :9] += 2 * a
    one, other = (unit_length(v) - unit_length(v).mean(axis=0) for v in (a, b))
    by_formula = np.linalg.norm(other.T @ one) ** 2 / (np.linalg.norm(one.T @ one) * np.linalg.norm(other.T @ other))
    found = compare(a, b)
    assert found.cka == pytest.approx(by_formula, abs=1e-6)
    assert 0.2 < found.cka < 0.99


def test_only_texts_with_vectors_of_both_models_are_compared():
    a, b = at_angle(0, 1, 50, 51, 2), at_angle(0, 1, 50, 51, 2)
    a[4], b[1] = NAN, 0
    found = compare(a, b, k=1)
    assert (found.of, found.indices.tolist()) == (3, [0, 2, 3])
    assert found.overlaps.tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="vectors"):
        compare(a, b[:3])


def test_label_agreement_is_that_worked_out_by_hand():
    a, b = at_angle(0, 1, 90, 91, 2, 92), at_angle(0, 90, 1, 91, 2, 92)
    labels = ["red", "red", "blue", "blue", "", "green"]
    found = compare(a, b, k=2, labels=labels).labels
    # With a, of 0's neighbours 1 and 4 only 1 has a label, its own: 1. Of 2's, 3 and 5: 1/2, as of 3's, 2 and 5.
    # With b, 0 has 2 and 4: 0. 1 has 3 and 5: 0. 2 has 0 and 4: 0. 3 has 1 and 5: 0. Green is alone, 4 has no label.
    assert found.a.value == pytest.approx((1 + 1 + 0.5 + 0.5) / 4)
    assert found.b.value == 0
    assert (found.difference.value, found.difference.of, found.left_out) == (-0.75, 4, 2)
    assert found.chance == pytest.approx(1 / 4)
    assert found.sentence().startswith("Only 4 texts")


def test_the_model_that_separates_labels_better_is_told_with_its_uncertainty():
    labels = [str(number % 5) for number in range(400)]
    random = np.random.default_rng(2)
    centres = random.standard_normal((5, 30))
    noisy, clear, again = (
        (centres[np.arange(400) % 5] + noise * random.standard_normal((400, 30))).astype(np.float32)
        for noise in (2.2, 1.5, 1.5)
    )
    found = compare(noisy, clear, labels=labels).labels
    assert found.a.low < found.a.value < found.a.high < found.b.low
    said = found.sentence("small", "large")
    assert said.startswith(
        f"large separates the labels better than small: {found.b.value:.2f} against {found.a.value:.2f}, "
    )
    assert said.endswith(f"({found.difference.low:.2f} to {found.difference.high:.2f}).")
    turned = compare(clear, noisy, labels=labels).labels
    assert turned.sentence("large", "small") == said
    assert (
        compare(clear, again, labels=labels).labels.sentence().startswith("No difference between A and B can be told: ")
    )


def test_a_mean_has_the_interval_of_its_normal_approximation():
    values = np.random.default_rng(0).normal(3, 2, 1_000)
    found = mean_of(values)
    assert (found.value, found.of) == (pytest.approx(values.mean()), 1_000)
    assert (found.low, found.high) == pytest.approx((found.value - 0.124, found.value + 0.124), abs=0.02)
    assert mean_of(values) == found
    assert math.isnan(mean_of([]).value)
    assert math.isnan(mean_of([1]).low)


# Describing


def test_a_description_counts_lengths_gaps_and_repetitions():
    found = describe(vectors_of([3, 4], [0, 0], [NAN, 1], [3, 4], [0.0, 1], [-0.0, 1]))
    assert (found.count, found.usable, found.missing, found.zero, found.duplicates) == (6, 4, 1, 1, 2)
    assert (found.shortest, found.mean_length, found.longest) == (1, 3, 5)
    assert not found.unit_length
    assert describe(at_angle(1, 2, 3)).unit_length


def test_the_effective_rank_is_the_number_of_directions_that_are_evenly_used():
    cross = np.concatenate([np.eye(5), -np.eye(5)]).astype(np.float32)
    found = describe(cross)
    assert found.effective_rank == pytest.approx(5, abs=1e-5)
    # 45 pairs: 5 of opposites, 40 at right angles.
    assert found.similarities.mean == pytest.approx(-5 / 45)
    assert found.similarities.deviation == pytest.approx(math.sqrt(5 / 45 - (5 / 45) ** 2))
    assert describe(np.ones((4, 3), dtype=np.float32)).effective_rank == 0


# The lasso and the sample


def test_a_lasso_that_crosses_itself_has_a_hole():
    star = [(math.sin(turn * 4 * math.pi / 5), math.cos(turn * 4 * math.pi / 5)) for turn in range(5)]
    points = vectors_of([0, 0], [0, 0.8], [0.53, -0.73], [0.9, 0.9], [NAN, 0])
    assert within(points, star).tolist() == [1, 2]


def test_what_lies_on_the_line_of_a_lasso_is_inside():
    square = [(0, 0), (2, 0), (2, 2), (0, 2)]
    points = vectors_of(
        [0, 0], [2, 2], [1, 0], [2, 1], [1, 1], [2.001, 1], [-0.001, 2], [1, 2], [-1, 0], [3, 2], [0, 1]
    )
    assert within(points, square).tolist() == [0, 1, 2, 3, 4, 7, 10]
    assert within(points, square[::-1]).tolist() == [0, 1, 2, 3, 4, 7, 10]
    assert within(points, square[:2]).tolist() == []
    assert within(points, [(NAN, 0), *square, (np.inf, 1)]).tolist() == [0, 1, 2, 3, 4, 7, 10]


def test_a_lasso_agrees_with_a_ray_cast_point_by_point():
    random = np.random.default_rng(4)
    polygon = random.uniform(-1, 1, (40, 2)).tolist()
    points = random.uniform(-1, 1, (500, 2)).astype(np.float32)

    def crossings(x, y):
        sides = zip(polygon, polygon[1:] + polygon[:1], strict=True)
        return sum((y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1 for (x1, y1), (x2, y2) in sides)

    assert within(points, polygon).tolist() == [at for at, (x, y) in enumerate(points.tolist()) if crossings(x, y) % 2]


def test_one_long_label_takes_no_more_memory_than_it_has():
    """As an array of str, each label would be as wide as the longest."""
    vectors = np.random.default_rng(0).normal(size=(500, 4))
    labels = [*["a", ""] * 200, *["b"] * 99, "x" * 1_000_000]
    compare(vectors[:10], vectors[:10], labels=labels[:10])  # imports
    tracemalloc.start()
    assert len(sample(500, 100, strata=labels)) == 100
    found = compare(vectors, vectors, labels=labels).labels
    assert tracemalloc.get_traced_memory()[1] < 50_000_000
    tracemalloc.stop()
    assert (found.difference.of, found.left_out) == (299, 201)


def test_heavy_computations_wait_for_their_turn_and_call_one_another_freely():
    under_way, done = threading.Semaphore(0), threading.Event()
    begun = []

    def work(number):
        begun.append(number)
        under_way.release()
        return done.wait(30) and in_turn(lambda: number)()

    threads = [threading.Thread(target=in_turn(work), args=(number,)) for number in range(AT_ONCE + 1)]
    for thread in threads[:-1]:
        thread.start()
        assert under_way.acquire(timeout=30)
    threads[-1].start()
    assert not under_way.acquire(timeout=0.2)
    assert len(begun) == AT_ONCE
    done.set()
    for thread in threads:
        thread.join(30)
    assert sorted(begun) == list(range(AT_ONCE + 1))
    for function in (
        cluster,
        compare,
        describe,
        distortion,
        faithfulness,
        name_clusters,
        near_duplicates,
        outliers,
        pca,
    ):
        assert function.__wrapped__, function


def test_a_sample_is_random_sorted_and_keeps_each_strata_share():
    labels = ["rare"] * 100 + ["usual"] * 800 + ["some"] * 100  # sorted, where the first of them would be no sample
    found = sample(1_000, 50, strata=labels)
    assert found.tolist() == sorted(set(found.tolist()))
    assert [sum(labels[at] == name for at in found) for name in ("rare", "usual", "some")] == [5, 40, 5]
    assert sample(1_000, 50, strata=labels).tolist() == found.tolist()
    assert sample(1_000, 50, strata=labels, seed=1).tolist() != found.tolist()
    assert len(sample(1_000, 7, strata=[str(at) for at in range(1_000)])) == 7
    assert 400 < sample(1_000, 300).mean() < 600
    assert sample(5, 10).tolist() == [0, 1, 2, 3, 4]
    assert sample(5, 0).tolist() == []


# Odd input


@pytest.mark.parametrize(
    "odd",
    [
        np.zeros((0, 0)), np.zeros((0, 4)), np.zeros((3, 0)), np.zeros((4, 3)), np.full((3, 4), NAN), np.ones((1, 4)),
        np.ones((2, 4)), np.ones((30, 4)), np.ones((3, 1)), np.array([[1, 0], [NAN, 0], [0, 0]]), np.full((5, 3), 1e30),
        np.full((4, 3), 1e-30),
    ],
)  # fmt: skip
def test_odd_vectors_are_no_failure(odd):
    everything(odd.astype(np.float32))


@settings(max_examples=60, deadline=None)
@given(
    arrays.arrays(
        np.float32,
        arrays.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=12),
        elements=st.sampled_from([0.0, 1.0, -1.0, 0.5, NAN, np.inf, 1e20, 1e-20]) | st.floats(-2, 2, width=32),
    )
)
def test_no_vectors_are_a_failure(odd):
    everything(odd)


def everything(vectors):
    there = usable(vectors)
    layouts = [pca(vectors, dims) for dims in (2, 3)]
    for layout in layouts:
        assert (np.isfinite(layout.coordinates).all(axis=1) == there).all()
        assert 0 <= sum(layout.explained) <= 1 + 1e-6
    picture = layouts[0].coordinates
    believed = faithfulness(vectors, picture)
    assert np.isnan(believed.overlap) or 0 <= believed.overlap <= 1
    assert np.isnan(believed.trustworthiness) or 0 <= believed.trustworthiness <= 1
    assert not np.isfinite(distortion(vectors, picture))[~there].any()
    found = nearest(vectors, vectors, 3, leave_out=np.arange(len(vectors)))
    assert (found.indices[there] >= 0).all()
    assert np.isfinite(found.similarities[there]).all()
    assert (found.indices != np.arange(len(vectors))[:, None])[there].all()
    assert all(there[pair.first] and there[pair.second] for pair in near_duplicates(vectors).pairs)
    assert all(there[one.index] for one in outliers(vectors).outliers)
    assert describe(vectors).usable == there.sum()
    compared = compare(vectors, vectors, labels=["a"] * len(vectors))
    assert (compared.overlaps == 1).all()
    assert align(picture, picture).shape == picture.shape
    figures = check_retrieval(vectors, vectors, [{at} for at in range(len(vectors))])
    assert figures.measured == there.sum()
    within(picture, [(0, 0), (1, 0), (0, 1)])
