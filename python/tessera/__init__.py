"""Distributed arrays and scikit-learn's estimators, on one process or under mpirun.

Importing the package starts MPI unless that has happened already (mpi4py). Every function is
collective: all processes of the job call it with the same arguments.
"""

import importlib
from typing import TYPE_CHECKING

from . import _start  # noqa: F401  (first: it starts the runtime)
from ._arrays import Array, Stream, asarray, from_local, no_export, read, stream, write
from ._backends import backends, only, prefer, register, skip, support, trace
from ._comm import Communicator
from ._core import __version__, rank, set_threads, show_progress, size, threads, world
from ._modules import all_estimators, load
from . import array_api

if TYPE_CHECKING:
    from . import fft, ndimage, random
    from ._patch import patch_sklearn, unpatch_sklearn

__all__ = [
    "Array", "Communicator", "Stream", "all_estimators", "asarray", "backends", "fft", "from_local", "load",
    "ndimage", "no_export", "only", "patch_sklearn", "prefer", "random", "rank", "read", "register", "set_threads", "show_progress", "size", "skip",
    "stream", "support", "threads", "trace", "unpatch_sklearn", "world", "write",
]

__ua_domain__ = "numpy.scipy.fft"  # scipy.fft.set_backend(tessera)


def __getattr__(name):  # what takes its time, when it is needed
    if name in ("fft", "ndimage", "random"):
        return importlib.import_module(f"tessera.{name}")
    if name in ("__ua_function__", "__ua_convert__"):
        return getattr(importlib.import_module("tessera.fft"), "dispatch" if name == "__ua_function__" else "convert")
    if name in ("patch_sklearn", "unpatch_sklearn"):
        return getattr(importlib.import_module("tessera._patch"), name)
    raise AttributeError(f"module 'tessera' has no attribute '{name}'")
