"""What the program refuses of Ridge; tests/together has its numbers."""

import numpy as np
from program import tessera, write


def test_refusals(rng):
    X, y = rng.normal(size=(3000, 5)), rng.normal(size=(3000, 3))
    bad = X.copy()
    bad[7, 2] = np.nan
    y1 = y[:, 0]
    holes = {"y_nan": np.where(np.arange(3000) == 2999, np.nan, y1), "y_inf": np.where(np.arange(3000) == 5, -np.inf, y1)}
    write("r.h5", X=X, y=y, y1=y1, bad=bad, two=np.array([1.0, 2.0]), minus=np.array([1.0, -2, 1]), **holes)
    for words, text in {
        "X y --alpha -1": "alpha",
        "X y --alpha r.h5:/two": "Number of targets and number of penalties do not correspond: 2 != 3",
        "X y --alpha r.h5:/minus": "alpha must be >= 0 and finite, got -2",
        "X y --positive true --solver svd": "solver='svd' does not support positive=True",
        "X y --solver lbfgs": "solver='lbfgs' does not support positive=False",
        "X y --solver best": "'auto', 'svd', 'cholesky'",
        "bad y1": "Input X contains NaN",
        "X y_nan": "Input y contains NaN",
        "X y_inf": "Input y contains infinity",
        "X y_inf --solver svd": "Input y contains infinity",
    }.items():
        x, target, *options = words.split()
        failed = tessera("fit", "Ridge", f"r.h5:/{x}", "--y", f"r.h5:/{target}", *options,
                         "--model", "m.tessera", expect=None)  # fmt: skip
        assert failed.code in (1, 2) and text in failed.err, (words, failed.err)
