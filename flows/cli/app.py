"""The command line, ``steadymap COMMAND``: its commands gathered, and what becomes of signals and faults.

Every command checks what it was given and calls a flow or a report. Heavy imports (Prefect, scikit-learn, seaborn)
happen inside the commands, so that help is instant.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import traceback

from pydantic import ValidationError

from steadymap.configs.errors import InputError
from steadymap.flows.cli import checking, encoders, night, runs, scoring, serving, sweeping  # noqa: F401 - each adds its commands
from steadymap.flows.cli.options import EXIT_BAD_INPUT, EXIT_INTERRUPTED, EXIT_NOTHING_USABLE, EXIT_REPORT, app
from steadymap.flows.cli.prefect_server import PREFECT_SETTINGS

GOES_ON = "finished cells are kept, the same command goes on from there"

TERMINATION = "TerminationSignal"

DAMAGE = "DamagedError"
MADE_AGAIN = "run it again, which makes anew what is damaged; `steadymap fsck` looks at all of the store"

EXIT_SIGNALLED = 128


class Ended(KeyboardInterrupt):
    """Another process asks this one to end: a service manager, a closed terminal."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.name = signal.Signals(number).name
        super().__init__(self.name)


def hear_the_end() -> None:
    """Let SIGTERM and SIGHUP end a command as Ctrl-C does, with a message and without its server left behind.

    What is ignored stays so: ``nohup`` means it.
    """

    def end(number: int, _: object) -> None:
        raise Ended(number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        with contextlib.suppress(ValueError):  # of a thread that is not the first, a signal cannot be heard
            if signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, end)


def main() -> None:
    """Run the command line and turn every fault of the input into exit code 2 and a few lines of text."""
    for name, value in PREFECT_SETTINGS.items():
        os.environ.setdefault(name, value)
    hear_the_end()
    try:
        status = app(sys.argv[1:], result_action="return_value")
    except InputError as error:
        print(f"steadymap: {error}", file=sys.stderr)
        status = EXIT_BAD_INPUT
    except ValidationError as error:
        # A word on the command line that no config could hold; configs and files have better errors of their own.
        print(f"steadymap: {_name_word(error)}", file=sys.stderr)
        status = EXIT_BAD_INPUT
    except MemoryError:
        print("steadymap: out of memory; fewer workers (`workers: count:`) or a larger machine", file=sys.stderr)
        status = EXIT_NOTHING_USABLE
    except OSError as error:
        place = f" {error.filename}" if error.filename else ""
        print(f"steadymap: {error.strerror or error}{place}", file=sys.stderr)
        if type(error).__name__ == DAMAGE:  # of the store, which is not imported here
            print(f"  remedy: {MADE_AGAIN}", file=sys.stderr)
        status = EXIT_NOTHING_USABLE
    except Ended as ended:
        print(f"\nsteadymap: ended by {ended.name}; {GOES_ON}", file=sys.stderr)
        status = EXIT_SIGNALLED + ended.number
    except KeyboardInterrupt:
        print(f"\nsteadymap: interrupted; {GOES_ON}", file=sys.stderr)
        status = EXIT_INTERRUPTED
    except Exception as error:
        # Nobody can mend it from a traceback; whoever can finds it in the log.
        print(f"steadymap: {_keep_traceback(error)}", file=sys.stderr)
        status = EXIT_NOTHING_USABLE
    except BaseException as error:
        if (
            type(error).__name__ != TERMINATION
        ):  # Prefect's own, which a flow lets through; Prefect is not imported here
            raise
        print(f"\nsteadymap: ended by SIGTERM; {GOES_ON}", file=sys.stderr)
        status = EXIT_SIGNALLED + signal.SIGTERM
    sys.exit(status if isinstance(status, int) else EXIT_REPORT)


def _name_word(error: ValidationError) -> str:
    """Say which word of the command line breaks which rule."""
    fault = error.errors()[0]
    message = str(fault["msg"]).removeprefix("Value error, ")
    if not fault["loc"]:
        return message
    return f"--{fault['loc'][0]} {fault['input']}\n  rule: {message[:1].lower()}{message[1:]}"


def _keep_traceback(error: Exception) -> str:
    """Write the traceback of a fault of Steadymap's own to a file, and say where."""
    with tempfile.NamedTemporaryFile("w", prefix="steadymap-", suffix=".log", delete=False, encoding="utf-8") as log:
        log.write(f"steadymap {' '.join(sys.argv[1:])}\n{''.join(traceback.format_exception(error))}")
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return f"{type(error).__name__}: {first[:300]}\n  remedy: a fault of Steadymap itself? Report it with {log.name}"


if __name__ == "__main__":
    main()
