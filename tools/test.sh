#!/bin/bash
# Builds everything, runs all tests and ends with one line: N passed, N failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/setup.sh

cmake --preset release
cmake --build --preset release

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
status=0
ctest --preset release --parallel 2 --timeout 300 --output-junit "$results/ctest.xml" || status=1
.venv/bin/python -m pytest -ra --durations=5 -p no:cacheprovider \
  --junit-xml "$results/pytest.xml" tests/program || status=1
all=("$results/ctest.xml" "$results/pytest.xml")
if compgen -G 'build/release/python/tessera/_core.*' >/dev/null; then
  PYTHONPATH=$PWD/build/release/python .venv/bin/python -m pytest -ra --durations=5 -p no:cacheprovider \
    --junit-xml "$results/python.xml" tests/python || status=1
  all+=("$results/python.xml")
else
  echo "skipped: tests/python, for the Python package is not built (nanobind was not found)"
fi
.venv/bin/python tools/sum_tests.py "${all[@]}" || status=1
exit $status
