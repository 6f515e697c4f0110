# Sourced by tools/quickstart.sh and tools/test.sh, from the project's root: installs what is missing
# on a Debian machine and makes the Python environment in .venv. Quick when nothing is missing.

debian_packages=(
  build-essential cmake ninja-build pkg-config g++
  libopenmpi-dev openmpi-bin libhdf5-openmpi-dev hdf5-tools
  libopenblas-dev liblapacke-dev libscalapack-openmpi-dev
  libfftw3-dev libcereal-dev libhwy-dev libsleef-dev librandom123-dev libcli11-dev libfmt-dev libxxhash-dev
  libpng-dev libtiff-dev nlohmann-json3-dev libgtest-dev libbenchmark-dev
  python3 python3-venv python3-dev
)
# Debian's own, for a machine that does not reach PyPI.
debian_python_packages=(
  python3-sklearn python3-h5py python3-numpy python3-scipy python3-matplotlib python3-pil
  python3-pytest
)

missing_packages() {
  local installed
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
    sed -n 's/^installed //p' || true)
  comm -23 <(printf '%s\n' "$@" | sort) <(sort -u <<<"$installed")
}

install_packages() {
  local missing as_root=()
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "These Debian packages are missing; please install them as root: ${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo)
  fi
  echo "Installing (a few minutes) ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

make_python_environment() {
  local wanted
  wanted=$(sha256sum tools/requirements.txt)
  [ "$(cat .venv/requirements.sha256 2>/dev/null)" = "$wanted" ] && return 0
  echo "Making the Python environment .venv (about a minute)"
  # Debian's python3-venv belongs to /usr/bin/python3; another python3 may come first in PATH.
  /usr/bin/python3 -m venv --clear .venv
  if ! .venv/bin/pip install --quiet --disable-pip-version-check --retries 1 --timeout 20 \
    -r tools/requirements.txt; then
    echo "PyPI is not reachable; taking Debian's Python packages instead"
    install_packages "${debian_python_packages[@]}"
    /usr/bin/python3 -m venv --clear --system-site-packages .venv
  fi
  # The package as the build makes it, without a second one by `pip install -e .`.
  echo "$PWD/build/release/python" >"$(echo .venv/lib/python3*)/site-packages/tessera.pth"
  echo "$wanted" >.venv/requirements.sha256
}

if ! command -v dpkg-query >/dev/null; then
  echo "This script installs packages with apt-get: it needs Debian 12 or a relative of it." >&2
  exit 1
fi
install_packages "${debian_packages[@]}"
make_python_environment

# mpirun as root (containers), with more processes than cores, without binding them to cores.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# Containers often forbid single-copy messages; Open MPI would then print "Read -1, ... errno = 1".
export OMPI_MCA_btl_vader_single_copy_mechanism=none
mpirun=(mpirun --oversubscribe --bind-to none)
