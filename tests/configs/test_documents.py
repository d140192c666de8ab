"""What the documents say is so: every key, table and column is named, examples are valid, commands exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from prefect.events import EventTrigger
from prefect.events.schemas.automations import AutomationCore

from steadymap.configs import schemas
from steadymap.configs.document import known_keys, read_config
from steadymap.flows.cli.app import app
from steadymap.reports.nights.night_changes import Kind

PROJECT = Path(__file__).parents[2]


def text(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def test_the_example_has_every_key() -> None:
    missing = [
        key for key in known_keys() if not re.search(rf"^[ #-]*{key}:|[{{ ]{key}:", text("configs/example.yaml"), re.M)
    ]
    assert missing == []


@pytest.mark.parametrize("table", [*schemas.RUN_TABLES, "points", "timings"])
def test_the_tables_page_has_every_column(table: str) -> None:
    page = text("docs/tables.md")
    row = next(line for line in page.splitlines() if line.startswith(f"| `{table}` |"))
    known = {**schemas.RUN_TABLES, "points": schemas.points(()), "timings": schemas.TIMINGS}[table]
    assert [name for name in known.names if f"`{name}`" not in row] == []


def test_the_tables_page_has_every_status() -> None:
    assert [status for status in schemas.STATUSES if f"`{status}`" not in text("docs/tables.md")] == []


def test_the_config_in_the_readme_is_valid(tmp_path: Path) -> None:
    block = re.search(r"```yaml\n(.*?)```", text("README.md"), re.S)
    assert block is not None
    (tmp_path / "sweep.yaml").write_text(block[1], encoding="utf-8")
    assert read_config(tmp_path / "sweep.yaml").seeds == (0, 1, 2)


def test_the_commands_in_the_readme_exist() -> None:
    named = set(re.findall(r"^    steadymap (\w+)", text("README.md"), re.M))
    expected = "sweep check score scores runs report export selftest compare site open nightly deploy gc show alerts"
    expected += " encoders watch fsck"
    assert named == set(expected.split())
    assert named <= set(app)


def test_links_between_documents_lead_somewhere() -> None:
    for page in [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *(PROJECT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_command_of_make_that_documents_name_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.M))
    named = {
        name
        for page in ("README.md", "CONTRIBUTING.md", ".ci/run")
        for name in re.findall(r"(?:^ *|`)make ([a-z-]+)", text(page), re.M)
    }
    assert named <= targets


def test_pinned_versions_name_no_address() -> None:
    lines = [line for line in text("constraints.txt").splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+( *;.*)?", line) for line in lines)


@pytest.mark.parametrize(
    ("table", "schema"), [("nights/sweeps", schemas.NIGHTS), ("nights/clusters", schemas.NIGHT_CLUSTERS)]
)
def test_the_page_on_nights_has_every_column(table: str, schema: Any) -> None:
    row = next(line for line in text("docs/reading.md").splitlines() if line.startswith(f"| `{table}` |"))
    assert [name for name in schema.names if f"`{name}`" not in row] == []
    assert [status for status in schemas.NIGHT_STATUSES if f"`{status}`" not in text("docs/reading.md")] == []


def test_the_page_on_alerts_has_every_event_and_automations_wait_for_no_other() -> None:
    kinds = {f"steadymap.{kind}" for kind in (*get_args(Kind), "sweep.changed", "night.finished")}
    page = text("docs/nights/alerts.md")
    assert set(re.findall(r"^\| `(steadymap\.[a-z.]+)` \|", page, re.M)) == kinds
    files = sorted((PROJECT / "deployments" / "automations").glob("*.yaml"))
    awaited: set[str] = set()
    for file in files:
        automation = AutomationCore.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
        assert isinstance(automation.trigger, EventTrigger)
        awaited |= {name for name in automation.trigger.expect if name.startswith("steadymap.")}
        assert f"deployments/automations/{file.name}" in page
    assert awaited == {"steadymap.sweep.changed", "steadymap.night.finished"}  # one message a sweep, and a sign of life
