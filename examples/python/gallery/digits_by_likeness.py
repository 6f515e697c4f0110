"""Handwritten digits, grouped without their labels, and how well the groups are the digits."""

from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score, homogeneity_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

images, digits = load_digits(return_X_y=True)
axes = PCA(n_components=10, svd_solver="full").fit(images)

for name, groups in {
    "k-means++": KMeans(10, init="k-means++", n_init=4, random_state=0),
    "random": KMeans(10, init="random", n_init=4, random_state=0),
    "principal axes": KMeans(10, init=axes.components_, n_init=1),
}.items():
    model = make_pipeline(StandardScaler(), groups).fit(images)
    labels = model[-1].labels_
    print(f"{name:15} inertia {model[-1].inertia_:.4f}  homogeneity "
          f"{homogeneity_score(digits, labels):.6f}  Rand {adjusted_rand_score(digits, labels):.6f}")
