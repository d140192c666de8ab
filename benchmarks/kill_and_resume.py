"""Kill a sweep's whole process group at random moments, run it again, and compare every byte that counts.

    python -m benchmarks.kill_and_resume [KILLS] [CONFIG]

An undisturbed run gives the expected digests. Then, in a store of its own each time, the sweep is killed with
SIGKILL after a random time within the length of the undisturbed run, and run again until it ends. Every table but
timings.parquet must be the same, and no cell whose file was there at the kill may be written again.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
SEED = 7


def main() -> int:
    """Run the kills and print a line for each; 1 where any byte or cell is off."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    config = Path(sys.argv[2]) if len(sys.argv) > 2 else PROJECT / "configs" / "digits.yaml"
    moments = random.Random(SEED)  # noqa: S311 - moments of a kill need no cryptography
    faults = 0
    with tempfile.TemporaryDirectory() as name:
        started = time.monotonic()
        _start(config, Path(name) / "undisturbed").wait()
        length = time.monotonic() - started
        expected = _tables(Path(name) / "undisturbed")
        print(f"undisturbed: {length:.0f} s, {len(expected)} tables", flush=True)
        for number in range(kills):
            store = Path(name) / f"killed-{number}"
            delay = moments.uniform(0, length)
            faults += _kill_once(config, store, delay, expected, f"kill {number + 1} after {delay:5.1f} s")
    print(f"{kills} kills, {faults} with a difference")
    return 1 if faults else 0


def _kill_once(config: Path, store: Path, delay: float, expected: dict[str, str], title: str) -> int:
    process = _start(config, store)
    try:
        process.wait(timeout=delay)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    finished = {path: path.stat().st_mtime_ns for path in (store / "cells").rglob("*.parquet")}
    status = _start(config, store).wait()
    again = [path for path, written in finished.items() if path.stat().st_mtime_ns != written]
    found = _tables(store)
    different = sorted(name for name in expected if found.get(name) != expected[name])
    good = status == 0 and not again and not different
    print(
        f"{title}: {len(finished):2d} cells finished; " + ("same" if good else f"{status=} {again=} {different=}"),
        flush=True,
    )
    return 0 if good else 1


def _start(config: Path, store: Path) -> subprocess.Popen[bytes]:
    command = [str(Path(sys.executable).parent / "steadymap"), "sweep", str(config), "--store", str(store), "--json"]
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, cwd=PROJECT
    )


def _tables(store: Path) -> dict[str, str]:
    """Return the digest of every table of the store's runs but the timings, and of the cells."""
    files = [path for path in (store / "runs").glob("*/*.parquet") if path.name != "timings.parquet"]
    files += sorted((store / "cells").rglob("*.parquet"))
    return {str(path.relative_to(store)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


if __name__ == "__main__":
    sys.exit(main())
