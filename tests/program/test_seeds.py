"""Seeds give scikit-learn's results: the same clusters under the same numbers, the same components."""

import numpy as np
import pytest
from program import read, show, tessera, value_of, write
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

DIGITS = load_digits().data
SEEDS = [0, 1, 2, 3, 4, 5, 42, 1234, 2**31, 2**32 - 1]
PROCESSES = {5: 2, 42: 3}  # of the others one


def fit(estimator, *words, seed):
    words = ["fit", estimator, "x.h5:/X", *words, "--random-state", seed, "--model", "m.tessera"]
    tessera(*words, processes=PROCESSES.get(seed, 1))


@pytest.mark.parametrize("init", ["k-means++", "random"])
@pytest.mark.parametrize("dtype, weighted", [("f8", False), ("f8", True), ("f4", False)])
def test_kmeans(rng, init, dtype, weighted):
    """Not of integers, among which there are rows just as near to two centres."""
    X = (DIGITS + rng.normal(size=DIGITS.shape)).astype(dtype)
    weights = rng.integers(0, 4, len(X)).astype(dtype) if weighted else None
    write("x.h5", X=X, w=rng.normal(size=3) if weights is None else weights)
    words = ["--n-clusters", 8, "--init", init, "--n-init", 2, "--labels", "l.h5:/labels"]
    words += ["--sample-weight", "x.h5:/w"] if weighted else []
    for seed in SEEDS:
        fit("KMeans", *words, seed=seed)
        theirs = KMeans(8, init=init, n_init=2, random_state=seed).fit(X, sample_weight=weights)
        assert np.array_equal(read("l.h5", "labels"), theirs.labels_), f"seed {seed}"


@pytest.mark.parametrize(
    "shape, dtype, tolerance",
    [((300, 90), "f8", 1e-9), ((60, 150), "f8", 1e-9), ((300, 90), "f4", 2e-3)],
)
def test_pca(rng, shape, dtype, tolerance):
    """Of noise, whose components depend on the draws."""
    X = rng.normal(size=shape).astype(dtype)
    write("x.h5", X=X)
    for seed in SEEDS:
        fit("PCA", "--n-components", 10, "--svd-solver", "randomized", seed=seed)
        attributes = show("m.tessera")["attributes"]
        theirs = PCA(10, svd_solver="randomized", random_state=seed).fit(X)
        for name in ["components_", "singular_values_", "noise_variance_"]:
            mine = value_of(attributes[name])
            np.testing.assert_allclose(
                mine, getattr(theirs, name), rtol=tolerance, atol=tolerance, err_msg=f"{name}, {seed}"
            )
