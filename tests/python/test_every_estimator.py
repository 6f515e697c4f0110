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
# Weights do not amount to repeated rows where these are drawn, put into folds, or taken one by one.
DRAWS_ROWS = {"MultiTaskElasticNetCV", "MultiTaskLassoCV", "SGDClassifier", "SGDRegressor",
              "KMeans", "ElasticNetCV", "LassoCV", "LogisticRegressionCV", "RidgeCV", "RidgeClassifierCV"}
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


@EVERY
def test_refit_clone_and_files(name):
    X, y = data(name)
    model = plain(name).fit(*arguments(X, y))
    first = results(model, X)
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


def weighted(name):
    method = next(m for m in described(name)["methods"] if m["name"] == "fit")
    return method["sample_weight"] and name not in DRAWS_ROWS


@pytest.mark.parametrize("name", filter(weighted, names()))
def test_weights_are_repeated_rows(name):
    X, y = data(name)
    count = np.arange(len(X)) % 3
    given = {"min_categories": 30}  # categories of rows without weight are categories
    once = plain(name, **given).fit(*arguments(X, y), sample_weight=count.astype(float))
    repeated = plain(name, **given).fit(*(np.repeat(a, count, axis=0) for a in arguments(X, y)))
    seen = X[count > 0]
    equal(results(once, seen), results(repeated, seen), rtol=1e-6)


@pytest.mark.parametrize("name", [name for name in names() if described(name)["role"] == "classifier"])
def test_classes_are_only_names(name):
    X, y = data(name)
    renamed = np.array(["zelkova" if label == "ash" else label for label in y])  # the first is last
    before, after = (plain(name).fit(X, labels) for labels in (y, renamed))
    np.testing.assert_array_equal(np.where(before.predict(X) == "ash", "zelkova", before.predict(X)),
                                  after.predict(X))
    for method, values in results(before, X).items():
        if values.dtype.kind == "f" and values.shape == (len(X), 3):
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


def test_bins_that_are_narrower_than_any_are_one():
    X = np.arange(300.0)[:, None] * 1e-12 + [[0.0, 1.0]]
    for encode in ("ordinal", "onehot-dense"):
        model = tessera.preprocessing.KBinsDiscretizer(4, encode=encode).fit(X)
        assert model.n_bins_.tolist() == [1, 1] and model.transform(X).tolist() == [[float(encode != "ordinal")] * 2] * 300
        np.testing.assert_allclose(model.inverse_transform(model.transform(X)), np.median(X, axis=0) * np.ones((300, 1)))
