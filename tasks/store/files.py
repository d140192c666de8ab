"""The store: what lies where, and the only way files get there.

A file is written beside its place under another name, flushed to the disk, and then renamed; a reader sees the
old file, the new file or none, whatever dies when. Folders of arrays are committed the same way. Parquet files
carry page checksums and their provenance, and are verified when read.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

P = ParamSpec("P")
T = TypeVar("T")

TEMPORARY = ".writing-"
"""Start of the name of a file or folder that is not committed; nothing reads these."""

META = "meta.json"


class DamagedError(Exception):
    """A file of the store cannot be trusted; it is computed again."""


def write_table(table: pa.Table, path: Path, provenance: Mapping[str, Any] | None = None) -> None:
    """Commit a Parquet file: page checksums, zstd, provenance as JSON in the footer."""
    if provenance is not None:
        footer = json.dumps(provenance, sort_keys=True, ensure_ascii=False)
        table = table.replace_schema_metadata({"steadymap": footer})
    with committed_file(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)


def read_table(path: Path, schema: pa.Schema | None = None) -> pa.Table:
    """Read a Parquet file and verify it.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    DamagedError
        The file is not Parquet, a checksum is wrong, or its columns are not those of ``schema``.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            table = file.read()
    except FileNotFoundError:
        raise
    except (OSError, pa.ArrowException, ValueError) as error:
        raise DamagedError(f"{path}: {error}") from error
    if schema is not None and not table.schema.equals(schema):
        raise DamagedError(f"{path}: unexpected columns {table.schema.names}")
    return table


def read_if_whole(read: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T | None:
    """Return what ``read`` finds; None where there is nothing, or it is damaged and has to be made again."""
    try:
        return read(*arguments, **named)
    except (FileNotFoundError, DamagedError):
        return None


def read_provenance(path: Path) -> dict[str, Any]:
    """Return what the footer of one of our Parquet files says about its origin."""
    metadata = pq.read_schema(path).metadata or {}
    provenance: dict[str, Any] = json.loads(metadata.get(b"steadymap", b"{}"))
    return provenance


def write_text(text: str, path: Path) -> None:
    """Commit a UTF-8 text file."""
    with committed_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_arrays(folder: Path, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> None:
    """Commit a folder with one .npy file per array (so that workers can map them) and a meta.json.

    Where the folder is there already, in whole, it is kept: its name is its identity.
    """
    temporary = folder.with_name(f"{TEMPORARY}{folder.name}-{uuid.uuid4().hex}")
    temporary.mkdir(parents=True)
    try:
        digests = {}
        for name, array in arrays.items():
            np.save(temporary / f"{name}.npy", array, allow_pickle=False)
            digests[f"{name}.npy"] = file_digest(temporary / f"{name}.npy")
        text = json.dumps({**meta, "files": digests}, sort_keys=True, ensure_ascii=False, indent=1)
        (temporary / META).write_text(text, encoding="utf-8")
        for file in temporary.iterdir():
            flush(file)
        with contextlib.suppress(OSError):
            # Another process may have committed the same thing meanwhile; the rename then fails.
            temporary.rename(folder)
            flush(folder.parent)
        if not folder.is_dir():
            raise OSError(f"cannot commit {folder}")
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def read_meta(folder: Path) -> dict[str, Any]:
    """Return the meta.json of a committed folder, its arrays verified.

    Raises
    ------
    FileNotFoundError
        The folder is not there.
    DamagedError
        An array is missing or not as it was written; the folder is removed, since it can be made again.
    """
    text = (folder / META).read_text(encoding="utf-8")
    try:
        meta: dict[str, Any] = json.loads(text)
        damaged = [name for name, known in meta["files"].items() if file_digest(folder / name) != known]
    except (ValueError, KeyError, OSError):
        damaged = [META]
    if damaged:
        shutil.rmtree(folder, ignore_errors=True)
        raise DamagedError(f"{folder}: {', '.join(damaged)} is not as it was written")
    return meta


def map_array(folder: Path, name: str) -> np.ndarray:
    """Map an array of a committed folder, read-only."""
    array: np.ndarray = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
    return array


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def committed_file(path: Path) -> Iterator[Path]:
    """Give a name to write to; the file is committed under its own at the end of the block."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{TEMPORARY}{path.name}-{uuid.uuid4().hex}")
    try:
        yield temporary
        flush(temporary)
        temporary.replace(path)
        flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Bring a file, or the entries of a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
