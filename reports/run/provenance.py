"""Where a run's numbers come from: all that is needed to repeat it."""

from __future__ import annotations

from steadymap.reports.run.run_folder import Run


def provenance(run: Run) -> tuple[tuple[str, str], ...]:
    """List names and values."""
    manifest, data = run.manifest, run.manifest["data"]
    preprocess = ", ".join(f"{name} {value}" for name, value in manifest["preprocess"].items() if value is not None)
    versions = ", ".join(f"{name} {version}" for name, version in manifest["versions"].items())
    scored, drawn = manifest["scored_rows"], manifest["drawn_rows"]
    duplicates = data.get("duplicate_rows")
    return (
        ("Run", manifest["run"]),
        ("Data", f"{data['source']}, {data['rows']:,} × {data['dimensions']:,}"),
        *([("Taken of the file", data["taken"])] if data.get("taken") else []),
        ("Digest of the data", data["digest"]),
        *([("Duplicate rows", f"{duplicates:,}")] if duplicates else []),
        ("Preprocessing", preprocess),
        ("Seeds", ", ".join(map(str, manifest["seeds"]))),
        ("Scored", _share_of_rows(scored, data["rows"])),
        ("Drawn", _share_of_rows(drawn, data["rows"])),
        ("Identity of config, data and code", manifest["identity"]),
        ("Versions", versions),
    )


def _share_of_rows(part: int, rows: int) -> str:
    return "every row" if part == rows else f"{part:,} of {rows:,} rows, chosen by their content"
