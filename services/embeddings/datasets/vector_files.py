"""Arrays and texts as files of one private folder. Written whole or not at all; never changed in place."""

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from services.embeddings.records import Floats
from services.state_file import StateTrouble

if TYPE_CHECKING:
    import pyarrow as pa

FOLDER = "embeddings"
SWEPT_SECONDS = 3600.0
"""Age at which a file that no record names is taken for what a crash left; younger ones may be another process's, about to
be named."""
LEFT_FREE = 500_000_000
"""Bytes of the disk that are left to others."""
_NAME = re.compile(r"[0-9a-f]{16}\.(npy|parquet)")
_WRITING = ".new"
_BLOCK_ROWS = 4096


class Damaged(StateTrouble):
    """A file is gone, or holds something else than was written."""


class VectorFiles:
    """The files. Names are made here, so that none leads out of the folder; who may see which is for their user to say."""

    def __init__(self, folder: Path | None) -> None:
        """A folder named `embeddings` in *folder*; where that is None, a temporary one that goes with this object."""
        if folder is None:
            folder = Path(tempfile.mkdtemp(prefix="brickyard-"))
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._folder = folder / FOLDER

    def path(self, owner: str, name: str) -> Path:
        """Where that file is, or would be. Raises StateTrouble for a name that is none of ours."""
        if not _NAME.fullmatch(name):
            raise StateTrouble(
                "A record names a file that is none of Brickyard's.", f"See who may write {self._folder}."
            )
        return self._folder_of(owner) / name

    def put_array(self, owner: str, array: Floats) -> str:
        """Write an array; the new file's name. One that is float32 and in C order is not copied. Raises StateTrouble."""
        whole = np.ascontiguousarray(array, dtype=np.float32)
        return self._put(
            owner, "npy", whole.nbytes, lambda file: np.lib.format.write_array(file, whole, allow_pickle=False)
        )

    def get_array(self, owner: str, name: str, shape: tuple[int, int]) -> Floats:
        """The array of that shape, read-only, mapped: the disk is read where it is looked at. A file that is replaced or
        deleted meanwhile stays readable. Raises StateTrouble, and FileNotFoundError where there is no such file."""
        path = self.path(owner, name)
        with self._told():
            try:
                array = np.load(path, mmap_mode="r", allow_pickle=False)
            except (ValueError, EOFError) as error:
                raise _damaged(path, error) from error
        if not isinstance(array, np.ndarray) or array.dtype != np.float32 or array.shape != shape:
            raise _damaged(path, "it holds something else")
        return array

    def put_columns(self, owner: str, columns: Mapping[str, Sequence[str]]) -> str:
        """Write texts as Parquet; the new file's name. Raises StateTrouble."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.table({name: pa.array(values, pa.large_string()) for name, values in columns.items()})
        return self._put(owner, "parquet", table.nbytes, lambda file: pq.write_table(table, file, compression="zstd"))

    def get_columns(self, owner: str, name: str, must: set[str], count: int) -> dict[str, tuple[str, ...]]:
        """The texts of a file of *count* rows by column, those it *must* have among them. Raises StateTrouble, and
        FileNotFoundError where there is no such file."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.path(owner, name)
        with self._told(), path.open("rb") as file:
            try:
                table = pq.ParquetFile(file).read()
                columns = {column: _strings(table.column(column)) for column in table.column_names}
            except (pa.ArrowException, UnicodeDecodeError) as error:
                raise _damaged(path, error) from error
            except OSError as error:
                if error.errno is None:  # pyarrow's own, of what it found in the file
                    raise _damaged(path, error) from error
                raise
        if not must <= set(columns) or any(len(values) != count or None in values for values in columns.values()):
            raise _damaged(path, "it holds something else")
        return columns

    def size(self, owner: str, *names: str) -> int:
        """Bytes on the disk, together; none where a name is empty or its file is gone. Raises StateTrouble."""
        paths = [self.path(owner, name) for name in names if name]
        with self._told():
            return sum(path.stat().st_size for path in paths if path.exists())

    def delete(self, owner: str, names: Sequence[str]) -> None:
        """Let go of files. One that cannot be deleted now, as on Windows while it is mapped, is swept later."""
        for name in names:
            with contextlib.suppress(OSError):
                self.path(owner, name).unlink()

    def sweep(self, named: set[str]) -> None:
        """Delete what is old and that no record of anybody has *named*."""
        before = time.time() - SWEPT_SECONDS
        with contextlib.suppress(OSError):
            for folder in [entry for entry in self._folder.iterdir() if entry.is_dir() and not entry.is_symlink()]:
                for file in folder.iterdir():
                    is_ours = _NAME.fullmatch(file.name.removesuffix(_WRITING))
                    if is_ours and file.name not in named and file.lstat().st_mtime < before:
                        file.unlink(missing_ok=True)

    def _put(self, owner: str, suffix: str, size: int, write: Callable[[IO[bytes]], None]) -> str:
        folder, name = self._folder_of(owner), f"{secrets.token_hex(8)}.{suffix}"
        with self._told(), self._whole(folder, name, size) as file:
            write(file)
        return name

    @contextlib.contextmanager
    def _whole(self, folder: Path, name: str, size: int) -> Iterator[IO[bytes]]:
        """A file that has its name only when all of it is on the disk."""
        for made in (self._folder, folder):
            made.mkdir(mode=0o700, parents=True, exist_ok=True)
        if shutil.disk_usage(folder).free < size + LEFT_FREE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        new = folder / f"{name}{_WRITING}"
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            new.replace(folder / name)
        except BaseException:
            new.unlink(missing_ok=True)
            raise

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """The disk's failures as ours, but for a file that is not there: that is for the caller."""
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StateTrouble(
                    "There is no room on the disk for these texts and vectors.", "Delete a dataset, or make room."
                ) from error
            raise StateTrouble(
                f"The files of texts and vectors cannot be read or written ({error.strerror or error}).",
                f"See who may read and write {self._folder}, then do it again.",
            ) from error

    def _folder_of(self, owner: str) -> Path:
        return self._folder / folder_name(owner)


def folder_name(owner: str) -> str:
    """What an owner's folder is called: nothing of their name is in it."""
    return hashlib.sha256(owner.encode(errors="surrogatepass")).hexdigest()[:32]


def same(kept: Floats, array: Floats) -> bool:
    """Whether both hold the same bits, NaN among them; in blocks, so that no second array is made."""
    if kept.shape != array.shape or array.dtype != np.float32:
        return False
    blocks = range(0, len(array), _BLOCK_ROWS)
    return all(np.array_equal(_bits(kept[at : at + _BLOCK_ROWS]), _bits(array[at : at + _BLOCK_ROWS])) for at in blocks)


def gone(path: Path) -> Damaged:
    """A file that a record names is not there."""
    return Damaged(
        "The file with these texts or vectors is gone.",
        f"Put a copy of {path.name} back into {path.parent}, or delete what it belonged to and embed again.",
    )


def _bits(rows: Floats) -> npt.NDArray[np.uint32]:
    return np.ascontiguousarray(rows).view(np.uint32)


def _damaged(path: Path, why: object) -> Damaged:
    return Damaged(
        f"The file with these texts or vectors is damaged ({' '.join(str(why).split())[:200]}).",
        f"Put a copy of {path} back, or delete what it belonged to and embed again.",
    )


def _strings(column: "pa.ChunkedArray") -> tuple[str, ...]:
    import pyarrow as pa

    if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
        raise pa.ArrowInvalid("a column is no text")
    return tuple(column.to_pylist())
