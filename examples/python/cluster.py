"""Groups the rows of a dataset: mpirun -n 4 python cluster.py DATA.h5:/X LABELS.h5:/labels CLUSTERS

Every process has its share of the rows, from the file to the labels.
"""

import sys

import tessera
from tessera.cluster import KMeans
from tessera.preprocessing import StandardScaler

data, out, clusters = sys.argv[1:]
X = tessera.read(data)
scaled = StandardScaler().fit_transform(X)
model = KMeans(int(clusters), random_state=0).fit(scaled)
tessera.write(out, model.labels_)
model.save("kmeans.tessera")
if tessera.rank() == 0:
    print(f"{X.shape[0]} rows on {tessera.size()} processes: inertia {model.inertia_:.6g} "
          f"after {model.n_iter_} iterations")
