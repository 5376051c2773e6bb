"""Saved transforms, and the file that they are kept in."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from services.errors import BadInput
from services.settings import Settings
from services.state_file import StateTrouble
from services.transforms import LOCAL, Library, Place, PlaceKind, Transform, library
from services.transforms.library import (
    KEPT,
    KEPT_DAYS_OF_A_BROWSER,
    MOST_ATTACHED,
    MOST_NAME,
    MOST_OF_A_BROWSER,
    MOST_SOURCE,
    MOST_TOTAL,
    MOST_TRANSFORMS,
    MOST_VERSIONS,
)
from services.visitors import owner_of
from tests.local_workspaces import ROOT

ME, OTHER = "this machine", "user somebody else"
HERE = Place(PlaceKind.ENDPOINT, LOCAL, "dolly")
IDENTITY = "def transform_input(**request):\n    return request\n"
SHOUT = "def transform_output(response):\n    return response.upper()\n"


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "deep" / "state"


@pytest.fixture(params=["on disk", "in memory"])
def saved(request, folder) -> Library:
    return Library(folder if request.param == "on disk" else None)


def test_a_version_is_made_only_where_the_source_differs(saved):
    assert saved.save(ME, "  Loud ", IDENTITY) == Transform("Loud", 1, IDENTITY)
    assert saved.save(ME, "Loud", IDENTITY).version == 1
    assert saved.save(ME, "Loud", SHOUT).version == 2
    assert saved.save(ME, "Loud", IDENTITY).version == 3, "an older source again is a version, too"
    assert [one.number for one in saved.versions(ME, "Loud")] == [3, 2, 1]
    assert saved.versions(ME, "Loud")[1].characters == len(SHOUT)
    assert saved.get(ME, "Loud") == Transform("Loud", 3, IDENTITY)
    assert saved.get(ME, "Loud", 2) == Transform("Loud", 2, SHOUT)


def test_nobody_meets_what_is_another_persons(saved):
    saved.save(ME, "mine", IDENTITY)
    saved.attach(ME, HERE, "mine")
    assert (saved.names(OTHER), saved.attached(OTHER, HERE), saved.places(OTHER, "mine")) == ([], None, [])
    for meddle in (
        lambda: saved.get(OTHER, "mine"),
        lambda: saved.versions(OTHER, "mine"),
        lambda: saved.rename(OTHER, "mine", "theirs"),
        lambda: saved.attach(OTHER, HERE, "mine"),
    ):
        with pytest.raises(BadInput, match="There is no transform “mine” any more"):
            meddle()
    saved.delete(OTHER, "mine")
    saved.detach(OTHER, HERE)
    saved.save(OTHER, "mine", SHOUT)
    saved.attach(OTHER, HERE, "mine")
    assert saved.get(ME, "mine").source == IDENTITY
    assert saved.attached(ME, HERE) == Transform("mine", 1, IDENTITY)


def test_an_attachment_follows_its_transform(saved):
    saved.save(ME, "b", IDENTITY)
    saved.save(ME, "A", SHOUT)
    target = Place(PlaceKind.TARGET, "https://adb-1.2.azuredatabricks.net", "dolly")
    saved.attach(ME, HERE, "b")
    saved.attach(ME, target, "b")
    assert saved.names(ME) == ["A", "b"]
    assert saved.places(ME, "b") == [HERE, target]
    saved.save(ME, "b", SHOUT)
    saved.rename(ME, "b", "c")
    assert saved.attached(ME, HERE) == Transform("c", 2, SHOUT), "its latest version, under its new name"
    assert saved.attached(ME, replace(HERE, workspace="https://elsewhere")) is None
    saved.attach(ME, HERE, "A")
    assert saved.attached(ME, HERE) == Transform("A", 1, SHOUT)
    saved.detach(ME, HERE)
    assert saved.attached(ME, HERE) is None
    saved.delete(ME, "c")
    assert saved.attached(ME, target) is None
    saved.save(ME, "c", IDENTITY)
    assert saved.attached(ME, target) is None, "a later one of that name is another one"
    assert saved.get(ME, "c").version == 1


def test_a_name_that_is_taken_stays_as_it_was(saved):
    saved.save(ME, "a", IDENTITY)
    saved.save(ME, "b", SHOUT)
    with pytest.raises(BadInput, match="There is a transform “b” already"):
        saved.rename(ME, "a", "b")
    saved.rename(ME, "a", " a ")
    assert (saved.get(ME, "a").source, saved.get(ME, "b").source) == (IDENTITY, SHOUT)


@pytest.mark.parametrize(
    ("name", "source", "says"),
    [
        ("", IDENTITY, "needs a name"),
        (" \n", IDENTITY, "needs a name"),
        ("a" * (MOST_NAME + 1), IDENTITY, "81 characters"),
        ("two\nlines", IDENTITY, "cannot be seen"),
        ("left\u202eright", IDENTITY, "cannot be seen"),
        ("half \ud83e", IDENTITY, "cannot be seen"),
        ("a", "x" * (MOST_SOURCE + 1), "200,001 bytes"),
        ("a", "é" * (MOST_SOURCE // 2 + 1), "200,002 bytes"),
        ("a", "# \ud83e", "half a character"),
        ("a", "# \0", "NUL"),
    ],
)
def test_what_cannot_be_kept_is_not(saved, name, source, says):
    with pytest.raises(BadInput, match=says):
        saved.save(ME, name, source)
    assert saved.names(ME) == []


def test_what_can_be_kept_is(saved):
    for name in ("a" * MOST_NAME, "변환 ✨", "'; DROP TABLE version; --", "../../etc/passwd", "e\u0301"):
        saved.save(ME, name, "x" * MOST_SOURCE)
    assert len(saved.names(ME)) == 5
    assert saved.get(ME, "é".replace("e\u0301", "é")).name == "é", "the same letters, however they are typed"


def test_there_is_an_end_to_it():
    saved = Library(None)
    for number in range(MOST_VERSIONS + 2):
        saved.save(ME, "often", f"# {number}")
    kept = [one.number for one in saved.versions(ME, "often")]
    assert (len(kept), kept[0], kept[-1]) == (MOST_VERSIONS, MOST_VERSIONS + 2, 3)
    with pytest.raises(BadInput, match="no version 1 of “often”"):
        saved.get(ME, "often", 1)
    for number in range(MOST_TRANSFORMS - 1):
        saved.save(ME, f"t{number}", IDENTITY)
    with pytest.raises(BadInput, match="200 transforms are kept at most"):
        saved.save(ME, "one too many", IDENTITY)
    assert saved.save(OTHER, "theirs", IDENTITY).version == 1
    assert saved.save(ME, "often", "# still").version == MOST_VERSIONS + 3
    for number in range(MOST_ATTACHED):
        saved.attach(ME, replace(HERE, name=str(number)), "often")
    with pytest.raises(BadInput, match="1000 attachments"):
        saved.attach(ME, replace(HERE, name="one too many"), "often")
    large = "x" * (MOST_SOURCE - 3)
    for number in range(MOST_TOTAL // MOST_SOURCE - 1):
        saved.save(OTHER, "theirs", f"{number:03}{large}")
    saved.save(OTHER, "theirs", f"abc{large[: -len(IDENTITY)]}")
    with pytest.raises(BadInput, match="20 million characters"):
        saved.save(OTHER, "theirs", f"def{large}")
    assert saved.get(OTHER, "theirs").source.startswith("abc")


def test_only_its_owner_can_read_the_file_and_it_outlives_the_process(folder):
    Library(folder).save(ME, "kept", IDENTITY)
    assert stat.S_IMODE((folder / KEPT.file).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert Library(folder).get(ME, "kept").source == IDENTITY
    assert Library(folder).why_in_memory == ""


def test_threads_and_processes_keep_each_others_versions(folder):
    saved, each = Library(folder), 15
    program = (
        "import sys; from pathlib import Path; from services.transforms import Library\n"
        f"saved = Library(Path({str(folder)!r}))\n"
        f"for number in range({each}): saved.save({ME!r}, 'busy', f'# {{sys.argv[1]}} {{number}}')"
    )
    others = [subprocess.Popen([sys.executable, "-c", program, name], cwd=ROOT) for name in ("p", "q")]
    write = lambda name: [saved.save(ME, "busy", f"# {name} {number}") for number in range(each)]  # noqa: E731
    threads = [threading.Thread(target=write, args=(name,)) for name in ("r", "s")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [other.wait(60) for other in others] == [0, 0]
    versions = saved.versions(ME, "busy")
    assert [one.number for one in versions] == list(range(4 * each, 0, -1))
    assert {saved.get(ME, "busy", one.number).source for one in versions} == {
        f"# {name} {number}" for name in "pqrs" for number in range(each)
    }


def _other_tables(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE somebody_elses (x)")
    db.close()


def _newer(path: Path) -> None:
    Library(path.parent).save(ME, "a", IDENTITY)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()


def _torn(path: Path) -> None:
    saved = Library(path.parent)
    for number in range(40):
        saved.save(ME, f"a{number}", "x" * 4000)
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + os.urandom(len(whole) - 4096))


@pytest.mark.parametrize(
    ("damage", "says", "hint"),
    [
        (lambda path: path.write_bytes(b"no database at all, but long enough to be one" * 9), "is damaged", "Move /"),
        (_torn, "is damaged", "Move /"),
        (_other_tables, "is not one of Brickyard's", "Move transforms.sqlite3"),
        (_newer, "another version of Brickyard", "Update Brickyard"),
        (lambda path: path.mkdir(), "cannot be opened", "See who may write"),
    ],
)
def test_a_damaged_file_is_told_with_a_next_step_and_left_as_it_is(folder, damage, says, hint):
    saved = Library(folder)
    (folder / KEPT.file).unlink()
    damage(folder / KEPT.file)
    before = None if (folder / KEPT.file).is_dir() else (folder / KEPT.file).read_bytes()
    with pytest.raises(StateTrouble, match=says) as told:
        saved.save(ME, "a7", IDENTITY)
    assert told.value.hint.startswith(hint)
    assert before is None or (folder / KEPT.file).read_bytes() == before
    damaged = folder / KEPT.file
    damaged.rename(folder / "away")
    assert saved.save(ME, "a", IDENTITY).version == 1, "and goes on where it was moved away"


def test_what_fails_half_way_leaves_nothing(folder):
    saved = Library(folder)
    saved.save(ME, "a", IDENTITY)
    with sqlite3.connect(folder / KEPT.file) as db:
        db.execute("CREATE TRIGGER full BEFORE INSERT ON version BEGIN SELECT RAISE(ABORT, 'no'); END")
    db.close()
    with pytest.raises(StateTrouble):
        saved.save(ME, "b", SHOUT)
    assert saved.names(ME) == ["a"]


def test_a_file_that_another_process_holds_is_no_damage(folder):
    saved = Library(folder, replace(KEPT, busy_seconds=0.05))
    saved.names(ME)
    holder = sqlite3.connect(folder / KEPT.file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StateTrouble, match="Another process holds") as told:
        saved.names(ME)
    holder.close()
    assert told.value.hint == "Do it again in a moment."
    assert saved.names(ME) == []


def test_a_full_disk_is_told_and_what_was_kept_stays(folder):
    Library(folder).save(ME, "a", IDENTITY)
    saved = Library(folder, replace(KEPT, most_on_disk=100_000))
    with pytest.raises(StateTrouble, match="There is no room for more saved transforms") as told:
        saved.save(ME, "large", "x" * MOST_SOURCE)
    assert "make room" in told.value.hint
    assert saved.names(ME) == ["a"]


def test_a_new_one_never_takes_over_a_name_however_it_is_written(folder):
    saved = Library(folder)
    saved.save(ME, "Caf\u00e9", IDENTITY, new=True)
    with pytest.raises(BadInput, match="There is a transform “Café” already"):
        saved.save(ME, "Cafe\u0301", SHOUT, new=True)
    assert [one.number for one in saved.versions(ME, "Caf\u00e9")] == [1]


def test_a_browser_that_nobody_vouches_for_has_less_room_and_is_forgotten_after_a_while(folder):
    saved = Library(folder)
    browser = owner_of("cookie", "", alone=False)
    for number in range(MOST_OF_A_BROWSER // MOST_SOURCE):
        saved.save(browser, f"large {number}", "x" * MOST_SOURCE)
    with pytest.raises(BadInput, match="more than 2 million characters"):
        saved.save(browser, "one more", "x")
    assert saved.last_saved(browser) == f"large {MOST_OF_A_BROWSER // MOST_SOURCE - 1}"
    saved.save(ME, "mine", IDENTITY)
    with sqlite3.connect(folder / KEPT.file) as db:
        db.execute("UPDATE version SET saved_at = saved_at - ?", ((KEPT_DAYS_OF_A_BROWSER + 1) * 86_400,))
    db.close()
    saved.save(OTHER, "theirs", IDENTITY)
    assert (saved.names(browser), saved.names(ME), saved.names(OTHER)) == ([], ["mine"], ["theirs"])


def test_the_file_is_nobody_elses(folder):
    folder.mkdir(parents=True)
    (folder / KEPT.file).touch(0o644)
    Library(folder).save(ME, "a", IDENTITY)
    assert stat.S_IMODE((folder / KEPT.file).stat().st_mode) == 0o600
    (folder / KEPT.file).rename(folder / "elsewhere")
    (folder / KEPT.file).symlink_to(folder / "elsewhere")
    assert "cannot be written" in Library(folder).why_in_memory
    (folder / KEPT.file).unlink()
    folder.chmod(0o777)
    assert "Other people of this machine may write it" in Library(folder).why_in_memory


def test_a_folder_that_cannot_be_written_is_told_and_all_is_kept_in_memory(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    saved = Library(tmp_path / "file" / "state")
    assert "cannot be written" in saved.why_in_memory
    assert "BRICKYARD_STATE" in saved.why_in_memory
    assert saved.save(ME, "a", IDENTITY).version == 1
    assert saved.names(ME) == ["a"]
    assert "go when Brickyard ends" in Library(None).why_in_memory


def test_the_folder_is_where_the_settings_say(monkeypatch, tmp_path):
    say = Settings.from_environment
    assert say({"BRICKYARD_STATE": "/srv/state"}).state == Path("/srv/state")
    assert say({"XDG_STATE_HOME": "/x"}).state == Path("/x/brickyard")
    assert say({"XDG_STATE_HOME": "relative"}).state == Path("~/.local/state/brickyard").expanduser()
    assert say({"BRICKYARD_STATE": "~nobody-of-that-name/x"}).state is None
    monkeypatch.setenv("BRICKYARD_STATE", str(tmp_path / "here"))
    library().save(ME, "a", IDENTITY)
    assert library() is library()
    assert (tmp_path / "here" / KEPT.file).exists()
