"""The audit finds an advisory for a pinned version, passes over those of others, and never calls nothing "none"."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests import audit
from tests.audit import PINS, NotAuditedError, audit_locally, find_affected, read_pins

PINNED = {"jinja2": ("3.1.6",), "numpy": ("2.4.6", "2.5.5")}


def advisory(package: str = "Jinja2", **changes: Any) -> dict[str, Any]:
    """Return a record of the OSV schema about a package, by default of one range."""
    affected = {
        "package": {"ecosystem": changes.pop("ecosystem", "PyPI"), "name": package},
        "ranges": changes.pop("ranges", [ecosystem({"introduced": "0"}, {"fixed": "4.0"})]),
        "versions": changes.pop("versions", []),
    }
    return {"id": "PYSEC-1", "aliases": ["CVE-1"], "summary": "escapes", "affected": [affected], **changes}


def ecosystem(*events: Mapping[str, str]) -> dict[str, Any]:
    return {"type": "ECOSYSTEM", "events": list(events)}


def versions_found(record: dict[str, Any]) -> list[str]:
    return [one.version for one in find_affected(record, PINNED)]


def test_an_advisory_for_a_pin_is_found_with_all_that_it_says() -> None:
    (found,) = find_affected(advisory(), PINNED)
    assert (found.package, found.version, found.names) == ("jinja2", "3.1.6", ("PYSEC-1", "CVE-1"))
    assert (found.summary, found.fixed) == ("escapes", ("4.0",))


@pytest.mark.parametrize(
    ("events", "affected"),
    [
        ([{"introduced": "0"}], True),
        ([{"introduced": "0"}, {"fixed": "3.1.6"}], False),
        ([{"introduced": "0"}, {"fixed": "3.1.7"}], True),
        ([{"introduced": "0"}, {"fixed": "3.1.10"}], True),  # versions, not texts
        ([{"introduced": "3.1.6"}], True),
        ([{"introduced": "3.1.7"}], False),
        ([{"introduced": "3.1.6rc1"}, {"fixed": "3.1.6.post1"}], True),
        ([{"introduced": "0"}, {"last_affected": "3.1.6"}], True),
        ([{"introduced": "0"}, {"last_affected": "3.1.5"}], False),
        ([{"introduced": "0"}, {"limit": "3.1"}], False),
        ([{"introduced": "0"}, {"fixed": "2.0"}, {"introduced": "3.0"}, {"fixed": "3.2"}], True),
        ([{"fixed": "3.2"}, {"introduced": "3.0"}, {"fixed": "2.0"}, {"introduced": "0"}], True),  # in any order
        ([{"introduced": "0"}, {"fixed": "2.0"}, {"introduced": "4.0"}], False),
        ([{"introduced": "0"}, {"fixed": "not a version"}], True),  # better looked at than passed over
    ],
)
def test_ranges_are_walked_as_the_schema_says(events: list[dict[str, str]], affected: bool) -> None:
    assert versions_found(advisory(ranges=[ecosystem(*events)])) == ["3.1.6"] * affected


def test_versions_are_listed_or_inside_one_of_several_ranges() -> None:
    assert versions_found(advisory(ranges=[], versions=["3.1.5", "3.1.6.0"])) == ["3.1.6"]
    assert versions_found(advisory(ranges=[], versions=["3.1.5", "3.1.60"])) == []
    apart = [ecosystem({"introduced": "0"}, {"fixed": "2"}), ecosystem({"introduced": "3"})]
    assert versions_found(advisory(ranges=apart)) == ["3.1.6"]
    git = {"type": "GIT", "events": [{"introduced": "0"}]}
    assert versions_found(advisory(ranges=[git])) == []


def test_each_of_several_pinned_versions_is_looked_at() -> None:
    assert versions_found(advisory("numpy", ranges=[ecosystem({"introduced": "2.5"})])) == ["2.5.5"]
    both = [ecosystem({"introduced": "2.4"})]
    assert versions_found(advisory("NumPy", ranges=both)) == ["2.4.6", "2.5.5"]


def test_others_are_passed_over() -> None:
    assert versions_found(advisory("jinja3")) == []
    assert versions_found(advisory(ecosystem="npm")) == []
    assert versions_found(advisory(withdrawn="2026-01-01T00:00:00Z")) == []
    assert len(versions_found(advisory("jinja2"))) == 1


def as_folder(place: Path, records: list[dict[str, Any]]) -> Path:
    (place / "vulns" / "x").mkdir(parents=True)
    (place / "README.md").write_text("not an advisory")
    (place / ".editorconfig.yaml").write_text("root: true")
    for number, record in enumerate(records):
        (place / "vulns" / "x" / f"{number}.json").write_text(json.dumps(record))
    return place


def as_yaml(place: Path, records: list[dict[str, Any]]) -> Path:
    place.mkdir()
    for number, record in enumerate(records):
        (place / f"{number}.yaml").write_text(json.dumps(record))  # JSON is YAML
    return place


def as_zip(place: Path, records: list[dict[str, Any]]) -> Path:
    with zipfile.ZipFile(place, "w") as archive:
        for number, record in enumerate(records):
            archive.writestr(f"{number}.json", json.dumps(record))
    return place


def run_audit(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.audit", *words]
    return subprocess.run(command, cwd=PINS.parent, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("write", [as_folder, as_yaml, as_zip])
def test_the_command_finds_what_is_planted_for_a_pin_and_not_what_is_for_another_version(
    tmp_path: Path, write: Callable[[Path, list[dict[str, Any]]], Path]
) -> None:
    pin = read_pins(PINS)["jinja2"][0]
    harmless = advisory("jinja2", ranges=[ecosystem({"introduced": "0"}, {"fixed": pin})])
    clean = run_audit(str(write(tmp_path / "clean", [harmless, advisory("nobody-pins-this")])))
    assert (clean.returncode, clean.stderr) == (0, "")
    assert clean.stdout.endswith("2 advisories of " + str(tmp_path / "clean") + ": no advisories\n")
    planted = advisory("jinja2", ranges=[ecosystem({"introduced": pin}, {"fixed": "999"})])
    red = run_audit(str(write(tmp_path / "planted", [harmless, planted])))
    assert red.returncode == 1
    assert f"jinja2 {pin}: PYSEC-1, CVE-1: escapes (mended in 999)\n" in red.stdout
    assert red.stdout.endswith(": 1 advisory\n")


@pytest.mark.parametrize(
    "what", ["nothing there", "an empty folder", "no record", "npm alone", "a cut zip", "cut JSON"]
)
def test_where_nothing_was_audited_that_is_said(tmp_path: Path, what: str) -> None:
    place = tmp_path / "advisories"
    if what == "an empty folder":
        place.mkdir()
    elif what == "no record":
        as_folder(place, [])
    elif what == "npm alone":
        as_folder(place, [advisory(ecosystem="npm")])
    elif what == "a cut zip":
        place.write_bytes(as_zip(tmp_path / "whole.zip", [advisory()]).read_bytes()[:-30])
    elif what == "cut JSON":
        as_folder(place, [advisory()])
        (place / "cut.json").write_text(json.dumps(advisory())[:-5])
    ended = run_audit(str(place))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("not audited: ")


def test_every_pin_is_read() -> None:
    pins = read_pins(PINS)
    lines = [line for line in PINS.read_text().splitlines() if "==" in line]
    assert sum(map(len, pins.values())) == len(lines) > 200
    assert len(pins["numpy"]) == 2
    assert all(name == name.lower() for name in pins)


# --- the service --------------------------------------------------------------------------------------------------


@pytest.fixture
def service() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Serve OSV's query from a list of records on loopback; give its URL and the list of what was asked."""
    asked: list[dict[str, Any]] = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(question)
            known = [advisory("jinja2")] if question["package"]["name"] == "jinja2" else []
            content = json.dumps({"vulns": known} if known else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query", asked
        server.shutdown()
        thread.join()


needs_pip_audit = pytest.mark.skipif(
    not audit.PIP_AUDIT.is_file() and shutil.which("pip-audit") is None, reason="no pip-audit: `make audit` installs it"
)


@needs_pip_audit
def test_the_service_is_asked_about_every_version(service: tuple[str, list[dict[str, Any]]]) -> None:
    url, asked = service
    found, _ = audit.ask_service(PINNED, url)
    assert [(one.package, one.version, one.names, one.fixed) for one in found] == [
        ("jinja2", "3.1.6", ("PYSEC-1", "CVE-1"), ("4.0",))
    ]
    assert {(one["package"]["name"], one["version"]) for one in asked} == {
        ("jinja2", "3.1.6"),
        ("numpy", "2.4.6"),
        ("numpy", "2.5.5"),
    }


@needs_pip_audit
def test_a_service_that_does_not_answer_is_no_clean_bill() -> None:
    with pytest.raises(NotAuditedError, match="ADVISORIES="):
        audit.ask_service(PINNED, "http://127.0.0.1:9/v1/query")


def answering(text: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    return lambda command, **_: subprocess.CompletedProcess(command, 0, text, "")


def test_what_was_passed_over_was_not_audited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: "pip-audit")
    skipped = {"dependencies": [{"name": "jinja2", "skip_reason": "not known"}]}
    monkeypatch.setattr(subprocess, "run", answering(json.dumps(skipped)))
    with pytest.raises(NotAuditedError, match="was not asked about"):
        audit.ask_service({"jinja2": ("3.1.6",)})
    whole = {"dependencies": [{"name": "jinja2", "version": "3.1.6", "vulns": []}]}
    monkeypatch.setattr(subprocess, "run", answering(json.dumps(whole)))
    assert audit.ask_service({"jinja2": ("3.1.6",)}) == ([], "OSV's service")


def test_an_advisory_whose_file_is_broken_stops_the_audit(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("affected: [")
    with pytest.raises(NotAuditedError, match=r"one\.yaml"):
        audit_locally(PINNED, tmp_path)
