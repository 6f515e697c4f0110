"""What Python costs: calls beside those of C++, and scikit-learn's scripts on Tessera.

usage: python.py [--part calls|fits|script|declined ...]

Needs the release build with benchmarks and the package (tools/test.sh makes both). 2 cores; times are
medians, of both sides by turns; float32, random data in memory.

  calls     one predict of 10 rows: C++, Python, scikit-learn
  fits      NumPy in and out beside C++: the same fits; whether X was copied, by its address
  script    a script with KMeans, PCA, LinearRegression and StandardScaler on 1e6 rows, with
            `python -m tessera` and without, from start to end
  declined  what it costs scikit-learn that Tessera is asked first
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

THREADS = 2
os.environ |= {name: str(THREADS)
               for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TESSERA_THREADS")}
ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/release"
sys.path.insert(0, str(BUILD / "python"))
os.environ["PYTHONPATH"] = str(BUILD / "python")

import numpy as np  # noqa: E402
import sklearn.cluster  # noqa: E402
import sklearn.decomposition  # noqa: E402
import tessera  # noqa: E402
import tessera.cluster  # noqa: E402
import tessera.decomposition  # noqa: E402
import tessera.linear_model  # noqa: E402
import tessera.preprocessing  # noqa: E402

SCRIPT = """
import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler

X, y = np.load("X.npy"), np.load("y.npy")
scaled = StandardScaler().fit_transform(X)
flat = PCA(10, random_state=0).fit_transform(scaled)
labels = KMeans(10, random_state=0).fit_predict(scaled)
line = LinearRegression().fit(scaled, y)
print(flat.shape, np.bincount(labels).max(), round(float(line.score(scaled, y)), 6))
"""


def seconds(work, calls=1):
    begin = time.perf_counter()
    for _ in range(calls):
        work()
    return (time.perf_counter() - begin) / calls


def compiled(case, **options):
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    out = subprocess.run([BUILD / "benchmarks/fit_time", case, "--threads", str(THREADS), *words],
                         capture_output=True, text=True, check=True).stdout
    return median(json.loads(out)["seconds"])


def settled(work):
    """As benchmarks/fit_time does it: one call to warm up, then the median of three in a row."""
    work()
    return median(seconds(work) for _ in range(3))


def by_turns(works, repeat=5):
    """The median of each, after one call of each."""
    times = {name: [] for name in works}
    for i in range(repeat + 1):
        for name, work in works.items():
            taken = work()
            if i > 0:
                times[name].append(taken)
    return {name: median(all) for name, all in times.items()}


def calls():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1000, 4), dtype=np.float32)
    ten = x[:10].copy()
    ours = tessera.cluster.KMeans(8, max_iter=10).fit(x)
    theirs = sklearn.cluster.KMeans(8, max_iter=10, random_state=0).fit(x)
    taken = by_turns({
        "C++": lambda: compiled("predict", rows=10, cols=4, repeat=1),
        "Python": lambda: seconds(lambda: ours.predict(ten), 3000),
        "scikit-learn": lambda: seconds(lambda: theirs.predict(ten), 300),
    })
    print("\nKMeans.predict of 10 rows, microseconds")
    for name, value in taken.items():
        print(f"  {name:14}{1e6 * value:8.1f}")
    print(f"  {'over C++':14}{1e6 * (taken['Python'] - taken['C++']):8.1f}")


def fits():
    rows, cols = 1_000_000, 100
    x = np.random.default_rng(0).standard_normal((rows, cols), dtype=np.float32)
    y = x @ np.arange(cols, dtype=np.float32)
    few = x[:, :16].copy()
    address = tessera.asarray(x).local.ctypes.data
    print(f"\nX at {x.ctypes.data:#x}, its Array at {address:#x}")
    assert address == x.ctypes.data

    def lloyd(n):
        model = tessera.cluster.KMeans(16, init=few[:16], n_init=1, tol=0, max_iter=n)
        return settled(lambda: model.fit(few))

    cases = {
        "kmeans": (16, lambda: (lloyd(41) - lloyd(1)) / 40),
        "pca": (cols, lambda: settled(
            lambda: tessera.decomposition.PCA(10, svd_solver="covariance_eigh").fit(x))),
        "linear": (cols, lambda: settled(
            lambda: tessera.linear_model.LinearRegression().fit(x, y))),
        "scaler": (cols, lambda: settled(
            lambda: tessera.preprocessing.StandardScaler().fit_transform(x))),
    }  # fmt: skip
    print(f"{'':10}{'C++':>10}{'Python':>10}    ratio")
    for name, (width, work) in cases.items():
        taken = by_turns({"C++": lambda n=name, c=width: compiled(n, rows=rows, cols=c, repeat=3),
                          "Python": work})
        print(f"{name:10}{1e3 * taken['C++']:8.1f}ms{1e3 * taken['Python']:8.1f}ms"
              f"{taken['Python'] / taken['C++']:9.3f}")


def script():
    with tempfile.TemporaryDirectory() as folder:
        rng = np.random.default_rng(0)
        x = rng.standard_normal((1_000_000, 100), dtype=np.float32)
        x += 6 * rng.standard_normal((10, 100), dtype=np.float32)[rng.integers(10, size=len(x))]
        np.save(f"{folder}/X.npy", x)
        np.save(f"{folder}/y.npy", x @ np.arange(100, dtype=np.float32))
        path = Path(folder) / "script.py"
        path.write_text(SCRIPT)
        said = set()

        def run(*words):
            begin = time.perf_counter()
            job = subprocess.run([sys.executable, *words, path], capture_output=True, text=True,
                                 check=True, cwd=folder)
            said.add(job.stdout)
            return time.perf_counter() - begin

        taken = by_turns({"scikit-learn": run, "-m tessera": lambda: run("-m", "tessera")}, repeat=3)
        assert len(said) == 1, said
    print("\nthe script, from start to end, seconds")
    for name, value in taken.items():
        print(f"  {name:14}{value:8.2f}")
    print(f"  {'faster':14}{taken['scikit-learn'] / taken['-m tessera']:7.2f}x")


def declined():
    """Timed apart, for it is little: the patched fit with a fit behind it that does nothing."""
    x = np.random.default_rng(0).standard_normal((100_000, 20))
    y = np.abs(x[:, 0])
    cases = {
        "KMeans(algorithm='elkan')": sklearn.cluster.KMeans(
            8, algorithm="elkan", n_init=1, max_iter=20, random_state=0),
        "PCA(svd_solver='arpack')": sklearn.decomposition.PCA(2, svd_solver="arpack", random_state=0),
    }
    print("\nwhat Tessera declines: scikit-learn's fit, and the asking before it")
    for name, model in cases.items():
        cls, fit = type(model), type(model).fit
        plain = median(seconds(lambda: model.fit(x, y)) for _ in range(5))
        cls.fit = lambda self, *args: self
        tessera.patch_sklearn()
        asking = median(seconds(lambda: model.fit(x, y)) for _ in range(50))
        tessera.unpatch_sklearn()
        cls.fit = fit
        print(f"  {name:34}{1e3 * plain:8.1f} ms{1e6 * asking:8.0f} us{100 * asking / plain:7.3f} %")


if __name__ == "__main__":
    parts = {"calls": calls, "fits": fits, "script": script, "declined": declined}
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--part", nargs="+", choices=parts, default=list(parts))
    for part in parser.parse_args().part:
        parts[part]()
