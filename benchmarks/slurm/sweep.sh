#!/bin/bash
# Strong and weak scaling over nodes, by Slurm: submits bench.sbatch for each number of tasks, waits, and
# makes the page.
#
# usage: sweep.sh TASKS... [-- OPTIONS OF sbatch]
#   sweep.sh 1 2 4 8 16                                   # processes of one thread each
#   sweep.sh 1 2 4 8 -- --cpus-per-task=32 --ntasks-per-node=1 --time=30
# Variables: SUITES ("strong weak"), TESSERA (the program), PEERS (none), ARGUMENTS (of tessera bench),
# RESULTS (results.jsonl), TESSERA_BENCH_MPIRUN (docs/benchmarks.md).
set -euo pipefail
tasks=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  [[ $1 =~ ^[1-9][0-9]*$ ]] || { sed -n 's/^# \{0,1\}//p; /^set/q' "$0" >&2; exit 2; }
  tasks+=("$1")
  shift
done
[ ${#tasks[@]} -gt 0 ] || { sed -n 's/^# \{0,1\}//p; /^set/q' "$0" >&2; exit 2; }
[ $# -eq 0 ] || shift
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export TESSERA=${TESSERA:-tessera} PEERS=${PEERS:-none} RESULTS=${RESULTS:-results.jsonl}
jobs=()
for suite in ${SUITES:-strong weak}; do
  for n in "${tasks[@]}"; do
    # shellcheck disable=SC2086
    jobs+=("$(SUITE=$suite sbatch --parsable --ntasks="$n" "$@" "$here/bench.sbatch" ${ARGUMENTS:-})")
  done
done
echo "submitted ${jobs[*]}"
# A job that failed stays in no queue; what it did not write is missed below.
while [ -n "$(squeue --noheader --jobs="$(IFS=,; echo "${jobs[*]}")" 2>/dev/null)" ]; do sleep "${POLL:-10}"; done
status=0
for job in "${jobs[@]}"; do
  if [ -s "$RESULTS.$job" ]; then
    cat "$RESULTS.$job" >>"$RESULTS"
    rm "$RESULTS.$job"
  else
    echo "job $job wrote no results; see tessera-bench-$job.out" >&2
    status=1
  fi
done
[ ! -s "$RESULTS" ] || "$TESSERA" bench report "$RESULTS" --html "${RESULTS%.jsonl}.html"
exit $status
