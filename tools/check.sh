#!/bin/bash
# What takes longer than tests should: tools/check.sh [format] [tidy [FILE...]] [pip] [asan]; all
# four without a word.
#   format  no file that clang-format would change
#   tidy    clang-tidy finds nothing in the FILEs, else in all sources (an hour on two cores)
#   pip     `pip install .` into an environment of its own, and tests/python/test_package.py there
#   asan    all CTest tests under the address and undefined-behaviour sanitizers (an hour and more)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/setup.sh
install_packages clang-format clang-tidy

format() {
  git ls-files '*.cpp' '*.hpp' '*.cu' '*.cuh' | xargs clang-format --dry-run --Werror
}

tidy() {
  local files=("$@")
  [ $# -gt 0 ] || mapfile -t files < <(git ls-files {runtime,array,solvers,model,linalg,ndimage,estimators,io}'/*.cpp' 'tools/*.cpp' |
    grep -v /cuda/)
  cmake --preset release -B build/tidy -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >/dev/null
  printf '%s\n' "${files[@]}" |
    xargs -P "$(nproc)" -n 1 clang-tidy -p build/tidy --quiet --warnings-as-errors='*' \
      --extra-arg=-include --extra-arg="$PWD/tools/source_location.hpp"
}

asan() {
  cmake --preset asan
  cmake --build --preset asan
  ctest --preset asan --parallel 2 --timeout 1200
}

pip() {
  local folder tests=$PWD/tests/python passed=0
  folder=$(mktemp -d)
  /usr/bin/python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install --quiet . pytest pandas &&
    (cd "$folder" && venv/bin/python -m pytest -q -p no:cacheprovider "$tests/test_package.py") || passed=1
  rm -rf "$folder"
  return $passed
}

status=0
check() { # check NAME ARGUMENTS...
  if "$@"; then echo "$1: passed"; else
    echo "$1: FAILED"
    status=1
  fi
}
case ${1-all} in
  format | tidy | pip | asan) check "$@" ;;
  all)
    check format
    check tidy
    check pip
    check asan
    ;;
  *)
    sed -n 's/^# //p; /^set/q' "$0" >&2
    exit 2
    ;;
esac
exit $status
