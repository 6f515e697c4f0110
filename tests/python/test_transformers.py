"""preprocessing, impute and feature_selection on several processes: many cases in each start."""

import pytest

from test_checks import run

BITS = {}


@pytest.mark.parametrize("processes", [1, 2, 3, 4])
def test_on(processes):
    job = run("transformers.py", processes=processes)
    assert job.returncode == 0, job.stderr
    BITS[processes] = job.stdout
    assert len(set(BITS.values())) == 1, "not the same bits"
