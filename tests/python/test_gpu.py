"""Arrays on a GPU, which is the double that the CUDA module is tested with."""

from pathlib import Path

import pytest

from job import run

DOUBLE = Path(__file__).parents[2] / "build/release/tests/cuda_on_host/libtessera_cuda_on_host.so"


@pytest.mark.parametrize("processes", [1, 2])
def test_arrays_on_a_gpu(processes):
    if not DOUBLE.exists():
        pytest.skip(f"there is no {DOUBLE}")
    job = run("on_gpu.py", processes=processes, TESSERA_PLUGINS=str(DOUBLE), TESSERA_CUDA_ON_HOST_DEVICES="2")
    assert job.returncode == 0, job.stderr
