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
python=$PWD/.venv/bin/python

# Runs a command that writes its results to NAME.xml: timed NAME COMMAND...
timed() {
  local begin=$SECONDS code=0
  "${@:2}" || code=$?
  echo "$1: $((SECONDS - begin)) s"
  return $code
}
check() { # check NAME COMMAND..., of pytest
  timed "$1" "${@:2}" -ra --durations=5 -p no:cacheprovider --junit-xml "$results/$1.xml"
}
together() { # together N TESTS..., on N processes; those that wait do not spin, for others may need the core
  local first=tessera # of what starts MPI
  [ $(($1 % 2)) = 1 ] || first=mpi4py
  check "together-$1" env TOGETHER_FIRST=$first TESSERA_THREADS=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONHASHSEED=0 \
    OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_pml=ob1 OMPI_MCA_btl=self,vader TOGETHER_BITS="$results" \
    "${mpirun[@]}" -n "$1" "$python" tests/together/together.py "${@:2}"
}

# What waits for programs to start, beside what is one process: that keeps two cores busy. Jobs in the background have
# SIGINT ignored, which a test of ctest's would notice.
check program "$python" -m pytest tests/program >"$results/program.log" 2>&1 &
beside=($!)
# Without the package (nanobind is missing, say) most comparisons of numbers would be missing: a failure.
export PYTHONPATH=$PWD/build/release/python
{
  together 1 tests/together || status=1
  check python "$python" -m pytest tests/python || status=1
  exit $status
} >"$results/python.log" 2>&1 &
beside+=($!)
timed ctest ctest --preset release --parallel 4 --timeout 300 --output-junit "$results/ctest.xml" || status=1
for job in "${beside[@]}"; do wait "$job" || status=1; done
cat "$results"/{python,program}.log
# Processes that often wait for each other have the cores for themselves.
for n in 2 3 4; do together $n tests/together || status=1; done
for n in 5 7; do together $n tests/together/test_functions.py tests/together/test_same_bits.py || status=1; done

"$python" tools/sum_tests.py "$results"/{ctest,program,python,together-{1,2,3,4,5,7}}.xml || status=1
exit $status
