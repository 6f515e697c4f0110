"""Data frames and arrays whose columns hold different things, against live scikit-learn on 1 to 4 processes."""

import pickle
import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn.impute
import sklearn.preprocessing
import tessera
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import DataConversionWarning
from sklearn.pipeline import make_pipeline
from tessera import feature_selection, impute, linear_model, preprocessing

WORDS = np.array(["elm", "oak", "ash", "Ümlaut", "'quoted'", "1", "None"])


def frame(n=601):
    i = np.arange(n)
    kind = WORDS[i * i % 7 % (n // 20 + 2)].astype(object)
    with_none, with_nan = kind.copy(), kind.copy()
    with_none[::5] = None
    with_nan[1::4] = np.nan
    return pd.DataFrame({
        "kind": pd.Series(kind, dtype=object), "year": 1990 + i % 11, "size": np.where(i % 9 == 4, np.nan, (i % 5) / 4),
        "single": np.float32(i % 3) / 10, "old": i % 2 == 0, "none": pd.Series(with_none, dtype=object),
        "nan": pd.Series(with_nan, dtype=object),
        "factor": pd.Categorical(WORDS[i % 3]), "byte": (i % 4).astype("i1"),
    })  # fmt: skip


def target(n=601):
    return np.sin(np.arange(n)) + (np.arange(n) % 2)


def same_lists(ours, theirs, what):
    assert len(ours) == len(theirs), what
    for a, b in zip(ours, theirs):
        if b is None:
            assert a is None, what
            continue
        assert a.dtype == b.dtype, (what, a, b)
        assert list(map(repr, a.tolist())) == list(map(repr, b.tolist())), (what, a, b)


def same(name, X, y=None, other=None, **params):
    """Fits both and compares all that they say of X, and of other rows."""
    ours, theirs = getattr(preprocessing, name)(**params), getattr(sklearn.preprocessing, name)(**params)
    made = [one.fit_transform(X, y) for one in (ours, theirs)]
    np.testing.assert_allclose(made[0], made[1], rtol=1e-12)
    same_lists(ours.categories_, theirs.categories_, name)
    for X in [X] if other is None else [X, other]:
        np.testing.assert_allclose(ours.transform(X), theirs.transform(X), rtol=1e-12)
    assert list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out())
    if getattr(theirs, "infrequent_categories_", None) is not None and "min_frequency" in params:
        same_lists(ours.infrequent_categories_, theirs.infrequent_categories_, name)
    if hasattr(theirs, "inverse_transform") and "min_frequency" not in params:
        back = [one.inverse_transform(theirs.transform(X)) for one in (ours, theirs)]
        assert back[0].dtype == back[1].dtype
        pd.testing.assert_frame_equal(pd.DataFrame(back[0]), pd.DataFrame(back[1]))
    copy = pickle.loads(pickle.dumps(ours))
    np.testing.assert_array_equal(copy.transform(X), ours.transform(X))
    same_lists(copy.categories_, ours.categories_, "a pickle")
    ours.save("model.tessera")
    np.testing.assert_array_equal(tessera.load("model.tessera").transform(X), ours.transform(X))


ENCODERS = pytest.mark.parametrize("name, params", [
    ("OneHotEncoder", {"sparse_output": False}),
    ("OneHotEncoder", {"sparse_output": False, "drop": "if_binary", "min_frequency": 40,
                       "handle_unknown": "infrequent_if_exist"}),
    ("OneHotEncoder", {"sparse_output": False, "drop": "first"}),
    ("OrdinalEncoder", {}),
    ("OrdinalEncoder", {"min_frequency": 0.1, "encoded_missing_value": -1}),
    ("TargetEncoder", {"random_state": 0}),
])  # fmt: skip


@ENCODERS
@pytest.mark.parametrize("n", [601, 3])
def test_frames(name, params, n):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        y = target(n) if name == "TargetEncoder" else None
        if n == 601 or name != "TargetEncoder":
            same(name, frame(n), y, **params)
            same(name, frame(n)[["year", "size"]], y, **params)  # numbers alone, of several dtypes
            same(name, frame(n)[["kind", "factor"]], y, **params)


@ENCODERS
def test_objects(name, params):
    """Of arrays of objects, lists and polars' frames, scikit-learn has objects as categories."""
    X = frame()[["kind", "year", "none", "nan"]]
    y = target() if name == "TargetEncoder" else None
    same(name, X.to_numpy(), y, **params)
    same(name, X.to_numpy().tolist(), y, **params)
    if "min_frequency" not in params:
        same(name, pl.DataFrame({"a": X["kind"].tolist(), "b": X["year"].tolist()}), y, **params)


def test_given_categories():
    X = frame()[["kind", "year", "none"]]
    lists = [sorted(set(X["kind"]), reverse=True), sorted(set(X["year"])), [*sorted(set(X["kind"])), None]]
    for name in "OneHotEncoder", "OrdinalEncoder":
        more = {"sparse_output": False} if name == "OneHotEncoder" else {}
        same(name, X, categories=lists, **more)
    dropped = ["oak", 1994, None]
    ours, theirs = (module.OneHotEncoder(drop=dropped, sparse_output=False).fit(X)
                    for module in (preprocessing, sklearn.preprocessing))  # fmt: skip
    assert ours.drop_idx_.tolist() == theirs.drop_idx_.tolist()
    np.testing.assert_array_equal(ours.transform(X), theirs.transform(X))


def test_unknown():
    X = frame()[["kind", "year"]]
    other = X.copy()
    other.iloc[7, 0] = "yew"
    other.iloc[8, 1] = 5
    params = {"handle_unknown": "use_encoded_value", "unknown_value": -1}
    same("OrdinalEncoder", X, other=other, **params)
    same("OneHotEncoder", X, other=other, handle_unknown="ignore", sparse_output=False)
    with pytest.raises(ValueError, match=r"Found unknown categories \['yew'\] in column 0 during transform"):
        preprocessing.OrdinalEncoder().fit(X).transform(other)
    numbers = X[["year", "year"]].set_axis(X.columns, axis=1)  # where there was text
    with pytest.raises(ValueError, match="X holds numbers, but OrdinalEncoder was fitted with text"):
        preprocessing.OrdinalEncoder().fit(X).transform(numbers)


@pytest.mark.parametrize("name", ["OneHotEncoder", "OrdinalEncoder"])
def test_refused(name):
    for bad in np.array([["a", 1], [2, "b"]], dtype=object), [["a"], [{}]], [["a"], [1]]:
        bad = np.asarray(bad, dtype=object)
        text = "uniformly strings or numbers. Got "
        for module in preprocessing, sklearn.preprocessing:
            with pytest.raises(TypeError, match=re.escape(text)) as said:
                getattr(module, name)().fit(bad)
            if module is preprocessing:
                mine = str(said.value)
        assert mine == str(said.value)
    when = pd.DataFrame({"when": pd.date_range("2020", periods=3), "kind": list("aba")})
    with pytest.raises(TypeError, match="no Array holds the dtype datetime64"):
        getattr(preprocessing, name)().fit(when)


@pytest.mark.parametrize("output", ["default", "pandas", "polars"])
def test_column_transformer(output):
    X, y = frame(), target()
    made = []
    for module, regressor, fill in (preprocessing, linear_model.Ridge(), impute.SimpleImputer), \
            (sklearn.preprocessing, sklearn.linear_model.Ridge(), sklearn.impute.SimpleImputer):  # fmt: skip
        columns = ColumnTransformer([
            ("hot", module.OneHotEncoder(sparse_output=False), ["kind", "year", "old"]),
            ("ordinal", module.OrdinalEncoder(), ["factor", "byte"]),
            ("target", module.TargetEncoder(random_state=0), ["kind", "year"]),
            ("numbers", make_pipeline(fill(), module.StandardScaler()), ["size", "single"]),
            ("text", make_pipeline(fill(strategy="most_frequent"), module.OneHotEncoder(sparse_output=False)), ["nan"]),
        ]).set_output(transform=output)  # fmt: skip
        encoded = columns.fit_transform(X, y)
        made.append((encoded, columns.get_feature_names_out(), make_pipeline(columns, regressor).fit(X, y).predict(X)))
    assert type(made[0][0]) is type(made[1][0])
    np.testing.assert_allclose(np.asarray(made[0][0], float), np.asarray(made[1][0], float), rtol=1e-9, atol=1e-12)
    assert list(made[0][1]) == list(made[1][1])
    np.testing.assert_allclose(made[0][2], made[1][2], rtol=1e-7)


@pytest.mark.parametrize("params, columns", [
    ({"strategy": "most_frequent"}, ["kind", "nan", "year", "size"]),
    ({"strategy": "constant"}, ["nan", "kind"]),
    ({"strategy": "constant", "fill_value": "?"}, ["nan", "year"]),
    ({"strategy": "most_frequent", "missing_values": None}, ["none", "kind"]),
    ({"strategy": "most_frequent", "missing_values": "oak"}, ["kind"]),
    ({"strategy": "most_frequent", "add_indicator": True}, ["nan", "kind"]),
])  # fmt: skip
def test_imputer(params, columns):
    for X in frame()[columns], frame()[columns].to_numpy(dtype=object):
        ours, theirs = impute.SimpleImputer(**params), sklearn.impute.SimpleImputer(**params)
        made, expected = ours.fit_transform(X), theirs.fit_transform(X)
        assert made.dtype == expected.dtype
        assert repr(made.tolist()) == repr(expected.tolist())
        assert ours.statistics_.tolist() == theirs.statistics_.tolist()
        assert list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out())
        assert pickle.loads(pickle.dumps(ours)).transform(X).astype(str).tolist() == made.astype(str).tolist()
        flags = {"missing_values": params.get("missing_values", np.nan)}
        np.testing.assert_array_equal(impute.MissingIndicator(**flags).fit_transform(X),
                                      sklearn.impute.MissingIndicator(**flags).fit_transform(X))  # fmt: skip


def objects(*column):
    return np.array(column, dtype=object)[:, None]


@pytest.mark.parametrize("X", [
    objects("b", None, "a", "b", "a", "c"), objects("b", None, "a", None, None, np.nan), objects("b", None, "a", np.nan),
    objects("a", 1, np.nan), objects("a", 1, np.nan, 1), objects(10, 9, 2.5, "a"), objects(True, None, "a"), objects(3, 1, 2.5, None),
    objects(2, None, 1, np.nan, 1, 2), pd.DataFrame({"a": ["a", 1, None, np.nan]}), pd.DataFrame({"a": [1, 2, 2], "b": [3, 3, 4]}),
    np.array([["a", 1], ["b", np.nan], [np.nan, 2]], dtype=object), [[1, 2], [3, 4]], np.array([[1, 2], [-1, 3], [7, -1], [7, 2]], "i1"),
], ids=lambda X: str(np.asarray(X).ravel().tolist()).replace(" ", ""))  # fmt: skip
def test_imputer_of_what_stands_side_by_side(X):
    """Ties of None, numbers and text; integers that stay integers; Python's that stay Python's."""
    for params in ({}, {"missing_values": None}, {"missing_values": -1}, {"add_indicator": True},
                   {"strategy": "constant"}, {"strategy": "constant", "fill_value": 7}):
        params = {"strategy": "most_frequent"} | params
        ours, theirs = impute.SimpleImputer(**params), sklearn.impute.SimpleImputer(**params)
        try:
            expected = theirs.fit_transform(X)
        except ValueError as error:  # NaN where another value is missing, None among numbers
            with pytest.raises((ValueError, NotImplementedError), match="NaN" if "NaN" in str(error) else "missing_values"):
                ours.fit_transform(X)
            continue
        made = ours.fit_transform(X)
        assert made.dtype == expected.dtype and repr(made.tolist()) == repr(expected.tolist()), params
        assert [repr(each) for each in ours.statistics_] == [repr(each) for each in theirs.statistics_] or made.dtype != object


def test_given_categories_with_none():
    for X in np.array([["a"], ["b"], ["a"]]), objects("a", "b"), [["a"], ["b"]], pd.DataFrame({"c": ["a", "b"]}):
        for name in "OneHotEncoder", "OrdinalEncoder":
            more = {"sparse_output": False} if name == "OneHotEncoder" else {}
            for categories in [["a", "b", None]], [["b", None, "a"]], [["a", "b", "c", None]]:
                same(name, X, categories=categories, **more)
            with pytest.raises(ValueError, match="must be text or None, as the column is text, got"):
                getattr(preprocessing, name)(categories=[["a", 1]]).fit(X)


def test_numbers_that_come_as_text_are_unknown():
    numbers = pd.DataFrame({"a": [1, 2], "b": [3.5, 4.5]})
    other = pd.DataFrame({"a": ["1", "2"], "b": ["3.5", "x"]})
    for name, known in ("OneHotEncoder", {"handle_unknown": "ignore"}), \
            ("OrdinalEncoder", {"handle_unknown": "use_encoded_value", "unknown_value": -1}):  # fmt: skip
        more = {"sparse_output": False} if name == "OneHotEncoder" else {}
        ours, theirs = (getattr(module, name)(**more, **known).fit(numbers) for module in (preprocessing, sklearn.preprocessing))
        np.testing.assert_array_equal(ours.transform(other), theirs.transform(other))
        # scikit-learn fails on NumPy's text, for it writes a number among the words.
        np.testing.assert_array_equal(ours.transform(other.to_numpy(dtype=str)), theirs.transform(other))
        for module in preprocessing, sklearn.preprocessing:
            with pytest.raises(ValueError, match="Found unknown categories .*'1'.* in column 0 during transform"):
                getattr(module, name)(**more).fit(numbers).transform(other)
        with pytest.raises(ValueError, match=f"X holds numbers, but {name} was fitted with text"):
            getattr(preprocessing, name)(**more).fit(other).transform(numbers.to_numpy())  # scikit-learn has a TypeError of NumPy's


def test_large_integers():
    """Beyond int64: uint64 alone; beside text, and as objects, one error instead of rounded numbers."""
    large = np.array([[2**63 + 5], [3], [2**64 - 1]], dtype=np.uint64)
    for name in "OneHotEncoder", "OrdinalEncoder":
        more = {"sparse_output": False} if name == "OneHotEncoder" else {}
        same(name, large, **more)
        for bad in pd.DataFrame({"a": large[:, 0], "b": list("xyz")}), large.astype(object), [[2**70], [3]]:
            with pytest.raises(ValueError, match=r"must be from -2\*\*63 to 2\*\*63 - 1, got \d{19,}"):
                getattr(preprocessing, name)(**more).fit(bad)
        same(name, pd.DataFrame({"a": np.array([5, 3, 5], np.uint64), "b": list("xyx")}), **more)
        same(name, np.array([[2**63 - 1, "a"], [-(2**63), "b"]], dtype=object), **more)
    for module in preprocessing, sklearn.preprocessing:
        assert module.OneHotEncoder(drop="first", sparse_output=False).fit(large).get_feature_names_out().tolist() == \
            ["x0_9223372036854775813", "x0_18446744073709551615"]  # fmt: skip
    with pytest.raises(ValueError, match="VarianceThreshold.transform of int64 data would be .* in row 0, column 0"):
        feature_selection.VarianceThreshold().fit_transform(np.array([[2**60], [3]]))


def test_imputer_refuses():
    X = frame()[["kind", "nan"]]
    for module in impute, sklearn.impute:
        with pytest.raises(ValueError, match="Cannot use mean strategy with non-numeric data"):
            module.SimpleImputer().fit(X)
    with pytest.raises(ValueError, match="X holds numbers, but SimpleImputer was fitted with text"):
        impute.SimpleImputer(strategy="constant").fit(X).transform(np.ones((3, 2)))


def test_labels():
    for y in frame()["kind"], frame()["kind"].to_numpy(), np.arange(9, dtype=object) % 4, frame()["none"], ["b", "a"]:
        ours, theirs = preprocessing.LabelEncoder().fit(y), sklearn.preprocessing.LabelEncoder().fit(y)
        same_lists([ours.classes_], [theirs.classes_], "LabelEncoder")
        codes = theirs.transform(y)
        np.testing.assert_array_equal(ours.transform(y), codes)
        back, expected = ours.inverse_transform(codes), theirs.inverse_transform(codes)
        assert back.dtype == expected.dtype and back.tolist() == expected.tolist()
    for module in preprocessing, sklearn.preprocessing:
        with pytest.raises(TypeError, match="uniformly strings or numbers"):
            module.LabelEncoder().fit(np.array(["a", 1], dtype=object))


def test_classes_of_strings():
    """Text of a data frame stays Python's strings in classes_ and predictions."""
    X, y = frame()[["year", "byte"]], frame()["kind"]
    ours, theirs = linear_model.LogisticRegression().fit(X, y), sklearn.linear_model.LogisticRegression().fit(X, y)
    same_lists([ours.classes_], [theirs.classes_], "classes_")
    assert ours.predict(X).dtype == theirs.predict(X).dtype == object
    assert linear_model.LogisticRegression().fit(X, y.to_numpy(dtype=str)).predict(X).dtype.kind == "U"


def test_arrays():
    """An Array of a table is one, too, and goes back to NumPy as it came."""
    X = frame()[["kind", "year", "nan", "old"]].to_numpy()
    table = tessera.asarray(X)
    assert pd.DataFrame(table.numpy()).equals(pd.DataFrame(X))
    encoder = preprocessing.OrdinalEncoder().fit(table)
    codes = encoder.transform(table)
    assert isinstance(codes, tessera.Array)
    np.testing.assert_array_equal(codes.numpy(), sklearn.preprocessing.OrdinalEncoder().fit_transform(X))
    with pytest.raises(TypeError, match="a table, whose columns hold different things, is not written"):
        tessera.write("table.h5:/X", table)
    with pytest.raises(ValueError, match="could not convert string to float"):
        linear_model.Ridge().fit(table, target())
    with pytest.raises(ValueError, match="to float: a table of text and numbers is for encoders"):
        table[1:]


def test_a_table_without_a_value():
    X = pd.DataFrame({"c": ["?", "?"]})
    for module in impute, sklearn.impute:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            imputer = module.SimpleImputer(missing_values="?", strategy="most_frequent").fit(X)
            assert imputer.transform(X).shape == (2, 0)


@pytest.mark.parametrize("dtype", [float, int])
def test_a_column_of_labels_is_a_vector_with_a_warning(dtype):
    with pytest.warns(DataConversionWarning, match="column-vector"):
        encoder = preprocessing.LabelEncoder().fit(np.array([[2], [1], [2]], dtype))
    assert encoder.classes_.tolist() == [1, 2]


def test_categories_that_are_infinite():
    X = np.array([[2.0], [1.0]])
    for encoder in (preprocessing.OneHotEncoder(sparse_output=False, handle_unknown="ignore"),
                    preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)):  # fmt: skip
        with pytest.raises(ValueError, match="infinity"):
            encoder.fit(np.array([[2.0], [np.inf]]))
        with pytest.raises(ValueError, match="infinity"):
            encoder.fit(X).transform(np.array([[np.inf]]))


def test_labels_that_are_none():
    for y in ([None], [None, None], np.array([None, None], dtype=object)):
        ours, theirs = preprocessing.LabelEncoder().fit(y), sklearn.preprocessing.LabelEncoder().fit(y)
        assert type(ours.classes_) is type(theirs.classes_) and ours.classes_.dtype == theirs.classes_.dtype
        assert ours.classes_.tolist() == theirs.classes_.tolist() and ours.transform(y).tolist() == theirs.transform(y).tolist()


def test_text_in_files():
    X = frame()[["kind", "factor"]].to_numpy(dtype=str)
    tessera.write("text.h5:/X", X)
    given = tessera.read("text.h5:/X")
    assert given.shape == X.shape
    np.testing.assert_array_equal(given.numpy(), X)
    encoder = preprocessing.OneHotEncoder().fit(given)
    expected = sklearn.preprocessing.OneHotEncoder(sparse_output=False).fit(X)
    assert [each.tolist() for each in encoder.categories_] == [each.tolist() for each in expected.categories_]
    encoded = encoder.transform(given)
    np.testing.assert_array_equal(encoded.numpy(), expected.transform(X))
    tessera.write("text.h5:/back", encoder.inverse_transform(encoded))
    np.testing.assert_array_equal(tessera.read("text.h5:/back").numpy(), X)
