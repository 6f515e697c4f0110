"""Arrays on the double that the CUDA module is tested with, and on a GPU where there is one."""

from pathlib import Path

import pytest

from job import run

DOUBLE = Path(__file__).parents[2] / "build/release/tests/cuda_on_host/libtessera_cuda_on_host.so"


@pytest.mark.parametrize("processes", [1, 2])
def test_arrays_on_a_gpu(processes):
    if not DOUBLE.exists():
        pytest.skip(f"there is no {DOUBLE}")
    job = run("on_gpu.py", processes=processes, TESSERA_PLUGINS=str(DOUBLE), TESSERA_CUDA_ON_HOST_DEVICES="2",
              ON_GPU="cuda:1")
    assert job.returncode == 0, job.stderr


@pytest.mark.parametrize("processes", [1, 2])
def test_arrays_on_a_real_gpu(processes):
    job = run("on_gpu.py", processes=processes, ON_GPU="cuda:0")
    why = [line for line in job.stderr.splitlines() if "NotImplementedError: device cuda: " in line]
    if why:
        pytest.skip(f"no GPU here: {why[0]}")
    assert job.returncode == 0, job.stderr
