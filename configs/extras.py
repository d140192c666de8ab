"""Libraries that only some users need: imported where they are asked for, missed with a remedy."""

from __future__ import annotations

import importlib
from typing import Any

from steadymap.configs.errors import InputError


def import_extra(
    module: str, *, rule: str, file: object = None, place: str | None = None, extra: str | None = None
) -> Any:
    """Import a library that an extra installs, of the same name where none is given.

    Raises
    ------
    InputError
        It cannot be imported.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError(
            f"{module} cannot be imported: {error}",
            file=file,
            place=place,
            rule=rule,
            remedy=f"pip install -e '.[{extra or module}]' in Steadymap's folder",
        ) from None
