"""A photograph in few colours: KMeans on its pixels, learnt from a sample of them."""

import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_sample_image
from sklearn.utils import shuffle

photograph = load_sample_image("china.jpg")
pixels = photograph.reshape(-1, 3) / 255.0
sample = shuffle(pixels, random_state=0, n_samples=5000)

for colours in (8, 32):
    palette = KMeans(colours, random_state=0).fit(sample)
    painted = palette.cluster_centers_[palette.predict(pixels)]
    error = np.sqrt(np.mean((painted - pixels) ** 2))
    print(f"{colours} colours after {palette.n_iter_} iterations: each is off by {error:.6f}")
