"""Encryption at rest: secret values and plaintext provider keys, under a key file that only this user can read."""

from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from local_workspace.database import Database
from local_workspace.private_files import write_private

FILE_NAME = "secrets.key"
_MARK = b"local workspace"
_ONLY_KEY = "no stored secret can be read without it"


class Cipher:
    """Encrypts and decrypts with the state folder's key, which is made at first use.

    The database remembers a text encrypted with the key, from the first value on: so a key that was lost or exchanged is
    noticed at the start and never replaced by one that can read nothing.
    """

    def __init__(self, folder: Path, database: Database) -> None:
        """Raises ValueError when the key file is missing, no key or not the right one, and OSError when it cannot be read."""
        path = folder / FILE_NAME
        self._database = database
        database.script("CREATE TABLE IF NOT EXISTS key_mark (mark BLOB NOT NULL)")
        row = database.row("SELECT mark FROM key_mark")
        if not path.exists():
            if row:
                raise ValueError(f"its file {FILE_NAME} is missing, and {_ONLY_KEY}; put it back")
            write_private(path, Fernet.generate_key().decode())
        path.chmod(0o600)
        try:
            self._fernet = Fernet(path.read_bytes().strip())
        except ValueError as error:
            raise ValueError(f"its file {FILE_NAME} is damaged: it holds no key, and {_ONLY_KEY}") from error
        if row and not self._opens(row["mark"]):
            raise ValueError(
                f"its file {FILE_NAME} holds another key than the one of the stored secrets; put that back"
            )

    def encrypt(self, value: bytes) -> bytes:
        """`value`, encrypted and signed; about a third longer."""
        self._database.run(
            "INSERT INTO key_mark (mark) SELECT ? WHERE NOT EXISTS (SELECT * FROM key_mark)",
            [self._fernet.encrypt(_MARK)],
        )
        return self._fernet.encrypt(value)

    def decrypt(self, token: bytes) -> bytes:
        """What `encrypt` was given. Raises ValueError when it was encrypted with another key, or damaged."""
        try:
            return self._fernet.decrypt(token)
        except InvalidToken as error:
            raise ValueError(f"A stored secret does not fit the key in {FILE_NAME}.") from error

    def _opens(self, token: bytes) -> bool:
        try:
            return self._fernet.decrypt(token) == _MARK
        except InvalidToken:
            return False
