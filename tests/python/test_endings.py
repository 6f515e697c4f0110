"""How scripts end: errors of one or all processes, interrupts."""

import os
import signal
import subprocess
import sys

from job import run


def test_what_all_processes_raise_is_printed_once():
    job = run("fails.py", "01", processes=2)
    assert job.returncode != 0
    assert job.stderr.count("KeyError: 'a failure of the script'") == 1


def test_an_exception_of_one_process_ends_the_job():
    job = run("fails.py", "1", processes=2, timeout=100)
    assert job.returncode != 0
    assert "rank 1 of 2" in job.stderr
    assert job.stderr.count("KeyError: 'a failure of the script'") == 1


def test_a_process_that_leaves_alone_ends_the_job():
    job = run("fails.py", "1", "exit", processes=2, timeout=100)
    assert job.returncode == 86
    assert job.stderr.count("has left Tessera, while rank 0 waits in ") == 1
    assert "rank 1 of 2" in job.stderr


def test_an_interrupt_ends_a_fit():
    code = (
        # Who starts the tests in the background has SIGINT ignored.
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import numpy as np, tessera\nfrom tessera.cluster import KMeans\n"
        "x = np.random.default_rng(0).random((100_000, 20))\n"
        "model = KMeans(5).fit(x[:1000, :2])\n"
        "try:\n    KMeans(50, n_init=10_000, tol=0, verbose=1).fit(x)\n"
        "except KeyboardInterrupt:\n    print('interrupted', model.predict(x[:2, :2]).shape)\n"
    )
    job = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True,
                           env=os.environ | {"TESSERA_THREADS": "1"})
    try:
        assert job.stdout.readline() == "Initialization complete.\n"
        assert job.stdout.readline().startswith("Iteration 0, ")  # a fit that is in its midst
        job.send_signal(signal.SIGINT)
        out, _ = job.communicate(timeout=30)
    finally:
        job.kill()
    assert out.endswith("interrupted (2,)\n") and job.returncode == 0


def test_warnings_are_printed_once_by_those_they_are_about():
    job = run("warns.py", processes=3)
    assert job.returncode == 0, job.stderr
    assert job.stderr.count("ConvergenceWarning: ") == 3  # of all, and of each of the two groups
    assert job.stderr.count("UserWarning: of the script") == 1
