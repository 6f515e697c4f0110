"""Ridge against scikit-learn's."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression, Ridge

from program import Fitted, tessera, write


def data(n, p, q=0, dtype="f8", seed=0):
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(n, p)) * np.geomspace(1, 30, p) + 5).astype(dtype)
    y = X @ rng.normal(size=(p, q or 1)) + rng.normal(size=(n, q or 1))
    return X, (y if q else y[:, 0]).astype(dtype)


DIABETES = load_diabetes(return_X_y=True)
TALL, WIDE = data(5000, 7), data(20, 33)
SEVERAL = data(3000, 5, q=3)
ZERO = 0.0
COPIES = np.c_[TALL[0], TALL[0]], TALL[1]
CASES = {
    "diabetes": (DIABETES, {}),
    "diabetes svd": (DIABETES, {"alpha": 0.1, "solver": "svd"}),
    "diabetes, no intercept": (DIABETES, {"alpha": 2, "fit_intercept": False}),
    "tall": (TALL, {"alpha": 100.0, "solver": "cholesky"}),
    "float32": (data(5000, 7, dtype="f4"), {"alpha": 10.0}),
    "wide": (WIDE, {"alpha": 3.0}),
    "wide, no intercept": (WIDE, {"alpha": 0.5, "fit_intercept": False}),
    "several": (SEVERAL, {}),
    "several penalties": (SEVERAL, {"alpha": np.array([0.0, 5.0, 5000.0])}),
    "several penalties, svd": (SEVERAL, {"alpha": np.array([1.0, 0.0, 50.0]), "solver": "svd"}),
    "one column": ((SEVERAL[0], SEVERAL[1][:, :1]), {}),
    "copies": (COPIES, {"alpha": 1e-3}),
    "copies without a penalty": (COPIES, {"alpha": ZERO, "solver": "svd"}),
    "constant column": ((np.c_[TALL[0], np.full(5000, 3.0)], TALL[1]), {}),
    "fewer rows than processes": ((TALL[0][:2], TALL[1][:2]), {}),
    "one row": ((TALL[0][:1], TALL[1][:1]), {}),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_as_scikit_learn(case, weighted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (X, y), params = CASES[case]
    w = None
    if weighted:
        w = (np.arange(len(X)) % 4 + (len(X) < 3)).astype(X.dtype)  # a quarter of the rows is nothing
    ours = Fitted("Ridge", X, y, w, processes=3 if weighted else 2, **params)
    if case.startswith("copies"):  # where scikit-learn's cholesky loses half of the digits
        params = params | {"solver": "svd"}
    # Without a penalty it divides by singular values that are rounding.
    model = Ridge(**params) if params.get("alpha", 1) is not ZERO else LinearRegression()
    theirs = model.fit(X, y, w)
    rtol = 2e-3 if X.dtype == "f4" else 1e-7
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=rtol, atol=rtol * np.abs(theirs.coef_).max())
    np.testing.assert_allclose(
        ours.intercept_, theirs.intercept_, rtol=rtol, atol=rtol * np.abs(y).max()
    )
    assert np.shape(ours.coef_) == theirs.coef_.shape
    assert np.size(ours.intercept_) == np.size(theirs.intercept_)
    assert ours.solver_ in ("cholesky", "svd")
    if len(X) > 1:
        np.testing.assert_allclose(ours.score(X, y), theirs.score(X, y), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        ours.predict(X), theirs.predict(X), rtol=rtol, atol=rtol * np.abs(y).max()
    )


def test_same_bits_and_weights(tmp_path, monkeypatch):
    """At any number of processes and streamed; a weight of 2 is a row twice, of 0 none."""
    monkeypatch.chdir(tmp_path)
    X, y = TALL
    count = np.arange(len(X)) % 3
    write("a.h5", X=X, y=y, w=count.astype(float))
    write("b.h5", X=np.repeat(X, count, axis=0), y=np.repeat(y, count))
    fit = ["fit", "Ridge", "a.h5:/X", "--y", "a.h5:/y", "--sample-weight", "a.h5:/w"]
    models = {}
    for solver in ("cholesky", "svd"):
        for processes, how in ((1, []), (3, []), (4, ["--stream"])):
            tessera(*fit, "--solver", solver, "--model", "m.tessera", *how, processes=processes)
            models.setdefault(solver, []).append((tmp_path / "m.tessera").read_bytes())
    for same in models.values():
        assert len(set(same)) == 1
    twice = Fitted("Ridge", np.repeat(X, count, axis=0), np.repeat(y, count))
    once = Fitted("Ridge", X, y, count.astype(float))
    np.testing.assert_allclose(twice.coef_, once.coef_, rtol=1e-11)


@pytest.mark.parametrize("by", [2.0**500, 2.0**-500])
def test_squares_out_of_range(by, tmp_path, monkeypatch):
    """Scaled data, with a penalty scaled as their squares are, have the same coefficients."""
    monkeypatch.chdir(tmp_path)
    X, y = DIABETES
    near = Ridge(alpha=0.5).fit(X, y)
    ours = Fitted("Ridge", X * by, y * by, alpha=0.5 * by * by)
    np.testing.assert_allclose(ours.coef_, near.coef_, rtol=1e-9)
    np.testing.assert_allclose(ours.intercept_, near.intercept_ * by, rtol=1e-9)


def test_refusals(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    X, y = SEVERAL
    bad = X.copy()
    bad[7, 2] = np.nan
    y1 = y[:, 0]
    holes = {"y_nan": np.where(np.arange(3000) == 2999, np.nan, y1), "y_inf": np.where(np.arange(3000) == 5, -np.inf, y1)}
    write("r.h5", X=X, y=y, y1=y1, bad=bad, two=np.array([1.0, 2.0]), minus=np.array([1.0, -2, 1]), **holes)
    for words, text in {
        "X y --alpha -1": "alpha",
        "X y --alpha r.h5:/two": "Number of targets and number of penalties do not correspond: 2 != 3",
        "X y --alpha r.h5:/minus": "alpha must be >= 0 and finite, got -2",
        "X y --solver sag": "solver='sag' is not supported",
        "X y --positive true": "positive=True is not supported",
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
