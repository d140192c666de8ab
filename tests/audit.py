"""Audit the pinned versions of constraints.txt against advisories: `make audit`.

    python -m tests.audit                 # asks OSV's public service, through pip-audit
    python -m tests.audit ADVISORIES      # reads a folder or a zip of advisories that was downloaded; no network

Advisories are records of the OSV schema (https://ossf.github.io/osv-schema/), as JSON or YAML: the zip that OSV exports
for Python (https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip), or a checkout of
https://github.com/pypa/advisory-database. The exit code is 0 where none concerns a pin, 1 where one does, and 2 where
nothing was audited: that is never told as "none found".
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

PROJECT = Path(__file__).resolve().parents[1]
PINS = PROJECT / "constraints.txt"
PIP_AUDIT = PROJECT / ".venv-audit" / "bin" / "pip-audit"
NONE_FOUND, FOUND, NOT_AUDITED = 0, 1, 2
ENDINGS = (".json", ".yaml", ".yml")
ECOSYSTEM = "PyPI"
FIRST = Version("0")
"""In a range this comes before everything, beginnings of 0 as well."""


Pins = Mapping[str, tuple[str, ...]]


class NotAuditedError(Exception):
    """Nothing can be said of the pins, and why."""


@dataclass(frozen=True, order=True)
class Finding:
    """An advisory that concerns a pinned version: its names, what it says, and the versions that mend it."""

    package: str
    version: str
    names: tuple[str, ...]
    summary: str
    fixed: tuple[str, ...]


def main() -> int:
    """Print the advisories that concern a pin."""
    pins = read_pins(PINS)
    try:
        if len(sys.argv) > 1:
            found, told = audit_locally(pins, Path(sys.argv[1]))
        else:
            found, told = ask_service(pins)
    except NotAuditedError as error:
        print(f"not audited: {error}", file=sys.stderr)
        return NOT_AUDITED
    for one in sorted(found):
        mended = f"mended in {', '.join(one.fixed)}" if one.fixed else "not mended yet"
        print(f"{one.package} {one.version}: {', '.join(one.names)}: {one.summary} ({mended})")
    count = sum(len(versions) for versions in pins.values())
    print(f"{count} pinned versions, {told}: {len(found) or 'no'} advisor{'y' if len(found) == 1 else 'ies'}")
    return FOUND if found else NONE_FOUND


def read_pins(file: Path) -> Pins:
    """Return the pinned versions of every package, by its canonical name: some are others on another Python."""
    lines = (line.partition("#")[0].partition(";")[0].strip() for line in file.read_text(encoding="utf-8").splitlines())
    found: dict[str, list[str]] = {}
    for name, version in (line.split("==") for line in lines if line):
        found.setdefault(canonicalize_name(name), []).append(version)
    return {name: tuple(dict.fromkeys(versions)) for name, versions in found.items()}


# --- advisories that were downloaded ------------------------------------------------------------------------------


def audit_locally(pins: Pins, advisories: Path) -> tuple[list[Finding], str]:
    """Find the advisories of a folder or a zip that concern a pin.

    Raises
    ------
    NotAuditedError
        There is no such folder or zip, a record cannot be read, or none of them is about Python.
    """
    found, read = [], 0
    for record in _records(advisories):
        read += any(one.get("package", {}).get("ecosystem") == ECOSYSTEM for one in record.get("affected", ()))
        found += find_affected(record, pins)
    if not read:
        raise NotAuditedError(f"{advisories} has no advisory about Python")
    return found, f"{read:,} advisories of {advisories}"


def _records(advisories: Path) -> Iterator[dict[str, Any]]:
    name: object = advisories
    try:
        if advisories.is_dir():
            for file in sorted(one for one in advisories.rglob("*") if one.suffix in ENDINGS):
                name = file
                yield from _parse(file.name, file.read_bytes())
        else:
            with zipfile.ZipFile(advisories) as archive:
                for name in sorted(one for one in archive.namelist() if one.endswith(ENDINGS)):
                    yield from _parse(str(name), archive.read(str(name)))
    except (OSError, ValueError, zipfile.BadZipFile, yaml.YAMLError) as error:
        raise NotAuditedError(f"{name} cannot be read: {error}") from None


def _parse(name: str, content: bytes) -> Iterator[dict[str, Any]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    # Nothing but records has "affected"; a checkout holds other files, too.
    record = json.loads(content) if name.endswith(".json") else yaml.load(content, loader)  # noqa: S506 - a safe one
    if isinstance(record, dict) and "affected" in record:
        yield record


def find_affected(record: Mapping[str, Any], pins: Pins) -> list[Finding]:
    """Return what a record of the OSV schema says of pinned versions; nothing where it was withdrawn."""
    if record.get("withdrawn"):
        return []
    found = []
    names = (str(record["id"]), *record.get("aliases", ()))
    for affected in record["affected"]:
        package = affected.get("package", {})
        name = canonicalize_name(str(package.get("name", "")))
        hit = [pin for pin in pins.get(name, ()) if package.get("ecosystem") == ECOSYSTEM and _concerns(affected, pin)]
        summary = str(record.get("summary") or record.get("details") or "").strip().splitlines() or [""]
        events = [event for one in affected.get("ranges", ()) if one["type"] != "GIT" for event in one["events"]]
        fixed = tuple(str(event["fixed"]) for event in events if "fixed" in event)
        found += [Finding(name, pin, names, summary[0][:120], fixed) for pin in hit]
    return found


def _concerns(affected: Mapping[str, Any], pin: str) -> bool:
    """Say whether a version is among those that are listed, or inside a range; ranges of git say nothing of it."""
    if any(_version(str(one)) == _version(pin) for one in affected.get("versions", ())):
        return True
    return any(_is_inside(one["events"], pin) for one in affected.get("ranges", ()) if one["type"] != "GIT")


def _is_inside(events: list[Mapping[str, str]], pin: str) -> bool:
    """Walk the events of a range in the order of their versions, as the schema says."""
    version, inside = Version(pin), False
    steps = [(_version(str(at)), what) for event in events for what, at in event.items()]
    if any(isinstance(at, str) for at, _ in steps):
        return True  # a version that cannot be ordered: better looked at than passed over
    for at, what in sorted(steps, key=lambda step: (step[0], step[1] == "introduced")):
        if what == "introduced" and (version >= at or at == FIRST):
            inside = True
        elif (what in ("fixed", "limit") and version >= at) or (what == "last_affected" and version > at):
            inside = False
    return inside


def _version(text: str) -> Version | str:
    try:
        return Version(text)
    except InvalidVersion:
        return text


# --- the public service -------------------------------------------------------------------------------------------


def ask_service(pins: Pins, url: str | None = None) -> tuple[list[Finding], str]:
    """Have pip-audit ask OSV's service, or one like it at another URL, about every pin.

    Raises
    ------
    NotAuditedError
        There is no pip-audit, the service does not answer, or it was not asked about every pin.
    """
    program = str(PIP_AUDIT) if PIP_AUDIT.is_file() else shutil.which("pip-audit")
    if program is None:
        raise NotAuditedError("there is no pip-audit; `make audit` installs it, beside the project")
    # OSV's: of packages that its other service does not know pip-audit says by default that nothing is known.
    options = ["--no-deps", "--disable-pip", "--strict", "-s", "osv", "-f", "json", "--progress-spinner", "off"]
    options += [] if url is None else ["--osv-url", url]
    found, missing = [], {(name, version) for name, versions in pins.items() for version in versions}
    for lines in _without_markers(pins):
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
            file.write(lines)
            file.flush()
            command = [program, "-r", file.name, *options]
            ended = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
        for one in _answers(ended):
            missing -= {(canonicalize_name(one["name"]), one["version"])}
            found += [
                Finding(one["name"], one["version"], (bad["id"], *bad["aliases"]), _first_line(bad), _fixed(bad))
                for bad in one["vulns"]
            ]
    if missing:
        raise NotAuditedError(f"the service was not asked about {sorted(missing)[:5]}")
    return found, "OSV's service"


def _without_markers(pins: Pins) -> Iterator[str]:
    """Write requirements so that those of other platforms are asked about, too: a package once in each file."""
    for place in range(max(map(len, pins.values()))):
        yield "".join(f"{name}=={versions[place]}\n" for name, versions in pins.items() if place < len(versions))


def _answers(ended: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    try:
        answers = json.loads(ended.stdout)["dependencies"]
        return [one for one in answers if "vulns" in one]
    except (ValueError, KeyError):
        last = (ended.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1]
        raise NotAuditedError(
            f"{last[:300]}\nWithout the service: download advisories and name them, `make audit ADVISORIES=all.zip` "
            "(tests/audit.py says where from)"
        ) from None


def _fixed(bad: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(bad["fix_versions"])


def _first_line(bad: Mapping[str, Any]) -> str:
    return (str(bad.get("description") or "").strip().splitlines() or [""])[0][:120]


if __name__ == "__main__":
    sys.exit(main())
