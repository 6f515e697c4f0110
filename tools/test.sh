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
.venv/bin/python tools/sum_tests.py "$results/ctest.xml" "$results/pytest.xml" || status=1
exit $status
