"""Lines that are broken on purpose: an attack that stays green on its broken line finds nothing, and does not count.

    python -m tests.chaos.breaks [ROW …]

copies the project, breaks a line of it and runs the short form of its row, which has to find it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Break:
    """A line, and what it is broken to.

    Attributes
    ----------
    file
        Where it stands.
    line
        What stands there once.
    instead
        What stands there now.
    words
        The same for people.
    """

    file: str
    line: str
    instead: str
    words: str


IN_PLACE = Break(
    "tasks/store/files.py",
    '    temporary = path.with_name(f"{TEMPORARY}{path.name}-{uuid.uuid4().hex}")\n    try:\n        yield temporary',
    "    temporary = path\n    try:\n        yield temporary",
    "`committed_file` writes to the place itself",
)

BREAKS: dict[str, Break] = {
    "R1": Break(
        "tasks/plan/lay_out.py",
        "    return tuple(cell for cell in usable if not in_store(cell, store))",
        "    return usable",
        "every picture counts as missing",
    ),
    "R2": Break(
        IN_PLACE.file,
        "        temporary.replace(path)\n",
        "        path.write_bytes(temporary.read_bytes())\n",
        "`committed_file` copies instead of renaming",
    ),
    "R3": Break(
        "tasks/store/files.py",
        "            temporary.rename(folder)\n",
        "            folder.mkdir(); [one.rename(folder / one.name) for one in sorted(temporary.iterdir())]\n",
        "`write_arrays` moves file by file",
    ),
    "R4": Break(
        "configs/checksum.py",
        "    return hashlib.sha256(blank).hexdigest().encode() == found[1]",
        "    return True",
        "`checksum.is_whole` does not compare",
    ),
    "R5": Break(
        "tasks/workers.py",
        "        if death.pid in self._guard.killed:",
        "        if death.pid:",
        "every death is told as one of memory",
    ),
    "R6": Break("tasks/workers.py", "SECONDS_TO_END = 0.5", "SECONDS_TO_END = 3", "pebble's three seconds to end"),
    "R7": Break(
        "tasks/store/locks.py",
        "        _acquire(descriptor, what, tell)\n",
        "        _write_holder(descriptor)\n",
        "`hold_lock` takes no lock",
    ),
    "R8": Break(
        "tasks/workers.py",
        '            return Lost("crashed", f"the worker was killed by {signal.Signals(-code).name}")',
        '            return Lost("failed", "lost")',
        "a killed worker is told as a failure",
    ),
    "R9": Break(
        "tasks/store/files.py",
        "        np.save(hashed, array, allow_pickle=False)",
        "        np.save(file, array, allow_pickle=False)",
        "NumPy writes to the file itself",
    ),
    "R10": Break(
        "tasks/numerics/randomness.py",
        "    return hashlib.blake2b(json.dumps(identity).encode(), digest_size=16).digest()",
        "    identity = (*identity, hash('a process'))\n"
        "    return hashlib.blake2b(json.dumps(identity).encode(), digest_size=16).digest()",
        "seeds hold a hash that is another in each process",
    ),
    "R11": Break("tasks/plan/lay_out.py", '            "seed": seed,\n', "", "the seed is no part of the identity"),
    "R12": Break(
        "prefect.yaml",
        "collision_strategy: CANCEL_NEW}\n    schedules",
        "collision_strategy: ENQUEUE}\n    schedules",
        "missed nights queue",
    ),
    "R13": Break(
        "tasks/store/locks.py",
        "    try:\n        _acquire(descriptor, what, tell)",
        "    import time\n    while (held := json.loads(os.pread(descriptor, 999, 0) or b'{}').get('process')) "
        "and Path(f'/proc/{held}').exists():\n        time.sleep(0.1)\n"
        "    try:\n        _acquire(descriptor, what, tell)",
        "`hold_lock` waits for the process that the note names",
    ),
    "D1": Break(
        "tasks/input/formats/open_file.py",
        "    except UNREADABLE as error:",
        "    except ZeroDivisionError as error:",
        "errors of libraries go on",
    ),
    "D2": Break(
        "tasks/input/dataset.py",
        "    return (*latents.warnings, *of_matrix, *warn_of_labels(latents.labels))",
        "    return ()",
        "nobody takes a second look",
    ),
    "D3": Break(
        "tasks/numerics/reducers/degeneracy.py",
        "    if spots < FEWEST_DISTINCT * distinct_rows:",
        "    if spots < 2:",
        "three spots are a picture",
    ),
    "S1": Break(
        "configs/document.py",
        "        return yaml.safe_load(text), lines",
        "        return yaml.unsafe_load(text), lines",
        "tags of YAML are followed",
    ),
    "S2": Break(
        "configs/slug.py",
        '    kept = "".join(c if c.isascii() and c.isalnum() else "-" for c in name.lower())',
        "    return name",
        "a run is called as its config",
    ),
    "S3": Break("reports/html/rendering.py", "autoescape=True", "autoescape=False", "autoescape off"),
    "S4": Break(
        "tasks/input/formats/read_tables.py",
        "            _check_text(path, name)\n",
        "            pass\n",
        "the length of texts is not looked at",
    ),
    "S5": Break(
        "flows/cli/serve_site.py", 'LOOPBACK = "127.0.0.1"', 'LOOPBACK = "0.0.0.0"', "the site is served to everybody"
    ),
    "S6": Break(
        "tasks/steps/write_run.py",
        '        "fast": plan.config.fast,\n',
        '        "fast": plan.config.fast,\n        "environment": dict(__import__("os").environ),\n',
        "the manifest holds the environment",
    ),
    "N1": Break(
        "tasks/numerics/randomness.py",
        "    return hashlib.blake2b(json.dumps(identity).encode(), digest_size=16).digest()",
        "    import os\n"
        "    identity = (*identity, os.environ.get('LC_ALL', ''))\n"
        "    return hashlib.blake2b(json.dumps(identity).encode(), digest_size=16).digest()",
        "seeds hold the locale",
    ),
}


BREAKS |= {
    "F1": Break(
        "tasks/input/formats/open_file.py",
        "    except UNREADABLE as error:",
        "    except ZeroDivisionError as error:",
        "errors of libraries go on",
    ),
    "L1": Break(
        "tasks/store/locks.py",
        "        os.close(descriptor)  # which frees the lock",
        "        fcntl.flock(descriptor, fcntl.LOCK_UN)",
        "a lock frees itself and leaves its file open",
    ),
    "L2": Break(
        "reports/site/site.py",
        "    if known is None or not files:\n",
        "    if known is None or files:\n",
        "the site reads every run every night",
    ),
}


def main() -> int:
    """Break line after line, and print what the attack made of it; 1 where one was not found."""
    named = sys.argv[1:] or list(BREAKS)
    missed = 0
    for key in named:
        found = _is_found(key, BREAKS[key])
        print(f"{key:3} {BREAKS[key].words}: {'red' if found else 'STAYS GREEN'}", flush=True)
        missed += not found
    return 1 if missed else 0


def _is_found(key: str, one: Break) -> bool:
    with tempfile.TemporaryDirectory(prefix="steadymap-broken-") as name:
        copy = Path(name) / "project"
        shutil.copytree(
            PROJECT, copy, symlinks=True, ignore=shutil.ignore_patterns(".venv", ".git", "results", ".*cache")
        )
        text = (copy / one.file).read_text(encoding="utf-8")
        if not one.line or one.line not in text:
            raise LookupError(f"{one.file} has no {one.line!r}")
        (copy / one.file).write_text(text.replace(one.line, one.instead), encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": f"{copy / 'src'}:{copy}"}
        command = [sys.executable, "-m", "tests.chaos", "--short", key]
        run = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    told = [line for line in run.stdout.splitlines() if line.startswith("     ")]
    print("\n".join(line[:160] for line in told[:1]) or run.stdout[-300:] + run.stderr[-300:])
    return run.returncode == 1 and run.stdout.endswith("1 rows, 1 broken\n")


if __name__ == "__main__":
    sys.exit(main())
