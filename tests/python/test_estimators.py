"""Estimators in Python as scikit-learn's users know them, every one in the registry."""

import os
import pickle
import pty
import subprocess
import sys
import threading

import joblib
import numpy as np
import pytest
import sklearn.utils
import tessera
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline
from tessera.cluster import KMeans
from tessera.decomposition import PCA
from tessera.linear_model import LinearRegression, Ridge
from tessera.preprocessing import StandardScaler

# tests/together has cases of its own for the others of preprocessing, which take much else.
ALL = {name: made for name, made in tessera.all_estimators() if name == "StandardScaler" or made.__module__
       not in ("tessera.preprocessing", "tessera.impute", "tessera.feature_selection")}  # fmt: skip
THEIRS = dict(sklearn.utils.discovery.all_estimators())
# Positive, for some know nothing else.
X = np.abs(np.sin(np.arange(1500.0).reshape(300, 5) ** 1.5)) + np.arange(300)[:, None] % 3
Y = 1 + np.arange(300) % 3


def target(name):
    return np.c_[Y, Y[::-1]] if name.startswith("MultiTask") else Y


def made(name, cls=None):
    return (cls or ALL[name])(**({"n_clusters": 3, "random_state": 0} if name == "KMeans" else {}))


def methods(model):
    """Those that give rows for rows, where its parameters leave them."""
    names = [m["name"] for m in model._described["methods"] if m["kind"] == "map" and m["of_features"]]
    return {name: getattr(model, name) for name in names if hasattr(model, name)}


@pytest.mark.parametrize("name", ALL)
def test_array_type_in_array_type_out(name):
    tessera.write("x.h5", X, "X")
    Y = target(name)
    y = tessera.asarray(Y)
    kinds = {"numpy": X, "array": tessera.asarray(X), "stream": tessera.stream("x.h5", "X")}
    fitted = {kind: made(name).fit(x, y if kind != "numpy" else Y) for kind, x in kinds.items()}
    model = fitted["numpy"]
    for kind, other in fitted.items():
        for attribute, value in vars(model).items():
            if attribute.endswith("_") and isinstance(value, np.ndarray):
                np.testing.assert_array_equal(np.asarray(getattr(other, attribute)), value)
        for method in methods(model):
            expected = getattr(model, method)(X)
            assert isinstance(expected, np.ndarray) and expected.flags.writeable
            got = getattr(other, method)(kinds[kind])
            wanted = {"numpy": np.ndarray, "array": tessera.Array, "stream": tessera.Stream}[kind]
            assert type(got) is wanted, (method, kind)
            whole = got.collect().numpy() if kind == "stream" else np.asarray(got)
            np.testing.assert_array_equal(whole, expected)
        if hasattr(model, "score"):
            assert other.score(kinds[kind], y) == model.score(X, Y)
        if hasattr(model, "labels_") and kind != "numpy":
            assert isinstance(other.labels_, tessera.Array)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("dtype", ["f2", "?", "i1", "u8", "f4", ">f8", "object"])
def test_dtypes_are_converted_as_in_scikit_learn(name, dtype):
    if name == "QuadraticDiscriminantAnalysis" and dtype in ("?", "f2"):
        pytest.skip("no covariance in bools, and scikit-learn has none of float16")
    x, Y = (X * 4).astype(dtype), target(name)
    ours, theirs = made(name).fit(x, Y), made(name, THEIRS[name]).fit(x, Y)
    for attribute, value in vars(theirs).items():
        if attribute.endswith("_") and isinstance(value, np.ndarray) and hasattr(ours, attribute):
            mine = getattr(ours, attribute)
            if (name, dtype) not in WIDER and value.dtype.kind == "f" and isinstance(mine, np.ndarray):
                assert mine.dtype == value.dtype, attribute


# Where attributes are float64 here, and float16, float32 or of another order of bytes in scikit-learn, or
# the other way round.
WIDER = {("GaussianNB", "f2"), ("GaussianNB", "f4"), ("LinearRegression", "f2"), ("RidgeCV", "f2"), ("RidgeCV", ">f8"),
         ("RidgeClassifier", "f2"), ("RidgeClassifierCV", "f2"), ("RidgeClassifierCV", ">f8"), ("ARDRegression", "f4"), ("HuberRegressor", "f4"),
         ("QuadraticDiscriminantAnalysis", "f4"),
         ("LogisticRegressionCV", "f4"), ("SGDRegressor", "f4")}


@pytest.mark.parametrize("name", ALL)
def test_what_is_refused_as_in_scikit_learn(name):
    import scipy.sparse

    for bad in (X.astype(complex), np.full(X.shape, "word"), X[0], X[:0], X[:, :0], scipy.sparse.csr_array(X), None,
                np.where(X == X[3, 1], np.inf, X), X[:, :, None]):
        errors = []
        for cls in (ALL[name], THEIRS[name]):
            try:
                made(name, cls).fit(bad, target(name))
            except (TypeError, ValueError) as error:
                errors.append(type(error))
            else:
                errors.append(None)
        if isinstance(bad, scipy.sparse.sparray):
            assert errors[0] is TypeError
        else:
            assert errors[0] is not None and errors[0] in (errors[1], ValueError), (bad, errors)


@pytest.mark.parametrize("name", ALL)
def test_text_of_numbers_is_numbers(name):
    """As in most of scikit-learn; dates are the days and so on since 1970, as NumPy converts them."""
    x = np.floor(4 * X)
    expected = made(name).fit(x, target(name))
    for given in x.astype(str), x.astype(str).tolist(), x.astype(str).astype(object), x.astype("M8[D]"):
        model = made(name).fit(given, target(name))
        for method, f in methods(expected).items():
            np.testing.assert_array_equal(getattr(model, method)(given), f(x))
    with pytest.raises(ValueError, match="could not convert string to float: .*'word'"):
        made(name).fit(np.full(X.shape, "word"), target(name))


@pytest.mark.parametrize("name", ALL)
def test_pickles_clones_and_pictures(name):
    Y = target(name)
    model = made(name).fit(X, Y)
    joblib.dump(model, "m.joblib", compress=3)
    model.save("m.tessera")
    for again in (pickle.loads(pickle.dumps(model)), joblib.load("m.joblib"), tessera.load("m.tessera")):
        assert again.get_params() == model.get_params()
        for method, f in methods(model).items():
            np.testing.assert_array_equal(getattr(again, method)(X), f(X))
        again.save("again.tessera")
        assert open("again.tessera", "rb").read() == open("m.tessera", "rb").read()
    unfitted = pickle.loads(pickle.dumps(clone(model)))
    assert not hasattr(unfitted, "n_features_in_") and unfitted.get_params() == model.get_params()
    assert name in model._repr_html_() and repr(model).startswith(name)
    with_arrays = made(name).fit(tessera.asarray(X), Y)
    again = pickle.loads(pickle.dumps(with_arrays))
    assert not hasattr(again, "labels_")  # it stays where X is, as in the model file


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize("name", [n for n in ALL if hasattr(ALL[n], "transform")])
def test_data_frames_in_and_out(name, library):
    frames = pytest.importorskip(library)
    columns = [f"c{i}" for i in range(5)]
    frame = frames.DataFrame(dict(zip(columns, X.T)))
    model = made(name).set_output(transform=library).fit(frame, Y)
    assert list(model.feature_names_in_) == columns
    out = model.transform(frame)
    assert isinstance(out, frames.DataFrame)
    assert list(out.columns) == list(model.get_feature_names_out())
    np.testing.assert_array_equal(out.to_numpy(), made(name).fit(X, Y).transform(X))
    assert isinstance(model.fit_transform(tessera.asarray(X), Y), frames.DataFrame)
    with pytest.raises(ValueError, match="feature names should match"):
        model.fit(frame, Y).transform(frame[columns[::-1]])


def test_pipelines_searches_and_columns():
    pipe = Pipeline([
        ("columns", ColumnTransformer([("scale", StandardScaler(), [0, 1, 2]), ("pca", PCA(1), [3, 4])])),
        ("ridge", Ridge()),
    ])
    y = X @ [1.0, 2, 3, 4, 5]
    scores = cross_val_score(pipe, X, y, cv=3)
    theirs = Pipeline([
        ("columns", ColumnTransformer([("scale", THEIRS["StandardScaler"](), [0, 1, 2]),
                                       ("pca", THEIRS["PCA"](1), [3, 4])])),
        ("ridge", THEIRS["Ridge"]()),
    ])
    np.testing.assert_allclose(scores, cross_val_score(theirs, X, y, cv=3), rtol=1e-9)
    grid = {"ridge__alpha": [0.1, 1.0, 10.0], "columns__scale__with_mean": [True, False]}
    search = GridSearchCV(pipe, grid, cv=3).fit(X, y)
    assert search.best_params_ == GridSearchCV(theirs, grid, cv=3).fit(X, y).best_params_
    assert search.best_estimator_.named_steps["ridge"].alpha == search.best_params_["ridge__alpha"]
    on_arrays = Pipeline([("scale", StandardScaler()), ("line", LinearRegression())])
    a = tessera.asarray(X)
    assert isinstance(on_arrays.fit(a, tessera.asarray(y)).predict(a), tessera.Array)


def test_other_threads_run_while_a_model_is_fitted():
    inside, seen = threading.Event(), []

    def watch():
        inside.wait()
        while not seen:
            seen.append(sys._current_frames()[main].f_code.co_name)

    main = threading.get_ident()
    before = sys.getswitchinterval()
    sys.setswitchinterval(1000)  # nobody takes the lock from who does not give it
    other = threading.Thread(target=watch)
    other.start()
    try:
        x = np.random.default_rng(0).random((50_000, 20))
        model = KMeans(30, n_init=3, max_iter=30)
        inside.set()
        model.fit(x)
        assert seen, "the fit kept the interpreter's lock"
    finally:
        sys.setswitchinterval(before)
        seen.append("")
        other.join()


def test_threads_fit_side_by_side():
    """One after the other inside, with the results of one thread."""
    expected = KMeans(3, random_state=0).fit(X).cluster_centers_
    found = [None] * 4

    def fit(i):
        for _ in range(20):
            found[i] = KMeans(3, random_state=0).fit(X).cluster_centers_

    threads = [threading.Thread(target=fit, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for centers in found:
        np.testing.assert_array_equal(centers, expected)


def test_the_progress_bar():
    code = ("import numpy as np, tessera\nfrom tessera.cluster import KMeans\ntessera.show_progress(True)\n"
            "KMeans(3, n_init=2).fit(np.arange(3000.).reshape(1000, 3))\n")
    leader, follower = pty.openpty()
    job = subprocess.Popen([sys.executable, "-c", code], stderr=follower, env=os.environ | {"TESSERA_THREADS": "1"})
    assert job.wait(60) == 0
    os.close(follower)
    shown = os.read(leader, 100_000)
    assert b"k-means++ [##########" in shown and b"KMeans [" in shown
    os.close(leader)
