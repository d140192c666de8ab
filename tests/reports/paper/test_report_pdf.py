"""The report on paper: what its pages say, that they are A4, and that nothing a user writes breaks them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from steadymap.reports.paper.grid_figure import GridLayout, lay_out
from steadymap.reports.paper.report_pdf import BOTTOM, Pages, compose_pages, write_pdf
from steadymap.reports.paper.sheet import TEXT_WIDTH, text_width
from steadymap.reports.run.run_folder import Run, read_run
from steadymap.reports.summary.summary import Summary, summarise
from tests.reports.payloads import PAYLOADS, hostile_folder
from tests.reports.run_folder_fixture import RunFolder


def texts_of(pages: Pages) -> list[list[str]]:
    return [[one.get_text() for one in sheet.figure.texts] for sheet in pages.sheets]


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> Run:
    verdicts = ("REAL", "HIDDEN", "ARTEFACT")
    return read_run(RunFolder(verdicts=verdicts).write(tmp_path_factory.mktemp("tested") / "run"))


def test_the_first_page_has_the_verdicts(tested: Run) -> None:
    first, *_ = texts_of(compose_pages(tested, summarise(tested)))
    assert first[0] == "three clusters"
    assert "1 cluster is REAL, 1 HIDDEN, 1 ARTEFACT." in first
    for told in ("● REAL", "◐ HIDDEN", "○ ARTEFACT", "40", ".003", "0.960"):
        assert any(told in text for text in first), told


def test_the_first_page_has_the_picture_of_the_setting_to_use_with_names(tested: Run) -> None:
    first = compose_pages(tested, summarise(tested)).sheets[0]
    (axes,) = first.figure.axes
    assert [one.get_text() for one in axes.texts] == ["● c0", "◐ c1", "○ c2"]
    assert any(one.get_text() == "t-SNE, perplexity\u00a030, seed 0" for one in first.figure.texts)


def test_grids_scores_tracks_and_origin_follow(tested: Run) -> None:
    headings = [text for page in texts_of(compose_pages(tested, summarise(tested))) for text in page]
    wanted = ["All pictures by cluster", "Scores, means over seeds", "Clusters through the settings"]
    places = [headings.index(one) for one in [*wanted, "Where the numbers come from", "Without a picture"]]
    assert places == sorted(places)


def test_pages_are_a4_and_numbered(run: Run, summary: Summary, tmp_path: Path) -> None:
    write_pdf(run, summary, tmp_path / "a.pdf")
    content = (tmp_path / "a.pdf").read_bytes()
    boxes = re.findall(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", content)
    assert boxes
    assert {(round(float(width)), round(float(height))) for width, height in boxes} == {(595, 842)}
    assert len(boxes) == len(compose_pages(run, summary).sheets)


def test_its_type_is_truetype(run: Run, summary: Summary, tmp_path: Path) -> None:
    write_pdf(run, summary, tmp_path / "a.pdf")
    content = (tmp_path / "a.pdf").read_bytes()
    assert b"/FontFile2" in content
    assert b"/Type3" not in content


def test_a_run_without_pictures_says_so(tmp_path: Path) -> None:
    run = read_run(RunFolder(nothing_drawn=True).write(tmp_path / "run"))
    pages = texts_of(compose_pages(run, summarise(run)))
    assert any("No picture could be drawn" in text for text in pages[0])
    write_pdf(run, summarise(run), tmp_path / "a.pdf")


@pytest.mark.parametrize("payload", [*PAYLOADS[::4], "$\\frac{", "x" * 3000, "ذهب " * 50, "line\nline\n" * 40, "{{x}}"])
def test_names_of_every_kind_stay_on_their_page(payload: str, tmp_path: Path) -> None:
    run = read_run(hostile_folder(payload).write(tmp_path / "run"))
    summary = summarise(run)
    write_pdf(run, summary, tmp_path / "a.pdf")
    for sheet in compose_pages(run, summary).sheets:
        for one in sheet.figure.texts:
            assert not one.get_parse_math()
            assert "\n" not in one.get_text()
            assert 0 < one.get_position()[1] < 1
            assert text_width(one.get_text(), one.get_fontsize(), str(one.get_weight())) <= TEXT_WIDTH + 0.01


def test_many_clusters_and_warnings_take_more_pages(tested: Run) -> None:
    summary = summarise(tested)
    many = replace(summary, clusters=summary.clusters * 40, warnings=("a warning of some length",) * 100)
    pages = compose_pages(tested, many)
    first = [text for page in texts_of(pages)[:6] for text in page]
    assert sum(text == "● REAL" for text in first) == 40
    assert len(pages.sheets) > len(compose_pages(tested, summary).sheets)


def test_a_page_that_is_full_is_turned() -> None:
    pages = Pages()
    for _ in range(200):
        pages.paragraph("a line")
        assert pages.top <= BOTTOM + 0.1
    assert len(pages.sheets) > 1


def test_rows_of_pictures_share_the_width_and_shrink_to_save_a_page(summary: Summary) -> None:
    three = GridLayout(columns=3, name_lines=1)
    assert three.blocks == 2
    assert three.blocks * three.block <= TEXT_WIDTH
    assert GridLayout(columns=1, name_lines=1).blocks == 3
    wide = GridLayout(columns=20, name_lines=1)
    assert (wide.blocks, wide.block) == (1, pytest.approx(TEXT_WIDTH))
    # 13 settings in 7 lines: 7 × 1.4 inches fit only if pictures are a little smaller.
    fitted = three.fitted(13, 7 * 1.4)
    assert 0.75 * three.panel < fitted.panel < three.panel
    assert fitted.rows_in(7 * 1.4) >= 13
    assert three.fitted(130, 7 * 1.4) == three  # so much smaller they would show nothing
    assert lay_out(summary.rows).columns == 2
