"""TargetEncoder against scikit-learn's, live: encodings, folds, cross fitting.

On every process of a job of 1 to 4.
"""

import warnings

import numpy as np
import pytest
import sklearn.preprocessing as theirs
import tessera
import tessera.preprocessing as ours

N = 1203


@pytest.fixture(autouse=True)
def quiet(fitted_once):
    fitted_once([theirs])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def columns(kind):
    rng = np.random.default_rng(4)
    codes = np.c_[rng.integers(0, 3, N), rng.integers(0, 40, N), np.minimum(rng.geometric(0.3, N), 9)]
    if kind == "text":
        return np.array([f"größe {i}" for i in range(50)])[codes]
    if kind == "nan":
        return np.where(codes == 2, np.nan, codes.astype(float))
    return codes


def target(kind, X):
    rng = np.random.default_rng(5)
    level = (np.unique(X[:, 0].astype(str), return_inverse=True)[1] - 1) + rng.normal(size=N)
    return {"continuous": level * 100 + 1e4, "binary": np.where(level > 0, "yes", "no"),
            "two numbers": (level > 0).astype(float), "multiclass": np.digitize(level, [-1, 0, 1]) * 2 + 3,
            "constant": np.full(N, 7.5)}[kind]  # fmt: skip


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("of_y", ["continuous", "binary", "two numbers", "multiclass", "constant"])
@pytest.mark.parametrize("of_x", ["numbers", "text", "nan"])
@pytest.mark.parametrize("params", [{}, {"smooth": 7.0}, {"smooth": 0.0, "cv": 3, "shuffle": False}, {"cv": None}], ids=str)
def test_encodings_and_folds(of_x, of_y, params):
    X = columns(of_x)
    y = target(of_y, X)
    mine, other = (m.TargetEncoder(**{"random_state": 2} | params) if params.get("shuffle", True) else m.TargetEncoder(**params)
                   for m in (ours, theirs))
    close(mine.fit_transform(X, y), other.fit_transform(X, y))
    assert mine.target_type_ == other.target_type_
    close(mine.target_mean_, other.target_mean_)
    assert (mine.classes_ is None) == (other.classes_ is None)
    if mine.classes_ is not None:
        np.testing.assert_array_equal(mine.classes_, other.classes_)
    for a, b in zip(mine.categories_, other.categories_, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(mine.encodings_, other.encodings_, strict=True):
        close(a, b)
    close(mine.transform(X), other.transform(X))
    fresh = ours.TargetEncoder(**params).fit(X, y)
    close(fresh.transform(X), other.transform(X))
    assert list(mine.get_feature_names_out()) == list(other.get_feature_names_out())


def test_unknown_and_given_categories():
    X, y = columns("text"), target("continuous", columns("text"))
    new = X[:5].copy()
    new[2, 1] = "never seen"
    mine, other = (m.TargetEncoder().fit(X, y) for m in (ours, theirs))
    close(mine.transform(new), other.transform(new))
    known = [np.unique(X[:, 0])[:2], np.unique(X[:, 1]), np.unique(X[:, 2])]
    # scikit-learn adds rows of unknown categories to the first one; here they count in the overall mean alone.
    given = [list(map(str, c)) for c in known]
    mine = ours.TargetEncoder(categories=given, smooth=0.0).fit(X, y).transform(X)
    other = theirs.TargetEncoder(categories=[np.array(c, object) for c in given], smooth=0.0).fit(X.astype(object), y).transform(X.astype(object))
    close(mine[:, 1:], other[:, 1:])
    for category in np.unique(X[:, 0]):
        of = X[:, 0] == category
        close(mine[of, 0], (y[of] if category in given[0] else y).mean())


def test_pairs_of_rows():
    X, y = columns("numbers"), target("continuous", columns("numbers"))
    rows = np.arange(N)
    pairs = [(rows[rows % 4 != i], rows[rows % 4 == i]) for i in range(4)]
    close(*(m.TargetEncoder(cv=pairs).fit_transform(X, y) for m in (ours, theirs)))


def test_arrays_of_tessera_and_files():
    X, y = columns("numbers").astype(float), target("multiclass", columns("numbers"))
    plain = ours.TargetEncoder(random_state=1).fit_transform(X, y)
    given = ours.TargetEncoder(random_state=1).fit_transform(tessera.asarray(X), tessera.asarray(y))
    np.testing.assert_array_equal(given.numpy(), plain)
    tessera.write("te.h5:/X", tessera.asarray(X))
    streamed = ours.TargetEncoder(random_state=1).fit_transform(tessera.stream("te.h5:/X"), y)
    assert isinstance(streamed, tessera.Stream)
    np.testing.assert_array_equal(streamed.collect().numpy(), plain)


@pytest.mark.parametrize("params,y,text", [
    ({"target_type": "continuous"}, ["a", "b"] * 10, "y holds text, but target_type='continuous' needs numbers"),
    ({"target_type": "binary"}, list(range(4)) * 5, "target_type='binary' needs 2 classes in y, got 4"),
    ({"target_type": "multiclass"}, [0, 1] * 10, "needs more than 2 classes in y, got 2"),
    ({"cv": 30}, np.linspace(0, 1, 20), "30 folds need as many rows, got n_samples=20"),
    ({"cv": 15}, [0, 1] * 10, "15 folds need a class of as many rows, the largest has 10"),
    ({}, [0.5] * 19 + [np.nan], "Input y contains NaN at row 19"),
    ({"smooth": -1.0}, [0, 1] * 10, "'smooth' parameter of TargetEncoder"),
])  # fmt: skip
def test_errors(params, y, text):
    with pytest.raises(ValueError, match=text):
        ours.TargetEncoder(**params).fit_transform(np.arange(20)[:, None] % 3, y)
    assert not hasattr(ours.TargetEncoder(), "categories_")
