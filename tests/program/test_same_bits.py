"""The same bits at any number of processes and threads, in memory and streamed."""

import filecmp
from dataclasses import dataclass, field

import numpy as np
import pytest
from program import flags, read, tessera, write


@dataclass(frozen=True)
class Layout:
    processes: int
    threads: int = 1
    stream: bool = False


LAYOUTS = (
    [Layout(p) for p in (1, 2, 3, 4, 5, 7)]
    + [Layout(p, threads=2) for p in (1, 2, 3)]
    + [Layout(1, stream=True), Layout(3, threads=2, stream=True)]
)
FEW_LAYOUTS = [Layout(1), Layout(2, threads=2), Layout(4), Layout(7), Layout(3, stream=True)]


@dataclass(frozen=True)
class Case:
    estimator: str
    params: dict = field(default_factory=dict)
    data: str = "X"
    y: str = ""
    weights: bool = False

    def __str__(self):
        words = [self.estimator, *map(str, self.params.values()), self.data, self.y]
        return "-".join(filter(None, words + ["weights"] * self.weights))


SEED = {"random_state": 0}
CASES = [
    Case("KMeans", {"n_clusters": 5, "init": "k-means++"} | SEED),
    Case("KMeans", {"n_clusters": 5, "init": "k-means++"} | SEED, weights=True),
    Case("KMeans", {"n_clusters": 5, "init": "random", "n_init": 2} | SEED),
    Case("KMeans", {"n_clusters": 5, "init": "k-means||"} | SEED),
    Case("KMeans", {"n_clusters": 5, "init": "data.h5:/centres"}),
    Case("PCA", {"svd_solver": "covariance_eigh"}),
    Case("PCA", {"svd_solver": "full", "n_components": 3}),
    Case("PCA", {"svd_solver": "full", "n_components": 3}, data="ill"),
    Case("PCA", {"svd_solver": "randomized", "n_components": 3} | SEED),
    Case("PCA", {"whiten": True, "n_components": 0.8}),
    Case("LinearRegression", y="y"),
    Case("LinearRegression", y="y", weights=True),
    Case("LinearRegression", y="Y"),
    Case("LinearRegression", data="ill", y="Y", weights=True),
    Case("StandardScaler"),
    Case("StandardScaler", weights=True),
]
SMALL_CASES = [
    Case("KMeans", {"n_clusters": 2} | SEED),
    Case("PCA"),
    Case("PCA", {"svd_solver": "randomized", "n_components": 2} | SEED),
    Case("LinearRegression", y="y"),
    Case("StandardScaler"),
]


def make_data(rows, dtype):
    """20 leaves at 5003 rows; `ill` has two columns that are nearly or quite the same."""
    rng = np.random.default_rng(rows)
    X = rng.normal(size=(rows, 7)) * np.arange(1, 8) + rng.integers(0, 4, (rows, 1)) * 3 + 5
    ill = X.copy()
    ill[:, 6] = ill[:, 0] + 1e-9 * rng.normal(size=rows)
    Y = X @ rng.normal(size=(7, 3)) + rng.normal(size=(rows, 3))
    weights = rng.uniform(0.5, 2, rows)
    arrays = dict(X=X, ill=ill, Y=Y, y=Y[:, 0], weights=weights, centres=X[:5])
    write("data.h5", **{name: a.astype(dtype) for name, a in arrays.items()})


def fit(case, layout, name):
    words = ["fit", case.estimator, f"data.h5:/{case.data}", *flags(case.params)]
    words += ["--y", f"data.h5:/{case.y}"] if case.y else []
    words += ["--sample-weight", "data.h5:/weights"] if case.weights else []
    words += ["--labels", f"{name}.h5:/labels"] if case.estimator == "KMeans" else []
    words += ["--stream"] if layout.stream else []
    words += ["--model", f"{name}.tessera"]
    tessera(*words, processes=layout.processes, threads=layout.threads)


def same_array(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def check_fits(case, layouts):
    differing = []
    fit(case, layouts[0], "first")
    for layout in layouts[1:]:
        fit(case, layout, "other")
        same = filecmp.cmp("first.tessera", "other.tessera", shallow=False)
        if case.estimator == "KMeans":
            same = same and same_array(read("first.h5", "labels"), read("other.h5", "labels"))
        if not same:
            differing.append(layout)
    assert not differing, f"other bits than with {layouts[0]}"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_fit(case, dtype):
    make_data(5003, dtype)
    check_fits(case, LAYOUTS)


@pytest.mark.parametrize("rows", [3, 200], ids=["fewer-rows-than-processes", "one-leaf"])
@pytest.mark.parametrize("case", SMALL_CASES, ids=str)
def test_fit_small(case, rows):
    make_data(rows, "float64")
    check_fits(case, FEW_LAYOUTS)


@pytest.mark.parametrize("rows", [3, 5003])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "case, commands",
    [
        (Case("KMeans", {"n_clusters": 2} | SEED), ["predict", "transform"]),
        (Case("PCA", {"n_components": 2, "whiten": True}), ["transform"]),
        (Case("LinearRegression", y="Y"), ["predict"]),
        (Case("StandardScaler"), ["transform"]),
    ],
    ids=str,
)
def test_outputs(case, commands, dtype, rows):
    make_data(rows, dtype)
    fit(case, Layout(1), "model")
    for command in commands:
        outputs = []
        for layout in [Layout(1), Layout(2, threads=2), Layout(3), Layout(7)]:
            words = [command, "model.tessera", "data.h5:/X", "--out", "out.h5:/out"]
            tessera(*words, processes=layout.processes, threads=layout.threads)
            outputs.append(read("out.h5", "out"))
        assert len(outputs[0]) == rows
        assert all(same_array(outputs[0], other) for other in outputs[1:])
    if case.estimator != "StandardScaler":
        y = ["--y", "data.h5:/Y"] if case.y else []
        # Two components of three rows leave no noise, without which there is no score.
        status = 1 if case.estimator == "PCA" and rows == 3 else 0
        words = ["score", "model.tessera", "data.h5:/X", *y]
        results = [tessera(*words, processes=p, expect=status) for p in (1, 2, 3, 7)]
        assert len({(result.out, result.err) for result in results}) == 1
