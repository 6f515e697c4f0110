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
all=()
# Starts what writes its results to NAME.xml, which counts as failed where it does not: check NAME COMMAND...
check() {
  local before=$SECONDS
  all+=("$results/$1.xml")
  "${@:2}" --junit-xml "$results/$1.xml" || status=1
  echo "$1: $((SECONDS - before)) s"
}
pytest=(-ra --durations=5 -p no:cacheprovider)

before=$SECONDS
ctest --preset release --parallel 2 --timeout 300 --output-junit "$results/ctest.xml" || status=1
all+=("$results/ctest.xml")
echo "ctest: $((SECONDS - before)) s"
check program .venv/bin/python -m pytest "${pytest[@]}" tests/program

# Without the package (nanobind is missing, say) most comparisons of numbers would be missing: a failure.
export PYTHONPATH=$PWD/build/release/python
check python .venv/bin/python -m pytest "${pytest[@]}" tests/python
# More processes than cores: those that wait should not spin.
export TESSERA_THREADS=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 OMPI_MCA_mpi_yield_when_idle=1
export OMPI_MCA_pml=ob1 OMPI_MCA_btl=self,vader PYTHONHASHSEED=0
export TOGETHER_BITS=$results
for n in 1 2 3 4 5 7; do
  tests=tests/together
  [ "$n" -le 4 ] || tests=tests/together/test_functions.py
  check "together-$n" "${mpirun[@]}" -n "$n" .venv/bin/python tests/together/together.py "${pytest[@]}" $tests
done
.venv/bin/python tools/sum_tests.py "${all[@]}" || status=1
exit $status
