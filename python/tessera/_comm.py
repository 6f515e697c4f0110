"""Groups of processes: Tessera's communicators and mpi4py's."""

import ctypes
import sys

from . import _core
from ._core import Communicator


def communicator(comm):
    """What ``comm=`` means: None all processes, else a Communicator or an mpi4py one."""
    if comm is None:
        return _core.world()
    if isinstance(comm, Communicator):
        return comm
    mpi = sys.modules.get("mpi4py.MPI")  # who has its communicator has imported it
    if mpi is None or not isinstance(comm, mpi.Comm):
        raise TypeError("comm must be a communicator of Tessera or of mpi4py, got "
                        f"{type(comm).__name__}")
    _require_one_mpi(mpi)
    return _core.borrowed(mpi._addressof(comm))


def _require_one_mpi(mpi):
    if mpi.Get_library_version().rstrip("\0") != _core.mpi_version():
        raise RuntimeError(f"mpi4py uses another MPI ({mpi.Get_library_version().split(',')[0]}) "
                           f"than Tessera ({_core.mpi_version().split(',')[0]})")


def to_mpi4py(comm):
    """The same group as a communicator of mpi4py, valid while this one lives."""
    from mpi4py import MPI

    _require_one_mpi(MPI)
    made = MPI.Intracomm()
    ctypes.memmove(MPI._addressof(made), comm._address, MPI._sizeof(MPI.Comm))
    return made


Communicator.__module__ = "tessera"
Communicator.__repr__ = lambda comm: f"<tessera.Communicator: rank {comm.rank} of {comm.size}>"
Communicator.to_mpi4py = to_mpi4py
