"""Calls of scikit-learn and SciPy that compute in the array's own namespace, each a function of `a`, whose
members are arrays of NumPy's or of Tessera's: what comes out is compared."""

import types
import warnings

import numpy as np
import sklearn.metrics as m
import sklearn.metrics.pairwise as pairwise
from scipy import signal, special, stats
from scipy.cluster import hierarchy, vq
from scipy.integrate import cumulative_trapezoid, trapezoid
from sklearn import calibration, decomposition, discriminant_analysis, kernel_approximation, linear_model
from sklearn import mixture, model_selection, naive_bayes, pipeline, preprocessing
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.utils import check_consistent_length

ROWS, COLS = 701, 5  # three leaves


def numbers():
    """What the calls are given, as NumPy arrays."""
    rng = np.random.default_rng(7)
    kind = rng.integers(0, 3, ROWS)
    X = rng.normal(size=(ROWS, COLS)) @ rng.normal(size=(COLS, COLS)) + 2 * kind[:, None] * np.linspace(-1, 1, COLS)
    scores = np.exp(rng.normal(size=(ROWS, 3)) + 2 * (kind[:, None] == np.arange(3)))
    t = rng.normal(size=(40, 3))
    return {
        "X": X, "Xp": np.abs(X) + 0.1, "few": X[:60] / 4, "fewp": np.abs(X[:60]) + 0.1,
        "y": X @ np.arange(COLS) + rng.normal(size=ROWS), "yp": rng.poisson(2.0, ROWS) + 0.5,
        "Y": X @ rng.normal(size=(COLS, 2)),
        "guess": X @ np.arange(COLS) + rng.normal(size=ROWS), "guessp": rng.gamma(2.0, size=ROWS) + 0.1,
        "k": kind, "guessk": np.where(rng.random(ROWS) < 0.8, kind, rng.integers(0, 3, ROWS)),
        "b": (kind > 0).astype(np.int64), "guessb": (rng.random(ROWS) < 0.2 + 0.6 * (kind > 0)).astype(np.int64),
        "p": np.clip(0.3 * (kind > 0) + 0.7 * rng.random(ROWS), 0.01, 0.99), "P": scores / scores.sum(1, keepdims=True),
        "many": (rng.random((ROWS, 3)) < 0.4).astype(np.int64), "guessmany": (rng.random((ROWS, 3)) < 0.4).astype(np.int64),
        "w": rng.random(ROWS) + 0.1, "t": t, "u": rng.random(ROWS) * 0.98 + 0.01, "v": 4 * rng.normal(size=ROWS),
        "g": rng.gamma(2.0, size=ROWS), "h": rng.gamma(2.0, size=ROWS) + 0.5,
        "Z": hierarchy.linkage(t), "short": rng.normal(size=31), "angles": rng.random(ROWS) * 3,
    }  # fmt: skip


def arrays(convert):
    return types.SimpleNamespace(**{name: convert(x) for name, x in numbers().items()})


def fitted(make, method="transform", *target, on="X"):
    """A function that fits and gives what `method` makes of the same rows."""
    def run(a):
        X = getattr(a, on)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = make().fit(X, *(getattr(a, name) for name in target))
        return getattr(model, method)(X)

    return run


def searched(make, **grid):
    def run(a):
        search = make(linear_model.Ridge(solver="svd"), {"alpha": [0.1, 1.0, 10.0]}, **grid).fit(a.X, a.y)
        return search.best_params_["alpha"], search.best_score_, search.predict(a.X)

    return run


SELECT = model_selection
SKLEARN = {
    **{f"PCA({solver})": fitted(lambda s=solver: decomposition.PCA(
        3, svd_solver=s, power_iteration_normalizer="QR", random_state=0))
       for solver in ("full", "covariance_eigh", "randomized", "auto")},
    "PCA.whiten, inverse_transform": lambda a: (model := decomposition.PCA(3, whiten=True).fit(a.X))
    .inverse_transform(model.transform(a.X)),
    "Nystroem": fitted(lambda: kernel_approximation.Nystroem(n_components=20, random_state=0), on="few"),
    "LogisticRegression": fitted(lambda: linear_model.LogisticRegression(tol=1e-8), "predict_proba", "k"),
    "PoissonRegressor": fitted(lambda: linear_model.PoissonRegressor(tol=1e-8), "predict", "yp"),
    "Ridge": fitted(lambda: linear_model.Ridge(solver="svd"), "predict", "y"),
    "RidgeCV": fitted(linear_model.RidgeCV, "predict", "y"),
    "RidgeClassifier": fitted(lambda: linear_model.RidgeClassifier(solver="svd"), "decision_function", "k"),
    "RidgeClassifierCV": fitted(linear_model.RidgeClassifierCV, "decision_function", "k"),
    "LinearDiscriminantAnalysis": fitted(discriminant_analysis.LinearDiscriminantAnalysis, "transform", "k"),
    "LinearDiscriminantAnalysis.predict": fitted(discriminant_analysis.LinearDiscriminantAnalysis, "predict", "k"),
    "GaussianNB": fitted(naive_bayes.GaussianNB, "predict_proba", "k"),
    **{f"GaussianMixture({shape})": fitted(lambda s=shape: mixture.GaussianMixture(
        2, covariance_type=s, init_params="random_from_data", random_state=0, max_iter=20), "predict_proba")
       for shape in ("full", "tied", "diag", "spherical")},
    "Binarizer": fitted(preprocessing.Binarizer),
    "KernelCenterer": lambda a: preprocessing.KernelCenterer().fit_transform(pairwise.linear_kernel(a.few)),
    "LabelBinarizer": lambda a: preprocessing.LabelBinarizer().fit_transform(a.k),
    "LabelEncoder": lambda a: preprocessing.LabelEncoder().fit_transform(a.k),
    "MaxAbsScaler": fitted(preprocessing.MaxAbsScaler),
    "MinMaxScaler": fitted(preprocessing.MinMaxScaler),
    "Normalizer": fitted(preprocessing.Normalizer),
    "PolynomialFeatures": fitted(preprocessing.PolynomialFeatures),
    "StandardScaler": fitted(preprocessing.StandardScaler),
    "CalibratedClassifierCV": fitted(lambda: calibration.CalibratedClassifierCV(
        discriminant_analysis.LinearDiscriminantAnalysis(), method="temperature", cv=3), "predict_proba", "k"),
    "FeatureUnion": fitted(lambda: pipeline.FeatureUnion(
        [("a", preprocessing.StandardScaler()), ("b", preprocessing.MinMaxScaler())])),
    "Pipeline": fitted(lambda: pipeline.make_pipeline(
        preprocessing.StandardScaler(), decomposition.PCA(3, svd_solver="full"), linear_model.Ridge(solver="svd")), "predict", "y"),
    "GridSearchCV": searched(SELECT.GridSearchCV),
    "RandomizedSearchCV": searched(SELECT.RandomizedSearchCV, n_iter=2, random_state=0),
    "HalvingGridSearchCV": searched(SELECT.HalvingGridSearchCV, random_state=0),
    "HalvingRandomSearchCV": searched(SELECT.HalvingRandomSearchCV, random_state=0),
    "label_binarize": lambda a: preprocessing.label_binarize(a.k, classes=[0, 1, 2]),
    "cross_val_predict": lambda a: SELECT.cross_val_predict(linear_model.Ridge(solver="svd"), a.X, a.y, cv=3),
    "train_test_split": lambda a: SELECT.train_test_split(a.X, a.y, random_state=0),
    "check_consistent_length": lambda a: check_consistent_length(a.X, a.y),
    # of labels
    **{name: lambda a, f=getattr(m, name): f(a.k, a.guessk) for name in (
        "accuracy_score", "balanced_accuracy_score", "cohen_kappa_score", "confusion_matrix", "hamming_loss",
        "multilabel_confusion_matrix", "zero_one_loss", "matthews_corrcoef")},
    **{name: lambda a, f=getattr(m, name): f(a.k, a.guessk, average="macro") for name in (
        "f1_score", "jaccard_score", "precision_score", "recall_score", "precision_recall_fscore_support")},
    "fbeta_score": lambda a: m.fbeta_score(a.b, a.guessb, beta=2),
    "f1_score of several labels": lambda a: m.f1_score(a.many, a.guessmany, average="samples"),
    # of scores
    **{name: lambda a, f=getattr(m, name): f(a.b, a.p) for name in (
        "average_precision_score", "brier_score_loss", "d2_brier_score", "det_curve", "precision_recall_curve",
        "roc_curve", "roc_auc_score")},
    **{name: lambda a, f=getattr(m, name): f(a.k, a.P) for name in ("log_loss", "d2_log_loss_score")},
    "calinski_harabasz_score": lambda a: m.calinski_harabasz_score(a.X, a.k),
    # of numbers
    **{name: lambda a, f=getattr(m, name): f(a.y, a.guess) for name in (
        "d2_absolute_error_score", "d2_pinball_score", "explained_variance_score", "max_error", "mean_absolute_error",
        "mean_absolute_percentage_error", "mean_pinball_loss", "mean_squared_error", "median_absolute_error",
        "r2_score", "root_mean_squared_error")},
    **{name: lambda a, f=getattr(m, name): f(a.yp, a.guessp) for name in (
        "d2_tweedie_score", "mean_gamma_deviance", "mean_poisson_deviance", "mean_squared_log_error",
        "mean_tweedie_deviance", "root_mean_squared_log_error")},
    # of pairs of rows
    **{name: lambda a, f=getattr(pairwise, name): f(a.few, a.few) for name in (
        "cosine_similarity", "cosine_distances", "euclidean_distances", "manhattan_distances", "laplacian_kernel",
        "linear_kernel", "polynomial_kernel", "rbf_kernel", "sigmoid_kernel", "pairwise_distances",
        "pairwise_distances_argmin", "pairwise_kernels", "paired_cosine_distances", "paired_euclidean_distances",
        "paired_manhattan_distances")},
    **{name: lambda a, f=getattr(pairwise, name): f(a.fewp, a.fewp) for name in ("additive_chi2_kernel", "chi2_kernel")},
}  # fmt: skip

ONE = ("entr", "erf", "erfc", "expit", "i0e", "i1e", "log_ndtr", "ndtr", "i0", "i1")
SCIPY = {
    **{f"special.{name}": lambda a, f=getattr(special, name): f(a.v) for name in ONE},
    "special.erfinv": lambda a: special.erfinv(2 * a.u - 1),
    **{f"special.{name}": lambda a, f=getattr(special, name): f(a.u) for name in ("logit", "ndtri")},
    **{f"special.{name}": lambda a, f=getattr(special, name): f(a.g) for name in ("gamma", "gammaln", "psi")},
    **{f"special.{name}": lambda a, f=getattr(special, name): f(a.g, a.h) for name in (
        "betaln", "gammainc", "gammaincc", "rel_entr", "xlogy", "xlog1py", "chdtr", "chdtrc")},
    "special.zeta": lambda a: special.zeta(a.h + 1, a.g),
    "special.betainc": lambda a: special.betainc(a.g, a.h, a.u),
    "special.betaincc": lambda a: special.betaincc(a.g, a.h, a.u),
    "special.stdtr": lambda a: special.stdtr(a.h, a.v),
    "special.multigammaln": lambda a: special.multigammaln(a.h + 2, 3),
    **{f"special.{name}": lambda a, f=getattr(special, name): f(a.X, axis=0) for name in ("logsumexp", "softmax", "log_softmax")},
    **{f"stats.{name}": lambda a, f=getattr(stats, name): f(a.X, axis=0) for name in (
        "zscore", "skew", "kurtosis", "moment", "sem", "variation", "tmean", "tmin", "tmax",
        "tvar", "tstd", "tsem", "describe", "iqr", "median_abs_deviation", "skewtest", "kurtosistest",
        "normaltest", "jarque_bera", "rankdata", "mode", "differential_entropy")},
    "stats.kstat": lambda a: stats.kstat(a.v, 3),
    "stats.kstatvar": lambda a: stats.kstatvar(a.v, 2),
    "stats.directional_stats": lambda a: stats.directional_stats(a.X).mean_direction,
    "stats.trim_mean": lambda a: stats.trim_mean(a.X, 0.1),
    "stats.ttest_1samp": lambda a: stats.ttest_1samp(a.X, 0.1),
    "stats.ttest_ind": lambda a: stats.ttest_ind(a.y, a.guess),
    "stats.ttest_rel": lambda a: stats.ttest_rel(a.y, a.guess),
    "stats.pearsonr": lambda a: stats.pearsonr(a.y, a.guess).statistic,
    "stats.entropy": lambda a: stats.entropy(a.g, a.h),
    "stats.chisquare": lambda a: stats.chisquare(a.g),
    "stats.power_divergence": lambda a: stats.power_divergence(a.g, lambda_="log-likelihood"),
    "stats.bartlett": lambda a: stats.bartlett(a.y, a.guess),
    "stats.kruskal": lambda a: stats.kruskal(a.y, a.guess),
    "stats.friedmanchisquare": lambda a: stats.friedmanchisquare(a.y, a.guess, a.v),
    "stats.alexandergovern": lambda a: stats.alexandergovern(a.y, a.guess),
    "stats.fligner": lambda a: stats.fligner(a.y, a.guess),
    "stats.mood": lambda a: stats.mood(a.y, a.guess),
    "stats.quantile": lambda a: stats.quantile(a.y, a.u),
    "stats.combine_pvalues": lambda a: stats.combine_pvalues(a.u),
    "stats.false_discovery_control": lambda a: stats.false_discovery_control(a.u),
    "stats.boxcox_llf": lambda a: stats.boxcox_llf(0.5, a.g),
    "stats.yeojohnson_llf": lambda a: stats.yeojohnson_llf(0.5, a.v),
    "stats.zmap": lambda a: stats.zmap(a.y, a.guess),
    "stats.gzscore": lambda a: stats.gzscore(a.g),
    "stats.sigmaclip": lambda a: stats.sigmaclip(a.y, 2.0, 2.0).clipped,
    **{f"stats.{name}": lambda a, f=getattr(stats, name): f(a.g) for name in ("gmean", "hmean", "gstd")},
    "stats.pmean": lambda a: stats.pmean(a.g, 3),
    **{f"stats.{name}": lambda a, f=getattr(stats, name): f(a.angles) for name in ("circmean", "circvar", "circstd")},
    "signal.detrend": lambda a: signal.detrend(a.X, axis=0),
    "signal.convolve": lambda a: signal.convolve(a.y, a.short, mode="same", method="direct"),
    "signal.fftconvolve": lambda a: signal.fftconvolve(a.y, a.short, mode="same"),
    "signal.oaconvolve": lambda a: signal.oaconvolve(a.y, a.short, mode="same"),
    "signal.hilbert": lambda a: signal.hilbert(a.y),
    "signal.envelope": lambda a: signal.envelope(a.y),
    "signal.periodogram": lambda a: signal.periodogram(a.y)[1],
    "signal.vectorstrength": lambda a: signal.vectorstrength(a.g, 2.0),
    "signal.gauss_spline": lambda a: signal.gauss_spline(a.v, 3),
    "cluster.vq.whiten": lambda a: vq.whiten(a.X),
    "cluster.vq.vq": lambda a: vq.vq(a.X, a.X[:4, :]),
    "cluster.hierarchy.is_monotonic": lambda a: hierarchy.is_monotonic(a.Z),
    "cluster.hierarchy.is_valid_linkage": lambda a: hierarchy.is_valid_linkage(a.Z),
    "cluster.hierarchy.num_obs_linkage": lambda a: hierarchy.num_obs_linkage(a.Z),
    "integrate.trapezoid": lambda a: trapezoid(a.X, axis=0),
    "integrate.cumulative_trapezoid": lambda a: cumulative_trapezoid(a.y),
}  # fmt: skip
