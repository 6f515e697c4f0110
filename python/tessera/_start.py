"""Starts the runtime, and ends the whole job when a script ends badly."""

import atexit
import sys
import traceback
import warnings

from . import _core, _errors

_core.start()
atexit.register(_core.finish)


def _end_job(kind, error, trace):
    """Prints the traceback once if all processes have the same, else ends those that have none."""
    _core.report("".join(traceback.format_exception(kind, error, trace)))


def _print_once(show):
    """What all processes warn of, the first one prints."""
    def once(*args, **kwargs):
        if _errors.speaks if _errors.speaks is not None else _core.rank() == 0:
            show(*args, **kwargs)

    return once


if _core.size() > 1:
    sys.excepthook = _end_job
    warnings.showwarning = _print_once(warnings.showwarning)
