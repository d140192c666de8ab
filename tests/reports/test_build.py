"""Building a report: page and figures whole or not at all, and the same bytes every time."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from configs.errors import InputError
from reports.build import build_report
from tests.reports.run_folder_fixture import ROWS, RunFolder

PNG_START, PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
FIGURES = ("comparison_grid.png", "scores.png")


def files_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def fail_to_flush(descriptor: int) -> None:
    raise OSError(28, "No space left on device")


def test_page_and_figures_are_written_whole_and_nothing_else(folder: Path) -> None:
    before = files_of(folder)
    report = build_report(folder)
    assert report == folder / "report.html"
    assert files_of(folder) - before == {"report.html", *(f"figures/{name}" for name in FIGURES)}
    page = report.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    for name in FIGURES:
        content = (folder / "figures" / name).read_bytes()
        assert content.startswith(PNG_START)
        assert content.endswith(PNG_END)


def test_figures_show_more_than_paper(folder: Path) -> None:
    from matplotlib.image import imread

    build_report(folder)
    for name in FIGURES:
        pixels = imread(folder / "figures" / name)
        assert len(np.unique(pixels.reshape(-1, pixels.shape[-1]), axis=0)) > 50


def test_building_again_gives_the_same_bytes(folder: Path) -> None:
    build_report(folder)
    first = {name: (folder / name).read_bytes() for name in files_of(folder)}
    build_report(folder)
    assert {name: (folder / name).read_bytes() for name in files_of(folder)} == first


def test_the_same_tables_elsewhere_give_the_same_page(tmp_path: Path) -> None:
    # The page tells no path and no time.
    pages = [build_report(RunFolder().write(tmp_path / name)).read_bytes() for name in ("here", "elsewhere")]
    assert pages[0] == pages[1]


def test_a_failing_write_leaves_the_old_report(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_report(folder)
    before = {name: (folder / name).read_bytes() for name in files_of(folder)}
    monkeypatch.setattr(os, "fsync", fail_to_flush)
    with pytest.raises(OSError, match="No space left"):
        build_report(folder)
    assert {name: (folder / name).read_bytes() for name in files_of(folder)} == before


def test_a_failing_first_write_leaves_no_half_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RunFolder(nothing_drawn=True).write(tmp_path / "run")  # no figures: the page is the first write
    before = files_of(folder)
    monkeypatch.setattr(os, "fsync", fail_to_flush)
    with pytest.raises(OSError, match="No space left"):
        build_report(folder)
    assert files_of(folder) == before


def test_a_run_without_pictures_has_a_page_and_no_figures(tmp_path: Path) -> None:
    folder = RunFolder(nothing_drawn=True).write(tmp_path / "run")
    report = build_report(folder)
    assert "No picture could be drawn" in report.read_text(encoding="utf-8")
    assert not (folder / "figures").exists()


def test_without_labels_islands_colour_the_figures(tmp_path: Path) -> None:
    folder = RunFolder(labels={}).write(tmp_path / "run")
    build_report(folder)
    assert (folder / "figures" / FIGURES[0]).read_bytes().endswith(PNG_END)


@pytest.mark.parametrize("value", ["$\\frac{", "a_{b}^$x$", "漢字かな", "ذهب", "\u202eabc", "", "x" * 500, "_hidden"])
def test_any_name_can_be_drawn(tmp_path: Path, value: str) -> None:
    # Warnings are errors here: neither mathtext nor a missing glyph may stop or soil a build.
    labels = {value or "empty": [f"{value}{row % 3}" if row else value for row in range(ROWS)]}
    folder = RunFolder(labels=labels, skipped_because=value, crashed_because=value).write(tmp_path / "run")
    build_report(folder)
    assert all((folder / "figures" / name).read_bytes().endswith(PNG_END) for name in FIGURES)


def test_a_folder_that_is_no_run_gets_no_report(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        build_report(tmp_path)
    assert list(tmp_path.iterdir()) == []
