"""SciPy's own tests on distributed arrays: python tests/scipy_suite/run.py PROCESSES [pytest's arguments], all of them by
default."""

import os
import subprocess
import sys
from pathlib import Path

MODULES = ["scipy.fft.tests", "scipy.linalg.tests", "scipy.ndimage.tests"]
# One has a matrix of 2 GB refused; others call from several threads, which takes minutes, or fork, which MPI does not survive.
LEFT_OUT = "not nofegfault and not ThreadSafe and not multithread and not multiprocess and not several_threads"


def job(processes, arguments=(), **options):
    """Runs them on so many processes, each with one thread."""
    here = Path(__file__).parent
    # A Tessera that PYTHONPATH names comes before that of the usual build.
    path = filter(None, (str(here), os.environ.get("PYTHONPATH"), str(here.parents[1] / "build/release/python")))
    command = [sys.executable, "-m", "pytest", "-p", "on_tessera", "-p", "no:cacheprovider", "-q", "-k", LEFT_OUT,
               "--pyargs", *(arguments or MODULES)]  # fmt: skip
    if processes > 1:
        command = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(processes), *command]
    threads = dict.fromkeys(["TESSERA_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"], "1")
    allow = dict.fromkeys(["OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "OMPI_MCA_mpi_yield_when_idle"], "1")
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=False, **options,
                          env=os.environ | threads | allow | {"PYTHONPATH": os.pathsep.join(path), "PYTHONHASHSEED": "0"})


if __name__ == "__main__":
    sys.exit(job(int(sys.argv[1]), sys.argv[2:]).returncode)
