"""A run in a notebook: it shows itself, inert and self-contained, and is found by folder or by name."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import matplotlib.image
import pytest

from steadymap.configs.errors import InputError
from steadymap.reports.build import build_report
from steadymap.reports.export.notebook import ShownRun, open_run
from tests.reports.payloads import PAYLOADS, hostile_folder
from tests.reports.run_folder_fixture import RunFolder

TAGS = {*("section", "p", "strong", "ul", "li", "br", "span", "code", "div", "figure", "img", "figcaption", "a")}
ATTRIBUTES = {*("style", "aria-label", "width", "height", "alt", "src", "href", "target", "rel")}


class Elements(HTMLParser):
    """Collect tags, attributes and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> ShownRun:
    verdicts = ("REAL", "HIDDEN", "ARTEFACT")
    return open_run(RunFolder(verdicts=verdicts).write(tmp_path_factory.mktemp("tested") / "run"))


def test_verdicts_and_pictures_are_shown(tested: ShownRun) -> None:
    found = Elements(tested._repr_html_())
    assert "1 cluster is REAL, 1 HIDDEN, 1 ARTEFACT." in found.text
    for told in ("● REAL", "◐ HIDDEN", "○ ARTEFACT", "p = .003", "depth 0.42", "run.cells"):
        assert told in found.text
    pictures = [value or "" for name, value in found.attributes if name == "src"]
    assert len(pictures) == 2  # one for t-SNE, one for UMAP
    for one in pictures:
        assert base64.b64decode(one.removeprefix("data:image/png;base64,")).startswith(b"\x89PNG")
    assert len(tested._repr_html_()) < 200_000


def test_its_pictures_have_no_ground_of_their_own(tested: ShownRun) -> None:
    # In a dark notebook a white square would shine; so what is no point is see-through.
    sources = [value or "" for name, value in Elements(tested._repr_html_()).attributes if name == "src"]
    for one in sources:
        content = io.BytesIO(base64.b64decode(one.removeprefix("data:image/png;base64,")))
        alpha = matplotlib.image.imread(content)[:, :, 3]
        assert (alpha == 0).mean() > 0.5
        assert (alpha == 1).any()


def test_a_terminal_is_told_in_a_line_what_run_it_is(tested: ShownRun) -> None:
    told = repr(tested)
    assert told.startswith("<run three-clusters-0123456789: 120 rows; 12 pictures; clusters: 1 REAL, 1 HIDDEN, 1 ARTEF")
    assert ".cells, .scores" in told
    assert len(told) < 500


def test_it_links_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RunFolder().write(tmp_path / "results" / "runs" / "a run #1")
    monkeypatch.chdir(tmp_path)
    assert "href" not in open_run(folder)._repr_html_()
    build_report(folder)
    links = re.findall(r'href="([^"]*)"', open_run(folder)._repr_html_())
    assert links == [f"results/runs/a%20run%20%231/{name}" for name in ("report.html", "report.pdf", "summary.md")]


def test_elsewhere_links_are_whole_addresses(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "report.html").touch()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert re.findall(r'href="([^"]*)"', open_run(folder)._repr_html_()) == [(folder / "report.html").as_uri()]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_names_are_text(payload: str, tmp_path: Path) -> None:
    found = Elements(open_run(hostile_folder(payload).write(tmp_path / "run"))._repr_html_())
    assert set(found.tags) <= TAGS
    assert {name for name, _ in found.attributes} <= ATTRIBUTES
    for name, value in found.attributes:
        assert name != "src" or (value or "").startswith("data:image/png;base64,")


def test_a_run_without_pictures_shows_that(tmp_path: Path) -> None:
    page = open_run(RunFolder(nothing_drawn=True).write(tmp_path / "run"))._repr_html_()
    assert "No picture could be drawn" in page
    assert "<img" not in page


def test_a_run_is_found_by_folder_and_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RunFolder().write(tmp_path / "results" / "runs" / "night")
    assert open_run(folder).folder == open_run(str(folder)).folder == folder
    assert open_run("night", store=tmp_path / "results").folder == folder
    monkeypatch.chdir(tmp_path)
    assert len(open_run("night").cells) == len(open_run(folder).cells)
    with pytest.raises(InputError, match="no such folder"):
        open_run("other")
