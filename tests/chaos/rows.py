"""The rows of the table, in its order."""

from __future__ import annotations

from tests.chaos import damage, disks, kills
from tests.chaos.row import Row

ROWS: tuple[Row, ...] = (
    Row(
        "R1",
        "a killed sweep resumes to the same bytes",
        "kill -9 at random moments, run again, compare digests and what was drawn again",
        200,
        "kills",
        "`files.committed_file` writes to the place itself",
        kills.killed_sweeps,
    ),
    Row(
        "R2",
        "nobody ever sees half a file",
        "read all the time while writers are killed",
        1000,
        "killed writers",
        "`files.committed_file` writes to the place itself",
        kills.readers_beside_writers,
    ),
    Row(
        "R3",
        "any I/O call may fail",
        "fail the first and the last call from every line that touches the store: ENOSPC, EIO, EACCES",
        1,
        "failed calls",
        "`files.write_arrays` without `finally`",
        disks.failing_calls,
    ),
    Row(
        "R4",
        "damage is found and repaired",
        "300 cuts, 5,000 flipped bits, zeros, emptied, lost, exchanged and foreign files; `steadymap fsck`, and sweeps",
        5400,
        "damaged files",
        "`checksum.is_whole` returns None",
        damage.damaged_stores,
    ),
    Row(
        "R9",
        "a full or read-only disk is said so",
        "RLIMIT_FSIZE, a tmpfs of some 200 KB, chmod 555 as another user",
        30,
        "full or closed disks",
        "",
        disks.full_disks,
    ),
    Row(
        "R13",
        "locks free themselves",
        "kill the holder; its number belongs to another process",
        100,
        "killed holders",
        "`locks.hold_lock` waits while the process of the note lives",
        kills.locks_of_the_killed,
    ),
)

ROW_OF = {row.key: row for row in ROWS}
