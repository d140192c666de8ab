"""The selftest: sets are judged along the whole path, kept, and found again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from steadymap.configs.errors import InputError
from steadymap.configs.selftest import SelftestConfig
from steadymap.tasks.progress import Announcement, listening
from steadymap.tasks.selftest.error_rates import spell_outcome, sum_up
from steadymap.tasks.selftest.known_sets import KnownSet, known_sets

PART = {"name": "few", "rows": 600, "dimensions": [5], "sets": 1, "families": ["gauss_iso", "blobs5_8"]}


def small(**changes: object) -> SelftestConfig:
    return SelftestConfig.model_validate(
        {
            "first_seed": 7,
            "parts": [{**PART, **changes}],
            "sweep": {
                "reducers": [{"reducer": "tsne", "perplexity": 30}],
                "resamples": {"pairs": 1, "configurations": 1},
                "nulls": {"gaussian": 0, "copula": 0},
            },
        }
    )


@pytest.mark.engine
def test_sets_are_judged_kept_and_found_again(engine: None, tmp_path: Path) -> None:
    from steadymap.flows.selftest import selftest

    told: list[Announcement] = []
    with listening(told.append):
        summary = selftest(small(), str(tmp_path))
    # What a set consists of is not told; the sets are.
    assert {one.stage for one in told} == {"sets"}
    assert (told[0].total, sum(one.done for one in told)) == (2, 2)
    families = summary["parts"][0]["families"]
    assert {name: one["real"] for name, one in families.items()} == {"gauss_iso": False, "blobs5_8": True}
    assert summary["false_real"]["hits"] == 0
    assert families["blobs5_8"]["ari"] > 0.5
    assert json.loads((tmp_path / "selftest.json").read_text(encoding="utf-8")) == summary
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "selftest").glob("*.json")}
    assert len(kept) == 2
    assert not (tmp_path / "selftest" / "work").exists()
    wider = selftest(small(sets=2, families=["gauss_iso"]), str(tmp_path))
    assert wider["false_real"]["trials"] == 2
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_families_go_in_rounds_and_unknown_ones_are_refused() -> None:
    def sets_of(**changes: object) -> list[KnownSet]:
        config = small(**changes)
        return known_sets(config, config.parts[0])

    sets = sets_of(sets=2, dimensions=[5, 8], families=None)
    round_of = [known.seed for known in sets]
    assert round_of == sorted(round_of)
    assert {known.family for known in sets[:20]} > {"gauss_iso", "swiss", "two_4"}
    assert not any(known.family == "unif_cube10" for known in sets)  # it needs ten dimensions
    with pytest.raises(InputError, match="blobs9"):
        sets_of(families=["blobs9"])
    assert [known.family for known in sets_of(real=True)] == ["blobs5_8"]
    assert [known.family for known in sets_of(real=False)] == ["gauss_iso"]


def test_the_summary_counts_sets_not_clusters() -> None:
    def outcome(family: str, real: bool, false: int) -> dict[str, object]:
        about = {"family": family, "real": real, "false": false, "found": 0.5 if real else None}
        about |= {"rows": 600, "dimensions": 5, "seed": 7}
        about["false_artefacts"] = 1 if real else None
        return {**about, "ari": 0.4 if real else None, "recurring": 3, "recurring_artefacts": 1}

    outcomes = [outcome("ring", False, 4), outcome("ring", False, 0), outcome("two_5", True, 1)]
    summary = sum_up({"few": outcomes, "none": []}, small())
    (part,) = summary["parts"]
    assert (summary["false_real"]["hits"], summary["false_real"]["trials"]) == (1, 2)
    assert (part["families"]["two_5"]["found"], part["families"]["two_5"]["called_artefact"]) == (0.5, 1)
    assert (summary["rows"], part["rows"], part["sets"]) == ([600], 600, 3)
    assert summary["false_sets"] == ["ring 600 × 5, seed 7", "two_5 600 × 5, seed 7"]
    assert "2 FALSE" in spell_outcome({**outcome("ring", False, 2), "verdicts": {"REAL": 2}})
    assert (summary["recurring_called_artefact"]["hits"], summary["recurring_called_artefact"]["trials"]) == (2, 6)


def test_asking_for_nothing_is_refused(tmp_path: Path) -> None:
    from steadymap.flows.selftest import selftest

    ended = selftest.fn(small(families=["ring"], real=True), str(tmp_path))
    assert ended.is_failed()
    assert "nothing to draw" in ended.message
    assert isinstance(ended.data, InputError)  # which is what a caller of the flow gets
