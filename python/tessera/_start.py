"""Starts the runtime, and ends the whole job when a script ends badly."""

import atexit
import os
import sys
import traceback
import warnings



def _hash_alike():
    """Starts `mpirun -n 4 python -m tessera` anew, so that all processes walk sets in one order."""
    words = sys.orig_argv
    by_module = "-m" in words and words[words.index("-m") + 1 :][:1] == ["tessera"]
    if by_module and os.environ.get("OMPI_COMM_WORLD_SIZE", "1") != "1":
        if os.environ.get("PYTHONHASHSEED", "random") == "random":
            os.environ["PYTHONHASHSEED"] = "0"
            os.execv(sys.executable, [sys.executable, *words[1:]])


_hash_alike()  # before the libraries are loaded

from . import _core, _errors  # noqa: E402

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
