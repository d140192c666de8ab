"""Sentences about single dimensions: a healthy space gets one, every fault is named with its dimensions."""

from __future__ import annotations

from typing import Any

import pandas as pd

from steadymap.configs.schemas import DIMENSIONS, LATENT_SPACE
from steadymap.reports.scores.latent_health import spell_aggregate, spell_health


def table(*states: str, kl: float | None = None, **columns: list[Any]) -> pd.DataFrame:
    twins = [0 if state == "duplicated" else None for state in states]
    found = pd.DataFrame(
        {
            "dimension": range(len(states)),
            "state": states,
            "twin": twins,
            "mean": 0.0,
            "variance": 1.0,
            "zero_share": 0.0,
            "kl": kl,
        }
    )
    return found.assign(**columns)


def facts(share: float = 0.4) -> pd.DataFrame:
    return pd.DataFrame([{"score": "variance_share", "k": 1, "value": share, "stderr": None, "chance": None}])


def test_a_healthy_space_gets_one_sentence() -> None:
    assert spell_health(table(*["active"] * 4), facts()) == (
        "All 4 dimensions are active: none is dead, constant, duplicated or collapsed.",
    )


def test_every_fault_is_named_with_its_dimensions() -> None:
    told = spell_health(table("active", "active", "active", "dead", "duplicated", "dead"), facts())
    assert told[0] == "3 of 6 dimensions are active."
    assert told[1].startswith("Dimensions 3 and 5: 0 in every row")
    assert "4 repeats 0" in told[2]


def test_a_collapse_comes_first() -> None:
    assert spell_health(table(*["collapsed"] * 3), facts())[0].startswith("Posterior collapse")
    assert spell_health(table(*["active"] * 3), facts(0.97))[0].startswith("Dimensional collapse: 97")
    assert spell_health(table("active", "dead", "dead"), facts())[0].startswith("Dimensional collapse: fewer than half")


def test_many_faulty_dimensions_are_not_all_listed() -> None:
    states = ["active"] * 60 + ["dead" if number % 2 else "active" for number in range(60)]
    assert "and 18 more" in spell_health(table(*states), facts())[1]


def test_a_dimension_that_outweighs_all_others_is_told_with_the_remedy() -> None:
    told = spell_health(table(*["active"] * 4, variance=[1.0, 97.0, 1.0, 1.0]), facts())
    assert "Dimension 1 holds 97" in told[-1]
    assert "scale: standard" in told[-1]


def test_the_aggregate_posterior_is_only_told_of_a_tested_variational_encoder() -> None:
    assert spell_aggregate(table("active"), ["REAL"]) == ""
    assert spell_aggregate(table("active", kl=1.0), []) == ""
    assert "1 cluster in it passed" in spell_aggregate(table("active", kl=1.0), ["REAL", "UNCERTAIN"])
    assert "may be one blob" in spell_aggregate(table("active", kl=1.0), ["UNCERTAIN", "ARTEFACT"])


def test_a_run_of_an_earlier_version_says_nothing() -> None:
    assert spell_health(DIMENSIONS.empty_table().to_pandas(), LATENT_SPACE.empty_table().to_pandas()) == ()
