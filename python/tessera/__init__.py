"""Distributed arrays and scikit-learn's estimators, on one process or under mpirun.

Importing the package starts MPI unless that has happened already (mpi4py). Every function is
collective: all processes of the job call it with the same arguments.
"""

from . import _start  # noqa: F401  (first: it starts the runtime)
from ._arrays import Array, Stream, asarray, from_local, read, stream, write
from ._backends import backends, only, prefer, skip, support, trace
from ._core import rank, set_threads, show_progress, size, threads
from ._modules import all_estimators, load

__version__ = "0.1.0"
__all__ = [
    "Array", "Stream", "all_estimators", "asarray", "backends", "from_local", "load", "only",
    "prefer", "rank", "read", "set_threads", "show_progress", "size", "skip", "stream", "support",
    "threads", "trace", "write",
]
