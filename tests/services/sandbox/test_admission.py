"""Places in the sandbox: so many, so many of one user's, and each user in turn."""

import threading
from contextlib import ExitStack

from services.sandbox.admission import Admission
from tests.local_workspaces import eventually


def test_nobody_has_more_than_their_places_and_all_together_no_more_than_there_are():
    admission = Admission(3, of_one_user=2, patience_seconds=0)
    with ExitStack() as places:

        def enter(user: str) -> bool:
            return places.enter_context(admission.place(user))

        assert [enter("a"), enter("a"), enter("a")] == [True, True, False]
        assert [enter("b"), enter("b")] == [True, False]
    with admission.place("c") as admitted:
        assert admitted


def test_a_place_is_given_back_when_what_held_it_fails():
    admission = Admission(1, of_one_user=1, patience_seconds=0)
    try:
        with admission.place("a"):
            raise ValueError
    except ValueError:
        pass
    with admission.place("b") as admitted:
        assert admitted


def test_who_waits_is_let_in_by_turns():
    admission = Admission(1, of_one_user=1, patience_seconds=30)
    order: list[str] = []

    def wait(user: str) -> None:
        with admission.place(user) as admitted:
            assert admitted
            order.append(user)

    threads = []
    with admission.place("first"):
        for number, user in enumerate(["greedy", "greedy", "greedy", "other"], 1):
            threads.append(threading.Thread(target=wait, args=(user,)))
            threads[-1].start()
            eventually(lambda n=number: sum(map(len, admission._waiting.values())) == n)
    for thread in threads:
        thread.join()
    assert order == ["greedy", "other", "greedy", "greedy"]


def test_many_at_once_never_exceed_the_places():
    admission = Admission(3, of_one_user=2, patience_seconds=30)
    lock, inside, most = threading.Lock(), 0, 0

    def work(user: str) -> None:
        nonlocal inside, most
        for _ in range(50):
            with admission.place(user) as admitted:
                with lock:
                    assert admitted
                    inside += 1
                    most = max(most, inside)
                with lock:
                    inside -= 1

    threads = [threading.Thread(target=work, args=(str(n % 4),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (inside, most <= 3, admission._free, +admission._running) == (0, True, 3, {})
