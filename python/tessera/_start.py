"""Starts the runtime, and ends the whole job when a script ends badly."""

import atexit
import sys
import traceback
import warnings

from . import _core

_core.start()
atexit.register(_core.finish)


def _end_job(kind, error, trace):
    """Prints the traceback once if all processes have the same, else ends those that have none."""
    _core.report("".join(traceback.format_exception(kind, error, trace)))


if _core.size() > 1:
    sys.excepthook = _end_job
    if _core.rank() > 0:  # what all processes say, the first one says
        warnings.showwarning = lambda *args, **kwargs: None
