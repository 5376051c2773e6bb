"""The state folder: what is in it after the process was killed, and what it says when something in it is damaged."""

import base64
import contextlib
import json
import shutil
import sqlite3
import stat
import subprocess
import sys

import pytest

from local_workspace.cipher import Cipher
from local_workspace.database import SCHEMA_VERSION, Database
from local_workspace.state import open_state
from tests.local_workspace.calls import call
from tests.local_workspace.secrets_calls import get, post
from tests.local_workspaces import ROOT, start_local_workspace

AS_ROOT_WITHOUT_ITS_POWERS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")


def start_and_fail(folder, *before: str) -> str:
    """The one sentence with which a workspace on `folder` ends, with status 1."""
    command = [*before, sys.executable, "-m", "local_workspace", "--state", str(folder)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert ended.stderr.startswith(f"The state folder {folder} cannot be used: ")
    return ended.stderr


def contents(folder) -> dict[str, bytes]:
    """The files that hold something: not the lock, nor SQLite's index of its log, nor that log while it is empty."""
    files = [path for path in folder.iterdir() if path.is_file() and path.name not in {"workspace.db-shm", "lock"}]
    return {path.name: path.read_bytes() for path in files if path.stat().st_size or path.name != "workspace.db-wal"}


@pytest.fixture(scope="module")
def killed_state(tmp_path_factory):
    """A state folder with a secret in it, as `kill -9` left it."""
    folder = tmp_path_factory.mktemp("killed") / "state"
    workspace = start_local_workspace(folder.with_suffix(".txt"), "--state", str(folder))
    post(workspace, "scopes/create", scope="s")
    post(workspace, "put", scope="s", key="k", string_value="v")
    workspace.process.kill()
    workspace.stop()
    return folder


@pytest.fixture
def state(killed_state, tmp_path):
    """A copy of it to damage."""
    return shutil.copytree(killed_state, tmp_path / "state")


def test_what_was_put_is_there_after_a_kill_and_a_restart(make_local_workspace, tmp_path):
    for turn in range(2):
        workspace = make_local_workspace("--state", str(tmp_path / "state"))
        for earlier in range(turn):
            found = get(workspace, "get", workspace.users["analyst"], scope=f"s{earlier}", key="k").json()
            assert base64.b64decode(found["value"]).decode() == f"벽돌 {earlier}"
        post(workspace, "scopes/create", scope=f"s{turn}")
        post(workspace, "acls/put", scope=f"s{turn}", principal="users", permission="READ")
        assert post(workspace, "put", scope=f"s{turn}", key="k", string_value=f"벽돌 {turn}").status_code == 200
        workspace.process.kill()
        workspace.process.wait()


def test_a_second_workspace_on_the_folder_is_refused_until_the_first_has_ended(make_local_workspace, tmp_path):
    folder = tmp_path / "state"
    first = make_local_workspace("--state", str(folder))
    before = contents(folder)
    sentence = start_and_fail(folder)
    assert f"another local workspace (process {first.process.pid}) is using it" in sentence
    assert contents(folder) == before
    assert call(first, "GET", "/api/2.0/secrets/scopes/list").status_code == 200
    first.process.kill()
    first.process.wait()
    second = make_local_workspace("--state", str(folder))  # also while the first one's children are still ending
    assert second.users == first.users


@pytest.mark.parametrize("name", ["workspace.db", "tokens.json", "secrets.key"])
def test_a_file_cut_in_half_is_reported_and_nothing_written(state, name):
    Database(state).close()  # SQLite moves its log into the file
    whole = (state / name).read_bytes()
    (state / name).write_bytes(whole[: len(whole) // 2])
    before = contents(state)
    assert f"its file {name} is damaged" in start_and_fail(state)
    assert contents(state) == before


def test_a_lost_key_is_reported_and_not_replaced(state):
    (state / "secrets.key").unlink()
    assert "its file secrets.key is missing" in start_and_fail(state)
    assert not (state / "secrets.key").exists()


def overwrite(file, content: bytes, at: int = 0) -> None:
    """Put `content` in place of the bytes from `at` on."""
    whole = bytearray(file.read_bytes())
    whole[at : at + len(content)] = content
    file.write_bytes(whole)


@pytest.fixture
def database_file(tmp_path):
    """A database that was closed, with more in it than a page."""
    database = Database(tmp_path)
    database.script("CREATE TABLE t (x TEXT)")
    for _ in range(100):
        database.run("INSERT INTO t VALUES (?)", ["x" * 1000])
    database.close()
    return database.path


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(b"\0" * 4096),
        lambda file: file.write_bytes(b"x" * 100_000),
        lambda file: file.write_bytes(file.read_bytes()[:100]),
        lambda file: file.write_bytes(file.read_bytes()[:-5000]),
        lambda file: overwrite(file, b"garbage"),
        lambda file: overwrite(file, b"\xff" * 4096, at=8192),
        lambda file: overwrite(file, b"\xff" * 200, at=100),
    ],
)
def test_a_damaged_database_is_reported_and_left_alone(database_file, damage):
    damage(database_file)
    before = contents(database_file.parent)
    with pytest.raises(ValueError, match=r"^its file workspace\.db (is damaged|cannot be opened) \(.+\)[^\n]*[^.\n]$"):
        Database(database_file.parent)
    assert contents(database_file.parent) == before


def test_a_database_of_a_newer_version_is_reported(database_file):
    with sqlite3.connect(database_file) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(ValueError, match=r"its file workspace\.db was written by a newer version"):
        Database(database_file.parent)


def test_a_database_that_is_missing_beside_its_log_is_reported(state):
    (state / "workspace.db").unlink()
    before = contents(state)
    assert "workspace.db-wal" in before
    with pytest.raises(ValueError, match=r"its file workspace\.db is missing, though workspace\.db-wal is there"):
        Database(state)
    assert contents(state) == before


def test_a_folder_where_a_file_should_be_is_reported(tmp_path):
    (tmp_path / "workspace.db").mkdir()
    with pytest.raises(ValueError, match=r"its file workspace\.db cannot be opened"):
        Database(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\xff",
        "[]",
        "null",
        "{}",
        '{"created_ms": 1, "tokens": []}',
        '{"created_ms": 1, "tokens": {"admin": "dapi12345678"}}',
        '{"created_ms": 1, "tokens": {"admin": "dapi12345678", "analyst": null}}',
        '{"created_ms": 1, "tokens": {"admin": "dapi12345678", "analyst": ""}}',
        '{"created_ms": 1, "tokens": {"admin": "dapi12345678", "analyst": "dapi 2345678"}}',
        '{"created_ms": 1, "tokens": {"admin": "dapi12345678", "analyst": "dapi12345678"}}',
        '{"created_ms": "x", "tokens": {"admin": "dapi12345678", "analyst": "dapi87654321"}}',
        '{"created_ms": true, "tokens": {"admin": "dapi12345678", "analyst": "dapi87654321"}}',
        '{"created_ms": null, "tokens": {"admin": "dapi12345678", "analyst": "dapi87654321"}}',
        '{"created_ms": Infinity, "tokens": {"admin": "dapi12345678", "analyst": "dapi87654321"}}',
    ],
)
def test_damaged_tokens_are_reported_without_being_shown(tmp_path, text):
    (tmp_path / "tokens.json").write_text(text, "latin-1")
    with pytest.raises(ValueError, match=r"^its file tokens\.json is damaged") as refused:
        open_state(tmp_path)
    assert "dapi" not in str(refused.value)
    assert (tmp_path / "tokens.json").read_text("latin-1") == text
    assert not (tmp_path / "workspace.db").exists()


def test_a_person_may_choose_the_tokens(tmp_path):
    tokens = {"admin": "dapi-of-my-own", "analyst": "another-one"}
    (tmp_path / "tokens.json").write_text(json.dumps({"created_ms": 5, "tokens": tokens}))
    opened = open_state(tmp_path)
    assert (opened.tokens, opened.created_ms) == (tokens, 5)


@pytest.mark.parametrize("key", [b"", b"x", b"\xff\xfe", b"A" * 44 + b"\n" + b"A" * 44, base64.b64encode(b"k" * 31)])
def test_a_key_file_without_a_key_is_reported_and_left_alone(state, key):
    (state / "secrets.key").write_bytes(key)
    with pytest.raises(ValueError, match=r"its file secrets\.key is damaged"):
        Cipher(state, Database(state))
    assert (state / "secrets.key").read_bytes() == key


def test_another_key_is_reported(state):
    (state / "secrets.key").write_bytes(base64.urlsafe_b64encode(b"k" * 32))
    with pytest.raises(ValueError, match=r"its file secrets\.key holds another key"):
        Cipher(state, Database(state))


def test_a_key_that_nothing_needs_yet_is_made_again(tmp_path):
    database = Database(tmp_path)
    Cipher(tmp_path, database)
    (tmp_path / "secrets.key").unlink()
    kept = Cipher(tmp_path, database).encrypt(b"v")
    assert Cipher(tmp_path, database).decrypt(kept) == b"v"


def test_a_transaction_that_fails_leaves_no_secret_without_its_mark(tmp_path):
    database = Database(tmp_path)
    cipher = Cipher(tmp_path, database)
    with contextlib.suppress(KeyError), database.transaction():
        cipher.encrypt(b"v")
        raise KeyError
    assert database.rows("SELECT * FROM key_mark") == []
    cipher.encrypt(b"v")
    (tmp_path / "secrets.key").unlink()
    with pytest.raises(ValueError, match=r"secrets\.key is missing"):
        Cipher(tmp_path, database)


def test_in_a_folder_that_others_can_read_the_files_are_private(make_local_workspace, tmp_path):
    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(0o755)
    workspace = make_local_workspace("--state", str(folder), "--tls")
    post(workspace, "scopes/create", scope="s")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir() if path.is_file()}
    assert {"workspace.db", "workspace.db-wal", "secrets.key", "tokens.json"} <= set(modes)
    readable = {name for name, mode in modes.items() if mode & 0o077}
    assert {name for name in readable if not name.endswith(".pem")} == set()


@pytest.mark.skipif(not shutil.which("setpriv"), reason="needs setpriv of util-linux")
@pytest.mark.parametrize("is_new", [True, False])
def test_a_folder_that_cannot_be_written_to_is_one_sentence(state, tmp_path, is_new):
    folder = tmp_path / "closed" / "new" if is_new else state
    folder.parent.mkdir(exist_ok=True)
    (folder.parent if is_new else folder).chmod(0o555)
    if not is_new:
        (folder / "lock").chmod(0o400)
    before = AS_ROOT_WITHOUT_ITS_POWERS if not_bound_by_modes(tmp_path) else ()
    assert "Permission denied" in start_and_fail(folder, *before)


def not_bound_by_modes(tmp_path) -> bool:
    """Whether this process may write where modes forbid it, as root does."""
    closed = tmp_path / "probe"
    closed.mkdir()
    closed.chmod(0o555)
    try:
        (closed / "x").touch()
    except PermissionError:
        return False
    return True


def test_a_path_that_is_no_folder_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("x")
    assert "File exists" in start_and_fail(tmp_path / "file")
    assert "Not a directory" in start_and_fail(tmp_path / "file" / "below")


def test_a_transaction_on_a_full_disk_says_so_and_leaves_the_database_usable(tmp_path):
    database = Database(tmp_path)
    database.script("CREATE TABLE kept (text TEXT)")
    database.run("INSERT INTO kept VALUES ('before')")
    [pages] = database.rows("PRAGMA page_count")
    database.run(f"PRAGMA max_page_count = {pages[0]}")  # as full as a disk
    for _ in range(2):
        with pytest.raises(sqlite3.OperationalError, match="disk is full"), database.transaction():
            database.run("INSERT INTO kept VALUES (?)", ["x" * 100_000])
    assert [row["text"] for row in database.rows("SELECT text FROM kept")] == ["before"]
    with database.transaction():
        database.run("UPDATE kept SET text = 'after'")
    assert [row["text"] for row in database.rows("SELECT text FROM kept")] == ["after"]
