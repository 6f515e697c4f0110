"""scikit-learn's own classes on Tessera: patch_sklearn() and python -m tessera."""

import copy
import importlib
import logging
import numbers
import os
import pickle
import re
import subprocess
import sys
import warnings
from pathlib import Path

import estimators
import numpy as np
import pytest
import scipy.sparse
import sklearn.base
import tessera
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, Ridge, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, OrdinalEncoder, PowerTransformer
from sklearn.preprocessing import SplineTransformer, StandardScaler
from tessera import _patch
from job import MPIRUN

DRAWS = np.random.default_rng(0)
X = DRAWS.normal(size=(600, 5)) + 4 * (np.arange(600)[:, None] % 3)
Y = X @ np.arange(1.0, 6.0) + DRAWS.normal(size=600)
C = np.arange(600) % 3
CASES = [
    (KMeans, {"n_clusters": 3, "random_state": 0}, None),
    (KMeans, {"n_clusters": 4, "init": "random", "n_init": 3, "random_state": 1}, None),
    (PCA, {}, None),
    (PCA, {"n_components": 2, "svd_solver": "randomized", "random_state": 0}, None),
    (PCA, {"n_components": 2, "whiten": True}, None),
    (PCA, {"n_components": 0.9, "svd_solver": "full"}, None),
    (LinearRegression, {}, Y),
    (LinearRegression, {"fit_intercept": False}, np.stack([Y, C], axis=1)),
    (Ridge, {"alpha": 2.0}, Y),
    (GaussianNB, {}, C),
    (GaussianNB, {"priors": [0.2, 0.3, 0.5]}, np.array(["a", "b", "c"])[C]),
    (StandardScaler, {}, None),
    (StandardScaler, {"with_mean": False}, None),
]
IDS = [f"{cls.__name__}-{i}" for i, (cls, _, _) in enumerate(CASES)]


@pytest.fixture
def patched():
    tessera.patch_sklearn()
    yield
    tessera.unpatch_sklearn()


def both(work):
    """The same work in scikit-learn and on Tessera."""
    theirs = work()
    tessera.patch_sklearn()
    try:
        return theirs, work()
    finally:
        tessera.unpatch_sklearn()


def same(theirs, ours, what=""):
    """Equal to rounding, of the same type and dtype."""
    if not isinstance(ours, numbers.Integral) or not isinstance(theirs, numbers.Integral):
        assert type(ours) is type(theirs), (what, type(ours), type(theirs))
    if isinstance(theirs, np.ndarray):
        assert ours.dtype == theirs.dtype and ours.shape == theirs.shape, what
    if isinstance(theirs, np.ndarray) and theirs.dtype.kind in "OU":
        np.testing.assert_array_equal(ours, theirs, err_msg=what)
    elif isinstance(theirs, (np.ndarray, numbers.Number)):
        scale = np.nanmax(np.abs(theirs), initial=1e-300)
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9 * scale, err_msg=what)
    else:
        assert ours == theirs, what


@pytest.mark.parametrize("name", sorted(
    set(estimators.names()) - {c[0].__name__ for c in CASES} - {"SplineTransformer", "SGDClassifier", "SGDRegressor"}))  # below
def test_every_other_estimator_runs_in_tessera(name, caplog):
    """Their optimisers stop elsewhere, or vectors have other signs: what they predict is compared in
    tests/together."""
    caplog.set_level(logging.INFO)
    x, y = estimators.data(name)
    params = estimators.plain(name).get_params(deep=False)
    cls = estimators.theirs(name)
    tessera.patch_sklearn()
    try:
        model = cls(**params).fit(*estimators.arguments(x, y))
        method = "predict" if hasattr(cls, "predict") else "transform"
        assert len(getattr(model, method)(x)) == len(x)
    finally:
        tessera.unpatch_sklearn()
    assert type(model) is cls and sklearn.base.clone(model).get_params() == model.get_params()
    assert f"{name}.fit ran in Tessera" in caplog.text
    assert not re.search(rf" {name}\.\w+ runs in scikit-learn", caplog.text)
    again = pickle.loads(pickle.dumps(model))  # scikit-learn's alone
    assert len(getattr(again, method)(x)) == len(x)


@pytest.mark.parametrize("name", ["SGDClassifier", "SGDRegressor"])
def test_what_takes_other_steps_stays_scikit_learns(name, caplog):
    x, y = estimators.data(name)
    cls = estimators.theirs(name)
    expected = cls(random_state=0).fit(x, y)
    tessera.patch_sklearn()
    try:
        model = cls(random_state=0).fit(x, y)
    finally:
        tessera.unpatch_sklearn()
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    assert f"{name}.fit runs in scikit-learn: Tessera's takes other steps for the same seed" in caplog.text


def codes(shape, odd=np.nan):
    """Categories, some of them rare, one of them missing."""
    x = np.floor(DRAWS.gamma(2.0, size=shape))
    x[::50, 1] = odd
    return x


@pytest.mark.parametrize("cls, params, x, ran", [
    (SplineTransformer, {}, X, False),  # its bsplines_ are SciPy's objects
    (OneHotEncoder, {"sparse_output": False}, codes((600, 3)), True),
    (OneHotEncoder, {"sparse_output": False, "min_frequency": 100}, codes((600, 3)), False),
    (OrdinalEncoder, {}, codes((600, 3)), True),
    (OrdinalEncoder, {"max_categories": 3}, codes((600, 3), 0), False),
    (KBinsDiscretizer, {"encode": "ordinal", "quantile_method": "averaged_inverted_cdf"}, X, True),
    (SimpleImputer, {"add_indicator": True}, codes((600, 3)), False),
    (PowerTransformer, {}, X, True),
    (RidgeClassifier, {}, X, True),
], ids=lambda case: getattr(case, "__name__", None))
def test_what_scikit_learn_gets_back_works(cls, params, x, ran, caplog):
    """Members that depend on the data are right, or the fit is scikit-learn's."""
    caplog.set_level(logging.INFO)
    y = np.array(["oak", "ash", "elm"])[C]
    method = "predict" if hasattr(cls, "predict") else "transform"
    tessera.patch_sklearn()
    try:
        model = cls(**params).fit(x, y)
        want = getattr(model, method)(x)
        bytes = pickle.dumps(model)
    finally:
        tessera.unpatch_sklearn()
    assert (f"{cls.__name__}.fit ran in Tessera" in caplog.text) == ran
    assert ran or "would lack" in caplog.text or "would not be whole" in caplog.text
    assert b"tessera" not in bytes
    same(want, getattr(pickle.loads(bytes), method)(x))


@pytest.mark.parametrize("cls, params, y", CASES, ids=IDS)
def test_models_have_the_members_that_scikit_learns_have(cls, params, y):
    theirs, ours = both(lambda: cls(**params).fit(X, y))
    members = vars(pickle.loads(pickle.dumps(ours)))  # with private ones
    for name, value in vars(theirs).items():
        if name.endswith("_") and not name.startswith("_"):
            same(value, members[name], name)
    assert set(vars(theirs)) - {"_tol"} == set(members) - {"_tol"}  # of KMeans, of no use after the fit
    assert type(ours) is cls and repr(ours) == repr(theirs)


@pytest.mark.parametrize("cls, params, y", CASES, ids=IDS)
def test_methods_give_what_scikit_learns_give(cls, params, y, caplog):
    caplog.set_level(logging.INFO)

    def work():
        model = cls(**params).fit(X, y)
        out = {}
        for method in ["predict", "predict_proba", "predict_log_proba", "transform", "get_covariance",
                       "score", "score_samples", "inverse_transform", "get_feature_names_out", "fit_transform"]:
            if hasattr(model, method):
                given = [] if method.startswith("get") else [X] if method.startswith("fit") else [X[:50]]
                if method == "inverse_transform":
                    given = [model.transform(X[:50])]
                if method == "score" and y is not None:
                    given.append(y[:50])
                out[method] = getattr(model, method)(*given)
        return out

    theirs, ours = both(work)
    assert set(theirs) == set(ours)
    for method in theirs:
        same(theirs[method], ours[method], method)
    assert "scikit-learn" not in caplog.text
    assert f"{cls.__name__}.fit ran in Tessera" in caplog.text


def test_seeds_mean_the_same_streams():
    def work():
        np.random.seed(7)
        source = np.random.RandomState(8)
        return [KMeans(3, n_init=2).fit(X).inertia_, np.random.rand(),
                KMeans(3, init="random", random_state=source).fit(X).inertia_, source.rand(),
                PCA(4, svd_solver="randomized", random_state=source).fit(X).singular_values_,
                source.normal(), np.random.rand()]  # fmt: skip

    for one, other in zip(*both(work), strict=True):
        same(one, other)


def test_what_is_declined_runs_in_scikit_learn_and_is_logged_once(patched, caplog):
    class Mine(KMeans):
        pass

    def said():
        text = [record.getMessage() for record in caplog.records]
        caplog.clear()
        return text

    for _ in range(2):
        model = KMeans(3, algorithm="elkan", random_state=0).fit(X)
        assert model.predict(X[:2]).shape == (2,)
    assert said() == ["KMeans.fit runs in scikit-learn: KMeans(algorithm='elkan') is not supported; "
                      "use 'lloyd', which gives the same clusters"]
    PCA(2, svd_solver="arpack").fit(X)
    assert len(said()) == 1
    Mine(3).fit(X)
    assert said() == ["KMeans.fit runs in scikit-learn: Mine is a subclass"]
    assert StandardScaler().fit_transform(X.astype(np.float16)).dtype == np.float16
    assert said()[0] == "StandardScaler.fit_transform runs in scikit-learn: X is float16"
    KMeans(3, random_state=0).fit(scipy.sparse.csr_array(X))
    assert "Sparse data" in said()[0]
    model = KMeans(3, random_state=0).fit(X)
    np.testing.assert_array_equal(model.predict(scipy.sparse.csr_array(X[:9])), model.labels_[:9])
    assert "KMeans.predict runs in scikit-learn: Sparse data" in said()[0]


def test_errors_are_scikit_learns(patched):
    with pytest.raises(ValueError, match="Input X contains NaN"):
        KMeans(3).fit(np.where(X > 5, np.nan, X))
    with pytest.raises(ValueError, match="n_samples=2 should be >= n_clusters=3"):
        KMeans(3).fit(X[:2])
    with pytest.raises(sklearn.exceptions.NotFittedError):
        PCA().transform(X)
    with pytest.raises(ValueError, match="X has 4 features, but KMeans is expecting 5"):
        KMeans(3).fit(X).predict(X[:, :4])


def test_models_that_were_changed_are_scikit_learns(patched, caplog):
    model = KMeans(3, random_state=0).fit(X)
    model.cluster_centers_ = model.cluster_centers_[::-1].copy()
    np.testing.assert_array_equal(model.predict(X), 2 - model.labels_)
    assert "set after the fit" in caplog.text
    scaler = StandardScaler().fit(X)
    scaler.set_params(with_mean=False)
    np.testing.assert_allclose(scaler.transform(X), X / scaler.scale_)
    scaler.partial_fit(X + 1)
    assert scaler.n_samples_seen_ == 1200
    np.testing.assert_allclose(scaler.mean_, X.mean(axis=0) + 0.5)


def test_models_are_kept_in_plain_pickles():
    tessera.patch_sklearn()
    models = [cls(**params).fit(X, y) for cls, params, y in CASES]
    labels = models[0].labels_
    text = pickle.dumps(models)
    again = copy.deepcopy(models[0])
    tessera.unpatch_sklearn()
    np.testing.assert_array_equal(again.predict(X), labels)
    np.testing.assert_array_equal(models[0].predict(X), labels)  # fitted before, used after
    Path("models.pickle").write_bytes(text)
    code = ("import pickle, sys; models = pickle.load(open('models.pickle', 'rb')); "
            "import numpy as np; X = np.ones((2, 5)); "
            "print([getattr(m, 'predict', getattr(m, 'transform', None))(X).shape[0] for m in models],"
            "'tessera' in sys.modules)")
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == f"{[2] * len(CASES)} False\n"


def test_classes_stay_scikit_learns():
    before = {}
    for name, made in tessera.all_estimators():
        cls = getattr(importlib.import_module(f"sklearn.{made._described['module']}"), name)
        before[cls] = dict(vars(cls)), cls.fit
    tessera.patch_sklearn()
    tessera.patch_sklearn()
    for cls, (_, fit) in before.items():
        assert cls.fit.__doc__ == fit.__doc__ and cls.fit is not fit
    assert isinstance(sklearn.base.clone(KMeans(3).fit(X)), KMeans)
    tessera.unpatch_sklearn()
    for cls, (members, _) in before.items():
        assert dict(vars(cls)) == members
    tessera.unpatch_sklearn()


def test_tools_of_scikit_learn(patched):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcde"))
    pipe = make_pipeline(StandardScaler(), PCA(2)).set_output(transform="pandas")
    out = pipe.fit_transform(frame)
    assert list(out.columns) == ["pca0", "pca1"]
    assert list(pipe[0].feature_names_in_) == list("abcde")
    refitted = pipe[0].fit(X)
    assert not hasattr(refitted, "feature_names_in_")
    model = KMeans(3, random_state=0).fit(tessera.asarray(X))  # Arrays pass, too
    assert isinstance(model.predict(tessera.asarray(X)), tessera.Array)


SCRIPT = """
import sys
import numpy as np
from sklearn.cluster import KMeans
from sklearn.linear_model import LinearRegression

rng = np.random.default_rng(3)
X = rng.normal(size=(3000, 4))
print(sys.argv[1:], __name__, KMeans(4, random_state=2).fit(X).n_iter_)
print(KMeans(3, algorithm="elkan", random_state=0).fit(X).n_iter_)
np.random.seed(5)
print(KMeans(3).fit(X).labels_[:20], LinearRegression().fit(X, X[:, 0]).coef_.round(9) + 0)
"""


def start(*words, processes=1):
    """python -m tessera, on so many processes."""
    job = [sys.executable, "-m", "tessera", *words]
    if processes > 1:
        job = [*MPIRUN, "-n", str(processes), *job]
    allow = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return subprocess.run(job, capture_output=True, text=True, timeout=200, stdin=subprocess.DEVNULL,
                          env=os.environ | allow | {"TESSERA_THREADS": "1"})


def run_module(*words, processes=1):
    job = start(*words, processes=processes)
    assert job.returncode == 0, job.stderr
    return job


def test_scripts_run_unchanged():
    Path("script.py").write_text(SCRIPT)
    plain = subprocess.run([sys.executable, "script.py", "-a", "b"], capture_output=True, text=True,
                           check=True)
    for processes in 1, 3:
        job = run_module("script.py", "-a", "b", processes=processes)
        assert job.stdout == plain.stdout
        assert job.stderr.count("KMeans.fit runs in scikit-learn: KMeans(algorithm='elkan')") == 1
        assert len(job.stderr.splitlines()) == 1
    job = run_module("--verbose", "script.py", "-a", "b")
    assert job.stdout == plain.stdout
    assert [line.split(":")[1].strip() for line in job.stderr.splitlines()] == [
        "KMeans.fit ran in Tessera", "KMeans.fit runs in scikit-learn", "KMeans.fit ran in Tessera",
        "LinearRegression.fit ran in Tessera"]  # fmt: skip


MODULES = """
import sklearn.cluster, sklearn.linear_model, sklearn.metrics, sklearn.preprocessing, sklearn.utils
packages = sklearn.cluster, sklearn.linear_model, sklearn.metrics, sklearn.preprocessing, sklearn.utils
print([(each.__all__, each.__doc__, [getattr(each, name).__name__ for name in each.__all__]) for each in packages])
print([{*each.__all__} <= {*dir(each)} for each in packages])
from sklearn.linear_model._ridge import Ridge
print(sklearn.linear_model._ridge.Ridge is Ridge is sklearn.linear_model.Ridge, sklearn.metrics.cluster.__name__)
from sklearn.preprocessing import *
print(StandardScaler)
try:
    from sklearn.cluster import Nothing
except ImportError as error:
    print(error)
try:
    sklearn.cluster.Nothing
except AttributeError as error:
    print(error)
import inspect, scipy, scipy.stats, scipy.optimize._minimize
print(scipy.stats.norm.cdf(0.0), "norm" in dir(scipy.stats), scipy.optimize.minimize is scipy.optimize._minimize.minimize)
print(inspect.getsource(sklearn.cluster)[:40], scipy.linalg.__loader__.__class__.__name__, scipy.__version__)
import pandas
print(StandardScaler().fit(pandas.DataFrame({"a": [1.0, 2.0]})).feature_names_in_, Ridge().fit([[0.0], [1.0]], [0.0, 1.0]).coef_)
"""


def test_packages_that_import_later_are_as_ever():
    Path("modules.py").write_text(MODULES)
    plain = subprocess.run([sys.executable, "modules.py"], capture_output=True, text=True, check=True)
    job = run_module("--verbose", "modules.py")
    assert job.stdout == plain.stdout
    assert "StandardScaler.fit ran in Tessera" in job.stderr and "Ridge.fit ran in Tessera" in job.stderr
    Path("script.py").write_text(
        "import sys\nfrom sklearn.linear_model import LinearRegression\nimport numpy as np\n"
        "LinearRegression().fit(np.eye(3), np.arange(3.0))\n"
        "print('sklearn.linear_model._ridge' in sys.modules)\n")
    assert run_module("script.py").stdout == "False\n"


FINDERS = """
import sys
class Asks:
    def find_spec(self, name, path=None, target=None):
        found = (each.find_spec(name, path, target) for each in sys.meta_path if hasattr(each, "find_spec") and each is not self)
        return next(filter(None, found), None)
class Old:
    def find_module(self, name, path=None):
        return None
sys.meta_path[:0] = [Asks(), Old()]
from sklearn.cluster import KMeans
import sklearn.ensemble
print(KMeans(2).fit([[0.0], [1.0]]).cluster_centers_.shape, sklearn.ensemble._hist_gradient_boosting.__name__)
"""


def test_finders_of_a_script_are_asked_too():
    Path("finders.py").write_text(FINDERS)
    job = run_module("--verbose", "finders.py")
    assert job.stdout == "(2, 1) sklearn.ensemble._hist_gradient_boosting\n"
    assert "KMeans.fit ran in Tessera" in job.stderr


def test_parameters_that_are_declined_are_asked_about_once(patched, monkeypatch, caplog):
    asked = []
    make = tessera.cluster.KMeans._make
    monkeypatch.setattr(tessera.cluster.KMeans, "_make", lambda self, **how: asked.append(how) or make(self, **how))
    for seed in range(4):
        KMeans(3, algorithm="elkan", random_state=seed).fit(X)
        if seed == 0:
            first = len(asked)
    assert first and len(asked) == first
    KMeans(3, algorithm="elkan", n_init=2, random_state=0).fit(X)  # other parameters
    assert len(asked) > first
    caplog.set_level(logging.INFO)
    KMeans(3, random_state=0).fit(X)
    assert "KMeans.fit ran in Tessera" in caplog.text


def test_processes_that_name_no_seed_draw_alike():
    Path("script.py").write_text(
        "import numpy as np\nfrom sklearn.cluster import KMeans\nimport random\n"
        "X = np.random.rand(1000, 3)\nKMeans(3).fit(X)\nimport tessera\n"
        "same = lambda x: len(set(tessera.from_local(np.array([x])).numpy().tolist()))\n"
        "print(same(X[0, 0]), same(random.random()), same(hash('a')), same(np.random.rand()))\n")
    assert run_module("script.py", processes=2).stdout == "1 1 1 1\n"


def test_failures_of_scripts_are_told_once():
    Path("script.py").write_text("raise KeyError('of the script')\n")
    job = start("script.py", processes=2)
    assert job.returncode != 0
    assert job.stderr.count("KeyError: 'of the script'") == 1
    Path("leaves.py").write_text("import sys\nsys.exit('why it ends')\n")
    job = start("leaves.py", processes=2)
    assert job.returncode != 0 and job.stderr.count("why it ends") == 1
    job = start("nothing.py")
    assert job.returncode == 1 and "nothing.py" in job.stderr
    job = start()
    assert job.returncode == 2 and "script" in job.stderr
