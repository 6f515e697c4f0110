"""Arrays, communicators and models on several processes: many cases in each start."""

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

from test_checks import run

BITS = {}


@pytest.fixture(scope="module")
def pickles(tmp_path_factory):
    """A folder in which jobs leave models to each other."""
    return tmp_path_factory.mktemp("pickles")


@pytest.mark.parametrize("processes", [1, 2, 3, 4])
def test_on(processes, pickles):
    first = ["--mpi4py-first"] if find_spec("mpi4py") and processes % 2 == 0 else []
    job = run("on_processes.py", str(pickles), *first, processes=processes)
    assert job.returncode == 0, job.stderr
    skipped, bits = ast.literal_eval(job.stdout)
    BITS[processes] = bits
    assert len(set(BITS.values())) == 1, "not the same bits"
    if skipped:
        pytest.skip(f"what was run passed, but {skipped}")


DOUBLE = Path(__file__).parents[2] / "build/release/tests/cuda_on_host/libtessera_cuda_on_host.so"


@pytest.mark.parametrize("processes", [1, 2])
def test_arrays_on_a_gpu(processes):
    if not DOUBLE.exists():
        pytest.skip(f"there is no {DOUBLE}")
    job = run("on_gpu.py", processes=processes, TESSERA_PLUGINS=str(DOUBLE), TESSERA_CUDA_ON_HOST_DEVICES="2")
    assert job.returncode == 0, job.stderr
