"""Small valid files, broken at random, given to every reader (F1): its own errors, no hang, no flood of memory.

A child reads many of them under a limit of memory and a clock; what ends the child is put down to the input that it
was at. The seed of an input is its number, so each can be made again: ``mutant(corpus, number)``.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import mmap
import os
import random
import re
import resource
import signal
import struct
from collections import Counter
from collections.abc import Callable
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq

from steadymap.configs.document import read_config, read_settings
from steadymap.configs.errors import InputError
from steadymap.configs.nightly import NightlyConfig
from steadymap.configs.sweep import DataSource
from steadymap.reports.export.export_files import text_for_anndata
from steadymap.tasks.input.dataset import look_at_source
from steadymap.tasks.input.models.onnx_external_data import external_tensors
from tests.chaos.row import SEED, Reached, Scale
from tests.chaos.sweeps import ended, in_a_child
from tests.conftest import three_blobs

PROJECT = Path(__file__).resolve().parents[2]

SECONDS = 5
MORE_MEMORY = 1_000_000_000
AT_ONCE = 2000
SLOW_SHARE = 0.002
"""HDF5 is read in a process of its own, which takes a second or two: of its files there are few."""

FAULTS = "faults.jsonl"

Reader = Callable[[Path], object]
Corpus = list[tuple[str, bytes, Reader]]

INTERESTING = (0, 1, 0x7F, 0x80, 0xFE, 0xFF)
NUMBERS = (0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF, 1 << 40)


def _look(path: Path) -> object:
    return look_at_source(DataSource(path=str(path)))


def _look_with_roles(path: Path) -> object:
    return look_at_source(DataSource.model_validate({"path": str(path), "labels": ["kind"], "id": "name"}))


def _read_night(path: Path) -> object:
    return read_settings(path, NightlyConfig)


def _scan_model(path: Path) -> object:
    try:
        return external_tensors(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InputError(f"no model: {error}", file=path) from None


def quick_corpus() -> Corpus:
    """Return small valid files of every format, and how each is read."""
    vectors, labels = three_blobs(30, dimensions=3)
    frame = pd.DataFrame(vectors.astype(float), columns=["z0", "z1", "z2"])
    frame["kind"] = [("ä", "b", "c")[one] for one in labels]
    frame["name"] = [f"row {place}" for place in range(30)]
    table = pa.Table.from_pandas(frame, preserve_index=False)
    lists = pa.table(
        {"embedding": pa.array(vectors.tolist()), "kind": frame["kind"].tolist(), "name": frame["name"].tolist()}
    )
    corpus: Corpus = []

    def add(ending: str, write: Callable[[BytesIO], object], reader: Reader = _look) -> None:
        content = BytesIO()
        write(content)
        corpus.append((ending, content.getvalue(), reader))

    add(".npy", lambda file: np.save(file, vectors))
    add(".npy", lambda file: np.save(file, np.asfortranarray(vectors.astype(">f8"))))
    add(
        ".npz",
        lambda file: np.savez(file, X=vectors, kind=frame["kind"].to_numpy(str), name=frame["name"].to_numpy(str)),
        _look_with_roles,
    )
    add(".npz", lambda file: np.savez_compressed(file, X=vectors, y=labels))
    add(".parquet", lambda file: pq.write_table(table, file), _look_with_roles)
    add(
        ".parquet",
        lambda file: pq.write_table(lists, file, compression="gzip", data_page_version="2.0"),
        _look_with_roles,
    )
    add(
        ".parquet", lambda file: pq.write_table(table, file, use_dictionary=False, compression="none", row_group_size=7)
    )
    add(".feather", lambda file: pyarrow.feather.write_feather(table, file))
    add(".arrow", lambda file: _write_stream(table, file))
    for separator in (",", ";", "\t"):
        text = frame.to_csv(index=False, sep=separator, decimal="," if separator == ";" else ".").encode()
        corpus.append((".tsv" if separator == "\t" else ".csv", text, _look_with_roles))
    corpus.append((".csv", frame.to_csv(index=False).encode("utf-16"), _look))
    corpus.append((".csv.gz", gzip.compress(frame.to_csv(index=False).encode()), _look))
    corpus.append((".jsonl", frame.to_json(orient="records", lines=True).encode(), _look_with_roles))
    head = json.dumps({"z": {"dtype": "F32", "shape": [30, 3], "data_offsets": [0, vectors.nbytes]}}).encode()
    corpus.append((".safetensors", struct.pack("<Q", len(head)) + head + vectors.tobytes(), _look))
    corpus.append((".yaml", (PROJECT / "configs" / "example.yaml").read_bytes(), read_config))
    corpus.append((".yaml", (PROJECT / "configs" / "nightly.yaml").read_bytes(), _read_night))
    corpus.append((".onnx", _model(), _scan_model))
    return corpus


def _write_stream(table: pa.Table, file: BytesIO) -> None:
    with pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)


def _model() -> bytes:
    """Return the bytes of a model with one tensor, written by hand as protobuf has it."""

    def field(number: int, content: bytes) -> bytes:
        return bytes([number << 3 | 2, len(content)]) + content

    tensor = b"\x08\x02\x10\x01" + field(8, b"W") + field(9, bytes(8))
    node = field(1, b"x") + field(2, b"z") + field(4, b"Tanh") + field(5, field(1, b"a") + field(5, tensor))
    return b"\x08\x08" + field(7, field(1, node) + field(2, b"g") + field(5, tensor))


def slow_corpus(folder: Path) -> Corpus:
    """Return an AnnData file, where anndata is installed."""
    with contextlib.suppress(ImportError):
        import anndata

        vectors, labels = three_blobs(30, dimensions=3)
        names = pd.Index(np.array([f"r{row}" for row in range(30)], dtype=object), dtype=object)
        obs = pd.DataFrame({"depth": labels.astype(float)}, index=names)
        var = pd.DataFrame(index=pd.Index(np.array(["g0", "g1"], dtype=object), dtype=object))
        data = anndata.AnnData(np.zeros((30, 2), np.float32), obs=obs, var=var, obsm={"Z": vectors})
        with text_for_anndata(version("anndata")):
            data.write_h5ad(folder / "a.h5ad")
        return [(".h5ad", (folder / "a.h5ad").read_bytes(), _look)]
    return []


def mutant(corpus: Corpus, number: int) -> tuple[str, bytes, Reader]:
    """Return input number so and so: a file of the corpus, changed in one to four places."""
    chance = random.Random(SEED * 1_000_003 + number)
    ending, content, reader = chance.choice(corpus)
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 4))):
        chance.choice(CHANGES)(changed, chance, corpus)
    return ending, bytes(changed), reader


def _flip(content: bytearray, chance: random.Random, corpus: Corpus) -> None:
    del corpus
    if content:
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def _set(content: bytearray, chance: random.Random, corpus: Corpus) -> None:
    del corpus
    if content:
        content[chance.randrange(len(content))] = chance.choice(INTERESTING)


def _number(content: bytearray, chance: random.Random, corpus: Corpus) -> None:
    del corpus
    size = chance.choice((2, 4, 8))
    if len(content) > size:
        place = chance.randrange(len(content) - size)
        value = chance.choice(NUMBERS) & (1 << 8 * size) - 1
        content[place : place + size] = value.to_bytes(size, chance.choice(("little", "big")))


def _cut(content: bytearray, chance: random.Random, corpus: Corpus) -> None:
    del corpus
    del content[chance.randrange(len(content) + 1) :]


def _take(content: bytearray, chance: random.Random, corpus: Corpus) -> None:
    del corpus
    begin = chance.randrange(len(content) + 1)
    del content[begin : begin + chance.randint(1, 64)]


def _repeat(content: bytearray, chance: random.Random, corpus: Corpus) -> None:
    del corpus
    begin = chance.randrange(len(content) + 1)
    content[begin:begin] = content[begin : begin + chance.randint(1, 64)] * chance.randint(1, 20)


def _insert(content: bytearray, chance: random.Random, corpus: Corpus) -> None:
    del corpus
    begin = chance.randrange(len(content) + 1)
    content[begin:begin] = chance.randbytes(chance.randint(1, 16))


def _text(content: bytearray, chance: random.Random, corpus: Corpus) -> None:
    del corpus
    begin = chance.randrange(len(content) + 1)
    content[begin:begin] = chance.choice(WORDS)


def _splice(content: bytearray, chance: random.Random, corpus: Corpus) -> None:
    other = chance.choice(corpus)[1]
    begin, place = chance.randrange(len(content) + 1), chance.randrange(len(other))
    content[begin:] = other[place:]


WORDS = (
    *(
        b"nan",
        b"inf",
        b"1e999",
        b"-0",
        b"NaN,NaN",
        b"\n\n",
        b'"',
        b"'",
        b"\r",
        b"\x00",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"sep=;\n",
    ),
    *(
        b"!!python/object/apply:os.system [true]",
        b"&a *a",
        b"- " * 30,
        b"{" * 30,
        b"[" * 30,
        b"? ",
        b": ",
        b"\t",
        b"%TAG ! x\n",
    ),
    *(b"2026-13-45", b"0x" + b"f" * 40, b"1_000", b"12:30:45", b"~", b"9" * 400, "\u202e\u0000".encode()),
)

CHANGES = (_flip, _flip, _set, _number, _cut, _take, _repeat, _insert, _text, _splice)


def broken_files(scale: Scale) -> Reached:
    """Give every reader broken files by the thousand."""
    reached = Reached()
    corpus = quick_corpus()
    for ending, content, reader in corpus:
        path = scale.folder / f"whole{ending}"
        path.write_bytes(content)
        try:
            reader(path)
        except InputError as error:  # what is broken has to have been whole before
            if "no such file" not in str(error):
                raise
    total = scale.of(200_000, 2000)
    slow = int(SLOW_SHARE * total)
    taken = _read_all(reached, corpus, total - slow, scale.folder)
    few = slow_corpus(scale.folder)
    if few:
        from steadymap.tasks.input.formats import hdf5_file

        hdf5_file.REHEARSAL_SECONDS = 10
        taken += _read_all(reached, few, slow, scale.folder, seconds=40)
    else:
        reached.skipped = "no AnnData here"
    kinds = ", ".join(sorted({ending for ending, _, _ in (*corpus, *few)}))
    reached.note = f"{kinds}; {taken['refused']:,} refused, {taken['taken']:,} still legal"
    return reached


def _read_all(reached: Reached, corpus: Corpus, count: int, folder: Path, seconds: int = SECONDS) -> Counter[str]:
    """Read inputs in children; after one that ended a child, go on with the next."""
    shared = mmap.mmap(-1, 24)
    faults = folder / FAULTS
    taken: Counter[str] = Counter()
    number = 0
    while number < count:
        end = min(number + AT_ONCE, count)
        faults.write_text("", encoding="utf-8")
        shared[:] = struct.pack("<QQQ", number, 0, 0)
        numbers = range(number, end)
        code = ended(in_a_child(lambda numbers=numbers: _read_some(corpus, numbers, folder, shared, seconds)))
        at, refused, legal = struct.unpack("<QQQ", shared[:])
        taken.update(refused=refused, taken=legal)
        told = [json.loads(line) for line in faults.read_text(encoding="utf-8").splitlines()]
        for fault in told:
            reached.broken.append(fault)
        reached.rounds += at - number
        if code:
            reached.rounds += 1
            how = {-signal.SIGPROF: f"more than {seconds} s of computing", -signal.SIGALRM: "a hang"}.get(
                code, f"ended with {code}"
            )
            reached.broken.append(f"input {at} ({mutant(corpus, at)[0]}): {how}")
            at += 1
        number = at
    return taken


def _read_some(corpus: Corpus, numbers: range, folder: Path, shared: mmap.mmap, seconds: int) -> None:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    found = re.search(r"VmSize:\s+(\d+) kB", status)
    size = int(found[1]) * 1024 if found else 0
    resource.setrlimit(resource.RLIMIT_AS, (size + MORE_MEMORY, size + MORE_MEMORY))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    refused = legal = 0
    output = os.open(os.devnull, os.O_WRONLY)
    os.dup2(output, 2)
    with (folder / FAULTS).open("a", encoding="utf-8") as log:
        for number in numbers:
            shared[:] = struct.pack("<QQQ", number, refused, legal)
            ending, content, reader = mutant(corpus, number)
            path = folder / f"broken{ending}"
            path.write_bytes(content)
            signal.setitimer(signal.ITIMER_PROF, seconds)
            signal.setitimer(signal.ITIMER_REAL, 12 * seconds)
            try:
                reader(path)
                legal += 1
            except InputError:
                refused += 1
            except BaseException as error:
                log.write(json.dumps(f"input {number} ({ending}): {type(error).__name__}: {str(error)[:300]}") + "\n")
                log.flush()
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
    shared[:] = struct.pack("<QQQ", numbers.stop, refused, legal)
