"""Building a report: page, PDF, summary and figures whole or not at all, and the same bytes every time."""

from __future__ import annotations

import os
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from steadymap.configs.errors import InputError
from steadymap.reports.build import build_report
from tests.reports.run_folder_fixture import ROWS, RunFolder

PNG_START, PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
DRAWN = ("comparison_grid", "clusters", "scores", "tracks")
FIGURES = tuple(f"{name}.png" for name in DRAWN)
VECTORS = tuple(f"{name}.svg" for name in DRAWN)
FILES = {"report.html", "report.pdf", "summary.md", *(f"figures/{name}" for name in (*FIGURES, *VECTORS))}


def files_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def read_svg(path: Path) -> ElementTree.Element:
    return ElementTree.parse(path).getroot()  # noqa: S314 (a file that the test has just made)


def fail_to_flush(descriptor: int) -> None:
    raise OSError(28, "No space left on device")


def test_page_and_figures_are_written_whole_and_nothing_else(folder: Path) -> None:
    before = files_of(folder)
    report = build_report(folder)
    assert report == folder / "report.html"
    assert files_of(folder) - before == FILES
    page = report.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    for name in FIGURES:
        content = (folder / "figures" / name).read_bytes()
        assert content.startswith(PNG_START)
        assert content.endswith(PNG_END)
    for name in VECTORS:
        assert read_svg(folder / "figures" / name).tag == "{http://www.w3.org/2000/svg}svg"
    assert (folder / "report.pdf").read_bytes().rstrip().endswith(b"%%EOF")


def test_points_of_an_svg_are_pictures_and_its_type_is_lines(folder: Path) -> None:
    build_report(folder)
    grid = read_svg(folder / "figures" / "comparison_grid.svg")
    images = [one for one in grid.iter() if one.tag.endswith("}image")]
    assert len(images) == 12  # 2 of t-SNE, 4 of UMAP, each with two seeds, one of them lost; PCA
    # As marks, 120 points in each of 12 pictures would be as many <use> elements.
    marks = [one for one in grid.iter() if one.tag.endswith("}use") and "#m" in str(one.attrib)]
    assert len(marks) < 120


def test_figures_and_pdf_hold_no_date(folder: Path) -> None:
    build_report(folder)
    for name in (*(f"figures/{one}" for one in VECTORS), "report.pdf"):
        content = (folder / name).read_bytes()
        assert b"<dc:date>" not in content
        assert b"CreationDate" not in content


def test_the_summary_shows_the_grid_that_lies_beside_it(folder: Path, tmp_path: Path) -> None:
    build_report(folder)
    text = (folder / "summary.md").read_text(encoding="utf-8")
    (picture,) = re.findall(r"!\[[^]]*\]\(([^)]*)\)", text)
    assert (folder / picture).is_file()
    nothing = RunFolder(nothing_drawn=True).write(tmp_path / "nothing")
    build_report(nothing)
    assert "![" not in (nothing / "summary.md").read_text(encoding="utf-8")


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
    folders = [build_report(RunFolder().write(tmp_path / name)).parent for name in ("here", "elsewhere")]
    for name in FILES:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name


def test_a_failing_write_leaves_the_old_report(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_report(folder)
    before = {name: (folder / name).read_bytes() for name in files_of(folder)}
    monkeypatch.setattr(os, "fsync", fail_to_flush)
    with pytest.raises(OSError, match="No space left"):
        build_report(folder)
    assert {name: (folder / name).read_bytes() for name in files_of(folder)} == before


def test_a_failing_first_write_leaves_no_half_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RunFolder(nothing_drawn=True).write(tmp_path / "run")
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


def test_without_labels_clusters_colour_the_grid(tmp_path: Path) -> None:
    folder = RunFolder(labels={}).write(tmp_path / "run")
    build_report(folder)
    assert (folder / "figures" / FIGURES[0]).read_bytes().endswith(PNG_END)
    assert not (folder / "figures" / "clusters.png").exists()  # it would be the same


@pytest.mark.parametrize(
    "value",
    [
        "$\\frac{",
        "a_{b}^$x$",
        "漢字かな",
        "ذهب",
        "\u202eabc",
        "",
        "x" * 500,
        "_hidden",
        "a\nb\r\x1b[31m\x00",
        "{{x}}",
        "<b>",
    ],
)
def test_any_name_can_be_drawn(tmp_path: Path, value: str) -> None:
    # Warnings are errors here: neither mathtext nor a missing glyph may stop or soil a build.
    labels = {value or "empty": [f"{value}{row % 3}" if row else value for row in range(ROWS)]}
    told = RunFolder(name=value, labels=labels, skipped_because=value, crashed_because=value, warnings=(value,))
    folder = told.write(tmp_path / "run")
    build_report(folder)
    assert all((folder / "figures" / name).read_bytes().endswith(PNG_END) for name in FIGURES)
    for name in VECTORS:
        read_svg(folder / "figures" / name)


def test_a_folder_that_is_no_run_gets_no_report(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        build_report(tmp_path)
    assert list(tmp_path.iterdir()) == []
