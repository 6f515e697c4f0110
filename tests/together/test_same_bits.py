"""The same bits at any number of processes and threads, in memory and streamed: of models and of what they give."""

from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import tessera

HERE = tessera.size()
LAYOUTS = [(1, False)] + [(2, False)] * (HERE <= 3) + [(2, True)] * (HERE in (1, 3))  # threads, streamed


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

    def fit(self, arrays, X):
        params = {name: arrays.get(value, value) if isinstance(value, str) else value for name, value in self.params.items()}
        weights = {"sample_weight": arrays["weights"]} if self.weights else {}
        return dict(tessera.all_estimators())[self.estimator](**params).fit(X, arrays.get(self.y), **weights)


SEED = {"random_state": 0}
FEW = {"max_iter": 20}
CASES = [
    Case("KMeans", {"n_clusters": 5, "init": "k-means++"} | SEED | FEW),
    Case("KMeans", {"n_clusters": 5, "init": "k-means++"} | SEED | FEW, weights=True),
    Case("KMeans", {"n_clusters": 5, "init": "random", "n_init": 2} | SEED | FEW),
    Case("KMeans", {"n_clusters": 5, "init": "k-means||"} | SEED | FEW),
    Case("KMeans", {"n_clusters": 5, "init": "centres"} | FEW),
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
    Case("GaussianNB", y="labels"),
    Case("GaussianNB", y="labels", weights=True),
    Case("Ridge", y="Y"),
    Case("Ridge", {"solver": "svd"}, data="ill", y="y", weights=True),
]
SMALL_CASES = [
    Case("KMeans", {"n_clusters": 2} | SEED | FEW),
    Case("PCA"),
    Case("PCA", {"svd_solver": "randomized", "n_components": 2} | SEED),
    Case("LinearRegression", y="y"),
    Case("StandardScaler"),
    Case("GaussianNB", y="labels"),
    Case("Ridge", y="y"),
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
    return {name: a.astype(dtype) for name, a in arrays.items()} | {"labels": np.arange(rows) % 2}


def digest(*arrays):
    return [(x.shape, str(x.dtype), sha256(x.tobytes()).hexdigest()) for x in arrays]


@pytest.fixture
def threads():
    before = tessera.threads()
    yield tessera.set_threads
    tessera.set_threads(before)


def check_fits(case, arrays, threads, same):
    if LAYOUTS[-1][1]:
        tessera.write("data.h5", arrays[case.data], "X")
    for number, streamed in LAYOUTS:
        threads(number)
        model = case.fit(arrays, tessera.stream("data.h5:/X") if streamed else arrays[case.data])
        model.save("model.tessera")
        bits = [sha256(Path("model.tessera").read_bytes()).hexdigest()]
        bits += digest(np.asarray(model.labels_)) if case.estimator == "KMeans" else []
        same(bits, f"{number} threads, streamed: {streamed}")


@pytest.fixture
def same(request, of_one, everyones):
    """Asserts that bits are those of this test in a job of one process, and the same on all of this one."""

    def check(bits, what, key=None):
        assert everyones(bits) == [bits] * HERE, what
        assert bits == of_one((request.node.name, key), bits), f"{what}: not those of one process"

    return check


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_fit(case, dtype, threads, same):
    check_fits(case, make_data(5003, dtype), threads, same)


@pytest.mark.parametrize("rows", [3, 200], ids=["fewer-rows-than-processes", "one-leaf"])
@pytest.mark.parametrize("case", SMALL_CASES, ids=str)
def test_fit_small(case, rows, threads, same):
    check_fits(case, make_data(rows, "float64"), threads, same)


@pytest.mark.parametrize("rows", [3, 5003])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "case, methods",
    [
        (Case("KMeans", {"n_clusters": 2} | SEED | FEW), ["predict", "transform", "score"]),
        (Case("PCA", {"n_components": 2, "whiten": True}), ["transform", "score"]),
        (Case("LinearRegression", y="Y"), ["predict", "score"]),
        (Case("StandardScaler"), ["transform"]),
        (Case("GaussianNB", y="labels"), ["predict", "predict_proba", "score"]),
        (Case("Ridge", y="Y"), ["predict", "score"]),
    ],
    ids=str,
)
def test_outputs(case, methods, dtype, rows, threads, same):
    arrays = make_data(rows, dtype)
    model = case.fit(arrays, arrays["X"])
    for number, streamed in LAYOUTS:
        threads(number)
        for method in methods:
            arguments = [arrays["X"]] + ([arrays.get(case.y)] if method == "score" else [])
            try:
                bits = digest(np.asarray(getattr(model, method)(*arguments)))
            except ValueError as error:  # of three rows PCA's two components leave no noise
                assert (case.estimator, method, rows) == ("PCA", "score", 3)
                bits = str(error)
            same(bits, f"{method}, {number} threads", method)
