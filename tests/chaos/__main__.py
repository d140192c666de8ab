"""Attack every promise and print what was reached.

    python -m tests.chaos [--short | --part=N] [--write] [ROW …]

``--short`` runs a few rounds of each row, ``--part=10`` a tenth of the full form; ``--write`` notes what was reached
in docs/promises.md. Rows are attacked one after the other, each in a process of its own, with seeded numbers. The exit
code is 1 where a promise was broken.
"""

from __future__ import annotations

import os
import sys

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before any import: processes are forked, and threads do not come along

import json
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from tests.chaos.page import tell, write_page
from tests.chaos.row import Reached, Row, Scale
from tests.chaos.rows import ROW_OF, ROWS
from tests.chaos.sweeps import ended, in_a_child


def main() -> int:
    """Attack the rows that are named, or all."""
    words = sys.argv[1:]
    odd = [word for word in words if word not in ("--short", "--write", *ROW_OF) and not word.startswith("--part=")]
    if odd:
        print(__doc__)
        print(f"not known: {', '.join(odd)}; rows: {', '.join(ROW_OF)}")
        return 0 if odd[0] in ("-h", "--help") else 2
    named = [ROW_OF[word] for word in words if not word.startswith("-")] or list(ROWS)
    part = next((int(word.removeprefix("--part=")) for word in words if word.startswith("--part=")), 1)
    broken = 0
    for row in named:
        begun = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="steadymap-chaos-") as name:
            reached = _attack(row, Scale(Path(name), "--short" in words, part))
        print(f"{tell(row, reached)}  [{time.monotonic() - begun:.0f} s]", flush=True)
        for line in reached.broken[:5]:
            print(f"     {line[:2000]}", flush=True)
        broken += bool(reached.broken)
        if "--write" in words:
            write_page({row.key: reached})
    print(f"{len(named)} rows, {broken} broken")
    return 1 if broken else 0


def _attack(row: Row, scale: Scale) -> Reached:
    """Attack a promise in a process of its own, which may lose threads, rights and memory."""
    scale.folder.chmod(0o755)  # a row that gives its rights away has to get there
    told = scale.folder.with_name(f"{scale.folder.name}.json")

    def work() -> None:
        os.environ["TMPDIR"] = tempfile.tempdir = str(scale.folder)
        told.write_text(json.dumps(asdict(row.run(scale))), encoding="utf-8")

    try:
        code = ended(in_a_child(work))
        if code:
            return Reached(1, [f"the attack itself ended with {code}"])
        return Reached(**json.loads(told.read_text(encoding="utf-8")))
    finally:
        told.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
