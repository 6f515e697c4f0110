"""What other distributed libraries have got wrong in learning, one test for each.

On every process of a job of 1 to 4.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import sklearn.cluster
import sklearn.linear_model
import tessera
import tessera.linear_model as ours
import tessera.naive_bayes
from tessera.cluster import KMeans
from tessera.decomposition import PCA

sys.path.append(str(Path(__file__).parents[1] / "python"))
from estimators import LABELS, arguments, data, described, names, plain  # noqa: E402

RNG = np.random.default_rng(0)
LINEAR = [name for name in names() if described(name)["module"] == "linear_model"]
REGRESSORS = [name for name in LINEAR if described(name)["role"] == "regressor"]
EXPONENTIAL = "GammaRegressor", "PoissonRegressor"
# Those that come to their minimum, of which that is true: SGD starts at 0, and stops on the way.
EXACT = [name for name in REGRESSORS if name not in (*EXPONENTIAL, "SGDRegressor")]


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("size", [0.3, 1.0, 1.6, 40.0])
def test_lasso_divides_by_the_squares_of_columns(size):
    """Of columns at right angles the minimum is known, whatever their size."""
    n, alpha = 1024, 0.05
    X = np.linalg.qr(np.c_[np.ones(n), RNG.normal(size=(n, 3))])[0][:, 1:] * np.sqrt(n) * size
    w = np.array([-1.0, 2.0, 0.01])
    model = ours.Lasso(alpha, tol=1e-12).fit(X, X @ w + 5)
    expected = np.sign(w) * np.maximum(np.abs(w) - alpha / size**2, 0)
    np.testing.assert_allclose(model.coef_, expected, atol=1e-9)
    np.testing.assert_allclose(model.intercept_, 5, atol=1e-9)


def test_an_l1_penalty_gives_zeros():
    X, y = RNG.normal(size=(700, 30)), RNG.normal(size=700)
    y += X[:, 0] * 3
    for name in "Lasso", "ElasticNet":
        mine, other = (getattr(m, name)(0.1, tol=1e-8).fit(X, y) for m in (ours, sklearn.linear_model))
        assert 5 < (mine.coef_ == 0).sum() == (other.coef_ == 0).sum()


@pytest.mark.parametrize("name", EXACT)
def test_the_intercept_is_not_penalised(name):
    """What is added to all of y is added to the intercept, and to nothing else."""
    X, y = data(name)
    near, far = plain(name).fit(X, y), plain(name).fit(X, y + 8.0)
    np.testing.assert_allclose(far.coef_, near.coef_, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(far.intercept_, near.intercept_ + 8.0, rtol=1e-4)


@pytest.mark.parametrize("name", LINEAR)
def test_coefficients_and_intercepts_are_what_they_say(name):
    X, y = data(name)
    model = plain(name).fit(X, y)
    u = X @ np.asarray(model.coef_).T + model.intercept_
    if described(name)["role"] == "classifier":
        np.testing.assert_allclose(model.decision_function(X), np.squeeze(u), rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(model.predict(X), LABELS[u.argmax(axis=1)])
    else:
        np.testing.assert_allclose(model.predict(X), np.exp(u) if name in EXPONENTIAL else u, rtol=1e-9)
    assert model.coef_.shape[-1] == X.shape[1]


@pytest.mark.parametrize("name", names())
def test_processes_without_rows(name):
    """One leaf: one process has all rows, the others fit and predict with it."""
    X, y = data(name, n=120)
    folds = {} if name == "RidgeClassifierCV" else {"cv": 2}  # which has leave-one-out alone
    model = plain(name, **folds).fit(*arguments(X, y))
    for method in described(name)["methods"]:
        if method["kind"] == "map" and method["of_features"] and hasattr(model, method["name"]):
            assert len(getattr(model, method["name"])(X)) == 120


CLASSIFIERS = [name for name in names() if described(name)["role"] == "classifier"]


@pytest.mark.parametrize("name", [name for name in CLASSIFIERS if name != "SGDClassifier"])
def test_processes_without_some_classes(name):
    """Rows in the order of their classes, so that processes see one or two of the three. (Steps of SGD that
    meet one class after the other are worth nothing in scikit-learn, either.)"""
    X, y = data(name)
    order = np.argsort(y, kind="stable")
    mixed, sorted_ = plain(name).fit(X, y), plain(name).fit(X[order], y[order])
    assert list(sorted_.classes_) == list(LABELS)
    assert (mixed.predict(X) == sorted_.predict(X)).mean() > 0.97


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_labels_beyond_the_integers_of_float64(name):
    X, y = data(name)
    labels = 2**60 + np.searchsorted(LABELS, y)
    model = plain(name).fit(X, labels)
    np.testing.assert_array_equal(model.classes_, 2**60 + np.arange(3))
    np.testing.assert_array_equal(model.predict(X) - 2**60, np.searchsorted(LABELS, plain(name).fit(X, y).predict(X)))


def test_float32_of_many_rows():
    """Sums of many rows in float32 would lose what tells the columns apart."""
    n = 600_000
    X = (np.modf(np.outer(np.arange(1, n + 1), [0.61803, 0.41421, 0.7320508]))[0] + 50).astype("f4")
    y = (X.astype("f8") @ [1.0, -2.0, 3.0] + 4.0).astype("f4")
    for model in ours.LinearRegression(), ours.Ridge(1e-6), ours.BayesianRidge():
        model.fit(tessera.asarray(X), tessera.asarray(y))
        np.testing.assert_allclose(model.coef_, [1, -2, 3], atol=2e-4)


def test_more_columns_than_a_process_has_rows():
    X = RNG.normal(size=(400, 300))
    y = X[:, :5] @ [1.0, 2, 3, 4, 5]
    for mine, other in [
        (ours.LinearRegression(), sklearn.linear_model.LinearRegression()),
        (ours.Ridge(0.1), sklearn.linear_model.Ridge(0.1)),
        (ours.Lasso(0.01, tol=1e-8), sklearn.linear_model.Lasso(0.01, tol=1e-8)),
    ]:
        np.testing.assert_allclose(mine.fit(X, y).coef_, other.fit(X, y).coef_, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in LINEAR if described(name)["role"]])
def test_scores_are_weighted(name):
    model = dict(tessera.all_estimators())[name]
    if not any(m["name"] == "score" and m["sample_weight"] for m in model._described["methods"]):
        pytest.skip("its score takes no weights")
    X, y = data(name)
    count = np.arange(len(X)) % 3
    fitted = plain(name).fit(X, y)
    weighted = fitted.score(X, y, sample_weight=count.astype(float))
    np.testing.assert_allclose(weighted, fitted.score(np.repeat(X, count, axis=0), np.repeat(y, count, axis=0)), rtol=1e-9)


# --- Clusters ---------------------------------------------------------------------------------


def blobs(n, spread=0.1):
    """Rows around (0, 0), (10, 0) and (0, 10), those around the origin are the origin itself."""
    i = np.arange(n)
    points = np.array([[0, 0], [10, 0], [0, 10]])[i % 3] + spread * np.c_[np.sin(i), np.cos(i)]
    points[i % 3 == 0] = 0
    return points


def test_rows_of_zeros_are_rows():
    """They were dropped as if they had no cluster."""
    X = blobs(1500)
    model = KMeans(3, random_state=0).fit(X)
    assert sorted(np.bincount(model.labels_)) == [500] * 3
    np.testing.assert_allclose(model.cluster_centers_[model.labels_[0]], 0, atol=1e-12)
    assert KMeans(1).fit(np.zeros((700, 2))).inertia_ == 0


@pytest.mark.parametrize("init", ["random", "k-means++", "k-means||"])
def test_first_centres_are_where_the_data_are(init):
    """They were drawn in [0, 1), far from data that lie elsewhere, so that clusters stayed empty, or at the origin."""
    X = 1e4 + 1e3 * blobs(900)
    model = KMeans(3, init=init, n_init=5, random_state=0).fit(X)
    assert sorted(np.bincount(model.labels_, minlength=3)) == [300] * 3
    assert np.abs(np.sort(model.cluster_centers_.ravel()) - np.sort(1e4 + np.array([0, 0, 0, 0, 1e4, 1e4]))).max() < 1e3


def test_any_row_may_be_a_first_centre_and_none_twice():
    """The last one never was, and rows were drawn with replacement."""
    X = np.arange(7.0)[:, None] ** 2
    for seed in range(5):
        model = KMeans(7, init="random", n_init=1, random_state=seed).fit(X)
        np.testing.assert_array_equal(np.sort(model.cluster_centers_.ravel()), X.ravel())


@pytest.mark.parametrize("weighted", [False, True])
def test_inertia_and_labels_are_those_of_the_centres(weighted):
    """Inertia was how far centres had moved, or a sum of distances that were not squared, or without weights;
    labels were those of the centres before the last step."""
    X = RNG.normal(size=(2000, 3))
    w = np.arange(2000) % 4 + 0.5 if weighted else None
    for steps in (1, 2, 300):
        model = KMeans(5, n_init=1, max_iter=steps, random_state=0).fit(X, sample_weight=w)
        distance = np.linalg.norm(X[:, None] - model.cluster_centers_, axis=2)
        np.testing.assert_array_equal(model.labels_, distance.argmin(axis=1))
        np.testing.assert_array_equal(model.predict(X), model.labels_)
        squares = distance.min(axis=1) ** 2
        np.testing.assert_allclose(model.inertia_, squares.sum() if w is None else squares @ w, rtol=1e-12)
        np.testing.assert_allclose(model.score(X, sample_weight=w), -model.inertia_, rtol=1e-12)
        np.testing.assert_allclose(model.transform(X), distance, rtol=1e-9)  # not squared


def test_the_tolerance_has_the_units_of_the_data():
    X = RNG.normal(size=(3000, 3))
    steps = {KMeans(6, n_init=1, tol=1e-3, random_state=0).fit(X * size).n_iter_ for size in (2.0**-20, 1.0, 2.0**20)}
    assert len(steps) == 1 and steps < set(range(3, 300))


def test_a_cluster_that_loses_its_rows_is_not_left_at_the_origin():
    X = blobs(300) + 50
    start = np.array([[50.0, 50], [60, 50], [-500, -500]])  # of which one has no rows
    mine, other = (m.KMeans(3, init=start, n_init=1).fit(X) for m in (tessera.cluster, sklearn.cluster))
    assert np.bincount(mine.labels_, minlength=3).min() > 0
    np.testing.assert_allclose(mine.cluster_centers_, other.cluster_centers_)


def test_few_candidates_of_many_clusters():
    """Fewer candidates than clusters were an error."""
    X = np.arange(40.0)[:, None]
    assert len(np.unique(KMeans(30, init="k-means||", n_init=1, random_state=0).fit(X).labels_)) == 30


def peak_kib():
    """The most memory since the last time that 5 was written to clear_refs."""
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])


@pytest.mark.parametrize("fit", [
    lambda X: KMeans(64, n_init=1, max_iter=3, random_state=0).fit(X),  # n x k distances; n x p of float64
    lambda X: KMeans(64, init="k-means||", n_init=1, max_iter=1, random_state=0).fit(X),  # all of X on each process
    lambda X: PCA(2).fit(X),  # X - mean_
    lambda X: ours.LinearRegression().fit(X, X[:, 0]),  # [X, 1]
], ids=["Lloyd", "k-means||", "PCA", "LinearRegression"])  # fmt: skip
def test_no_fit_holds_a_copy_of_x(fit):
    n, p = 400_000 // tessera.size(), 16
    X = tessera.from_local((np.arange(n * p, dtype="f4").reshape(n, p) * (3 + tessera.rank())) % 1001)
    fit(X[:3000])  # what is made once
    Path("/proc/self/clear_refs").write_text("5")
    before = peak_kib()
    fit(X)
    assert 1024 * (peak_kib() - before) < 24e6 + X.size // tessera.size()  # a quarter of its part of X


# --- Components -------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["covariance_eigh", "full", "randomized"])
def test_strong_components_are_found_beside_a_flat_spectrum(solver):
    """Parts of the rows were cut to k directions before they were merged, so that the answer was another one for
    each number of processes."""
    rng = np.random.default_rng(1)
    directions = np.linalg.qr(rng.normal(size=(32, 5)))[0]
    X = rng.normal(size=(4096, 5)) * [30, 20, 15, 12, 10] @ directions.T + rng.normal(size=(4096, 32))
    model = PCA(5, svd_solver=solver, random_state=0).fit(X)
    centred = X - X.mean(axis=0)
    u, s, vh = np.linalg.svd(centred, full_matrices=False)
    between = np.linalg.svd(model.components_ @ vh[:5].T)[1]  # cosines of angles
    np.testing.assert_allclose(between, 1, atol=1e-6)
    np.testing.assert_allclose(model.singular_values_, s[:5], rtol=1e-4)
    np.testing.assert_allclose(model.explained_variance_ratio_, s[:5] ** 2 / (s**2).sum(), rtol=1e-4)
    np.testing.assert_allclose(model.noise_variance_, (s[5:] ** 2).mean() / 4095, rtol=1e-3)
    assert (model.components_[np.arange(5), np.abs(model.components_).argmax(axis=1)] > 0).all()  # one sign for all


def test_seeds_are_the_models_own():
    """A constructor seeded the generator of everybody."""
    np.random.seed(7)
    before = np.random.get_state()[1].tolist()
    PCA(2, svd_solver="randomized", random_state=3).fit(RNG.normal(size=(600, 9)))
    KMeans(3, random_state=3).fit(RNG.normal(size=(600, 9)))
    assert np.random.get_state()[1].tolist() == before


# --- Linear models ----------------------------------------------------------------------------


def test_least_squares_are_not_penalised_unless_asked():
    """The default was a penalty, of the intercept, too, and a tolerance of 1 %."""
    X = RNG.normal(size=(3000, 4)) + 20
    y = X @ [1.0, -2, 3, 0.5] + 1e4
    model = ours.LinearRegression().fit(X, y)
    np.testing.assert_allclose(model.coef_, [1, -2, 3, 0.5], rtol=1e-9)
    np.testing.assert_allclose(model.intercept_, 1e4, rtol=1e-9)


def test_columns_that_depend_on_others_are_no_error():
    """Normal equations were singular, or lost half of the digits."""
    X = RNG.normal(size=(900, 3))
    X = np.c_[X, X[:, 0] + X[:, 1]]
    y = X[:, :3] @ [1.0, 2, 3]
    np.testing.assert_allclose(ours.LinearRegression().fit(X, y).predict(X), y, atol=1e-9)
    X = np.c_[np.ones(900), 1 + 1e-6 * RNG.normal(size=900)]
    np.testing.assert_allclose(ours.LinearRegression(fit_intercept=False, tol=1e-12).fit(X, X @ [1.0, 2]).coef_, [1, 2], rtol=1e-6)


def test_without_an_intercept_there_is_none():
    X = RNG.normal(size=(700, 3)) + 5
    y = X @ [1.0, 2, 3]
    for model in ours.LinearRegression(fit_intercept=False), ours.Ridge(1e-9, fit_intercept=False):
        np.testing.assert_allclose(model.fit(X, y).coef_, [1, 2, 3], rtol=1e-6)
        assert model.intercept_ == 0.0


@pytest.mark.parametrize("name", names())
def test_saving_changes_no_model(name, tmp_path):
    """A name was added to the model's own attributes by saving it."""
    X, y = data(name, n=300)
    model = plain(name).fit(*arguments(X, y))
    before = dict(vars(model))
    model.save("a.tessera")
    assert vars(model).keys() == before.keys() and all(vars(model)[key] is before[key] for key in before)
    model.save("b.tessera")
    assert Path("a.tessera").read_bytes() == Path("b.tessera").read_bytes()


@pytest.mark.parametrize("name", names())
def test_parameters_are_what_they_were_given(name):
    """get_params failed where a constructor had called its arguments otherwise; fit returned None; labels were a
    column."""
    X, y = data(name, n=300)
    model = plain(name)
    given = model.get_params()
    assert model.fit(*arguments(X, y)) is model
    assert model.get_params().keys() == given.keys()
    if X.ndim == 2:
        assert model.n_features_in_ == X.shape[1]
    if hasattr(model, "labels_"):
        assert model.labels_.shape == (len(X),)
