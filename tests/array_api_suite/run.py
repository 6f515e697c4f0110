"""Runs the official suite of the array API standard, data-apis/array-api-tests, on tessera.array_api:

    python tests/array_api_suite/run.py [--processes 1 2 3 4] [--examples 100] [pytest's arguments]

on several processes with TESSERA_DISTRIBUTE=all, so that nothing of one dimension or more is replicated. The suite is
the checkout named by ARRAY_API_TESTS (with its submodule array-api), or cloned from GitHub into the user's cache; what
it needs of PyPI (ndindex, pytest-json-report) is installed beside it. The status is not 0 unless all tests passed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

COMMIT = "55fcc60179efa2680ddd6cd926ddf17b83530e2b"  # of April 2026, for version 2025.12
SOURCE = "https://github.com/data-apis/array-api-tests"
HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tessera"


class Unreachable(RuntimeError):
    """The suite is not to be had here."""


def run(*command, **options):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, **options)
    if done.returncode != 0:
        raise Unreachable(f"{' '.join(map(str, command[:4]))}: {done.stderr.strip() or done.returncode}")


def suite():
    """The folders of the suite and of what it needs beside. Unreachable where they are not to be had."""
    given = os.environ.get("ARRAY_API_TESTS")
    folder = Path(given) if given else CACHE / f"array-api-tests-{COMMIT[:12]}"
    try:
        if not given and not folder.exists():
            CACHE.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=CACHE) as part:  # a clone that breaks off leaves nothing
                clone = Path(part) / "suite"
                run("git", "clone", "--quiet", SOURCE, clone)
                run("git", "-C", clone, "checkout", "--quiet", COMMIT)
                run("git", "-C", clone, "submodule", "update", "--init", "--quiet")
                clone.rename(folder)
        packages = CACHE / "array-api-packages"
        if not (packages / "ndindex").exists():
            run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", packages, "ndindex>=1.8",
                "pytest-json-report", "pytest-metadata")
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unreachable(str(error)) from error
    if not (folder / "array_api_tests").exists() or not (folder / "array-api" / "src").exists():
        raise Unreachable(f"{folder} is no checkout of array-api-tests with its submodule")
    return folder, packages


def job(processes, examples, arguments=(), **options):
    """Starts the suite on so many processes; what subprocess.run() returns."""
    folder, packages = suite()
    one = {"TESSERA_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    mpi = {"OMPI_MCA_mpi_yield_when_idle": "1", "OMPI_MCA_pml": "ob1", "OMPI_MCA_btl": "self,vader",
           "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    path = os.pathsep.join(filter(None, (str(HERE), str(packages), os.environ.get("PYTHONPATH"))))
    environment = {"TESSERA_DISTRIBUTE": "all"} | os.environ | one | mpi | {
        "PYTHONPATH": path, "ARRAY_API_TESTS_MODULE": "tessera.array_api", "PYTHONHASHSEED": "0",
        "TOGETHER_LIMIT": "600"}
    named = any(str(argument).startswith("array_api_tests") for argument in arguments)
    command = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(processes), sys.executable,
               HERE.parent / "together" / "together.py", "-p", "lockstep",
               "-p", "no:cacheprovider", "-q", "--max-examples", str(examples), "--disable-deadline", "--derandomize",
               *arguments, *([] if named else ["array_api_tests"])]  # fmt: skip
    return subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, **options)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--examples", type=int, default=100)
    arguments, others = parser.parse_known_args()
    failed = [n for n in arguments.processes if job(n, arguments.examples, others).returncode != 0]
    for n in arguments.processes:
        print(f"{n} process{'es' * (n > 1)}, {arguments.examples} examples: {'failed' if n in failed else 'passed'}")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Unreachable as error:
        sys.exit(f"the official suite could not be fetched: {error}")
