"""Linear models and classifiers beside scikit-learn's: one run, one table.

usage: PYTHONPATH=build/release/python .venv/bin/python benchmarks/supervised.py [--rows N] [--only CASE ...]

Both on 2 threads and by turns, so that what else the machine does meets both; medians of 3. Data are
float32, in memory and random. "per step" divides by the iterations that each took.
"""

import argparse
import os
import time
import warnings
from statistics import median

THREADS = "2"
os.environ |= {name: THREADS for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TESSERA_THREADS")}

import numpy as np  # noqa: E402
import sklearn.discriminant_analysis  # noqa: E402
import sklearn.linear_model  # noqa: E402
import sklearn.naive_bayes  # noqa: E402
import tessera  # noqa: E402

# name, module, class, parameters, target, per step
CASES = [
    ("LogisticRegression lbfgs, 2 classes", "linear_model", "LogisticRegression", {"max_iter": 20, "tol": 1e-12}, "two", True),
    ("LogisticRegression newton-cholesky", "linear_model", "LogisticRegression", {"solver": "newton-cholesky"}, "two", True),
    ("LogisticRegression lbfgs, 10 classes", "linear_model", "LogisticRegression", {"max_iter": 10, "tol": 1e-12}, "ten", True),
    ("PoissonRegressor lbfgs", "linear_model", "PoissonRegressor", {"max_iter": 10, "tol": 1e-12}, "count", True),
    ("Ridge", "linear_model", "Ridge", {}, "number", False),
    ("RidgeCV, leave-one-out", "linear_model", "RidgeCV", {}, "number", False),
    ("RidgeCV, 5 folds", "linear_model", "RidgeCV", {"cv": 5}, "number", False),
    ("RidgeClassifier, 10 classes", "linear_model", "RidgeClassifier", {}, "ten", False),
    ("Lasso", "linear_model", "Lasso", {"alpha": 0.01}, "number", False),
    ("LassoCV, 100 alphas, 5 folds", "linear_model", "LassoCV", {}, "number", False),
    ("BayesianRidge", "linear_model", "BayesianRidge", {}, "number", False),
    ("MultinomialNB, 10 classes", "naive_bayes", "MultinomialNB", {}, "ten", False),
    ("BernoulliNB, 10 classes", "naive_bayes", "BernoulliNB", {}, "ten", False),
    ("GaussianNB, 10 classes", "naive_bayes", "GaussianNB", {}, "ten", False),
    ("LinearDiscriminantAnalysis lsqr, 10 classes", "discriminant_analysis", "LinearDiscriminantAnalysis", {"solver": "lsqr"}, "ten", False),
    ("QuadraticDiscriminantAnalysis, 10 classes", "discriminant_analysis", "QuadraticDiscriminantAnalysis", {}, "ten", False),
]  # fmt: skip


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--cols", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    X = rng.standard_normal((options.rows, options.cols), dtype=np.float32)
    score = X @ (rng.standard_normal(options.cols) / options.cols**0.5).astype(np.float32)
    noise = rng.gumbel(size=(options.rows, 10)).astype(np.float32)
    targets = {
        "number": score + noise[:, 0],
        "two": (score + noise[:, 0] > noise[:, 1]).astype(np.int64),
        "ten": np.argmax(X[:, :10] + noise, axis=1),
        "count": np.exp(0.5 * score) + 0.1,
    }
    counts = np.abs(X)
    print("| case | scikit-learn | Tessera | faster |\n|---|---|---|---|")
    for name, module, cls, params, target, per_step in CASES:
        if options.only and not any(word in name for word in options.only):
            continue
        data = counts if cls == "MultinomialNB" else X
        sides = []
        for package, given in (sklearn, data), (tessera, tessera.asarray(data)):
            sides.append((getattr(__import__(f"{package.__name__}.{module}", fromlist=[cls]), cls), given, []))
        for _ in range(options.repeat):
            for make, given, times in sides:
                model, begin = make(**params), time.perf_counter()
                model.fit(given, targets[target])
                taken = time.perf_counter() - begin
                times.append(taken / np.max(model.n_iter_) if per_step else taken)
        theirs, ours = (1e3 * median(times) for _, _, times in sides)
        print(f"| {name}{', per step' if per_step else ''} | {theirs:.1f} ms | {ours:.1f} ms | {theirs / ours:.1f}x |", flush=True)


if __name__ == "__main__":
    main()
