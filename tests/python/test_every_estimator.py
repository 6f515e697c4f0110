"""What can be said of every estimator in the registry, present and future."""

import inspect
import pickle
import warnings

import numpy as np
import pytest
import tessera
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from estimators import OTHER_DEFAULTS, arguments, data, described, names, plain, results, theirs

# Attributes and methods of scikit-learn's that ours have not, and why.
MISSING = {
    "sparsify": "coefficients are dense",
    "densify": "coefficients are dense",
    "sparse_coef_": "coefficients are dense",
    "path": "lasso_path and enet_path are functions",
    "set_callbacks": "use --trace",
    "get_metadata_routing": "scikit-learn's own base class has it",
}
MISSING_OF = {
    "TargetEncoder": {"infrequent_categories_": "scikit-learn's own raises AttributeError"},
    "SplineTransformer": {"bsplines_": "knots_ says what SciPy's objects would"},
}
# Of one penalty the folds decide nothing, and from given centres KMeans draws nothing. A row taken twice is two steps of SGD.
ONE = {"alphas": [0.1], "Cs": [1.0], "init": data("KMeans")[0][:8], "min_categories": 30}  # categories without weight are such
EVERY = pytest.mark.parametrize("name", names())


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def public(thing):
    """Methods and fitted attributes."""
    names = (name for name in dir(thing) if not name.startswith("_"))
    return {name for name in names if name.endswith("_") or callable(getattr(thing, name))}


def equal(a, b, **tolerance):
    assert a.keys() == b.keys()
    for method in a:
        for x, y in zip(*(r if isinstance(r, tuple) else (r,) for r in (a[method], b[method]))):
            if tolerance and x.dtype.kind == "f":
                scale = np.abs(np.where(np.isfinite(y), y, 0)).max(initial=0)
                np.testing.assert_allclose(x, y, err_msg=method, rtol=tolerance["rtol"],
                                           atol=tolerance["rtol"] * scale)
            else:
                np.testing.assert_array_equal(x, y, err_msg=method)


@EVERY
def test_parameters_and_defaults_are_scikit_learns(name):
    ours = dict(tessera.all_estimators())[name]
    mine, other = (inspect.signature(c).parameters for c in (ours, theirs(name)))
    assert set(mine) == set(other)
    for key in other:
        a, b = mine[key].default, other[key].default
        same = a == b or a != a and b != b  # NaN
        assert same and isinstance(a, bool) == isinstance(b, bool) or (name, key) in OTHER_DEFAULTS, key


@EVERY
def test_methods_and_attributes_are_scikit_learns(name):
    X, y = data(name)
    ours, other = plain(name), theirs(name)()
    ours.fit(*arguments(X, y))
    other.set_params(**{k: v for k, v in ours.get_params().items() if k in ("n_components", "random_state", "Cs")})
    if name == "LogisticRegressionCV":  # the other form has dictionaries of arrays, and is going
        other.set_params(use_legacy_attributes=False)
    other.fit(*arguments(X, y))
    missing = public(other) - public(ours) - other.get_params().keys() - MISSING.keys() - MISSING_OF.get(name, {}).keys()
    missing = {m for m in missing if not (m.startswith("set_") and m.endswith("_request"))}
    assert not missing, sorted(missing)
    for attribute in public(other):
        if not attribute.endswith("_") or attribute in MISSING or attribute in MISSING_OF.get(name, {}):
            continue
        mine, their = (getattr(e, attribute) for e in (ours, other))
        if isinstance(their, np.ndarray) and isinstance(mine, np.ndarray):
            assert mine.shape == their.shape, attribute


@pytest.mark.parametrize("name", [name for name in names() if described(name)["role"] == "regressor"])
@pytest.mark.parametrize("intercept", [True, False])
def test_a_column_as_target(name, intercept):
    X, y = data(name, n=200)
    y = y.reshape(200, -1)[:, :1]
    ours, other = (cls(fit_intercept=intercept).fit(X, y) for cls in (dict(tessera.all_estimators())[name], theirs(name)))
    for attribute in "coef_", "intercept_", "dual_gap_", "alpha_":
        if hasattr(other, attribute):
            assert np.shape(getattr(ours, attribute)) == np.shape(getattr(other, attribute)), attribute
    assert ours.predict(X).shape == other.predict(X).shape
    ours.save("m.tessera")
    np.testing.assert_array_equal(tessera.load("m.tessera").predict(X), ours.predict(X))


def test_what_there_is():
    """Lest the tests of every estimator are tests of none."""
    assert len(names()) == len(set(names())) == 53


@EVERY
def test_refit_clone_and_files(name):
    X, y = data(name)
    model = plain(name).fit(*arguments(X, y))
    first = results(model, X)
    assert first
    copy = clone(model)
    assert copy.get_params() == model.get_params() and not hasattr(copy, "n_features_in_")
    equal(results(copy.fit(*arguments(X, y)), X), first)
    equal(results(model.fit(*arguments(X, y)), X), first)
    model.save("m.tessera")
    equal(results(tessera.load("m.tessera"), X), first)
    equal(results(pickle.loads(pickle.dumps(model)), X), first)


@EVERY
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_dtype_is_kept(name, dtype):
    X, y = data(name, dtype=dtype)
    model = plain(name, tol=1e-5).fit(*arguments(X, y))
    expected = np.float64 if described(name)["input"] == "categories" else X.dtype  # a parameter's default
    for method, result in results(model, X).items():
        for one in result if isinstance(result, tuple) else (result,):
            assert one.dtype.kind != "f" or one.dtype == expected, method


@EVERY
def test_errors(name):
    X, y = data(name)
    model = plain(name)
    for method in type(model)._described["methods"]:
        there = hasattr(model, method["name"])
        if there and method["kind"] == "map" and method["of_features"] and described(name)["requires_fit"]:
            with pytest.raises(NotFittedError, match="not fitted yet"):
                getattr(model, method["name"])(X)
    if not described(name)["allows_nan"] and X.ndim == 2:
        bad = X.copy()
        bad[700, 2] = np.nan
        with pytest.raises(ValueError, match="Input X contains NaN"):
            plain(name).fit(*arguments(bad, y))
    model.fit(*arguments(X, y))
    for method in results(model, X) if X.ndim == 2 else ():
        with pytest.raises(ValueError, match=f"X has 5 features, but {name} is expecting 6"):
            getattr(model, method)(X[:, :5])
    if y is not None:
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            plain(name).fit(X, y[:-1])


def takes_weights(name):
    return next(m for m in described(name)["methods"] if m["name"] == "fit")["sample_weight"]


@pytest.mark.parametrize("name", [name for name in names() if takes_weights(name) and not name.startswith("SGD")])
def test_weights_are_repeated_rows(name):
    """Of 0 no rows, and of 2 two."""
    X, y = data(name)
    count = np.arange(len(X)) % 3
    given = ONE | ({"tol": 1e-10} if name == "LogisticRegressionCV" else {})
    once = plain(name, **given).fit(*arguments(X, y), sample_weight=count.astype(float))
    repeated = plain(name, **given).fit(*(np.repeat(a, count, axis=0) for a in arguments(X, y)))
    seen = X[count > 0]
    found = results(once, seen)
    assert found
    equal(found, results(repeated, seen), rtol=1e-6)


@pytest.mark.parametrize("name", [name for name in names() if described(name)["role"] == "classifier"])
def test_classes_are_only_names(name):
    X, y = data(name)
    renamed = np.array(["zelkova" if label == "ash" else label for label in y])  # the first is last
    before, after = (plain(name).fit(X, labels) for labels in (y, renamed))
    np.testing.assert_array_equal(np.where(before.predict(X) == "ash", "zelkova", before.predict(X)),
                                  after.predict(X))
    of_classes = {method: values for method, values in results(before, X).items() if method != "predict" and method != "transform"}
    assert of_classes
    for method, values in of_classes.items():
        np.testing.assert_allclose(getattr(after, method)(X)[:, [2, 0, 1]], values, rtol=1e-5,
                                   atol=1e-5 * np.abs(values).max(), err_msg=method)


@EVERY
@pytest.mark.parametrize("dtype, power", [("f4", 60), ("f4", -70), ("f4", 110), ("f8", 520), ("f8", -560), ("f8", 950)])
def test_squares_that_leave_the_range_are_not_silent(name, dtype, power):
    """Right, or an error or warning: no NaN, no infinity, no zeros for variances without a word."""
    X, y = data(name, n=300, dtype=dtype)
    if X.dtype.kind != "f":
        pytest.skip("takes labels")
    X = np.ldexp(X, power)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model = plain(name).fit(*arguments(X, y))
            found = {name: value for name, value in vars(model).items() if name.endswith("_")} | results(model, X)
        except (ValueError, np.linalg.LinAlgError):
            return
    if any(issubclass(w.category, (RuntimeWarning, ConvergenceWarning)) for w in caught):
        return
    for what, values in found.items():
        for value in values if isinstance(values, (tuple, list)) else (values,):
            if isinstance(value, (np.ndarray, np.floating, float)) and np.asarray(value).dtype.kind == "f":
                assert np.isfinite(value).all(), what


def of_labels(name):
    about = described(name)
    return about["role"] == "classifier" or about["input"] == "labels" or name == "TargetEncoder"


@pytest.mark.parametrize("name", [name for name in names() if of_labels(name)])
def test_classes_have_the_dtype_of_scikit_learns(name):
    X, y = data(name, n=120)
    y = X if y is None else y
    length = np.array([len(word) for word in y])
    made = dict(tessera.all_estimators())[name]
    for given in [y.tolist(), tuple(y), y, y.astype("U9"), y.astype(object), (y == "oak").tolist(), y == "oak", length.tolist(),
                  length.astype(float).tolist(), *(length.astype(dtype) for dtype in ("i1", "u2", "i8", "u8", "f4")), length.astype("u8") + np.uint64(2**63)]:
        classes, back = [], []
        for cls in made, theirs(name):
            model = cls()
            labels = described(name)["input"] == "labels"
            model.fit(given) if labels else model.fit(X, given)
            classes.append(getattr(model, "classes_", None))  # of TargetEncoder's numbers there are none
            back.append(model.inverse_transform(model.transform(given)) if labels else getattr(model, "predict", np.copy)(X))
        ours, expected = classes
        assert (ours is None) == (expected is None)
        if ours is not None:
            assert ours.dtype == expected.dtype and ours.tolist() == expected.tolist(), (given[:3], ours, expected)
            assert back[0].dtype == back[1].dtype
    half = made().fit(*([length.astype("f2")] if described(name)["input"] == "labels" else [X, length.astype("f2")]))
    assert getattr(half, "classes_", None) is None or half.classes_.dtype == np.float64


@EVERY
def test_layouts(name):
    """Of files, by columns, read-only, strided, of another order of bytes: the same model to the bit."""
    X, y = data(name, n=300)
    expected = plain(name).fit(*arguments(X, y))
    expected.save("expected.tessera")
    found = results(expected, X)
    read_only = X.copy()
    read_only.flags.writeable = False
    wide = np.repeat(X, 2, axis=0)
    np.save("x.npy", X)
    others = [np.asfortranarray(X), read_only, np.load("x.npy", mmap_mode="r"), wide[::2]]
    if X.dtype.kind == "f":
        others += [X.astype(">f8"), np.repeat(X, 2, axis=1)[:, ::2], X.tolist()]
    for given in others:
        model = plain(name).fit(*arguments(given, y))
        model.save("model.tessera")
        assert open("model.tessera", "rb").read() == open("expected.tessera", "rb").read()
        equal(results(model, given), found)


@EVERY
def test_dtypes_are_converted_alike(name):
    """float16, long doubles, integers and bools are what they are as float64, of X, y and weights; complex numbers are refused."""
    X, y = data(name, n=200, p=4)
    made = dict(tessera.all_estimators())[name]
    numbers = described(name)["input"] != "labels"
    x = np.floor(4 * X) if numbers else np.array([len(word) for word in X])
    keeps = name in ("Binarizer", "SelectKBest", "VarianceThreshold", "LabelEncoder")
    for dtype in ["f2", "g", "?", "i1", "u2", "i8", "u8", "O"]:
        given = x > np.median(x, axis=0) if dtype == "?" else x.astype(dtype)
        if name == "QuadraticDiscriminantAnalysis" and dtype == "?" or not numbers and dtype == "O":
            continue  # no covariance in bools; other labels
        ours, expected = (results(plain(name).fit(*arguments(each, y)), each) for each in (given, given.astype(float)))
        equal({method: np.asarray(values, float) if keeps else values for method, values in ours.items()}, expected)
        if keeps and dtype in "?i1u2i8u8" and name != "LabelEncoder":
            assert ours["transform"].dtype == dtype
    if described(name)["role"] == "regressor":
        whole = np.ceil(y)
        for dtype in ["f2", "g", "i1", "u8", "O"]:
            equal(results(plain(name).fit(X, whole.astype(dtype)), X), results(plain(name).fit(X, whole), X))
        with pytest.raises(ValueError, match="Complex data not supported"):
            plain(name).fit(X, y + 1j)
    if takes_weights(name):
        weights = 1.0 + np.arange(len(X)) % 3
        expected = results(plain(name).fit(*arguments(X, y), sample_weight=weights), X)
        for given in [weights.astype(dtype) for dtype in ("f2", "f4", "g", "i1", "u8", "O")] + [weights.tolist()]:
            equal(results(plain(name).fit(*arguments(X, y), sample_weight=given), X), expected)
        with pytest.raises(ValueError, match="Complex data not supported"):
            plain(name).fit(*arguments(X, y), sample_weight=weights + 1j)
    with pytest.raises((ValueError, TypeError), match="[Cc]omplex|dtype"):
        made().fit(*arguments(x + 1j, y))


def test_bins_that_are_narrower_than_any_are_one():
    X = np.arange(300.0)[:, None] * 1e-12 + [[0.0, 1.0]]
    for encode in ("ordinal", "onehot-dense"):
        model = tessera.preprocessing.KBinsDiscretizer(4, encode=encode).fit(X)
        assert model.n_bins_.tolist() == [1, 1] and model.transform(X).tolist() == [[float(encode != "ordinal")] * 2] * 300
        np.testing.assert_allclose(model.inverse_transform(model.transform(X)), np.median(X, axis=0) * np.ones((300, 1)))
