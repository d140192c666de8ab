"""Simulate the quantiles of √n · dip of uniform samples and write them to ``tasks/numerics/valleys/dip_quantiles.py``.

    python -m benchmarks.dip_table

Seeded by sample size, so that the same table comes out again. About 8 minutes on one core.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
from numba import njit

from steadymap.tasks.numerics.arrays import Float64
from steadymap.tasks.numerics.randomness import stream
from steadymap.tasks.numerics.valleys.dip import _dip_in_rows

SIZES = (4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 2000, 5000, 10_000, 20_000)
SAMPLES, SAMPLES_ABOVE_1000 = 500_000, 200_000
BODY = (1, 0.99, 0.98, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03, 0.02, 0.01)
TAIL = (*BODY, 0.005, 0.002, 0.001, 5e-4, 2e-4, 1e-4, 5e-5)
"""Shares of samples with a larger dip; 5e-5 of 200,000 are 10."""

TABLE = Path(__file__).parents[1] / "tasks" / "numerics" / "dip_quantiles.py"
HEAD = '''"""Quantiles of √n · dip of uniform samples, simulated; written by ``benchmarks.dip_table``, not by hand."""

from __future__ import annotations

# fmt: off
'''


def main() -> int:
    """Simulate every size and write the table."""
    rows = []
    for size in SIZES:
        generator = stream("dip table", size)
        dips = _simulate(generator, size, SAMPLES if size <= 1000 else SAMPLES_ABOVE_1000)
        rows.append(np.quantile(np.sqrt(size) * dips, 1 - np.array(TAIL)))
        print(size, np.round(rows[-1], 4).tolist(), flush=True)
    TABLE.write_text(HEAD + _as_code(rows), encoding="utf-8")
    return 0


@njit
def _simulate(generator: np.random.Generator, size: int, samples: int) -> Float64:
    """Return dips of uniform samples; sorted uniform values are running sums of exponential gaps, so none is sorted."""
    dips = np.empty(samples)
    below = np.arange(size)
    for sample in range(samples):
        x = np.cumsum(generator.standard_exponential(size))
        x = (x - x[0]) / (x[-1] - x[0])
        dips[sample] = _dip_in_rows(x, below, below + 1) / (2 * size)
    return dips


def _as_code(rows: list[Float64]) -> str:
    quantiles = "".join(f"    ({_wrapped([f'{value:.5f}' for value in row], '     ')}),\n" for row in rows)
    return (
        f"SIZES = (\n    {_wrapped([str(size) for size in SIZES], '    ')},\n)\n"
        f"TAIL = (\n    {_wrapped([f'{share:g}' for share in TAIL], '    ')},\n)\n"
        '"""Share of samples with a larger dip, by column."""\n\n'
        f"QUANTILES = (\n{quantiles})\n"
        '"""√n · dip, a row per size."""\n'
    )


def _wrapped(numbers: list[str], indent: str) -> str:
    return textwrap.fill(", ".join(numbers), 110, subsequent_indent=indent)


if __name__ == "__main__":
    raise SystemExit(main())
