"""Running as another processor: what is set around is overridden, and what does not run is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.processors import Outcome, blas_kernel, numba_haswell, run_as, what_runs, without_twins


def test_settings_around_are_overridden(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")
    prescott = blas_kernel("Prescott").environment
    assert prescott["OPENBLAS_CORETYPE"] == "Prescott"
    assert "NUMBA_CPU_NAME" not in prescott
    haswell = numba_haswell(str(tmp_path)).environment
    assert haswell["NUMBA_CPU_NAME"] == "haswell"
    assert "+avx512" not in haswell["NUMBA_CPU_FEATURES"]
    assert "OPENBLAS_CORETYPE" not in haswell


def test_a_kernel_that_does_not_run_is_told_and_counts_as_untested(capsys: pytest.CaptureFixture[str]) -> None:
    unknown = blas_kernel("Unknown")
    kernel, told = what_runs(unknown)
    assert told == f"OpenBLAS runs {kernel} instead"
    assert run_as(unknown, ()) == Outcome(unknown, kernel, tested=False)
    assert f"NOT TESTED OPENBLAS_CORETYPE=Unknown: {told}" in capsys.readouterr().out


def test_the_same_code_is_tested_once_and_that_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    prescott, again = blas_kernel("Prescott", "Katmai"), blas_kernel("Prescott", "Katmai", "Banias")
    unknown = blas_kernel("Unknown")
    assert without_twins([prescott, again, unknown]) == [prescott, unknown]
    assert "the same code as OPENBLAS_CORETYPE=Prescott" in capsys.readouterr().out
