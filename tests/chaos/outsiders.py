"""What others put in: code, names, bombs, markup; and what must not get out (S1 to S6)."""

from __future__ import annotations

import contextlib
import gzip
import html.parser
import io
import json
import logging
import os
import pickle
import re
import resource
import shutil
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import yaml

from steadymap.configs.document import read_config
from steadymap.configs.errors import InputError
from steadymap.configs.sweep import DataSource, SweepConfig
from steadymap.flows.cli.serve_site import LOOPBACK, open_site
from steadymap.reports.nights.nights import night_slug
from steadymap.tasks.input.dataset import import_dataset, look_at_source
from steadymap.tasks.plan.lay_out import lay_out
from steadymap.tasks.store.layout import Store
from steadymap.tasks.store.locks import lock_of
from tests.chaos.row import Reached, Scale
from tests.chaos.sweeps import ended, in_a_child, sweep_here, tiny_config, tiny_data
from tests.conftest import three_blobs
from tests.reports.payloads import HARMLESS, PAYLOADS, hostile_folder

PROJECT = Path(__file__).resolve().parents[2]
VECTORS, LABELS = three_blobs(72, dimensions=4)


# --- S1: data runs no code ----------------------------------------------------------------------------------------


class Payload:
    """Touches a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        """Run."""
        return (os.system, (f"touch {self.canary}",))


def _hostile_files(folder: Path, canary: Path) -> Iterator[tuple[str, Path, dict[str, Any]]]:
    """Write files that run code in a reader that unpickles, or trusts a tag."""
    payload = Payload(canary)
    raw = pickle.dumps(payload)
    objects = np.array([payload] * 72, dtype=object)
    np.save(folder / "o.npy", objects, allow_pickle=True)
    yield "an npy of objects", folder / "o.npy", {}
    np.savez(folder / "o.npz", X=objects.reshape(-1, 1))
    yield "an npz of objects", folder / "o.npz", {"latents": ["X"]}
    np.savez(folder / "l.npz", X=VECTORS, y=objects)
    yield "labels of objects", folder / "l.npz", {"labels": ["y"]}
    yield "ids of objects", folder / "l.npz", {"id": "y"}
    with zipfile.ZipFile(folder / "p.npz", "w") as archive:
        archive.writestr("X.npy", raw)
    yield "a pickle in an npz", folder / "p.npz", {}
    for ending in (".npy", ".npz", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".h5ad", ".safetensors"):
        (folder / f"raw{ending}").write_bytes(raw)
        yield f"a pickle called {ending}", folder / f"raw{ending}", {}
    with zipfile.ZipFile(folder / "torch.pt", "w") as archive:
        archive.writestr("archive/data.pkl", raw)
    yield "a checkpoint of PyTorch", folder / "torch.pt", {}
    columns = {f"z{place}": VECTORS[:, place] for place in range(4)}
    names = {b"pandas": raw, b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": raw}
    table = pa.table(columns).replace_schema_metadata(names)
    pq.write_table(table, folder / "m.parquet")
    yield "pickles in Parquet's metadata", folder / "m.parquet", {}
    hostile = pa.field(
        "z0",
        pa.float32(),
        metadata={b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": raw},
    )
    arrays = [pa.array(VECTORS[:, place]) for place in range(4)]
    schema = pa.schema([hostile, *(pa.field(f"z{place}", pa.float32()) for place in (1, 2, 3))])
    typed = pa.Table.from_arrays(arrays, schema=schema)
    pq.write_table(typed, folder / "t.parquet")
    yield "an extension type of Python in Parquet", folder / "t.parquet", {}
    pyarrow.feather.write_feather(typed, folder / "t.feather", compression="uncompressed")
    yield "an extension type of Python in Feather", folder / "t.feather", {}
    with pa.OSFile(str(folder / "t.arrow"), "wb") as sink, pa.ipc.new_file(sink, typed.schema) as writer:
        writer.write_table(typed)
    yield "an extension type of Python in Arrow", folder / "t.arrow", {}
    (folder / "f.csv").write_text("z0,z1\n" + f"=cmd|' /C touch {canary}'!A0,1\n" * 30, encoding="utf-8")
    yield "formulas in a CSV", folder / "f.csv", {}
    head = json.dumps({"__metadata__": {"format": "pt", "pickle": raw.hex()}}).encode()
    (folder / "s.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + raw)
    yield "a pickle behind safetensors", folder / "s.safetensors", {}


YAML_TAGS = (
    "name: !!python/object/apply:os.system ['touch CANARY']",
    "data: {path: !!python/object/apply:subprocess.check_call [[touch, CANARY]]}",
    "!!python/object/new:os.system ['touch CANARY']",
    "name: !!python/name:os.system",
    "seeds: !!python/tuple [0, 1]",
    "name: !!python/object/apply:builtins.eval [\"__import__('os').system('touch CANARY')\"]",
    "name: {{ cycler.__init__.__globals__.os.system('touch CANARY') }}",
    "name: ${oc.env:HOME}\nextra: !!python/module:os",
)


def hostile_data(scale: Scale) -> Reached:
    """Read pickles and tags in every dress: none runs."""
    reached, canary = Reached(), scale.folder / "ran"
    attacks: list[tuple[str, Callable[[], object]]] = []
    for title, path, roles in _hostile_files(scale.folder, canary):
        source = DataSource.model_validate({"path": str(path), **roles})
        attacks.append((title, lambda source=source: look_at_source(source)))
    for number, text in enumerate(YAML_TAGS):
        config = scale.folder / f"config-{number}.yaml"
        config.write_text(text.replace("CANARY", str(canary)) + "\n", encoding="utf-8")
        attacks.append((text, lambda config=config: read_config(config)))
    for title, attack in attacks:
        fault = None
        try:
            attack()
        except InputError:
            pass
        except Exception as error:  # whatever else is raised is what the attack looks for
            fault = f"{type(error).__name__}: {error}"
        if canary.exists():
            canary.unlink()
            fault = "code has run"
        reached.count(fault and f"{title}: {fault}")
    return reached


# --- S2: names do not escape --------------------------------------------------------------------------------------

NAMES = [
    *("..", ".", "../../etc/passwd", "/etc/passwd", "..\\..\\windows", "a/../../b", "~root", "$HOME", "`id`", "$(id)"),
    *(
        "CON",
        "NUL",
        "COM1",
        "LPT1",
        "aux.txt",
        "a\x00b",
        "a\nb",
        "a\rb",
        "\x1b[31m",
        "-rf",
        "--store",
        "a;b",
        "a|b",
        "a&b",
    ),
    *("%2e%2e%2f", "a%00b", "file:///etc", "s3://other/bucket", "C:\\x", "\\\\server\\share", "a:b", "a*b", "a?b", '"'),
    *(
        " ",
        "   ",
        "a ",
        " a",
        "a.",
        ".a",
        "é",
        "e\u0301",
        "ﬁ",
        "fi",
        "А",
        "A",
        "a",
        "ａ",
        "\u202ecod",
        "\u200bа",
        "\ufeffa",
    ),
    *("x" * length for length in (40, 41, 79, 80)),
    *(f"{'x' * 60}{number}" for number in range(10)),
    *(f"night{separator}1" for separator in " -_./\\:#?%&+,;=@~|^'\"`<>[]{}()!$*"),
    *("İ", "i̇", "ß", "ss", "ẞ", "K", "K", "Å", "Å"),
]


def hostile_names(scale: Scale) -> Reached:
    """Name sweeps, nights, data files and labels so that a path would leave its folder, or two would be one."""
    reached = Reached()
    data = tiny_data(scale.folder)
    root = (scale.folder / "store").resolve()
    store = Store(root)
    dataset = import_dataset(tiny_config(data).data, store)
    runs: dict[str, str] = {}
    for name in dict.fromkeys(NAMES):
        try:
            config = SweepConfig.model_validate({**tiny_config(data).model_dump(), "name": name})
        except ValueError as error:
            reached.expect("name" in str(error), f"{name!r}: {error}")  # refused is as good
            continue
        run = lay_out(config, dataset, store).run
        place = store.run(run)
        inside = place.resolve().parent == root / "runs" and bool(re.fullmatch(r"[a-z0-9-]+", run)) and len(run) < 100
        other = runs.setdefault(run, name)
        reached.expect(inside and other == name, f"{name!r} is {run}, as {other!r}")
    for name in ("../x", "a/b", "/x"):
        night = _night_lock(store, name)
        reached.expect(night is None or night.resolve().is_relative_to(root), f"the lock of {name!r} is {night}")
    archive = scale.folder / "members.npz"
    with zipfile.ZipFile(archive, "w") as members:
        for member in ("../../escaped.npy", "/escaped.npy", "..\\escaped.npy"):
            content = io.BytesIO()
            np.save(content, VECTORS)
            members.writestr(member, content.getvalue())
    before = set(scale.folder.parent.iterdir()) | set(Path("/").iterdir())
    with contextlib.suppress(InputError):
        look_at_source(DataSource(path=str(archive)))
    reached.expect(
        set(scale.folder.parent.iterdir()) | set(Path("/").iterdir()) == before, "a member of an npz escaped"
    )
    return reached


def _night_lock(store: Store, name: str) -> Path | None:
    from steadymap.configs.nightly import NightlyConfig

    try:
        night = NightlyConfig.model_validate({"name": name, "configs": "sweeps"})
    except ValueError:
        return None
    return lock_of(store, f"night-{night_slug(night.name)}")


# --- S3: reports are inert ----------------------------------------------------------------------------------------


class _Elements(html.parser.HTMLParser):
    """Counts elements, and the attributes that could run or load anything."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: dict[str, int] = {}
        self.acting: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags[tag] = self.tags.get(tag, 0) + 1
        for name, value in attributes:
            loads = name in ("src", "href", "action", "data", "srcdoc", "formaction") and not (value or "").startswith(
                "#"
            )
            if name.startswith("on") or (loads and not (value or "").startswith(("data:", "#", "report", "summary"))):
                self.acting.append(f"{tag} {name}={value}")


ACTIVE = ("script", "iframe", "img", "object", "embed", "base", "form", "meta", "link", "svg")


def inert_pages(scale: Scale) -> Reached:
    """Put markup and scripts into every name of a run; in a parser, and in Chromium where there is one."""
    from steadymap.reports.page.page import render_page
    from steadymap.reports.run.run_folder import read_run
    from steadymap.reports.summary.summary import summarise

    def elements(payload: str, number: int) -> _Elements:
        run = read_run(hostile_folder(payload).write(scale.folder / f"run-{number}"))
        return _Elements(render_page(run, summarise(run)))

    reached = Reached()
    harmless = elements(HARMLESS, 0)
    for number, payload in enumerate(PAYLOADS[:: scale.of(1, 8)], start=1):
        found = elements(payload, number)
        grown = [tag for tag in ACTIVE if found.tags.get(tag, 0) > harmless.tags.get(tag, 0)]
        new = set(found.acting) - set(harmless.acting)
        reached.expect(not grown and not new, f"{payload!r}: {grown} {sorted(new)[:3]}")
    if shutil.which("chromium") is None:
        reached.skipped = "in a parser only, there is no Chromium here"
        return reached
    names = ["tests/reports/test_browser.py", "tests/reports/site/test_site_browser.py"]
    chosen = "test_no_name_runs_a_script_or_makes_a_request"
    if scale.short:
        names, chosen = names[:1], f"{chosen} and srcdoc"
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-m", "browser", "-k", chosen, *names]
    run = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    passed, failed = (
        int(found[1]) if (found := re.search(rf"(\d+) {word}", run.stdout)) else 0 for word in ("passed", "failed")
    )
    for _ in range(passed):
        reached.count()
    for _ in range(max(failed, int(run.returncode != 0))):
        reached.count(run.stdout[-1500:])
    reached.note = f"{passed} of them in Chromium"
    return reached


# --- S4: bombs are refused ----------------------------------------------------------------------------------------

MOST_SECONDS, MOST_BYTES = 1.0, 200_000_000
MOST_ADDRESSES = 8_000_000_000


def _header(shape: tuple[int, ...]) -> bytes:
    told = io.BytesIO()
    np.lib.format.write_array_header_1_0(told, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return told.getvalue()


def _bombs(folder: Path) -> Iterator[tuple[str, Path, Callable[[Path], object]]]:
    """Write small files that claim, or unpack to, more than any machine has; say how each is read."""

    def look(path: Path) -> object:
        return look_at_source(DataSource(path=str(path)))

    for title, shape in (("8 GiB", (1 << 28, 4)), ("8 EiB", (1 << 58, 4)), ("overflowing", (1 << 62, 1 << 62))):
        (folder / "a.npy").write_bytes(_header(shape) + bytes(80))
        yield f"an npy that claims {title}", folder / "a.npy", look
        with zipfile.ZipFile(folder / "a.npz", "w") as archive:
            archive.writestr("X.npy", _header(shape) + bytes(80))
        yield f"an npz that claims {title}", folder / "a.npz", look
    with (
        zipfile.ZipFile(folder / "z.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open("X.npy", "w", force_zip64=True) as member,
    ):
        member.write(_header((1 << 23, 4)))
        for _ in range(256):
            member.write(bytes(1 << 20))
    yield "an npz that unpacks 1000:1", folder / "z.npz", look
    with gzip.open(folder / "z.csv.gz", "wb", compresslevel=9) as packed:
        packed.write(b"z0,z1\n")
        for _ in range(400):
            packed.write(b"0,0\n" * 250_000)
    yield "a csv.gz that unpacks 1000:1", folder / "z.csv.gz", look
    (folder / "field.csv").write_bytes(b"z0,z1\n1," + b"9" * 50_000_000 + b"\n" + b"1,2\n" * 30)
    yield "a CSV with a field of 50 MB", folder / "field.csv", look
    (folder / "columns.csv").write_bytes(b",".join(b"z%d" % place for place in range(2_000_000)) + b"\n" + b"1\n")
    yield "a CSV with two million columns", folder / "columns.csv", look
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(3_000_000, np.int32)), pa.array(["x" * 1_000_000]))
    pq.write_table(pa.table({"z0": np.zeros(3_000_000), "text": text}), folder / "text.parquet")
    yield "a Parquet column of one long text", folder / "text.parquet", look
    pq.write_table(pa.table({"z0": np.zeros(3_000_000), "text": text}), folder / "plain.parquet", store_schema=False)
    yield "the same, not as categories", folder / "plain.parquet", look
    head = json.dumps({"x": {"dtype": "F64", "shape": [1 << 30, 4], "data_offsets": [0, 1 << 35]}}).encode()
    (folder / "a.safetensors").write_bytes(struct.pack("<Q", len(head)) + head)
    yield "safetensors that claim 32 GiB", folder / "a.safetensors", look
    (folder / "b.safetensors").write_bytes(struct.pack("<Q", 1 << 62) + b"{}")
    yield "safetensors with a head of 4 EiB", folder / "b.safetensors", look
    (folder / "deep.jsonl").write_bytes(b"[" * 500_000 + b"\n")
    yield "JSON of half a million brackets", folder / "deep.jsonl", look
    levels = "\n".join(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 12))
    (folder / "laughs.yaml").write_text(f"a0: &a0 [x, x]\n{levels}\n", encoding="utf-8")
    yield "YAML aliases that expand to 9^11", folder / "laughs.yaml", read_config
    (folder / "deep.yaml").write_text("[" * 100_000, encoding="utf-8")
    yield "YAML of 100,000 brackets", folder / "deep.yaml", read_config
    (folder / "large.yaml").write_bytes(b"name: " + b"x" * 30_000_000)
    yield "YAML of 30 MB", folder / "large.yaml", read_config
    (folder / "number.yaml").write_text(f"seeds: [{'9' * 200_000}]\n", encoding="utf-8")
    yield "YAML with a number of 200,000 digits", folder / "number.yaml", read_config


def bombs(scale: Scale) -> Reached:
    """Read bombs in a child: refused within a second of computing and 200 MB."""
    reached = Reached()
    largest, longest = 0, 0.0
    warm = tiny_data(scale.folder)
    look_at_source(DataSource(path=str(warm)))
    for title, path, read in _bombs(scale.folder):
        reading, writing = os.pipe()

        def work(path: Path = path, read: Callable[[Path], object] = read, writing: int = writing) -> None:
            resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESSES, MOST_ADDRESSES))  # the machine has to live on
            before = _peak()
            begun = time.process_time()
            try:
                read(path)
                told = "was taken"
            except InputError:
                told = ""
            except Exception as error:  # whatever else is raised is what the attack looks for
                told = f"{type(error).__name__}: {error}"[:500]
            took = time.process_time() - begun
            os.write(writing, json.dumps([told, took, _peak() - before]).encode())

        code = ended(in_a_child(work))
        os.close(writing)
        with os.fdopen(reading, "rb") as answer:
            content = answer.read()
        told, took, grown = json.loads(content) if content else (f"ended with {code}", 0.0, 0)
        longest, largest = max(longest, took), max(largest, grown)
        fine = not told and took < MOST_SECONDS and grown < MOST_BYTES
        reached.expect(fine, f"{title}: {told or 'refused'}, {took:.2f} s, {grown / 1e6:.0f} MB")
    reached.note = f"the longest took {longest:.2f} s, the largest {largest / 1e6:.0f} MB"
    return reached


def _peak() -> int:
    """Return the most memory that this process has held, of its own."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


# --- S5: nothing listens in the open ------------------------------------------------------------------------------


def open_doors(scale: Scale) -> Reached:
    """Look at every template and every server of ours: each listens on this machine only."""
    reached = Reached()
    compose = yaml.safe_load((PROJECT / "compose.yaml").read_text(encoding="utf-8"))
    for name, service in compose["services"].items():
        for port in service.get("ports", ()):
            reached.expect(str(port).startswith("127.0.0.1:"), f"{name} publishes {port}")
        asked = "PASSWORD:?" in json.dumps(service) or "POSTGRES_PASSWORD" not in json.dumps(service)
        reached.expect(asked, f"{name} has a password that everybody knows")
        reached.expect(not service.get("privileged") and service.get("network_mode") != "host", f"{name} is too free")
    store = scale.folder / "store"
    (store / "site").mkdir(parents=True)
    with open_site(store, 0) as server:
        reached.expect(server.server_address[0] == LOOPBACK == "127.0.0.1", f"{server.server_address}")
    words = "|".join((r"--host[= ]0\.0\.0\.0", r"host=.0\.0\.0\.0", r"\[::\]"))
    inside = {"compose.yaml"}  # a container's own network; what it publishes is checked above
    for path in [
        *PROJECT.glob("*.yaml"),
        *(PROJECT / "deployments").rglob("*"),
        *(PROJECT / "docs").rglob("*.md"),
        PROJECT / "Dockerfile",
    ]:
        if path.is_file() and path.name not in inside:
            opened = re.findall(words, path.read_text(encoding="utf-8"))
            reached.expect(not opened, f"{path.name}: {opened}")
    return reached


# --- S6: no secret leaks ------------------------------------------------------------------------------------------

CANARY = "canary-7f3a9c"


def leaks(scale: Scale) -> Reached:
    """Put secrets into the environment, a `.env` file and URLs, and sweep at DEBUG: none is written anywhere."""
    from steadymap.reports.build import build_report

    reached = Reached()
    for number, name in enumerate(
        ("AWS_SECRET_ACCESS_KEY", "PREFECT_API_KEY", "PREFECT_API_AUTH_STRING", "HTTPS_PROXY", "TOKEN")
    ):
        os.environ[name] = f"{CANARY}-{number}"
    (scale.folder / ".env").write_text(f"SECRET={CANARY}-env\n", encoding="utf-8")
    os.chdir(scale.folder)
    log = scale.folder / "debug.log"
    logging.getLogger().handlers.clear()  # it would all be printed, too
    handler = logging.FileHandler(log)
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.DEBUG)
    root = scale.folder / "store"
    swept = sweep_here(tiny_config(tiny_data(scale.folder)), root)
    build_report(root / "runs" / swept.run)
    handler.close()
    logging.getLogger().removeHandler(handler)
    files = [log, *(path for path in root.rglob("*") if path.is_file())]
    for path in files:
        content = path.read_bytes() + (_unpacked(path) if path.suffix == ".parquet" else b"")
        reached.expect(CANARY.encode() not in content, f"{path.relative_to(scale.folder)} holds a secret")
    for number, data in enumerate(
        (f"s3://key:{CANARY}@team/z.npy", f"https://host/z.npy?token={CANARY}", f"https://user:{CANARY}@host/z.csv")
    ):
        config = scale.folder / f"secret-{number}.yaml"
        config.write_text(f"name: test\ndata:\n  path: {data}\n", encoding="utf-8")
        try:
            read_config(config)
            reached.count(f"{data} was taken")
        except InputError as error:
            reached.expect(CANARY not in str(error), "an error repeats a secret")
    return reached


def _unpacked(path: Path) -> bytes:
    table = pq.read_table(path)
    metadata = pq.read_metadata(path).metadata or {}
    return str(table.to_pydict()).encode() + b"".join(metadata.values())
