"""The page as text: it needs nothing from outside, allows one script, and a name from the user is never markup.

The same holds of Markdown and of lines for a terminal. ``test_browser`` looks at the page in a browser.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import itertools
import json
import re
import tempfile
import unicodedata
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from steadymap.reports.page.page import render_page
from steadymap.reports.run.run_folder import Run, read_run
from steadymap.reports.summary.markdown import to_markdown
from steadymap.reports.summary.summary import Summary, summarise
from steadymap.reports.summary.terminal import to_lines
from tests.reports.payloads import HARMLESS, PAYLOADS, hostile_folder
from tests.reports.run_folder_fixture import RunFolder

FETCHING = {"src", "href", "srcset", "action", "formaction", "data", "poster", "background", "xlink:href", "ping"}


class Parsed(HTMLParser):
    """A page's elements with their attributes, its text, and the raw content of its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.comments: list[str] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts[-1] += data
        else:
            self.texts.append(data)

    @property
    def skeleton(self) -> list[tuple[str, list[str]]]:
        """Tags and names of attributes: all that markup is, without any of its text."""
        return [(tag, list(attributes)) for tag, attributes in self.elements]

    @property
    def text(self) -> str:
        """What is read between the tags."""
        return "".join(self.texts)

    @property
    def index(self) -> dict[str, object]:
        """The JSON that the page's script reads."""
        found: dict[str, object] = json.loads(self.scripts[0])
        return found


def rendered(folder: RunFolder, path: Path) -> tuple[Run, Summary, str]:
    run = read_run(folder.write(path))
    summary = summarise(run)
    return run, summary, render_page(run, summary)


@pytest.fixture(scope="module")
def usual(run: Run, summary: Summary) -> str:
    """Render the usual run."""
    return render_page(run, summary)


@pytest.fixture(scope="module")
def harmless(tmp_path_factory: pytest.TempPathFactory) -> tuple[Summary, str]:
    """Render a run like the hostile ones, with a plain word in every place."""
    _, summary, page = rendered(hostile_folder(HARMLESS), tmp_path_factory.mktemp("harmless") / "run")
    return summary, page


# --- what the page is ---------------------------------------------------------------------------------------------


def test_nothing_on_the_page_comes_from_elsewhere(usual: str) -> None:
    for tag, attributes in Parsed(usual).elements:
        for name, value in attributes.items():
            if name in FETCHING:
                assert re.fullmatch(r"#[\w-]+", value or ""), (tag, name, value)
            assert name == "content" or "url(" not in (value or "")
    assert not re.search(r"url\(|@import|https?://", usual)
    assert {"link", "img", "iframe", "object", "embed", "base", "form"}.isdisjoint(
        tag for tag, _ in Parsed(usual).elements
    )


def test_the_content_policy_allows_this_script_and_nothing_else(usual: str) -> None:
    parsed = Parsed(usual)
    (policy,) = [
        attributes["content"] or ""
        for tag, attributes in parsed.elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    # The digest of exactly what stands between the tags, as a browser takes it.
    digest = base64.b64encode(hashlib.sha256(parsed.scripts[-1].encode()).digest()).decode()
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules == {
        "default-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "style-src": "'unsafe-inline'",
        "script-src": f"'sha256-{digest}'",
    }


def test_the_policy_stands_before_anything_it_has_to_rule(usual: str) -> None:
    tags = [(tag, attributes.get("http-equiv")) for tag, attributes in Parsed(usual).elements]
    policy = tags.index(("meta", "Content-Security-Policy"))
    assert not {"style", "script", "title"} & {tag for tag, _ in tags[:policy]}


def test_one_script_runs_and_two_are_data(usual: str) -> None:
    kinds = [attributes.get("type") for tag, attributes in Parsed(usual).elements if tag == "script"]
    assert kinds == ["application/json", "text/plain", None]


def test_headings_come_in_order(usual: str) -> None:
    levels = [int(tag[1]) for tag, _ in Parsed(usual).elements if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_ids_are_given_once_and_every_reference_finds_its_own(usual: str) -> None:
    elements = Parsed(usual).elements
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in elements:
        for name in ("aria-labelledby", "href", "for"):
            if name in attributes:
                assert (attributes[name] or "").removeprefix("#") in ids


def test_columns_of_every_table_stand_under_their_heads(usual: str) -> None:
    tables = re.findall(r"<table.*?</table>", usual, flags=re.DOTALL)
    assert tables
    for table in tables:
        rows = [Parsed(row).elements for row in re.findall(r"<tr>.*?</tr>", table, flags=re.DOTALL)]
        cells = [[attributes for tag, attributes in row if tag in {"td", "th"}] for row in rows]
        width = sum(int(one.get("colspan") or 1) for one in cells[0])
        assert sum(int(one.get("colspan") or 1) for one in cells[-1]) == width


def test_every_cell_has_its_picture_or_its_reason(usual: str, run: Run) -> None:
    parsed = Parsed(usual)
    shown = {attributes["data-cell"] for _, attributes in parsed.elements if "data-cell" in attributes}
    assert shown == set(run.drawn["cell"])
    nulls = [attributes["data-null"] for _, attributes in parsed.elements if "data-null" in attributes]
    assert nulls == 2 * list(dict.fromkeys(run.null_pictures["cell"].astype(str)))  # beside its setting, and by itself
    for reason in run.cells["reason"].dropna().unique():
        assert parsed.texts.count(reason) == 2 * (run.cells["reason"] == reason).sum()  # in the grid and in the list


def test_every_finding_stands_on_the_page(usual: str, summary: Summary) -> None:
    text = Parsed(re.sub(r'<span role="tooltip">.*?</span>', "", usual)).text  # what words mean stands between them
    for sentence in (*summary.findings, *summary.facts, *summary.warnings, summary.limit):
        assert sentence in text


def test_every_cluster_has_a_card_and_a_column_in_the_tables_of_tracks(usual: str, summary: Summary) -> None:
    parsed = Parsed(usual)
    buttons = [attributes["data-cluster"] for tag, attributes in parsed.elements if "data-cluster" in attributes]
    assert buttons == ["0", "1", "2"] * 2  # on the map and in the table
    for card in summary.clusters:
        for told in (card.name.full, card.rows, card.label, card.found_again, card.fates, card.band):
            assert told in parsed.text
    titles = [str(attributes.get("title")) for tag, attributes in parsed.elements if tag == "abbr"]
    clusters = [title for title in titles if title.lower().startswith("cluster ")]
    of_settings = [f"Cluster {number}, cluster c{number}" for number in range(3)]
    of_classes_causes_and_pairs = [f"cluster c{number}, number {number}" for number in range(3)] * 3
    assert clusters == of_settings + of_classes_causes_and_pairs
    assert summary.tracks is not None
    told = {attributes.get("title") for tag, attributes in parsed.elements if tag == "td"}
    places = [one for group in summary.tracks.groups for _, row in group.rows for one in row if one]
    assert all(one.words in told and one.words in parsed.texts for one in places)


def test_sections_of_clusters_and_noise_stand_only_where_there_is_something_to_show(usual: str, tmp_path: Path) -> None:
    def sections(page: str) -> set[str | None]:
        return {attributes.get("id") for tag, attributes in Parsed(page).elements if tag == "section"}

    assert {"tracks", "noise"} <= sections(usual)
    _, _, nothing = rendered(RunFolder(nothing_drawn=True), tmp_path / "run")
    assert {"tracks", "noise"}.isdisjoint(sections(nothing))
    assert "The clusters" not in Parsed(nothing).text


def test_a_verdict_is_told_by_word_and_shape_and_a_fast_run_first_of_all(tmp_path: Path) -> None:
    folder = RunFolder(fast=True, verdicts=("REAL", "HIDDEN", "UNCERTAIN"), verdict_reason="why it is so")
    _, summary, page = rendered(folder, tmp_path / "run")
    text = " ".join(Parsed(page).text.split())
    for told in ("● REAL", "0.42 (95 % interval 0.30 to 0.55)", ".003", "◐ HIDDEN", "◇ UNCERTAIN"):
        assert told in text
    assert text.count("why it is so") == 3
    assert text.index(summary.notice) < text.index(summary.facts[0])
    assert summary.limit in Parsed(page).text


def test_many_clusters_unfold(run: Run, summary: Summary) -> None:
    many = replace(summary, clusters=tuple(replace(summary.clusters[0], number=number) for number in range(14)))
    page = render_page(run, replace(many, tracks=None))
    assert "Show all 14 clusters" in page
    assert page.count('<article class="cluster">') == 14


def test_scores_are_told_beside_noise_and_stability_between_resamples(usual: str) -> None:
    texts = Parsed(usual).texts
    assert {"noise 0.60 to 0.75 at k = 10", "between resamples", "NESS"} <= set(texts)


@pytest.mark.parametrize(
    "folder",
    [RunFolder(nothing_drawn=True), RunFolder(labels={}), RunFolder(seeds=(7,)), RunFolder(drawn_rows=np.arange(3))],
    ids=["nothing drawn", "no labels", "one seed", "three rows"],
)
def test_small_and_failed_runs_have_a_page(tmp_path: Path, folder: RunFolder) -> None:
    _, summary, page = rendered(folder, tmp_path / "run")
    assert summary.findings[0] in Parsed(page).text


# --- names from the user ------------------------------------------------------------------------------------------


def test_a_payload_unescaped_would_be_seen(usual: str) -> None:
    # The negative control: the comparison of skeletons notices a payload that is markup.
    assert Parsed(usual + PAYLOADS[0]).skeleton != Parsed(usual).skeleton


@functools.cache
def rendered_with(payload: str) -> tuple[Run, Summary, str]:
    """Render a run full of a name once for all tests."""
    with tempfile.TemporaryDirectory() as folder:
        return rendered(hostile_folder(payload), Path(folder) / "run")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_name_is_read_as_markup_on_the_page(payload: str, harmless: tuple[Summary, str]) -> None:
    _, _, page = rendered_with(payload)
    parsed, plain = Parsed(page), Parsed(harmless[1])
    assert parsed.skeleton == plain.skeleton
    assert parsed.comments == plain.comments == []
    assert parsed.scripts[2] == plain.scripts[2]  # the script that the policy allows holds no name
    assert not any(name.startswith("on") for _, attributes in parsed.elements for name in attributes)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_every_name_arrives_on_the_page_as_it_was(payload: str) -> None:
    _, _, page = rendered_with(payload)
    parsed = Parsed(page)
    # As a heading, as skipped and crashed in grid and list, as a warning, as the run, as the command that repeats it,
    # and as the reason of three verdicts.
    assert parsed.texts.count(payload) >= 1 + 3 + 3 + 1 + 1 + 1 + 3
    labels, ids = parsed.index["labels"], parsed.index["ids"]
    assert isinstance(labels, list)
    assert isinstance(ids, list)
    assert [label["name"] for label in labels] == [payload, f"second {payload}"]
    assert labels[0]["values"] == [f"{payload}{cluster}" for cluster in range(3)]
    assert ids[:2] == [f"{payload}0", f"{payload}1"]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_data_cannot_end_its_script_element(payload: str) -> None:
    _, _, page = rendered_with(payload)
    data = re.search(r'<script type="application/json" id="index">(.*?)</script>', page, flags=re.DOTALL)
    assert data is not None
    assert not re.search("[<>&'\u2028\u2029]", data[1])
    json.loads(data[1])


# --- Markdown -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_name_is_read_as_markup_in_markdown(payload: str, harmless: tuple[Summary, str]) -> None:
    _, summary, _ = rendered_with(payload)
    text, plain = to_markdown(summary), to_markdown(harmless[0])
    # Line for line the same: a name breaks no line, opens no heading, item or column of a table.
    lines, plain_lines = text.split("\n"), plain.split("\n")
    assert len(lines) == len(plain_lines)
    for line, plain_line in zip(lines, plain_lines, strict=True):
        bare, plain_bare = (re.sub(r"\\.", "", one) for one in (line, plain_line))
        assert not re.search("[<>]|://", bare)
        for mark in "`*_[]{}|#~":
            assert bare.count(mark) == plain_bare.count(mark), (mark, line)
    assert len(text.splitlines()) == len(plain_lines) - 1  # no separator of lines that split("\n") does not know


def test_markdown_keeps_what_it_escapes_readable(tmp_path: Path) -> None:
    _, summary, _ = rendered(RunFolder(name="a_b *c* | <d> & http://e"), tmp_path / "run")
    first = to_markdown(summary).splitlines()[0]
    assert first == r"# a\_b \*c\* \| &lt;d&gt; &amp; http\://e"


def test_markdown_makes_no_link_of_an_address_and_keeps_no_control_character(tmp_path: Path) -> None:
    _, summary, _ = rendered(RunFolder(name="www.host.invalid me@host.invalid \x1b[2J"), tmp_path / "run")
    assert to_markdown(summary).splitlines()[0] == r"# www\.host.invalid me\@host.invalid \[2J"


# --- terminal -----------------------------------------------------------------------------------------------------

CONTROLS = {
    "erase the screen": "\x1b[2J",
    "title of the window": "\x1b]0;owned\x07",
    "back to the start of the line": "\r",
    "back one character": "\x08",
    "C1 control sequence": "\x9b31m",
    "new line": "\n",
    "separator of lines": "\u2028",
    "next line": "\x85",
    "turned writing": "\u202e",
    "hidden": "\u200b",
    "deleted": "\x7f",
}


@pytest.mark.parametrize("control", CONTROLS.values(), ids=CONTROLS)
def test_no_name_moves_the_cursor_of_a_terminal(tmp_path: Path, control: str, summary: Summary) -> None:
    reason = f"before{control}after"
    _, hostile, _ = rendered(RunFolder(skipped_because=reason, crashed_because=reason), tmp_path / "run")
    lines = to_lines(hostile)
    assert len(lines) == len(to_lines(summary))
    for line in lines:
        assert all(unicodedata.category(character)[0] != "C" for character in line)
        assert len(line.splitlines()) == 1
    assert sum("before" in line and "after" in line for line in lines) == 3


def test_lines_tell_findings_recommendations_and_losses(summary: Summary) -> None:
    lines = to_lines(summary)
    assert len(lines) == 3 + 8 + 3 + 2 + 1 + 3  # the answer comes first
    assert lines[1].startswith("Use t-SNE, perplexity 30")
    assert lines[3] == summary.findings[0]
    assert lines[11] == summary.clusters[0].line.replace("\u00a0", " ")
    assert lines[14] == "look first at t-SNE, perplexity 30, seed 0: the best of the front"
    assert lines[16].startswith("One picture shows every cluster that any picture shows, 2 of 3: t-SNE, perplexity 30")
    assert lines[19] == "crashed: UMAP, n_neighbors 15, min_dist 0.5, seed 1: the worker was killed by signal 11"
