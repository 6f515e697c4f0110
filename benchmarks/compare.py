"""Tessera beside scikit-learn, the limits of the machine and its own targets: one run, one table.

usage: compare.py [--json FILE] [--only CASE ...]

Needs the release build with benchmarks (tools/test.sh makes one). Data are float32, in memory and
random; every time is the median of 5, both sides on 2 cores and by turns, so that what else the
machine does meets both. "floor" is the least time that the arithmetic at the measured FMA peak and
the reads and writes of X, each at the measured bandwidth of reading, leave: one read, but for
StandardScaler's fit and transform two reads and a write.
"""

import argparse
import filecmp
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

THREADS = 2
os.environ |= {name: str(THREADS) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
os.environ |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}

import numpy as np  # noqa: E402
import sklearn  # noqa: E402
from sklearn.cluster import KMeans  # noqa: E402
from sklearn.decomposition import PCA  # noqa: E402
from sklearn.linear_model import LinearRegression, Ridge  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

BUILD = Path(__file__).resolve().parent.parent / "build/release"
PROGRAM = BUILD / "tools/tessera"
MPIRUN = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n"]
REPEAT = 5


def seconds(work):
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


# ---- scikit-learn ----------------------------------------------------------------------------


def random_data(rows, cols):
    return np.random.default_rng(0).standard_normal((rows, cols), dtype=np.float32)


def sklearn_kmeans(rows, cols, clusters):
    """Seconds per iteration: the difference between a long and a short fit."""
    X = random_data(rows, cols)

    def fit(iterations):
        model = KMeans(clusters, init=X[:clusters], n_init=1, tol=0, max_iter=iterations)
        taken = seconds(lambda: model.fit(X))
        assert model.n_iter_ == iterations, "converged too early to time an iteration"
        return taken

    return {"KMeans": lambda: (fit(41) - fit(1)) / 40}


def sklearn_pca(rows, cols):
    X = random_data(rows, cols)
    return {"PCA": lambda: seconds(lambda: PCA(10, svd_solver="covariance_eigh").fit(X))}


def sklearn_linear(rows, cols):
    X = random_data(rows, cols)
    y = X @ np.arange(cols, dtype=np.float32)
    return {
        "LinearRegression": lambda: seconds(lambda: LinearRegression().fit(X, y)),
        "Ridge(solver='cholesky')": lambda: seconds(lambda: Ridge(solver="cholesky").fit(X, y)),
    }


def sklearn_scaler(rows, cols):
    X = random_data(rows, cols)
    return {"StandardScaler": lambda: seconds(lambda: StandardScaler().fit_transform(X))}


# ---- Tessera ---------------------------------------------------------------------------------


def fit_time(case, rows, cols, clusters, processes, threads):
    """One line of JSON from the C++ program beside this script."""
    sizes = ["--rows", rows, "--cols", cols, "--clusters", clusters]
    command = [BUILD / "benchmarks/fit_time", case, *sizes, "--threads", threads, "--repeat", 1]
    if processes > 1:
        command = [*MPIRUN, processes, *command]
    done = subprocess.run([str(w) for w in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command}\n{done.stderr}")
    return json.loads(done.stdout)


def compare_case(name, case, rows, cols, clusters, targets, flops, floors):
    """One row per scikit-learn estimator that `targets` names."""
    sizes = (rows, cols) + ((clusters,) if clusters else ())
    theirs = globals()[f"sklearn_{case}"](*sizes)
    times = {estimator: [] for estimator in theirs}
    one, two = [], []
    for _ in range(REPEAT):
        for estimator, fit in theirs.items():
            times[estimator].append(fit())
        one.append(fit_time(case, rows, cols, clusters, 1, 2))
        two.append(fit_time(case, rows, cols, clusters, 2, 1))
    one_s, two_s = (median(run["seconds"][0] for run in runs) for runs in (one, two))
    size_mb = rows * cols * 4 / 2**20
    passes = 3 if case == "scaler" else 1
    read_s = size_mb * 2**20 / 1e9 / floors["read_gbs"]
    floor = max(flops / floors["fma_gflops"] / 1e9, passes * read_s)
    result = []
    for estimator, target in targets.items():
        result.append(
            {
                "case": name,
                "against": estimator,
                "sklearn_s": median(times[estimator]),
                "n1_t2_s": one_s,
                "n2_t1_s": two_s,
                "faster": median(times[estimator]) / one_s,
                "target": target,
                "floor_s": floor,
                "n2_over_n1": two_s / one_s,
                "x_mb": size_mb,
                "above_x_mb": {
                    "n1": max(run["peak_rss_mb"] for run in one) - size_mb,
                    "n2": max(run["peak_rss_mb"] for run in two) - size_mb,
                },
            }
        )
    return result


M = 1_000_000
# name, case, rows, columns, clusters, at least so many times faster, multiply-adds counted as two
CASES = [
    ("KMeans 1e6x16 k=16", "kmeans", M, 16, 16, {"KMeans": 8}, 2 * M * 16 * 16),
    ("KMeans 5e5x64 k=64", "kmeans", M // 2, 64, 64, {"KMeans": 6}, M * 64 * 64),
    ("KMeans 2e5x128 k=256", "kmeans", M // 5, 128, 256, {"KMeans": 6}, 2 * M // 5 * 128 * 256),
    ("PCA 1e6x100", "pca", M, 100, 0, {"PCA": 3}, M * 100 * 100),
    (
        "LinearRegression 1e6x100",
        "linear",
        M,
        100,
        0,
        {"LinearRegression": 20, "Ridge(solver='cholesky')": 3},
        M * 101 * 101,
    ),
    ("StandardScaler 1e6x100", "scaler", M, 100, 0, {"StandardScaler": 4}, 4 * M * 100),
]


# ---- data larger than memory -----------------------------------------------------------------

STREAM_ROWS, STREAM_COLS = 10 * M, 100  # 4 GB
STREAM_FITS = {
    "KMeans": ["--n-clusters", 16, "--random-state", 0, "--init", "random", "--n-init", 1, "--max-iter", 3],
    "PCA": ["--n-components", 10],
    "LinearRegression": ["--y", "data.h5:/y"],
    "StandardScaler": [],
}


def compare_stream():
    """`--stream` with a quarter of the file's size as all the address space of the job's process."""
    allowed = STREAM_ROWS * STREAM_COLS * 4 // 4
    result = []
    with tempfile.TemporaryDirectory() as folder:

        def run(*words, limit=None):
            limited = ["prlimit", f"--as={limit}"] if limit else []
            command = [*MPIRUN, 1, *limited, PROGRAM, *words]
            return subprocess.run([str(w) for w in command], cwd=folder, capture_output=True, text=True)

        sizes = ["--rows", STREAM_ROWS, "--cols", STREAM_COLS, "--dtype", "float32"]
        made = run("make", "regression", *sizes, "--out", "data.h5")
        if made.returncode:
            sys.exit(made.stderr)
        for estimator, words in STREAM_FITS.items():
            fit = ["fit", estimator, "data.h5:/X", *words, "--threads", THREADS, "--model"]
            times = {}
            for how, extra, limit in [("memory", [], None), ("stream", ["--stream"], allowed)]:
                begin = time.perf_counter()
                done = run(*fit, f"{how}.tessera", *extra, limit=limit)
                times[how] = time.perf_counter() - begin
                if done.returncode:
                    print(f"{estimator} {how}: {done.stderr}", file=sys.stderr)
                    break
            same = not done.returncode and filecmp.cmp(
                f"{folder}/memory.tessera", f"{folder}/stream.tessera", shallow=False
            )
            result.append({"estimator": estimator, "seconds": times, "same_bits": same})
    return {"file_mb": allowed * 4 / 2**20, "allowed_mb": allowed / 2**20, "fits": result}


# ---- the table -------------------------------------------------------------------------------


def verdict(good):
    return "ok" if good else "MISSED"


def print_cases(rows):
    print(
        f"{'case':25} {'scikit-learn':>26} {'seconds':>9} {'n1 x t2':>9} {'n2 x t1':>9} {'floor':>8}"
        f" {'faster':>8} {'target':>7} {'':6} {'n2/n1':>6} {'':6} {'MiB above X n1, n2 (allowed)':>29}"
    )
    for r in rows:
        allowed = 200 + 0.02 * r["x_mb"]
        above = r["above_x_mb"]
        if r["against"] == "StandardScaler":  # transform returns an array as large as X
            memory = ""
        else:
            memory = f"{above['n1']:.0f}, {above['n2']:.0f} ({allowed:.0f}) " + verdict(
                max(above.values()) < allowed
            )
        print(
            f"{r['case']:25} {r['against']:>26} {r['sklearn_s']:9.4f} {r['n1_t2_s']:9.4f}"
            f" {r['n2_t1_s']:9.4f} {r['floor_s']:8.4f} {r['faster']:7.1f}x {r['target']:6}x"
            f" {verdict(r['faster'] >= r['target']):6} {r['n2_over_n1']:6.2f}"
            f" {verdict(abs(r['n2_over_n1'] - 1) <= 0.1):6} {memory:>29}"
        )


def print_stream(stream):
    print(
        f"\n--stream: a file of {stream['file_mb']:.0f} MiB in a process allowed"
        f" {stream['allowed_mb']:.0f} MiB of address space"
    )
    for fit in stream["fits"]:
        times = "  ".join(f"{how} {s:.1f} s" for how, s in fit["seconds"].items())
        print(f"  {fit['estimator']:17} {times:28} same bits: {verdict(fit['same_bits'])}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the results there too")
    choices = sorted({case[1] for case in CASES}) + ["stream"]
    parser.add_argument("--only", nargs="+", choices=choices, default=choices)
    options = parser.parse_args()

    floors = json.loads(subprocess.check_output([BUILD / "benchmarks/floors"]))
    print(
        f"scikit-learn {sklearn.__version__}, {THREADS} threads; this machine: float32 FMA"
        f" {floors['fma_gflops']:.0f} GFLOP/s, memory read {floors['read_gbs']:.1f} GB/s\n"
    )
    results = {"sklearn": sklearn.__version__, "floors": floors}
    chosen = [case for case in CASES if case[1] in options.only]
    if chosen:
        results["cases"] = [row for case in chosen for row in compare_case(*case, floors)]
        print_cases(results["cases"])
    if "stream" in options.only:
        results["stream"] = compare_stream()
        print_stream(results["stream"])
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
