"""What a decoder shows, on the cards of clusters: every drawing is its table's, every sentence agrees with it."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from steadymap.reports.clusters.decoded_cards import decoded_cards, decoded_sentences, has_images
from steadymap.reports.run.run_folder import Run, read_run
from tests.reports.browsing import render
from tests.reports.run_folder_fixture import RunFolder


def run_with(folder: Path, kind: str | None) -> Run:
    return read_run(RunFolder(decoded=kind).write(folder))


def plain(text: str) -> str:
    """Return a text with spaces that break."""
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def test_without_a_decoder_there_is_nothing(tmp_path: Path) -> None:
    run = run_with(tmp_path, None)
    assert decoded_cards(run) == {}
    assert decoded_sentences(run) == ()
    page = render(run.folder).read_text(encoding="utf-8")
    assert "img-src" not in page
    assert "What the decoder shows" not in page


def test_images_are_those_of_the_table(tmp_path: Path) -> None:
    run = run_with(tmp_path, "image")
    cards = decoded_cards(run)
    assert sorted(cards) == [0, 1, 2]
    assert has_images(tuple(cards.values()))
    for number, card in cards.items():
        own = run.decoded[run.decoded["cluster"] == number]
        strips = {strip.heading: strip for strip in card.strips}
        assert list(strips)[:2] == ["inputs", "decoded"]
        assert list(strips)[3:] == ["z[0]", "z[1]", "z[2]"]
        to_neighbour = card.strips[2]
        assert plain(to_neighbour.heading) == f"to cluster c{(number + 1) % 3}"
        path = own[own["kind"] == "path"]
        assert [tile.density for tile in to_neighbour.tiles] == pytest.approx(path["density"].tolist())
        for strip, kind in ((strips["inputs"], "input"), (to_neighbour, "path")):
            for tile, pixels in zip(strip.tiles, own[own["kind"] == kind]["pixels"], strict=True):
                assert tile.image.startswith("data:image/png;base64,")
                image = np.asarray(Image.open(io.BytesIO(base64.b64decode(tile.image.partition(",")[2]))))
                np.testing.assert_array_equal(image, np.frombuffer(pixels, np.uint8).reshape(4, 3))
        assert [tile.caption for tile in strips["decoded"].tiles] == ["medoid", "mean"]
        assert [tile.caption for tile in strips["z[1]"].tiles] == ["0.50", "0.60", "0.70", "0.80", "0.90"]
        assert "AUC of 0.90" in strips["z[1]"].sentence


def test_lines_are_those_of_the_table(tmp_path: Path) -> None:
    run = run_with(tmp_path, "line")
    card = decoded_cards(run)[1]
    assert not has_images((card,))
    own = run.decoded[run.decoded["cluster"] == 1]
    high = max(max(one) for one in own["values"])
    for tile, values in zip(card.strips[2].tiles, own[own["kind"] == "path"]["values"], strict=True):
        points = np.array([[float(one) for one in pair.split()] for pair in tile.line.strip("M").split("L")])
        np.testing.assert_allclose(points[:, 0], 96 * np.arange(12) / 11, atol=0.05)
        np.testing.assert_allclose(points[:, 1], 40 * (1 - np.asarray(values) / high), atol=0.06)


def test_a_table_names_columns_and_what_they_become(tmp_path: Path) -> None:
    card = decoded_cards(run_with(tmp_path, "table"))[2]
    assert card.strips == ()
    way, *dimensions = card.tables
    assert [row[:2] for row in way.rows] == [("cluster", "+1.5"), ("length", "−2.5")]
    assert tuple(plain(one) for one in way.steps) == ("mean", "medoid", "", "", "", "", "", "cluster c0")
    assert way.rows[0][2] == ("2", "2", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6")
    assert way.density == ("", "1.00", "0.67", "0.33", "0.00", "0.33", "0.67", "1.00")
    assert [one.steps for one in dimensions][1] == ("0.50", "0.60", "0.70", "0.80", "0.90")
    assert [one.rows[0][2] for one in dimensions][1] == ("2.5", "2.6", "2.7", "2.8", "2.9")
    assert "z[1]" in dimensions[1].caption
    assert all(one.density == () for one in dimensions)
    widths = [(len(one.steps), len(row[2])) for one in card.tables for row in one.rows]
    assert all(heads == values for heads, values in widths)


def test_sentences_say_what_the_numbers_say(tmp_path: Path) -> None:
    run = run_with(tmp_path, "image")
    cards = decoded_cards(run)
    assert plain(cards[0].landing) == "Encoded again, the decoded mean comes back: 50 % of the rows land farther off."
    assert "lands farther off than 99 %" in plain(cards[1].landing)
    assert "lands in cluster c0" in plain(cards[2].landing)
    assert [cards[one].off_manifold for one in range(3)] == [False, True, True]
    assert cards[0].error.startswith("Reconstruction error 1 ± 0.1, all others 1.5")
    assert cards[2].error.startswith("Reconstructed worse than the rest: error 3 ± 0.1, all others 1.5")
    assert cards[2].error.endswith("(2.0 times as large).")
    assert [cards[one].worse for one in range(3)] == [False, False, True]
    assert "at its lowest less than 0.01 of the lower peak" in cards[0].strips[2].sentence
    assert "at its lowest 0.25 of the lower peak" in cards[1].strips[2].sentence
    assert tuple(map(plain, decoded_sentences(run))) == (
        "Reconstructed worse than the rest: cluster c2 (2.0 times).",
        "The decoded means are off the manifold: cluster c1 and cluster c2.",
    )


def test_what_is_not_known_is_not_said(tmp_path: Path) -> None:
    run = run_with(tmp_path, "line")
    for column in ("off_manifold", "landing", "landing_p", "error", "worse"):
        run.decoded_clusters[column] = pd.Series([None] * 3, dtype=object)
    cards = decoded_cards(run)
    assert {(card.landing, card.error, card.off_manifold, card.worse) for card in cards.values()} == {
        ("", "", False, False)
    }
    assert decoded_sentences(run) == ()


def test_the_page_holds_every_drawing_once(tmp_path: Path) -> None:
    run = run_with(tmp_path, "image")
    page = render(run.folder).read_text(encoding="utf-8")
    assert len(re.findall(r'<img src="data:image/png;base64,[A-Za-z0-9+/=]+"', page)) == len(run.decoded)
    assert "img-src data:; script-src" in page
    bars = re.findall(r'title="density ([0-9.]+)"><i style="width: (\d+)%"></i></i><small>([0-9.]+)</small>', page)
    densities = run.decoded.loc[run.decoded["kind"] == "path", "density"]
    assert [float(told) for told, _, _ in bars] == pytest.approx(densities.round(2).tolist())
    assert [float(under) for _, _, under in bars] == [float(told) for told, _, _ in bars]
    assert [int(width) for _, width, _ in bars] == pytest.approx((100 * densities).round().tolist())
    assert "Reconstructed worse than the rest: cluster c2" in plain(page)
    assert "reconstruction error" in page
