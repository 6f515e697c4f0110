"""A sample of SciPy's own tests, on two processes with every array distributed: modules of which all pass. All of it:
tests/scipy_suite/run.py."""

from importlib import util
from pathlib import Path

SAMPLE = ["scipy.linalg.tests.test_decomp_polar", "scipy.linalg.tests.test_matmul_toeplitz",
          "scipy.linalg.tests.test_procrustes", "scipy.linalg.tests.test_solve_toeplitz"]  # fmt: skip


def test_a_sample_of_scipys_own_tests(tmp_path):
    path = Path(__file__).parents[1] / "scipy_suite" / "run.py"
    spec = util.spec_from_file_location("scipy_suite_run", path)  # another suite has a run.py, too
    run = util.module_from_spec(spec)
    spec.loader.exec_module(run)
    job = run.job(2, SAMPLE, capture_output=True, text=True, timeout=280, cwd=tmp_path)
    assert job.returncode == 0, job.stdout[-5000:] + job.stderr[-2000:]
    assert job.stdout.count(" passed") == 2, job.stdout[-500:]
