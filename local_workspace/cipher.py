"""Encryption at rest: secret values and plaintext provider keys, under a key file that only this user can read."""

from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from local_workspace.private_files import write_private

FILE_NAME = "secrets.key"


class Cipher:
    """Encrypts and decrypts with the state folder's key, which is made at first use."""

    def __init__(self, folder: Path) -> None:
        """Raises ValueError when the key file is not a key, and OSError when it cannot be read."""
        path = folder / FILE_NAME
        if not path.exists():
            write_private(path, Fernet.generate_key().decode())
        path.chmod(0o600)
        try:
            self._fernet = Fernet(path.read_text().strip())
        except ValueError as error:
            raise ValueError(
                f"its file {FILE_NAME} holds no key; without the right one no secret can be read"
            ) from error

    def encrypt(self, value: bytes) -> bytes:
        """`value`, encrypted and signed; about a third longer."""
        return self._fernet.encrypt(value)

    def decrypt(self, token: bytes) -> bytes:
        """What `encrypt` was given. Raises ValueError when it was encrypted with another key, or damaged."""
        try:
            return self._fernet.decrypt(token)
        except InvalidToken as error:
            raise ValueError(f"A stored secret does not fit the key in {FILE_NAME}.") from error
