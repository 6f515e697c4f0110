"""Linear algebra beside NumPy and SciPy and the limits of the machine: one run, one table.

usage: linalg.py [--json FILE] [--only CASE ...] [--repeat N]

Needs the release build with benchmarks (tools/test.sh makes one). Data are random and in memory;
times are medians, everything on 2 cores: SciPy with 2 threads of its OpenBLAS, Tessera as one process
with 2 threads and as two with 1. "floor" is what the arithmetic takes at the GEMM rate of that dtype
that NumPy's OpenBLAS reaches in this run. What is counted, in multiplications and additions:

    gram     m n^2 (the half that is not symmetric)      matmul    2 n^3
    qr       2 m n^2 (R alone)                           solve     2/3 n^3
    svd      4 m n^2 (R, and u of R's)                   cholesky  1/3 n^3
    eigh     14/3 n^3 (tridiagonal 4/3, half of it matrix times vector; its vectors 4/3; back 2)
"""

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Callable

THREADS = 2
os.environ |= {name: str(THREADS) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
os.environ |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}

import numpy as np  # noqa: E402
import scipy.linalg  # noqa: E402

PROGRAM = Path(__file__).resolve().parent.parent / "build/release/benchmarks/linalg_time"
MPIRUN = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n"]
M = 1_000_000


def normal(*shape, dtype=np.float64):
    return np.random.default_rng(0).standard_normal(shape, dtype=dtype)


def positive_definite(n):
    a = np.random.default_rng(0).random((n, n))
    return np.triu(a) + np.triu(a, 1).T + n * np.eye(n)


@dataclass
class Case:
    name: str
    rows: int
    cols: int
    flops: float
    operands: Callable
    scipy: Callable
    target: str
    reached: Callable  # of SciPy's time, ours on two processes and the floor
    dtype: str = "float64"


def no_slower(scipy_s, ours, floor):
    return ours <= 1.25 * scipy_s


CASES = [
    Case("gram", M, 200, M * 200**2, lambda: [normal(M, 200, dtype=np.float32)], lambda x: x.T @ x,
         "75 % of GEMM", lambda s, t, f: f >= 0.75 * t, "float32"),
    Case("qr", M, 100, 2 * M * 100**2, lambda: [normal(M, 100)], lambda x: np.linalg.qr(x, mode="r"),
         "floor x 2, faster", lambda s, t, f: t <= 2 * f and t < s),
    Case("svd", M, 50, 4 * M * 50**2, lambda: [normal(M, 50)],
         lambda x: scipy.linalg.svd(x, full_matrices=False), "5x faster", lambda s, t, f: 5 * t <= s),
    Case("matmul", 6000, 6000, 2 * 6000**3, lambda: [normal(6000, 6000), normal(6000, 6000)],
         lambda a, b: a @ b, "80 % of OpenBLAS", lambda s, t, f: f >= 0.8 * t),
    Case("solve", 6000, 6000, 2 / 3 * 6000**3, lambda: [normal(6000, 6000), normal(6000)],
         scipy.linalg.solve, "SciPy x 1.25", no_slower),
    Case("cholesky", 8000, 8000, 8000**3 / 3, lambda: [positive_definite(8000)], scipy.linalg.cholesky,
         "SciPy x 1.25", no_slower),
    Case("eigh", 3000, 3000, 14 / 3 * 3000**3, lambda: [positive_definite(3000)], scipy.linalg.eigh,
         "SciPy x 1.25", no_slower),
]  # fmt: skip


def seconds(work, *operands):
    begin = time.perf_counter()
    work(*operands)
    return time.perf_counter() - begin


def median_seconds(work, operands, repeat):
    seconds(work, *operands)  # one warm-up
    return median(seconds(work, *operands) for _ in range(repeat))


def gemm_gflops(dtype, n=4000):
    a = normal(n, n, dtype=dtype)
    return 2 * n**3 / min(seconds(np.matmul, a, a) for _ in range(4)) / 1e9


def tessera(case, processes, threads, repeat):
    """Median seconds of linalg_time, or None with a message where the function fails."""
    words = [case.name, "--rows", case.rows, "--cols", case.cols, "--threads", threads]
    command = [str(w) for w in [*MPIRUN, processes, PROGRAM, *words, "--repeat", repeat]]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        print(f"{' '.join(command)}\n{done.stderr}", file=sys.stderr)
        return None
    return median(json.loads(done.stdout)["seconds"])


def measure(case, rates, repeat):
    theirs = median_seconds(case.scipy, case.operands(), repeat)
    one, two = tessera(case, 1, THREADS, repeat), tessera(case, THREADS, 1, repeat)
    floor = case.flops / rates[case.dtype] / 1e9
    return {"case": case.name, "rows": case.rows, "cols": case.cols, "dtype": case.dtype,
            "gflop": case.flops / 1e9, "floor_s": floor, "scipy_s": theirs, "n1_t2_s": one,
            "n2_t1_s": two, "target": case.target,
            "reached": two is not None and case.reached(theirs, two, floor)}  # fmt: skip


def time_and_rate(t, gflop):
    return f"{'failed':>16}" if t is None else f"{t:9.3f} {gflop / t:6.0f}"


def line(r):
    times = "  ".join(time_and_rate(r[k], r["gflop"]) for k in ("floor_s", "scipy_s", "n1_t2_s", "n2_t1_s"))
    two = r["n2_t1_s"] or float("nan")
    return (
        f"{r['case']:9} {r['rows']:>7} x {r['cols']:<5} {r['dtype']}  {times}  {two / r['floor_s']:8.2f}"
        f" {r['scipy_s'] / two:8.2f}  {r['target']:18} {'ok' if r['reached'] else 'MISSED'}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the results there too")
    names = [case.name for case in CASES]
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    rates = {dtype: gemm_gflops(dtype) for dtype in ("float32", "float64")}
    print(f"SciPy {scipy.__version__}, NumPy {np.__version__}, {THREADS} threads; GEMM of this machine: "
          + ", ".join(f"{dtype} {rate:.0f} GFLOP/s" for dtype, rate in rates.items()) + "\n")  # fmt: skip
    head = "  ".join(f"{k:>9} {'GF/s':>6}" for k in ("floor", "SciPy", "n1 x t2", "n2 x t1"))
    print(f"{'case':9} {'size':15} {'':7}  {head}  {'n2/floor':>8} {'faster':>8}  target")
    results = []
    for case in CASES:
        if case.name in options.only:
            results.append(measure(case, rates, options.repeat))
            print(line(results[-1]), flush=True)
    if options.json:
        options.json.write_text(json.dumps({"gemm_gflops": rates, "cases": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
