"""Put a bill of materials into the wheel: every package of constraints.txt with its version, as CycloneDX has it.

The wheel asks for ranges (pyproject.toml); these are the versions that the tests have seen.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NAME = "steadymap.cdx.json"

PINNED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)(?:\s*;\s*(?P<marker>.+))?")


def bill_of_materials(version: str, constraints: str) -> dict[str, Any]:
    """Return what a CycloneDX 1.5 document says of Steadymap and of every pinned package."""
    pinned = [found for line in constraints.splitlines() if (found := PINNED.fullmatch(line.strip()))]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": "steadymap",
                "name": "steadymap",
                "version": version,
                "purl": f"pkg:pypi/steadymap@{version}",
                "licenses": [{"license": {"id": "MIT"}}],
            }
        },
        "components": [_component(**one.groupdict()) for one in pinned],
    }


def _component(name: str, version: str, marker: str | None) -> dict[str, Any]:
    purl = f"pkg:pypi/{re.sub(r'[-_.]+', '-', name).lower()}@{version}"
    told = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    return told | ({"properties": [{"name": "python:marker", "value": marker}]} if marker else {})


class CustomBuildHook(BuildHookInterface):
    """Writes the bill beside what is built, and hands it to the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write it; an editable install needs none."""
        if self.target_name != "wheel" or version == "editable":
            return
        constraints = (Path(self.root) / "constraints.txt").read_text(encoding="utf-8")
        bill = bill_of_materials(self.metadata.version, constraints)
        file = Path(self.directory) / NAME
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(bill, indent=1) + "\n", encoding="utf-8")
        build_data["sbom_files"].append(str(file))

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Leave nothing but what was built."""
        del version, build_data, artifact_path
        (Path(self.directory) / NAME).unlink(missing_ok=True)
