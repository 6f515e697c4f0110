"""That the plug-in of tests/together misses no failure of a single process: its jobs fail on purpose."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from job import MPIRUN

TOGETHER = Path(__file__).parents[1] / "together" / "together.py"
TESTS = """
import os
import numpy as np
import pytest
import tessera

RANK = tessera.rank()

def test_good(everyones, tmp_path):
    assert everyones(RANK) == [0, 1, 2]
    assert len(set(everyones(str(tmp_path)))) == 1
    assert tessera.from_local(np.array([RANK])).numpy().tolist() == [0, 1, 2]

def test_bad_everywhere():
    assert RANK < 0

def test_bad_on_one():
    assert RANK != 2, "a deliberate difference"

@pytest.fixture
def failing():
    assert RANK != 1, "a deliberate failure of a fixture"

def test_bad_set_up(failing):
    pass

def test_skipped_on_one():
    if RANK == 1:
        pytest.skip("here")

def test_skipped():
    pytest.skip("everywhere")

def test_good_again():
    assert tessera.from_local(np.array([RANK])).numpy().tolist() == [0, 1, 2]
"""


def run(tests, *arguments, **environment):
    Path("test_faulty.py").write_text(tests)
    command = [*MPIRUN, "-n", "3", sys.executable, TOGETHER, "-q", "-p", "no:cacheprovider", *arguments, "test_faulty.py"]
    # pytest's own text is read: the same on a CI machine, where it would repeat whole messages in its summary, in colour.
    inherited = {name: value for name, value in os.environ.items() if name not in ("CI", "BUILD_NUMBER", "FORCE_COLOR")}
    allow = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "PY_COLORS": "0"}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
                          env=inherited | allow | {"TESSERA_THREADS": "1"} | environment)  # fmt: skip


def test_a_test_that_fails_on_one_process_fails():
    job = run(TESTS, "--junit-xml", "results.xml")
    assert job.returncode != 0
    cases = {case.get("name"): [child.tag for child in case] for case in ElementTree.parse("results.xml").iter("testcase")}
    assert cases == {
        "test_good": [], "test_bad_everywhere": ["failure"], "test_bad_on_one": ["failure"],
        "test_bad_set_up": ["error"], "test_skipped_on_one": ["failure"], "test_skipped": ["skipped"],
        "test_good_again": [],
    }  # fmt: skip
    assert "by process: passed, passed, failed; process 2 of 3" in job.stdout
    assert job.stdout.count("AssertionError: a deliberate difference") == 1
    assert "a deliberate failure of a fixture" in job.stdout and "3 failed" in job.stdout


def test_tests_that_differ_are_a_failure():
    job = run("import tessera\nif tessera.rank() == 1:\n    def test_more(): pass\ndef test(): pass\n")
    assert job.returncode != 0 and "have not collected the same tests" in job.stdout + job.stderr


def test_one_that_leaves_others_in_a_test_ends_the_job():
    tests = (
        "import numpy as np, tessera\n"
        "def test_left():\n"
        "    assert tessera.rank() != 1, 'a deliberate failure'\n"
        "    tessera.asarray(np.ones(1000)).numpy()\n"
    )
    job = run(tests, "--junit-xml", "results.xml", TOGETHER_GRACE="1")
    assert job.returncode != 0 and not Path("results.xml").exists()
    assert "[process 1 of 3] TimeoutError: another process did not come within 1 s" in job.stderr
    assert "a deliberate failure" in job.stderr


def test_a_test_that_nobody_leaves_ends_the_job():
    job = run("import time\ndef test_hangs(): time.sleep(600)\n", "--junit-xml", "results.xml", TOGETHER_LIMIT="1")
    assert job.returncode != 0 and not Path("results.xml").exists()
    assert "in test_hangs" in job.stderr


def test_a_crash_ends_the_job():
    tests = "import os, tessera\ndef test_crashes():\n    if tessera.rank() == 2: os._exit(0)\n"
    job = run(tests, "--junit-xml", "results.xml")
    assert job.returncode != 0 and not Path("results.xml").exists()
