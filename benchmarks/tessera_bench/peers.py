"""Libraries to be compared with, each in an environment of its own."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from . import machine


@dataclass(frozen=True)
class Peer:
    name: str
    packages: tuple  # what pip installs
    module: str  # what must be importable
    rooms: tuple = ("estimators",)  # of what is called, which it may have
    mpi: bool = False  # runs on processes; the others have as many threads as there are cores
    gpu: bool = False
    here: bool = False  # in the environment of this program if that has it


PEERS = {
    peer.name: peer
    for peer in (
        Peer("scikit-learn", ("scikit-learn~=1.9.0",), "sklearn", here=True),
        Peer("scipy", ("scipy",), "scipy", ("linalg", "fft", "ndimage"), here=True),
        Peer("numpy", ("numpy>=2",), "numpy", ("array", "fft"), here=True),
        Peer("h5py", ("h5py",), "h5py", ("io",), here=True),
        Peer("scikit-learn-intelex", ("scikit-learn-intelex", "scikit-learn"), "sklearnex"),
        Peer("mlpack", ("mlpack",), "mlpack"),
        Peer("heat", ("heat", "mpi4py"), "heat", ("estimators", "linalg", "array", "fft"), mpi=True),
        Peer("dask-ml", ("dask-ml",), "dask_ml"),
        Peer("cupy", ("cupy-cuda12x",), "cupy", ("linalg", "array", "fft"), gpu=True),
        Peer("cuml", ("cuml-cu12", "cupy-cuda12x"), "cuml", gpu=True),
        Peer("torch", ("torch",), "torch", ("linalg", "array", "fft"), gpu=True),
    )
}
DEFAULT = ("scikit-learn", "scipy", "numpy", "h5py")
REFERENCE = {"estimators": "scikit-learn", "linalg": "scipy", "array": "numpy", "fft": "numpy", "ndimage": "scipy", "io": "h5py"}


def room_of(call):
    first = call.partition(".")[0]
    return first if first in REFERENCE else "estimators"


class CannotRun(Exception):
    """Why a peer cannot be compared with."""


def _imports(python, module):
    done = subprocess.run([python, "-c", f"import {module}"], capture_output=True, text=True,
                          env=machine.environment(1), stdin=subprocess.DEVNULL)
    return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["it ends silently"])[-1]


def _last_error(log):
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return next((line for line in lines if line.startswith("ERROR")), lines[-1] if lines else "pip says nothing")


def environments():
    said = os.environ.get("TESSERA_BENCH_ENVIRONMENTS")
    return Path(said) if said else Path.home() / ".cache/tessera-bench"


def python_of(peer, say):
    """The Python that has the peer, in an environment that is made if need be; CannotRun if there is none."""
    if peer.gpu and machine.gpu() is None:
        raise CannotRun("there is no GPU")
    if peer.mpi and not shutil.which(machine.mpirun()[0]):
        raise CannotRun(f"there is no {machine.mpirun()[0]}")
    if peer.here and _imports(sys.executable, peer.module) is None:
        return sys.executable
    folder = environments() / peer.name
    python, log, mark = folder / "bin/python", folder / "pip.log", folder / "packages.sha256"
    wanted = hashlib.sha256(repr(peer.packages).encode()).hexdigest()
    if not mark.exists() or mark.read_text() != wanted:
        say(f"making the environment of {peer.name} in {folder}")
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise CannotRun(f"no environment can be made in {folder}: {error}") from None
        with open(log, "w") as out:
            done = subprocess.run([python, "-m", "pip", "install", "--retries", "1", *peer.packages],
                                  stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise CannotRun(f"pip install {' '.join(peer.packages)}: {_last_error(log)} (all of it in {log})")
        mark.write_text(wanted)
    why = _imports(python, peer.module)
    if why:
        raise CannotRun(f"import {peer.module} in {folder}: {why}")
    return str(python)
