"""preprocessing, impute and feature_selection against live scikit-learn, on 1 to 4 processes, with the same bits."""

import hashlib
import pickle
import re
import warnings

import numpy as np
import pytest
import sklearn.feature_selection
import sklearn.impute
import sklearn.preprocessing
import tessera
from tessera import feature_selection, impute, preprocessing

# Several leaves, one, fewer than processes.
SIZES = pytest.mark.parametrize("n", [9001, 257, 2])
DATA = pytest.mark.parametrize("n, dtype", [(9001, "f8"), (257, "f8"), (257, "f4"), (2, "f4")])


@pytest.fixture(autouse=True)
def quiet(fitted_once):
    fitted_once([sklearn.preprocessing, sklearn.impute, sklearn.feature_selection])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture
def taken(request, of_one, everyones):
    """A function that notes a result and returns it; in the end they must be those of one process."""
    found = hashlib.sha256()

    def take(value):
        for each in value if isinstance(value, (list, tuple)) else [value]:
            each = np.ascontiguousarray(each)
            found.update(each.tobytes() if each.dtype != object else repr(each.tolist()).encode())
        return value

    yield take
    bits = found.hexdigest()
    assert set(everyones(bits)) == {bits}, "the processes have other results"
    assert bits == of_one(request.node.name, bits), "other bits than on one process"


def noise(n, salt):
    """Numbers in [0, 1) that are functions of the row."""
    return np.modf(np.abs(np.sin((np.arange(n) + 1) * 12.9898 + salt * 78.233)) * 43758.5453)[0]


def numbers(n, dtype):
    """Columns of different scales, with repeated values and a constant one."""
    columns = [noise(n, 1) * 3 - 1, noise(n, 2) * 100, np.floor(noise(n, 3) * 9), noise(n, 4) ** 4 * 50,
               np.full(n, 2.0), noise(n, 5) * 0.3 - 7]  # fmt: skip
    return np.stack(columns, axis=1).astype(dtype)


def holes(x):
    x = x.copy()
    x[::7, 1] = np.nan
    x[1::5, 3] = np.nan
    return x


def close(ours, theirs, dtype, what, loose=1.0):
    rtol, atol = (1e-10, 1e-11) if dtype == "f8" else (2e-4, 2e-4)
    np.testing.assert_allclose(np.asarray(ours, "f8"), np.asarray(theirs, "f8"), rtol=rtol * loose,
                               atol=atol * loose, err_msg=what)  # fmt: skip


def same(taken, ours, theirs, x, dtype, what, y=None, loose=1.0, again=True, exact=False):
    """Fits both and compares attributes, transform, names, and inverse_transform of what came out."""
    ours, theirs = ours.fit(x, y), theirs.fit(x, y)
    what = f"{what} {theirs} {x.shape} {dtype}"
    for name, value in vars(theirs).items():
        if name.endswith("_") and not name.startswith("_") and name != "indicator_" and value is not None:
            mine = taken(getattr(ours, name))
            for a, b in zip(mine, value) if isinstance(value, (list, tuple)) or np.asarray(value).dtype == object else [(mine, value)]:
                if np.asarray(b).dtype.kind in "USO" or b is None:
                    np.testing.assert_array_equal(a, b, err_msg=f"{what} {name}")
                else:
                    close(a, b, dtype, f"{what} {name}", loose)
    a, b = ours.transform(x), theirs.transform(x)
    assert a.dtype == b.dtype and a.shape == b.shape, what
    (np.testing.assert_array_equal if exact else lambda p, q: close(p, q, dtype, what, loose))(taken(a), b)
    given = tessera.asarray(x)
    np.testing.assert_array_equal(ours.transform(given).numpy(), a, err_msg="an Array")
    assert list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out()), what
    if again:
        a, b = ours.inverse_transform(b), theirs.inverse_transform(b)
        if np.asarray(b).dtype.kind in "USO":
            np.testing.assert_array_equal(taken(a), b)
        else:
            close(taken(a), b, dtype, what + " inverse", loose)
    copy = pickle.loads(pickle.dumps(ours))
    np.testing.assert_array_equal(copy.transform(x), ours.transform(x), err_msg="a pickle")


def pairs(module, name, *args, **params):
    ours = {"preprocessing": preprocessing, "impute": impute, "feature_selection": feature_selection}
    return (getattr(ours[module], name)(*args, **params),
            getattr(getattr(sklearn, module), name)(*args, **params))  # fmt: skip


@DATA
def test_scalers(n, dtype, taken):
    x = holes(numbers(n, dtype))
    for name, params in [("MinMaxScaler", {}), ("MinMaxScaler", {"feature_range": (-2, 5.5), "clip": True}),
                         ("MaxAbsScaler", {}), ("MaxAbsScaler", {"clip": True}), ("StandardScaler", {}),
                         ("RobustScaler", {}), ("RobustScaler", {"with_centering": False}),
                         ("RobustScaler", {"quantile_range": (10.0, 80.0), "unit_variance": True}),
                         ("RobustScaler", {"with_scaling": False})]:  # fmt: skip
        same(taken, *pairs("preprocessing", name, **params), x, dtype, name)
        ours, theirs = pairs("preprocessing", name, **params)
        if n < 9 or not hasattr(theirs, "partial_fit"):
            continue
        for part in np.array_split(x, 3):
            ours.partial_fit(part)
            theirs.partial_fit(part)
        close(taken(ours.transform(x)), theirs.transform(x), dtype, f"{name} in parts")
        np.testing.assert_array_equal(ours.n_samples_seen_, theirs.n_samples_seen_)
    whole = numbers(n, dtype)
    for name, params in [("Normalizer", {"norm": norm}) for norm in ("l1", "l2", "max")] + [
        ("Binarizer", {}), ("Binarizer", {"threshold": 1.5})]:  # fmt: skip
        same(taken, *pairs("preprocessing", name, **params), whole, dtype, name, again=False)
        ours, theirs = pairs("preprocessing", name, **params)
        close(ours.transform(whole), theirs.transform(whole), dtype, f"{name} without fit")


@DATA
def test_imputers(n, dtype, taken):
    x = holes(numbers(n, dtype))
    for strategy in ("mean", "median", "most_frequent", "constant"):
        for params in [{}, {"add_indicator": True}, {"keep_empty_features": True}]:
            fill = {"fill_value": 4} if strategy == "constant" else {}
            same(taken, *pairs("impute", "SimpleImputer", strategy=strategy, **fill, **params), x, dtype,
                 strategy, again="add_indicator" in params and n > 2)  # fmt: skip
    empty = x.copy()
    empty[:, 0] = np.nan
    same(taken, *pairs("impute", "SimpleImputer"), empty, dtype, "empty", again=False)
    marked = numbers(n, dtype)
    marked[::3, 2] = -1
    same(taken, *pairs("impute", "SimpleImputer", missing_values=-1), marked, dtype, "-1", again=False)
    for features in ("missing-only", "all"):
        same(taken, *pairs("impute", "MissingIndicator", features=features), x, dtype, features, again=False,
             exact=True)  # fmt: skip


@DATA
def test_selection(n, dtype, taken):
    if n < 9:
        return
    x = numbers(n, dtype)
    for threshold in (0.0, 1.0):
        same(taken, *pairs("feature_selection", "VarianceThreshold", threshold), x, dtype, "", loose=10)
    varied = np.delete(x, 4, axis=1)
    classes = (noise(n, 1) * 3 + noise(n, 8) > 1.7).astype(int) + (noise(n, 3) > 0.8)
    words = np.array(["ash", "elm", "oak"])[classes]
    targets = (noise(n, 1) * 2 + noise(n, 6)).astype(dtype)
    for function, y, given in [("f_classif", classes, varied), ("f_classif", words, varied),
                               ("f_regression", targets, x), ("chi2", classes, np.abs(x))]:  # fmt: skip
        for k in (2, "all"):
            score = getattr(sklearn.feature_selection, function)
            ours, theirs = pairs("feature_selection", "SelectKBest", score, k=k)
            # scikit-learn sums squares of float32 in float32, which leaves few digits.
            ours.fit(given, y), theirs.fit(given.astype("f8"), y.astype("f8") if y.dtype == "f4" else y)
            close(taken(ours.scores_), theirs.scores_, "f8", function, 1e2)
            close(taken(ours.pvalues_), theirs.pvalues_, "f8", function, 1e3)
            np.testing.assert_array_equal(ours.get_support(), theirs.get_support())
            np.testing.assert_array_equal(ours.transform(given), given[:, theirs.get_support()])
            back = ours.inverse_transform(given[:, theirs.get_support()])
            np.testing.assert_array_equal(back, np.where(theirs.get_support(), given, 0))


@DATA
def test_distributions(n, dtype, taken):
    x = holes(numbers(n, dtype))
    for distribution in ("uniform", "normal"):
        for quantiles in (20, 1000):
            same(taken, *pairs("preprocessing", "QuantileTransformer", n_quantiles=quantiles, subsample=None,
                        output_distribution=distribution), x, dtype, "", loose=1e3)  # fmt: skip
    if n < 9:
        return
    for method in ("yeo-johnson", "box-cox"):
        for standardize in (True, False):
            given = np.delete(x, 4, axis=1) if method == "yeo-johnson" else np.abs(np.delete(x, 4, axis=1)) + np.asarray(0.1, dtype)
            ours, theirs = pairs("preprocessing", "PowerTransformer", method, standardize=standardize)
            ours.fit(given), theirs.fit(given)
            # Both stop near the top of a flat likelihood; ours is nearer.
            if dtype == "f8":
                np.testing.assert_allclose(taken(ours.lambdas_), theirs.lambdas_, rtol=1e-5, atol=1e-6)
                np.testing.assert_allclose(ours.transform(given), theirs.transform(given), rtol=1e-3, atol=1e-3)
            back = ours.inverse_transform(taken(ours.transform(given)))
            np.testing.assert_allclose(back, given, rtol=1e-8 if dtype == "f8" else 2e-2, atol=1e-9 if dtype == "f8" else 1e-2)


def test_powers_of_many_rows(taken):
    """Where some rows say where the search starts; powers that are 1 to the bit, and at the end of what SciPy tries."""
    n = 20_001
    even = np.where(np.arange(n) % 2, 1, -1) * (1 + np.arange(n) // 2 % 50)
    even[-1] = 0
    x = np.stack([np.exp(noise(n, 21) * 2), noise(n, 22) ** 3 - 0.2, even, noise(n, 23) > 0.999], axis=1).astype("f8")
    x[::11, 1] = np.nan
    few = np.stack([even[:200], noise(200, 24)], axis=1)
    for given in x, few, -few, np.array([[0.1, 2], [0.2, 3], [0.9, 3.5]]):
        ours, theirs = pairs("preprocessing", "PowerTransformer")
        ours.fit(given), theirs.fit(given)
        np.testing.assert_allclose(taken(ours.lambdas_), theirs.lambdas_, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(taken(ours.transform(given)), theirs.transform(given), rtol=1e-4, atol=1e-4)
    positive = np.abs(x[:, :1]) + 0.1
    ours, theirs = pairs("preprocessing", "PowerTransformer", "box-cox")
    ours.fit(positive), theirs.fit(positive)
    np.testing.assert_allclose(taken(ours.lambdas_), theirs.lambdas_, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
def test_norms_of_any_size(norm):
    x = np.array([[3e-200, 4e-200, 0] * 7, [3e200, -4e200, 0] * 7, [0.0] * 21, [3.0, 4.0, 1e-9] * 7])
    ours = preprocessing.Normalizer(norm=norm)
    size = np.linalg.norm([3.0, -4.0, 0] * 7, {"l1": 1, "l2": 2, "max": np.inf}[norm])
    for row, unit in zip(ours.transform(x)[:2], (1, -1)):
        np.testing.assert_allclose(row, np.array([3.0, 4.0 * unit, 0] * 7) / size, rtol=1e-15)
    assert (ours.transform(x)[2] == 0).all()
    small = (x[3] * 1e-30).astype("f4")[None]
    np.testing.assert_allclose(ours.transform(small)[0], x[3] / np.linalg.norm(x[3], {"l1": 1, "l2": 2, "max": np.inf}[norm]), rtol=1e-6)


@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_statistics_have_the_dtype_of_scikit_learns(strategy, dtype):
    x = holes(numbers(257, dtype))
    ours, theirs = (m.SimpleImputer(strategy=strategy).fit(x) for m in (impute, sklearn.impute))
    assert ours.statistics_.dtype == theirs.statistics_.dtype and ours.transform(x).dtype == theirs.transform(x).dtype


def test_variances_of_columns_without_values():
    x = numbers(257, "f8")
    x[:, 2] = np.nan
    x[5:, 3] = np.nan
    for threshold in 0.0, 0.5:
        ours, theirs = (m.VarianceThreshold(threshold).fit(x) for m in (feature_selection, sklearn.feature_selection))
        np.testing.assert_allclose(ours.variances_, theirs.variances_, rtol=1e-12)
        np.testing.assert_array_equal(ours.get_support(), theirs.get_support())


def test_significance_of_as_many_groups_as_rows():
    x, y = numbers(3, "f8")[:, :3], np.arange(3)
    ours, theirs = (m.SelectKBest(f, k=1).fit(x, y) for m, f in (
        (feature_selection, "f_classif"), (sklearn.feature_selection, sklearn.feature_selection.f_classif)))  # fmt: skip
    np.testing.assert_array_equal(ours.pvalues_, theirs.pvalues_)
    ours, theirs = (m.SelectKBest(f, k=1).fit(np.abs(x), y * 0) for m, f in (
        (feature_selection, "chi2"), (sklearn.feature_selection, sklearn.feature_selection.chi2)))  # fmt: skip
    np.testing.assert_array_equal(ours.pvalues_, theirs.pvalues_)


@DATA
def test_bins(n, dtype, taken):
    if n < 9:
        return
    weights = np.floor(noise(n, 9) * 4)
    for strategy in ("uniform", "quantile", "kmeans"):
        # Whole numbers halfway between two centres go where rounding says.
        x = numbers(n, dtype)[:, [0, 1, 3, 4, 5] if strategy == "kmeans" else [0, 1, 2, 3, 4, 5]]
        for encode in ("onehot-dense", "ordinal"):
            same(taken, *pairs("preprocessing", "KBinsDiscretizer", 4, encode=encode, strategy=strategy), x,
                 dtype, strategy, loose=1e3)  # fmt: skip
        ours, theirs = pairs("preprocessing", "KBinsDiscretizer", 4, encode="ordinal", strategy=strategy)
        ours.fit(x, sample_weight=weights), theirs.fit(x, sample_weight=weights)
        for a, b in zip(taken(ours.bin_edges_), theirs.bin_edges_):
            close(a, b, dtype, "weighted", 1e3)
    x = numbers(n, dtype)
    for method in ("inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull",
                   "linear", "median_unbiased", "normal_unbiased"):  # fmt: skip
        # The edges alone: values may lie on them but for rounding.
        ours, theirs = pairs("preprocessing", "KBinsDiscretizer", [7, 3, 2, 5, 2, 4], encode="ordinal",
                             quantile_method=method)  # fmt: skip
        ours.fit(x), theirs.fit(x)
        for a, b in zip(taken(ours.bin_edges_), theirs.bin_edges_):
            close(a, b, dtype, method)


@DATA
def test_polynomials(n, dtype, taken):
    x = numbers(n, dtype)
    for params in [{}, {"degree": 3}, {"degree": (2, 3)}, {"degree": 3, "interaction_only": True},
                   {"include_bias": False}, {"degree": 0}]:  # fmt: skip
        ours, theirs = pairs("preprocessing", "PolynomialFeatures", **params)
        same(taken, ours, theirs, x, dtype, "", again=False)
        np.testing.assert_array_equal(ours.powers_, theirs.powers_)


@DATA
def test_splines(n, dtype, taken):
    x = np.delete(numbers(n, dtype), 4, axis=1)
    weights = np.floor(noise(n, 9) * 4)
    inside = np.sort(np.stack([noise(4, i) * 3 - 1 for i in range(5)], axis=1), axis=0)
    for extrapolation in ("constant", "linear", "continue", "periodic"):
        for params in [{}, {"degree": 2, "n_knots": 7, "include_bias": False}, {"knots": "quantile"},
                       {"knots": inside}]:  # fmt: skip
            if isinstance(params.get("knots"), str) and n < 9:
                continue
            ours, theirs = pairs("preprocessing", "SplineTransformer", extrapolation=extrapolation, **params)
            ours.fit(x), theirs.fit(x)
            wide = x * 1.5
            a = taken(ours.transform(wide))
            # Polynomials far beyond the knots are large.
            np.testing.assert_allclose(a, theirs.transform(wide), rtol=1e-7 if dtype == "f8" else 1e-2,
                                       atol=1e-8 if dtype == "f8" else 2e-2, err_msg=f"{theirs}")  # fmt: skip
            assert a.dtype == x.dtype and list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out())
    if n < 9:
        return
    for knots in ("uniform", "quantile"):
        ours, theirs = pairs("preprocessing", "SplineTransformer", knots=knots, handle_missing="zeros")
        given = np.delete(holes(numbers(n, dtype)), 4, axis=1)
        ours.fit(given, sample_weight=weights)
        want = theirs._get_base_knot_positions(given, 5, knots, weights)  # fit fails at quantiles
        close(taken(ours.knots_)[3:-3], want, dtype, f"weighted {knots}")
        assert np.all(ours.transform(given)[np.isnan(given[:, 1]), 7:14] == 0)


def categories(n):
    """Columns of integers, of text, of floats with NaN, of bools; of many categories beside few."""
    codes = np.stack([np.floor(noise(n, 11) * 5), np.floor(noise(n, 12) ** 3 * 6) - 3], axis=1)
    floats = codes + 0.5
    floats[::9, 0] = np.nan
    text = np.array(["ash", "elm", "oak", "yew", "fir", "box"])[np.abs(codes).astype(int)]
    return {"i8": codes.astype("i8"), "f8": floats, "f4": floats.astype("f4"), "text": text,
            "bool": codes > 1, "many": np.stack([np.floor(noise(n, 13) * 700), codes[:, 1]], axis=1)}  # fmt: skip


@SIZES
def test_encoders(n, taken):
    for dtype, x in categories(n).items():
        rare = [{"min_frequency": 0.2}, {"max_categories": 3}] if n > 9 else []
        for params in [{}, {"dtype": np.float32}, *rare, {"handle_unknown": "use_encoded_value", "unknown_value": -1}]:
            same(taken, *pairs("preprocessing", "OrdinalEncoder", **params), x, "f8", dtype, exact=True,
                 again=params.keys() <= {"dtype"})  # fmt: skip
        for params in [{}, {"drop": "first"}, {"drop": "if_binary"}, {"handle_unknown": "ignore"},
                       {"dtype": np.int32}, *rare]:  # fmt: skip
            same(taken, *pairs("preprocessing", "OneHotEncoder", sparse_output=False, **params), x, "f8", dtype,
                 exact=True, again=n > 9 and params.keys() <= {"dtype", "handle_unknown", "drop"})  # fmt: skip
        y = x[:, 1]
        for name in ("LabelEncoder", "LabelBinarizer") if dtype[0] != "f" else ("LabelEncoder",):
            ours, theirs = pairs("preprocessing", name)
            ours.fit(y), theirs.fit(y)
            np.testing.assert_array_equal(taken(ours.classes_), theirs.classes_)
            np.testing.assert_array_equal(taken(ours.transform(y)), theirs.transform(y))
            np.testing.assert_array_equal(ours.inverse_transform(theirs.transform(y)), y)
    if n < 9:
        return
    text = categories(n)["text"]
    known = [["yew", "oak", "box", "ash", "elm", "fir"]] * 2
    same(taken, *pairs("preprocessing", "OrdinalEncoder", categories=known), text, "f8", "given", exact=True)
    unseen = np.array([["ash", "pine"], ["pine", "elm"]])
    ours, theirs = pairs("preprocessing", "OneHotEncoder", sparse_output=False, handle_unknown="ignore")
    np.testing.assert_array_equal(ours.fit(text).transform(unseen), theirs.fit(text).transform(unseen))


@pytest.mark.parametrize("kind", ["text", "i8", "bool", "many"])
def test_rare_categories_come_back_as_one(kind):
    x = categories(257)[kind]
    for params in {"min_frequency": 0.2}, {"max_categories": 3}, {"max_categories": 2, "handle_unknown": "unknown"}:
        for name, more, unknown in [("OrdinalEncoder", {}, {"handle_unknown": "use_encoded_value", "unknown_value": -1}),
                                    ("OneHotEncoder", {"sparse_output": False}, {"handle_unknown": "ignore"})]:  # fmt: skip
            given = {**params, **more, **(unknown if "handle_unknown" in params else {})}
            ours, theirs = pairs("preprocessing", name, **given)
            coded = theirs.fit(x).transform(x)
            got, want = ours.fit(x).inverse_transform(coded), theirs.inverse_transform(coded)
            assert all(a == b or a != a and b != b for a, b in zip(got.ravel(), want.ravel(), strict=True)), f"{theirs}"


@DATA
def test_functions(n, dtype, taken):
    x = np.abs(numbers(n, dtype))
    for function, inverse in [(np.log1p, np.expm1), (np.sqrt, np.square), (np.arcsinh, np.sinh), (np.ceil, None),
                              (np.cbrt, None), (None, None)]:
        ours, theirs = pairs("preprocessing", "FunctionTransformer", func=function, inverse_func=inverse,
                             feature_names_out="one-to-one")  # fmt: skip
        same(taken, ours, theirs, x, dtype, f"{function}")
        close(ours.transform(x), theirs.transform(x), dtype, "without fit")


def raises(text, work):
    with pytest.raises((ValueError, NotImplementedError, TypeError), match=re.escape(text)):
        work()


def test_errors():
    x = numbers(257, "f8")
    gone = holes(x)
    infinite = x.copy()
    infinite[100, 2] = np.inf
    text = categories(257)["text"]
    p = preprocessing
    for scaler in (p.MinMaxScaler(), p.MaxAbsScaler(), p.RobustScaler(), p.QuantileTransformer(),
                   p.PowerTransformer()):  # fmt: skip
        raises("infinity", lambda: scaler.fit(infinite))
        raises("infinity", lambda: scaler.fit(x).transform(infinite))
        raises("X has 5 features", lambda: scaler.fit(x).transform(x[:, 1:]))
    for strict in (p.Normalizer(), p.Binarizer(), p.PolynomialFeatures(), p.KBinsDiscretizer()):
        raises("NaN at row 0, column 1", lambda: strict.fit(gone))
        raises("NaN at row 0, column 1", lambda: strict.fit(x).transform(gone))
    raises("Minimum of desired feature range", lambda: p.MinMaxScaler((3, 1)).fit(x))
    raises("Invalid quantile range", lambda: p.RobustScaler(quantile_range=(30.0, 10.0)).fit(x))
    raises("strictly positive", lambda: p.PowerTransformer("box-cox").fit(x))
    raises("greater than the number of samples used", lambda: p.QuantileTransformer(subsample=10).fit(x))
    raises("sparse_output=True is not supported", lambda: p.OneHotEncoder(sparse_output=True).fit(text))
    raises("'onehot' is sparse", lambda: p.KBinsDiscretizer(encode="onehot").fit(x))
    for encoder in (p.OrdinalEncoder(), p.OneHotEncoder()):
        raises("unknown categories ['pine'] in column 1", lambda: encoder.fit(text).transform([["ash", "pine"]]))
        raises("X holds numbers", lambda: encoder.fit(text).transform([[1.0, 2.0]]))
    raises("pine", lambda: p.LabelEncoder().fit(text[:, 0]).transform(["pine"]))
    raises("unknown_value should be an integer", lambda: p.OrdinalEncoder(
        handle_unknown="use_encoded_value").fit(text))  # fmt: skip
    raises("Shape mismatch", lambda: p.OrdinalEncoder(categories=[["a"]]).fit(text))
    raises("strictly less", lambda: p.LabelBinarizer(neg_label=2).fit(text[:, 0]))
    raises("empty output array", lambda: p.PolynomialFeatures(0, include_bias=False).fit(x))
    raises("beyond the limits of the knots", lambda: p.SplineTransformer(
        extrapolation="error").fit(x).transform(2 * x))  # fmt: skip
    raises("NaN at row 0", lambda: p.SplineTransformer().fit(gone))
    raises("minimum of 2", lambda: p.SplineTransformer().fit(x[:1]))
    raises("'func' parameter of FunctionTransformer", lambda: p.FunctionTransformer(lambda v: v).fit(x))
    raises("missing values in transform", lambda: impute.MissingIndicator().fit(x).transform(gone))
    raises("add_indicator=True", lambda: impute.SimpleImputer().fit(gone).inverse_transform(x))
    raises("missing_values must be a number", lambda: impute.SimpleImputer(missing_values="x").fit(x))
    raises("No feature in X meets", lambda: feature_selection.VarianceThreshold(1e9).fit(x))
    raises("must be non-negative", lambda: feature_selection.SelectKBest("chi2").fit(x, np.arange(257) % 2))
    raises("requires y", lambda: feature_selection.SelectKBest().fit(x))
    raises("score_func", lambda: feature_selection.SelectKBest(max).fit(x, np.arange(257) % 2))
