"""The program writes the same bytes on any number of processes, with threads and streamed. tests/together has
all kinds of fits."""

from pathlib import Path

import numpy as np
import pytest
from program import read, tessera, write

Y = ["--y", "data.h5:/y"]
CASES = {
    "KMeans": (["--n-clusters", 5, "--random-state", 0], "predict"),
    "PCA": (["--svd-solver", "full"], "transform"),
    "LinearRegression": ([*Y, "--sample-weight", "data.h5:/w"], "predict"),
    "Ridge": (Y, "predict"),
    "StandardScaler": ([], "transform"),
    "GaussianNB": (["--y", "data.h5:/labels"], "predict"),
}


@pytest.mark.parametrize("estimator", CASES)
def test_bits(rng, estimator):
    words, method = CASES[estimator]
    X = rng.normal(size=(5003, 7)) + 3 * rng.integers(0, 4, (5003, 1))
    write("data.h5", X=X, y=X @ np.arange(7.0), w=rng.uniform(size=5003), labels=np.arange(5003) % 3)
    found = set()
    for layout, options in [(dict(processes=1), []), (dict(processes=3, threads=2), ["--stream"]), (dict(processes=4), [])]:
        labels = ["--labels", "labels.h5:/labels"] if estimator == "KMeans" else []
        tessera("fit", estimator, "data.h5:/X", *words, *labels, *options, "--model", "m.tessera", **layout)
        tessera(method, "m.tessera", "data.h5:/X", *options, "--out", "out.h5:/out", **layout)
        arrays = [read("out.h5", "out")] + ([read("labels.h5", "labels")] if labels else [])
        found.add((Path("m.tessera").read_bytes(), *((x.dtype, x.shape, x.tobytes()) for x in arrays)))
    assert len(found) == 1
