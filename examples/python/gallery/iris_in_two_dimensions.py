"""Iris flowers: two principal components, the classes in them, and cross-validated choices."""

import numpy as np
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline

iris = load_iris()
pca = PCA(n_components=2).fit(iris.data)
flat = pca.transform(iris.data)
print("variance kept", pca.explained_variance_ratio_.round(8))
for kind, name in enumerate(iris.target_names):
    print(f"{name:11} lies around {flat[iris.target == kind].mean(axis=0).round(6)}")

scores = cross_val_score(GaussianNB(), flat, iris.target, cv=5)
print("five folds", scores.round(8))
search = GridSearchCV(
    Pipeline([("pca", PCA()), ("bayes", GaussianNB())]),
    {"pca__n_components": [1, 2, 3], "pca__whiten": [False, True]},
    cv=5,
).fit(iris.data, iris.target)
print("best", search.best_params_["pca__n_components"], np.round(search.best_score_, 8))
