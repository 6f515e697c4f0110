#!/bin/bash
# From a bare Debian 12 to KMeans, PCA and LinearRegression on real data under mpirun, in one command.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/setup.sh

# run TEXT COMMAND...: runs one step and says how long it took; its output only if it fails.
run() {
  local text=$1 begin=${EPOCHREALTIME/./} log
  shift
  log=$(mktemp)
  printf '%-66s ' "$text"
  if ! "$@" >"$log" 2>&1; then
    echo 'failed:'
    cat "$log"
    rm -f "$log"
    exit 1
  fi
  rm -f "$log"
  printf '%6.1f s\n' "$(((${EPOCHREALTIME/./} - begin) / 100000))e-1"
}

build() {
  cmake --preset release
  local targets=(tessera)
  if grep -q '^TESSERA_BUILD_PYTHON:BOOL=ON' build/release/CMakeCache.txt; then
    targets+=(tessera_python)
  fi
  cmake --build --preset release --target "${targets[@]}"
}

program=build/release/tools/tessera
tessera() { "${mpirun[@]}" -n 2 "$program" "$@"; }

run 'Building Tessera (a minute or two the first time)' build
run 'Writing digits, diabetes and china.jpg as HDF5 into out/' .venv/bin/python tools/sample_data.py out

echo
echo 'Each of these on two processes (mpirun -n 2):'
run '  KMeans      china.jpg: 273280 pixels to 64 colours' \
  tessera fit KMeans out/china.h5:/X --n-clusters 64 --random-state 0 \
  --model out/china.tessera --labels out/china_labels.h5:/labels
run '  PCA         digits: 1797 images of 64 pixels to 2 components' \
  tessera fit PCA out/digits.h5:/X --n-components 2 --model out/digits.tessera
run '  PCA         transform of the digits' \
  tessera transform out/digits.tessera out/digits.h5:/X --out out/digits_pca.h5:/T
run '  LinearRegression  diabetes: 442 patients, 10 features' \
  tessera fit LinearRegression out/diabetes.h5:/X --y out/diabetes.h5:/y \
  --model out/diabetes.tessera
r2=$(tessera score out/diabetes.tessera out/diabetes.h5:/X --y out/diabetes.h5:/y)
if compgen -G 'build/release/python/tessera/_core.*' >/dev/null; then
  run '  a script of scikit-learn, with python -m tessera' "${mpirun[@]}" -n 2 \
    .venv/bin/python -m tessera examples/python/gallery/colours_of_a_photograph.py
  run '  KMeans again, in Python: examples/python/cluster.py' env -C out "${mpirun[@]}" -n 2 \
    ../.venv/bin/python ../examples/python/cluster.py china.h5:/X china_clusters.h5:/labels 8
fi
run 'Drawing' .venv/bin/python tools/quickstart_pictures.py "$program" out

echo
echo "R² on diabetes: Tessera $r2, scikit-learn $(.venv/bin/python -c '
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
X, y = load_diabetes(return_X_y=True)
print(LinearRegression().fit(X, y).score(X, y))')"
echo 'Pictures: out/china_64_colours.png (original | 64 colours) and out/digits_pca.png'
echo "Models:   out/*.tessera; look inside with  $program show out/diabetes.tessera"
