"""`tessera array` and `tessera describe`: what the command line adds to the functions, which
tests/together/test_array_api.py compares with NumPy."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from program import PROGRAM, read, run_table, tessera, write

RNG = np.random.default_rng(0)
X = RNG.normal(size=(700, 3)).round(1)
Y = RNG.integers(0, 5, 700)
MASK, ROWS, EDGES = X[:, 0] > 0, RNG.permutation(700)[:50], np.array([-1.0, 0.0, 1.0])
FILE = {"X": X, "y": Y, "mask": MASK, "rows": ROWS, "edges": EDGES, "wide": X > 0}
values, first, inverse, counts = np.unique(Y, return_index=True, return_inverse=True, return_counts=True)
WANTED = {  # what stands behind `tessera array`, and the datasets that it writes
    "mean X --axis 0": {"mean": X.mean(0)},
    "std X --axis 1 --correction 1 --keepdims": {"std": X.std(1, ddof=1, keepdims=True)},
    "sum y --dtype float32": {"sum": np.float32(Y.sum())},
    "argmax X --axis 0": {"argmax": X.argmax(0)},
    "cumulative_sum X --axis 0 --include-initial": {
        "cumulative_sum": np.vstack([np.zeros(3), X.cumsum(0)])},
    "diff X --axis 0 --n 2": {"diff": np.diff(X, 2, 0)},
    "sort X --axis 0 --descending": {"sort": -np.sort(-X, 0)},
    "argsort y": {"argsort": np.argsort(Y, kind="stable")},
    "unique_counts y": {"values": values, "counts": counts},
    "unique_all y": {"values": values, "indices": first, "inverse_indices": inverse, "counts": counts},
    "concat X X --x3 X --axis 1": {"concat": np.hstack([X, X, X])},
    "isin y rows --invert": {"isin": ~np.isin(Y, ROWS)},
    "searchsorted edges edges --side right": {"searchsorted": np.arange(1, 4)},
    "take X rows --axis 0": {"take": X[ROWS]},
    "where mask y y": {"where": Y},
    "compress X mask": {"compress": X[MASK]},
    "astype X --dtype complex64": {"astype": X.astype("complex64")},
    "histogram X --bins 7": dict(zip(("counts", "edges"), np.histogram(X, 7))),
    "histogram X --low -1 --high 1": dict(zip(("counts", "edges"), np.histogram(X, 10, (-1, 1)))),
    "quantile X --q 0.3 --method hazen": {"quantile": np.quantile(X, 0.3, axis=0, method="hazen")},
}  # fmt: skip


@pytest.mark.parametrize("processes", [1, 3])
def test_functions(processes):
    run_table("array", FILE, WANTED, processes)


def test_numbers_are_printed_and_arrays_need_a_file():
    write("a.h5", **FILE)
    Path("cases").write_text("max a.h5:/X\nany a.h5:/mask\nquantile a.h5:/y\ncount_nonzero a.h5:/y\nmin a.h5:/X --axis 0")
    failed = tessera("array", "batch", "cases", expect=1)
    assert failed.out.splitlines()[:2] == [str(X.max()), "true"]
    assert "line 5 of 'cases': min gives an array of shape (3,) here, which needs --out" in failed.err


STREAMED = ["sum", "prod", "mean", "min", "max", "any", "all", "count_nonzero", "argmax", "argmin",
            "std --correction 1", "var"]  # fmt: skip


def test_rows_read_as_needed_give_the_same_bits():
    write("a.h5", **FILE)
    for k, call in enumerate(STREAMED):
        for data, how in (("X", "--axis 0"), (("y", "mask", "X")[k % 3], "--keepdims")):
            words = ["array", *call.split()[:1], f"a.h5:/{data}", *call.split()[1:], *how.split()]
            tessera(*words, "--out", "whole.h5")
            tessera(*words, "--out", "rows.h5", "--stream", processes=1 + (how == "--axis 0"))
            want, got = (read(file, words[1]) for file in ("whole.h5", "rows.h5"))
            assert got.dtype == want.dtype and got.shape == want.shape, words
            assert got.tobytes() == want.tobytes(), words
    for words in (["histogram", "a.h5:/X", "--low", -1, "--high", 1], ["astype", "a.h5:/y", "--dtype", "float32"],
                  ["compress", "a.h5:/X", "a.h5:/mask"]):  # fmt: skip
        tessera("array", *words, "--out", "whole.h5")
        tessera("array", *words, "--out", "rows.h5", "--stream", processes=3)
        for name in ("counts", "edges") if words[0] == "histogram" else words[:1]:
            assert read("whole.h5", name).tobytes() == read("rows.h5", name).tobytes(), words


@pytest.mark.parametrize(
    "words, error",
    [
        ("mean a.h5:/X --axis 1", "mean, rows read as needed: the axis must be 0, or none"),
        ("sum a.h5:/X --axis 0 --dtype float32", "sum, rows read as needed: dtype must not be given"),
        ("histogram a.h5:/X", "histogram, rows read as needed: low and high must be given"),
        ("astype a.h5:/X --dtype int8", "astype, rows read as needed: dtype must be float32 or float64"),
        ("var a.h5:/X --axis 0 --correction none", "--correction"),
        ("compress a.h5:/X a.h5:/wide", "compress, rows read as needed: the mask must be a vector, of all rows"),
        ("compress a.h5:/X a.h5:/edges", "compress, rows read as needed: the mask must be a vector, of all rows"),
        ("compress a.h5:/X a.h5:/y", "a mask of rows must be a vector of bools, got int64"),
    ],
)
def test_what_needs_more_than_a_pass_is_refused(words, error):
    write("a.h5", **FILE)
    failed = tessera("array", *words.split(), "--out", "out.h5", "--stream", expect=None)
    assert failed.code in (1, 2) and error in failed.err
    assert not Path("out.h5").exists()


PEAK = """import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"""


def peak(*words):
    """Most memory of one process, in bytes; started from a small one, for it counts what that has."""
    run = subprocess.run([sys.executable, "-c", PEAK, str(PROGRAM), *words], check=True, text=True,
                         capture_output=True, env=os.environ | {"TESSERA_THREADS": "1"})  # fmt: skip
    return 1024 * int(run.stdout.splitlines()[-1])


def test_rows_read_as_needed_are_never_in_memory():
    size = 160 << 20
    write("small.h5", X=np.ones((10, 8)))
    write("large.h5", X=np.ones((size // 64, 8)), mask=np.arange(size // 64) < size // 128)
    for words in (["std", "--axis", "0"], ["astype", "--dtype", "float32"], ["histogram", "--low", "0", "--high", "2"]):
        name, *options = words
        small, large = (peak("array", name, f"{file}.h5:/X", *options, "--out", f"{name}-{file}.h5", "--stream")
                        for file in ("small", "large"))  # fmt: skip
        assert large - small < size / 4, f"{name} took {(large - small) >> 20} MiB more for {size >> 20} MiB"
    half = ["array", "compress", "large.h5:/X", "large.h5:/mask", "--out", "half.h5"]
    assert peak(*half, "--stream") - small < size / 4 and peak(*half) - small > size / 2
    assert peak("array", "std", "large.h5:/X", "--axis", "0", "--out", "whole.h5") - small > size / 2


def test_describe():
    x = X.copy()
    x[::9, 1] = np.nan
    write("a.h5", X=x)
    out = tessera("describe", "a.h5:/X", processes=2).out
    assert out == tessera("describe", "a.h5:/X", "--stream").out
    head, names, *rows = out.splitlines()
    assert head == "700 rows of float64"
    assert names.split() == ["column", "count", "mean", "std", "min", "25%", "50%", "75%", "max", "NaN"]
    for j, row in enumerate(rows):
        c = x[:, j][~np.isnan(x[:, j])]
        want = [j, len(c), c.mean(), c.std(ddof=1), *np.quantile(c, [0, 0.25, 0.5, 0.75, 1]), 700 - len(c)]
        np.testing.assert_allclose(np.array(row.split(), dtype=float), want, rtol=1e-5)


def test_the_page_of_the_functions():
    page = (Path(__file__).parents[2] / "docs/array_functions.md").read_text()
    assert tessera("array", "functions").out == page, "stale: cmake --build ... --target array_page"
