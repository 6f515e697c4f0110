"""Seeds give scikit-learn's results: the same clusters under the same numbers, the same components."""

import numpy as np
import pytest
import tessera
from sklearn import cluster, decomposition
from sklearn.datasets import load_digits

DIGITS = load_digits().data
SEEDS = [0, 1, 2, 3, 4, 5, 42, 1234, 2**31, 2**32 - 1]


@pytest.fixture(autouse=True)
def once(fitted_once):
    fitted_once([cluster, decomposition])


@pytest.mark.parametrize("init", ["k-means++", "random"])
@pytest.mark.parametrize("dtype, weighted", [("f8", False), ("f8", True), ("f4", False)])
def test_kmeans(rng, init, dtype, weighted):
    """Not of integers, among which there are rows just as near to two centres."""
    X = (DIGITS + rng.normal(size=DIGITS.shape)).astype(dtype)
    weights = rng.integers(0, 4, len(X)).astype(dtype) if weighted else None
    for seed in SEEDS:
        params = dict(n_clusters=8, init=init, n_init=2, random_state=seed)
        mine = tessera.cluster.KMeans(**params).fit(X, sample_weight=weights)
        theirs = cluster.KMeans(**params).fit(X, sample_weight=weights)
        assert np.array_equal(mine.labels_, theirs.labels_), f"seed {seed}"


@pytest.mark.parametrize(
    "shape, dtype, tolerance",
    [((300, 90), "f8", 1e-9), ((60, 150), "f8", 1e-9), ((300, 90), "f4", 2e-3)],
)
def test_pca(rng, shape, dtype, tolerance):
    """Of noise, whose components depend on the draws."""
    X = rng.normal(size=shape).astype(dtype)
    for seed in SEEDS:
        params = dict(n_components=10, svd_solver="randomized", random_state=seed)
        mine = tessera.decomposition.PCA(**params).fit(X)
        theirs = decomposition.PCA(**params).fit(X)
        for name in ["components_", "singular_values_", "noise_variance_"]:
            np.testing.assert_allclose(getattr(mine, name), getattr(theirs, name), rtol=tolerance, atol=tolerance,
                                       err_msg=f"{name}, {seed}")  # fmt: skip
