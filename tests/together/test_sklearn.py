"""Every estimator against scikit-learn, live: parameters, fitted attributes, results.

At 1 to 4 processes, every one of which has to find all numbers right.

scikit-learn always fits the same numbers in float64, so that a tolerance is Tessera's own error.
A tolerance is relative to the largest magnitude in the array compared:

    what                                                   float64   float32
    KMeans     centres, inertia, distances                 1e-10     2e-6
    PCA        attributes, transform, score                1e-9      1e-4
               randomized, which converges only so far     1e-4      3e-4
    Linear     coefficients, intercept, singular values    1e-9      1e-3
               predictions, R²                             1e-10     1e-4
    Scaler     attributes, transform                       1e-12     1e-6

Numbers without a dtype (labels, n_iter_, rank_, n_components_, n_samples_seen_) must be equal.
"""

import warnings

import numpy as np
import pytest
import tessera
from sklearn import cluster, decomposition, linear_model, preprocessing
from sklearn.datasets import load_diabetes, load_digits, load_iris, make_blobs
from sklearn.exceptions import ConvergenceWarning

KMEANS = {"float64": 1e-10, "float32": 2e-6}
PCA = {"float64": 1e-9, "float32": 1e-4}
RANDOMIZED = {"float64": 1e-4, "float32": 3e-4}
COEFFICIENTS = {"float64": 1e-9, "float32": 1e-3}
PREDICTIONS = {"float64": 1e-10, "float32": 1e-4}
SCALER = {"float64": 1e-12, "float32": 1e-6}

DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])
IRIS = load_iris().data
DIGITS = load_digits().data
DIABETES = load_diabetes(return_X_y=True)


@pytest.fixture(autouse=True)
def once(fitted_once):
    fitted_once([cluster, decomposition, linear_model, preprocessing])


def close(mine, theirs, tolerance, what=""):
    mine, theirs = np.asarray(mine, float), np.asarray(theirs, float)
    assert mine.shape == theirs.shape, f"{what}: shape {mine.shape}, not {theirs.shape}"
    scale = np.nanmax(np.abs(theirs), initial=0) or 1.0
    np.testing.assert_allclose(
        mine, theirs, rtol=0, atol=tolerance * scale, equal_nan=True, err_msg=what
    )


def rounded(array, dtype):
    """The array in `dtype` for Tessera, and the same numbers in float64 for scikit-learn."""
    array = np.asarray(array).astype(dtype)
    return array, array.astype("float64")


def fitted(theirs, X, y=None, sample_weight=None, **params):
    """Tessera's estimator of the name of `theirs`, fitted; all processes have all results."""
    mine = dict(tessera.all_estimators())[theirs.__name__](**params)
    weights = {} if sample_weight is None else {"sample_weight": sample_weight}
    return mine.fit(X, y, **weights)


def fitted_attributes(model):
    return {name for name in vars(model) if name.endswith("_") and name[0] != "_"} - {"labels_"}


def check_attributes(mine, theirs, tolerance, exact=()):
    """All fitted attributes: those in `exact` and integers equal, the others close."""
    missing = {n for n in fitted_attributes(theirs) if getattr(theirs, n) is not None}
    missing -= fitted_attributes(mine)
    assert not missing, f"missing: {missing}"
    for name in sorted(fitted_attributes(theirs)):
        expected, got = getattr(theirs, name), getattr(mine, name, None)
        if expected is None:
            assert got is None, name
        elif name in exact or isinstance(expected, (int, np.integer)):
            assert np.array_equal(got, expected), f"{name}: {got}, not {expected}"
        else:
            close(got, expected, tolerance, name)


@pytest.mark.parametrize(
    "estimator",
    [
        cluster.KMeans,
        decomposition.PCA,
        linear_model.LinearRegression,
        preprocessing.StandardScaler,
    ],
)
def test_parameters_and_defaults(estimator):
    X = IRIS
    y = X[:, 0] if estimator is linear_model.LinearRegression else None
    assert fitted(estimator, X, y).get_params() == estimator().get_params()


# ---- KMeans ----------------------------------------------------------------------------------


def check_kmeans(X, dtype, sample_weight=None, **params):
    X, X64 = rounded(X, dtype)
    w, w64 = (None, None) if sample_weight is None else rounded(sample_weight, dtype)
    params["init"] = rounded(params["init"], dtype)[0]
    mine = fitted(cluster.KMeans, X, sample_weight=w, **params)
    theirs = cluster.KMeans(**params | {"init": params["init"].astype(float), "n_init": 1})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs.fit(X64, sample_weight=w64)
    check_attributes(mine, theirs, KMEANS[dtype])
    assert mine.cluster_centers_.dtype == dtype
    assert mine.labels_.dtype == np.int32
    assert np.array_equal(mine.labels_, theirs.labels_)
    return mine, theirs, X, X64


@DTYPES
def test_kmeans_iris_golden(dtype):
    mine, theirs, X, X64 = check_kmeans(IRIS, dtype, n_clusters=3, init=IRIS[[0, 50, 100]])
    close(mine.inertia_, 78.851441426146, KMEANS[dtype])
    assert mine.n_iter_ == 4
    assert np.bincount(mine.labels_).tolist() == [50, 62, 38]
    close(mine.cluster_centers_[1, :2], [5.901612903226, 2.748387096774], KMEANS[dtype])
    assert np.array_equal(mine.predict(X), mine.labels_)
    assert mine.predict(X).dtype == np.int32
    distances = mine.transform(X)
    assert distances.dtype == dtype
    close(distances, theirs.transform(X64), 1e-3 if dtype == "float32" else 1e-7)
    close(mine.score(X), theirs.score(X64), KMEANS[dtype])


def test_kmeans_iris_weighted_golden():
    """Row 111 is exactly as far from row 50 as from row 100: the tie goes to the first."""
    weights = np.arange(1.0, 151.0)
    mine, *_ = check_kmeans(IRIS, "float64", weights, n_clusters=3, init=IRIS[[0, 50, 100]])
    close(mine.inertia_, 6675.503323596023, KMEANS["float64"])
    assert mine.n_iter_ == 4


@DTYPES
@pytest.mark.parametrize(
    "params", [{}, {"tol": 0.0}, {"tol": 0.02}, {"max_iter": 1}, {"max_iter": 3}], ids=str
)
def test_kmeans_digits(dtype, params):
    """Strict convergence, tol and max_iter end at the same iteration."""
    init = DIGITS[:10] + 0.01 * np.arange(10)[:, None]  # pixels are integers: no row may tie
    check_kmeans(DIGITS, dtype, n_clusters=10, init=init, **params)


@DTYPES
@pytest.mark.parametrize("k, d", [(1, 5), (3, 1), (7, 3), (33, 17), (64, 31), (100, 130)])
def test_kmeans_odd_sizes(rng, dtype, k, d):
    X = rng.normal(size=(1500, d)) + 3 * rng.integers(0, 5, (1500, 1))
    check_kmeans(X, dtype, n_clusters=k, init=X[:k], tol=0.0, max_iter=2)


@DTYPES
@pytest.mark.parametrize("weighted", [False, True])
def test_kmeans_relocates_an_empty_cluster(rng, dtype, weighted):
    X, _ = make_blobs(1200, 4, centers=5, random_state=3)
    init = np.vstack([X[:5], [[500.0, 500, 500, 500]]])
    weights = rng.uniform(0.5, 2, 1200) if weighted else None
    check_kmeans(X, dtype, weights, n_clusters=6, init=init)


@DTYPES
def test_kmeans_relocates_several_empty_clusters(dtype):
    """Which far point goes to which empty cluster is open; the set of centres is not."""
    X, _ = make_blobs(1200, 4, centers=5, random_state=3)
    X, X64 = rounded(X, dtype)
    init = np.vstack([X[:3], np.full((1, 4), 500), np.full((1, 4), -500)]).astype(dtype)
    mine = fitted(cluster.KMeans, X, n_clusters=5, init=init, max_iter=1)
    theirs = cluster.KMeans(5, init=init.astype(float), n_init=1, max_iter=1).fit(X64)
    close(np.sort(mine.cluster_centers_[:, 0]), np.sort(theirs.cluster_centers_[:, 0]), 1e-6)


def test_kmeans_fewer_distinct_points_than_clusters():
    X = np.repeat([[0.0, 0], [5, 5]], 20, axis=0)
    with pytest.warns(ConvergenceWarning, match="distinct"):
        mine = fitted(cluster.KMeans, X, n_clusters=4, random_state=0)
    assert mine.inertia_ == 0
    assert len(set(mine.labels_)) == 2


def test_kmeans_integers_become_float64():
    X = DIGITS.astype("uint8")
    mine = fitted(cluster.KMeans, X, n_clusters=10, init=DIGITS[:10])
    theirs = cluster.KMeans(10, init=DIGITS[:10], n_init=1).fit(X)
    assert mine.cluster_centers_.dtype == "float64"
    check_attributes(mine, theirs, 1e-10)


def inertias(seeds, **params):
    return np.array([fitted(cluster.KMeans, DIGITS, **params, random_state=s).inertia_ for s in seeds])


@pytest.mark.processes(2)
def test_kmeans_plus_plus_is_as_good():
    """After one iteration from 50 centres: greedy k-means++ lies 5 % below the plain one."""
    params = dict(n_clusters=50, n_init=1, max_iter=1)
    mine = inertias(range(8), **params)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = [cluster.KMeans(**params, random_state=s).fit(DIGITS).inertia_ for s in range(40)]
    assert len(set(mine)) == len(mine), "another seed must be another start"
    assert mine.mean() == pytest.approx(np.mean(theirs), rel=0.015)


@pytest.mark.processes(2)
@pytest.mark.parametrize(
    "init, allowed", [("k-means++", 0.02), ("random", 0.04), ("k-means||", 0.03)]
)
def test_kmeans_converges_as_well(init, allowed):
    mine = inertias(range(8), n_clusters=10, n_init=1, init=init)
    theirs = [
        cluster.KMeans(10, n_init=1, random_state=s, init=init.replace("||", "++"))
        .fit(DIGITS)
        .inertia_
        for s in range(40)
    ]
    assert mine.mean() < np.mean(theirs) * (1 + allowed)


@pytest.mark.processes(2)
def test_kmeans_n_init_takes_the_best():
    one = inertias(range(3), n_clusters=10, n_init=1)
    ten = inertias(range(1), n_clusters=10, n_init=10)
    assert ten[0] <= one[0]
    assert ten[0] < cluster.KMeans(10, n_init=10, random_state=0).fit(DIGITS).inertia_ * 1.01


def test_kmeans_same_seed_same_model():
    first, second = inertias([7, 7], n_clusters=10)
    assert first == second


# ---- PCA -------------------------------------------------------------------------------------


def check_pca(X, dtype, tolerance=PCA, **params):
    X, X64 = rounded(X, dtype)
    mine = fitted(decomposition.PCA, X, **params)
    theirs = decomposition.PCA(**params).fit(X64)
    check_attributes(mine, theirs, tolerance[dtype])
    for name in ["components_", "mean_", "explained_variance_", "singular_values_"]:
        assert getattr(mine, name).dtype == dtype
    transformed = mine.transform(X)
    assert transformed.dtype == dtype
    close(transformed, theirs.transform(X64), tolerance[dtype] * 10, "transform")
    return mine, theirs, X, X64


@DTYPES
@pytest.mark.parametrize("whiten", [False, True])
def test_pca_methods(dtype, whiten):
    mine, theirs, X, X64 = check_pca(IRIS, dtype, n_components=2, whiten=whiten)
    assert mine._fit_svd_solver == theirs._fit_svd_solver
    for method, given in {
        "score_samples": [X],
        "inverse_transform": [mine.transform(X)],
        "get_covariance": [],
        "get_precision": [],
    }.items():
        expected = getattr(theirs, method)(*(x.astype(float) for x in given))
        got = getattr(mine, method)(*given)
        assert got.dtype == dtype
        close(got, expected, 10 * PCA[dtype], method)


@DTYPES
@pytest.mark.parametrize("solver", ["auto", "covariance_eigh", "full"])
def test_pca_iris_golden(dtype, solver):
    mine, theirs, X, X64 = check_pca(IRIS, dtype, n_components=2, svd_solver=solver)
    tolerance = PCA[dtype]
    first = [0.361386591785, -0.084522514065, 0.85667060595, 0.358289197152]
    close(mine.components_[0], first, tolerance)
    close(mine.explained_variance_, [4.228241706035, 0.242670747929], tolerance)
    close(mine.explained_variance_ratio_, [0.924618723202, 0.053066483117], tolerance)
    close(mine.singular_values_, [25.099960442184, 6.013147382308], tolerance)
    close(mine.noise_variance_, 0.05102229650817684, tolerance)
    close(mine.transform(X)[0], [-2.68412562597, 0.319397246585], tolerance)
    close(mine.score(X), theirs.score(X64), tolerance * 10)


@DTYPES
def test_pca_whiten(dtype):
    mine, theirs, X, X64 = check_pca(IRIS, dtype, n_components=2, whiten=True)
    close(mine.transform(X)[0], [-1.30533786332, 0.64836931578], PCA[dtype] * 10)
    close(mine.score(X), -3.321302430334862, PCA[dtype] * 10)


@DTYPES
@pytest.mark.parametrize("solver", ["covariance_eigh", "full"])
@pytest.mark.parametrize("n_components", [None, 1, 0.5, 0.95, 0.999, 4])
def test_pca_n_components(dtype, solver, n_components):
    check_pca(IRIS, dtype, n_components=n_components, svd_solver=solver)


def test_pca_095_golden():
    assert fitted(decomposition.PCA, IRIS, n_components=0.95).n_components_ == 2


@DTYPES
@pytest.mark.parametrize("solver", ["covariance_eigh", "full", "randomized"])
def test_pca_digits(dtype, solver):
    """Leading components, well apart from each other: signs included."""
    tolerance = RANDOMIZED if solver == "randomized" else PCA
    check_pca(DIGITS, dtype, tolerance, n_components=5, svd_solver=solver, random_state=0)


@DTYPES
@pytest.mark.parametrize("solver", ["covariance_eigh", "full", "randomized"])
def test_pca_wide(rng, dtype, solver):
    """Fewer rows than columns."""
    X = rng.normal(size=(30, 8)) @ rng.normal(size=(8, 60)) * 3 + rng.normal(size=(30, 60)) + 2
    tolerance = RANDOMIZED if solver == "randomized" else PCA
    check_pca(X, dtype, tolerance, n_components=6, svd_solver=solver, random_state=0)


@DTYPES
@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("shape, params", [
    ((700, 40), {"iterated_power": 0}), ((700, 40), {}), ((700, 40), {"iterated_power": 1, "n_oversamples": 2}),
    ((700, 40), {"n_components": 40}), ((30, 60), {"iterated_power": 0}),
])  # fmt: skip
def test_pca_randomized_fit_transform(rng, dtype, whiten, shape, params):
    """U S of what the solver has found, from which the projection on its components differs."""
    X, X64 = rounded(rng.normal(size=shape) * np.linspace(3, 1, shape[1]) + 5, dtype)
    params = {"n_components": 4, "svd_solver": "randomized", "random_state": 3, "whiten": whiten} | params
    theirs = decomposition.PCA(**params)
    expected = theirs.fit_transform(X64)
    tolerance = {"float64": 1e-9, "float32": 1e-3}[dtype]
    for given in X, tessera.asarray(X):
        got = tessera.decomposition.PCA(**params).fit_transform(given)
        assert type(got) is type(given) and got.dtype == dtype
        close(np.asarray(got), expected, tolerance)
    if params.get("iterated_power") == 0 and shape[0] > shape[1]:
        assert np.abs(theirs.transform(X64) - expected).max() > 0.05 * np.abs(expected).max()
    tessera.write("x.h5:/X", X)
    streamed = tessera.decomposition.PCA(**params).fit_transform(tessera.stream("x.h5:/X"))
    np.testing.assert_array_equal(streamed.collect().numpy(), np.asarray(got))


@DTYPES
def test_pca_randomized_fit_transform_of_less_rank(rng, dtype):
    X, X64 = rounded(rng.normal(size=(600, 3)) @ rng.normal(size=(3, 30)), dtype)
    params = {"n_components": 5, "svd_solver": "randomized", "random_state": 0}
    got = tessera.decomposition.PCA(**params).fit_transform(X)
    close(got, decomposition.PCA(**params).fit_transform(X64), {"float64": 1e-9, "float32": 1e-3}[dtype])


@DTYPES
def test_pca_wide_none_keeps_as_many_as_rows(rng, dtype):
    X = rng.normal(size=(12, 30))
    mine = fitted(decomposition.PCA, X.astype(dtype))
    theirs = decomposition.PCA().fit(X)
    assert mine.n_components_ == 12 and mine.components_.shape == (12, 30)
    close(mine.explained_variance_, theirs.explained_variance_, PCA[dtype])


@DTYPES
def test_pca_far_from_the_origin(rng, dtype):
    """A mean of 1000 standard deviations must not eat the digits."""
    X = rng.normal(size=(3000, 4)) * [4, 3, 2, 1] + 1000
    X, X64 = rounded(X, dtype)
    for solver in ["covariance_eigh", "full"]:
        mine = fitted(decomposition.PCA, X, svd_solver=solver)
        theirs = decomposition.PCA(svd_solver="full").fit(X64)
        close(mine.explained_variance_, theirs.explained_variance_, PCA[dtype])


@pytest.mark.parametrize(
    "shape, n_components, solver",
    [
        ((1000, 20), 3, "covariance_eigh"),
        ((500, 60), 3, "full"),
        ((520, 60), 3, "randomized"),
        ((520, 60), 48, "full"),
        ((520, 60), 47, "randomized"),
        ((520, 60), 0.9, "full"),
        ((520, 60), None, "full"),
        ((30, 505), 3, "randomized"),
    ],
    ids=str,
)
def test_pca_auto_chooses_as_scikit_learn(rng, shape, n_components, solver):
    X = rng.normal(size=shape)
    params = dict(n_components=n_components, random_state=0)
    auto = fitted(decomposition.PCA, X, **params)
    chosen = fitted(decomposition.PCA, X, **params, svd_solver=solver)
    for name in fitted_attributes(chosen):
        assert np.array_equal(getattr(auto, name), getattr(chosen, name)), name


def test_pca_integers_become_float64():
    mine = fitted(decomposition.PCA, DIGITS.astype("int16"), n_components=3)
    assert mine.components_.dtype == "float64"
    check_attributes(mine, decomposition.PCA(3).fit(DIGITS), 1e-9)


# ---- LinearRegression ------------------------------------------------------------------------


def check_linear(X, y, dtype, sample_weight=None, **params):
    X, X64 = rounded(X, dtype)
    y, y64 = rounded(y, dtype)
    w, w64 = (None, None) if sample_weight is None else rounded(sample_weight, dtype)
    mine = fitted(linear_model.LinearRegression, X, y, sample_weight=w, **params)
    theirs = linear_model.LinearRegression(**params).fit(X64, y64, sample_weight=w64)
    check_attributes(mine, theirs, COEFFICIENTS[dtype])
    assert mine.coef_.dtype == dtype
    predicted = mine.predict(X)
    assert predicted.dtype == dtype
    close(predicted, theirs.predict(X64), PREDICTIONS[dtype], "predict")
    if len(X) > X.shape[1]:
        close(mine.score(X, y), theirs.score(X64, y64), PREDICTIONS[dtype], "score")
    return mine, X, y


@DTYPES
def test_linear_diabetes_golden(dtype):
    mine, X, y = check_linear(*DIABETES, dtype)
    close(mine.coef_[:3], [-10.009866299811, -239.815643672423, 519.84592005446], COEFFICIENTS[dtype])
    close(mine.intercept_, 152.13348416289597, COEFFICIENTS[dtype])
    assert mine.rank_ == 10
    close(mine.singular_[[0, -1]], [2.006043556395, 0.092524212113], COEFFICIENTS[dtype])
    close(mine.score(X, y), 0.5177484222203498, PREDICTIONS[dtype])


@DTYPES
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("targets", [0, 1, 3])
def test_linear(rng, dtype, fit_intercept, weighted, targets):
    X = rng.normal(size=(900, 6)) + 2
    y = X @ rng.normal(size=(6, max(targets, 1))) + rng.normal(size=(900, max(targets, 1))) + 5
    weights = rng.uniform(0, 2, 900) if weighted else None
    check_linear(X, y if targets else y[:, 0], dtype, weights, fit_intercept=fit_intercept)


@DTYPES
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_linear_rank_deficient(rng, dtype, fit_intercept):
    """The minimum-norm answer; coefficients that are whole numbers make float32 exact."""
    X = rng.integers(-8, 9, (700, 5)).astype(float)
    X = np.column_stack([X, X[:, 0] + X[:, 1], X[:, 2], np.zeros(700)])
    y = X[:, 0] * 3 - X[:, 3] + rng.normal(size=700)
    mine, *_ = check_linear(X, y, dtype, fit_intercept=fit_intercept)
    assert mine.rank_ == 5
    assert mine.singular_.shape == (8,)


@DTYPES
def test_linear_constant_column_with_intercept(rng, dtype):
    X = np.column_stack([rng.normal(size=(300, 2)), np.full(300, 7.0)])
    mine, *_ = check_linear(X, X[:, 0] + 1, dtype)
    assert mine.rank_ == 2


@DTYPES
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_linear_fewer_rows_than_columns(rng, dtype, fit_intercept):
    X, y = rng.normal(size=(20, 50)), rng.normal(size=20)
    check_linear(X, y, dtype, fit_intercept=fit_intercept)


def test_linear_ill_conditioned(rng):
    """Condition number 1e4: the normal equations alone would lose eight digits."""
    X = rng.normal(size=(2000, 4))
    X = np.column_stack([X, X[:, 0] + 1e-4 * rng.normal(size=2000)])
    y = X @ np.arange(1.0, 6) + 0.01 * rng.normal(size=2000)
    mine = fitted(linear_model.LinearRegression, X, y)
    theirs = linear_model.LinearRegression().fit(X, y)
    assert mine.rank_ == 5
    close(mine.coef_, theirs.coef_, 1e-8)


@pytest.mark.parametrize("tol", [1e-6, 1e-2])
def test_linear_tol_decides_the_rank(rng, tol):
    X = rng.normal(size=(500, 3)) @ np.diag([1, 1, 1e-4])
    mine, *_ = check_linear(X, X.sum(axis=1) + rng.normal(size=500), "float64", tol=tol)
    assert mine.rank_ == (3 if tol == 1e-6 else 2)


def test_linear_zero_weights_leave_rows_out(rng):
    X, y = rng.normal(size=(400, 3)), rng.normal(size=400)
    weights = (np.arange(400) < 200).astype(float)
    mine = fitted(linear_model.LinearRegression, X, y, sample_weight=weights)
    close(mine.coef_, linear_model.LinearRegression().fit(X[:200], y[:200]).coef_, 1e-9)


def test_linear_integers_become_float64(rng):
    X, y = rng.integers(0, 50, (300, 3)), rng.integers(0, 50, 300)
    mine = fitted(linear_model.LinearRegression, X, y)
    assert mine.coef_.dtype == "float64"
    close(mine.coef_, linear_model.LinearRegression().fit(X, y).coef_, 1e-9)


# ---- StandardScaler --------------------------------------------------------------------------


def check_scaler(X, dtype, sample_weight=None, **params):
    X, X64 = rounded(X, dtype)
    mine = fitted(preprocessing.StandardScaler, X, sample_weight=sample_weight, **params)
    theirs = preprocessing.StandardScaler(**params).fit(X64, sample_weight=sample_weight)
    check_attributes(mine, theirs, SCALER[dtype], exact=["n_samples_seen_"])
    transformed = mine.transform(X)
    assert transformed.dtype == dtype
    close(transformed, theirs.transform(X64), SCALER[dtype], "transform")
    return mine


@DTYPES
@pytest.mark.parametrize("with_mean", [True, False])
@pytest.mark.parametrize("with_std", [True, False])
def test_scaler(dtype, with_mean, with_std):
    check_scaler(DIGITS, dtype, with_mean=with_mean, with_std=with_std)


def test_scaler_iris_golden():
    mine = fitted(preprocessing.StandardScaler, IRIS)
    close(mine.mean_, [5.843333333333, 3.057333333333, 3.758, 1.199333333333], 1e-12)
    close(mine.var_, [0.681122222222, 0.188712888889, 3.095502666667, 0.577132888889], 1e-12)
    close(mine.scale_, [0.825301291785, 0.434410967735, 1.759404065775, 0.759692627902], 1e-12)


@DTYPES
def test_scaler_ignores_nan(rng, dtype):
    X = rng.normal(size=(700, 4)) * [1, 10, 100, 1000] + 5
    X[rng.random(X.shape) < 0.1] = np.nan
    check_scaler(X, dtype)


@DTYPES
def test_scaler_constant_columns(rng, dtype):
    """scikit-learn's mean of a constant is off by a rounding error, so zeros are the reference."""
    constant = np.repeat([[0.0, 3.0, 1e8 / 3, -1e-9 / 3]], 700, axis=0)
    X = np.column_stack([constant, rng.normal(size=700)]).astype(dtype)
    mine = fitted(preprocessing.StandardScaler, X)
    theirs = preprocessing.StandardScaler().fit(X.astype(float))
    assert np.array_equal(mine.scale_[:4], np.ones(4))
    close(mine.mean_, theirs.mean_, 1e-12)
    close(mine.transform(X)[:, :4], np.zeros((700, 4)), 1e-6)


@DTYPES
def test_scaler_weights(rng, dtype):
    X = rng.normal(size=(700, 4)) + 3
    check_scaler(X, dtype, sample_weight=rng.integers(0, 4, 700).astype(float))


def test_scaler_one_row():
    mine = check_scaler([[1.0, 2.0, 3.0]], "float64")
    assert np.array_equal(mine.scale_, np.ones(3))


def test_scaler_integers_become_float64():
    X = DIGITS.astype("int32")
    mine = fitted(preprocessing.StandardScaler, X)
    theirs = preprocessing.StandardScaler().fit(X)
    check_attributes(mine, theirs, 1e-12, exact=["n_samples_seen_"])
    assert mine.transform(X).dtype == np.float64


def test_scaler_far_from_the_origin(rng):
    """A mean of a million standard deviations costs the variance six of its digits at most."""
    X = rng.normal(size=(3000, 2)) + 1e6
    mine = fitted(preprocessing.StandardScaler, X)
    close(mine.mean_, X.mean(axis=0), 1e-14)
    close(mine.var_, X.astype(np.longdouble).var(axis=0), 1e-10)
