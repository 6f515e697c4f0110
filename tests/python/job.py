"""Starts the scripts of this folder."""

import os
import subprocess
import sys
from pathlib import Path

MPIRUN = "mpirun --oversubscribe --bind-to none --mca pml ob1 --mca btl self,vader".split()


def run(script, *arguments, processes=1, timeout=280, **environment):
    """Runs a script of this folder on so many processes."""
    command = [sys.executable, str(Path(__file__).parent / script), *arguments]
    if processes > 1:
        command = [*MPIRUN, "-n", str(processes), *command]
    allow = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL,
        env=os.environ | allow | {"PYTHONHASHSEED": "0", "TESSERA_THREADS": "1"} | environment,
    )
