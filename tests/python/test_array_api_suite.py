"""A sample of the official suite of the array API standard, on two processes with every array distributed. All of it:
tests/array_api_suite/run.py."""

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "array_api_suite"))
import run  # noqa: E402

# Half a minute: no names and signatures, of elementwise functions those that NumPy does not pass, few examples.
SAMPLE = [f"array_api_tests/test_{name}.py" for name in (
    "array_object", "creation_functions", "data_type_functions", "dlpack", "fft", "indexing_functions", "linalg",
    "manipulation_functions", "searching_functions", "set_functions", "sorting_functions", "statistical_functions",
    "utility_functions")]  # fmt: skip


def test_a_sample_of_the_official_suite():
    try:
        job = run.job(2, 2, [*SAMPLE, "-p", "no:randomly"], capture_output=True, text=True, timeout=300)
    except run.Unreachable as why:
        pytest.skip(f"THE OFFICIAL SUITE OF THE ARRAY API COULD NOT BE FETCHED, so no sample of it ran: {why}")
    except subprocess.TimeoutExpired as late:
        pytest.fail(f"the suite did not end: {late}")
    assert job.returncode == 0, job.stdout[-5000:] + job.stderr[-2000:]
    assert " passed" in job.stdout and " skipped" not in job.stdout, job.stdout[-500:]
