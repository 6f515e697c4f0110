"""The command line: flags, help, the names of datasets, the other subcommands."""

import filecmp
import json
import re
from pathlib import Path

import h5py
import numpy as np
import pytest
from program import Fitted, read, show, tessera, write
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler

ESTIMATORS = [KMeans, PCA, LinearRegression, StandardScaler]


@pytest.fixture
def data(rng):
    X = rng.normal(size=(600, 4)) + 6 * rng.integers(0, 3, (600, 1))
    return write("data.h5", X=X, y=X.sum(axis=1))


def test_help_names_every_subcommand():
    out = tessera("--help").out
    methods = ["predict", "transform", "inverse-transform", "score-samples", "get-covariance", "score"]
    for command in ["fit", *methods, "get-precision", "show", "make", "convert"]:
        assert command in out


def test_help_under_mpirun_is_printed_once():
    assert tessera("--help", processes=3).out == tessera("--help").out


def test_fit_help_names_every_estimator():
    out = tessera("fit", "--help").out
    assert all(estimator.__name__ in out for estimator in ESTIMATORS)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_help_of_an_estimator_lists_its_parameters(estimator):
    out = tessera("fit", estimator.__name__, "--help").out
    for name, default in estimator().get_params().items():
        lines = [line for line in out.splitlines() if "--" + name.replace("_", "-") in line]
        assert lines, f"{name} is missing"
        begin = out.index(lines[0])
        assert str(default) in out[begin : begin + 400], f"the default of {name} is missing"


def test_help_shows_ranges_and_docs():
    out = tessera("fit", "KMeans", "--help").out
    assert "[1, inf)" in out
    assert "k-means++" in out and "random" in out and "k-means||" in out


def test_verbose_and_warnings_have_scikit_learns_words():
    X = np.array([[0.0, 0], [1, 1], [1, 1], [1, 0], [0, 1]])
    write("x.h5", X=X)
    words = "fit KMeans x.h5 --n-clusters 5 --init x.h5:/X --n-init 3 --verbose 1 --model m"
    result = tessera(*words.split(), processes=2)
    for text in ["Initialization complete", "Iteration [0-9]+, inertia", "center shift 0 within tol"]:
        assert len(re.findall(text, result.out)) == 1, result.out
    warned = re.findall("^tessera: warning: (.*)$", result.err, re.MULTILINE)
    assert len(warned) == 2, result.err
    assert re.match(
        "RuntimeWarning: Explicit initial center position passed: performing only one init", warned[0]
    )
    assert re.match(
        r"ConvergenceWarning: Number of distinct clusters \(4\) found smaller than n_clusters \(5\). "
        "Possibly due to duplicate points in X.",
        warned[1],
    )
    assert show("m")["chosen"] == {"_n_init": 1}


def test_version():
    assert tessera("--version").out.strip().startswith(("0.", "tessera 0."))


def test_what_only_prints_starts_no_mpi(data):
    """With settings of Open MPI under which it does not start."""
    broken = {"OMPI_MCA_pml": "no_such_component"}
    words = ["fit", "StandardScaler", "data.h5:/X", "--model"]
    tessera(*words, "m.tessera")
    for printing in [["--version"], ["fit", "PCA", "--help"], ["show", "m.tessera"], ["show", "data.h5"]]:
        assert tessera(*printing, **broken).out == tessera(*printing).out
    assert tessera(*words, "other.tessera", expect=None, **broken).code != 0


def test_dashes_and_underscores(data):
    for flag in ["--n-clusters", "--n_clusters"]:
        words = [flag, 3, "--random-state=0", "--model", f"m{flag}.tessera"]
        tessera("fit", "KMeans", "data.h5:/X", *words)
    assert filecmp.cmp("m--n-clusters.tessera", "m--n_clusters.tessera", shallow=False)
    assert show("m--n-clusters.tessera")["params"]["n_clusters"] == 3


def test_without_mpirun(data):
    """The program alone is one process, and the same bits."""
    import subprocess

    from program import PROGRAM

    words = ["fit", "PCA", "data.h5:/X", "--model"]
    subprocess.run([PROGRAM, *words, "alone.tessera"], check=True, timeout=60)
    tessera(*words, "two.tessera", processes=2)
    assert filecmp.cmp("alone.tessera", "two.tessera", shallow=False)


def test_dataset_name_may_be_left_out_where_there_is_one(data):
    write("one.h5", anything=read(data, "X"))
    tessera("fit", "PCA", "one.h5", "--model", "a.tessera")
    tessera("fit", "PCA", "one.h5:/anything", "--model", "b.tessera")
    assert filecmp.cmp("a.tessera", "b.tessera", shallow=False)


def test_dataset_in_a_group(rng):
    X = rng.normal(size=(20, 3))
    with h5py.File("nested.h5", "w") as file:
        file["group/sub/X"] = X
    tessera("fit", "PCA", "nested.h5:/group/sub/X", "--model", "m.tessera")
    tessera("transform", "m.tessera", "nested.h5:/group/sub/X", "--out", "t.h5:/a/b/T", processes=2)
    assert read("t.h5", "a/b/T").shape == (20, 3)


@pytest.mark.parametrize(
    "options",
    [
        dict(dtype=">f4"),
        dict(dtype="<f4", chunks=(7, 2)),
        dict(dtype=">f8", chunks=(50, 4), compression="gzip", shuffle=True),
        dict(dtype="<f4", chunks=(37, 3), compression="gzip"),
        dict(dtype="<f8", chunks=(700, 1), compression="gzip", shuffle=True, maxshape=(None, None)),
        dict(dtype="<f8", chunks=(64, 4), compression="gzip", shuffle=True, fletcher32=True),
        dict(dtype="i2"),
        dict(dtype="u1", chunks=True),
        dict(dtype=">i8", maxshape=(None, 4)),
    ],
    ids=lambda o: "-".join(map(str, o.values())),
)
@pytest.mark.parametrize("stream", [False, True], ids=["memory", "stream"])
def test_every_storage_of_hdf5(rng, options, stream):
    X = rng.integers(0, 100, (600, 4))
    with h5py.File("stored.h5", "w") as file:
        file.create_dataset("X", data=X, **options)
    single = np.dtype(options["dtype"]) == np.dtype(">f4") or options["dtype"] == "<f4"
    write("plain.h5", X=X.astype("f4" if single else "f8"))
    words = ["--stream"] if stream else []
    tessera("fit", "PCA", "stored.h5", *words, "--model", "a.tessera", processes=2)
    tessera("fit", "PCA", "plain.h5", "--model", "b.tessera")
    assert filecmp.cmp("a.tessera", "b.tessera", shallow=False)


def test_a_filter_that_this_hdf5_lacks_is_named(rng):
    """h5py brings lzf itself; Debian's HDF5 does not have it."""
    with h5py.File("lzf.h5", "w") as file:
        file.create_dataset("X", data=rng.normal(size=(600, 4)), compression="lzf")
    result = tessera("fit", "PCA", "lzf.h5:/X", "--model", "m.tessera", processes=2, expect=None)
    assert result.code == 0 or "lzf" in result.err


def test_labels(data):
    words = ["fit", "KMeans", "data.h5:/X", "--n-clusters", 3, "--random-state", 0]
    tessera(*words, "--model", "m.tessera", "--labels", "l.h5:/labels", processes=2)
    labels = read("l.h5", "labels")
    assert labels.dtype == np.int32 and labels.shape == (600,)
    assert set(labels) == {0, 1, 2}
    assert "labels_" not in show("m.tessera")["attributes"]


def test_out_into_the_input_file_keeps_what_is_there(data):
    X, y = read(data, "X"), read(data, "y")
    tessera("fit", "StandardScaler", "data.h5:/X", "--model", "m.tessera")
    tessera("transform", "m.tessera", "data.h5:/X", "--out", "data.h5:/scaled", processes=2)
    assert np.array_equal(read(data, "X"), X) and np.array_equal(read(data, "y"), y)
    np.testing.assert_allclose(read(data, "scaled").mean(axis=0), 0, atol=1e-12)
    # once more over the dataset just written
    tessera("transform", "m.tessera", "data.h5:/X", "--out", "data.h5:/scaled", processes=2)
    assert np.array_equal(read(data, "X"), X)


def test_show_model(data):
    tessera("fit", "PCA", "data.h5:/X", "--n-components", 2, "--model", "m.tessera")
    model = show("m.tessera")
    assert set(model) == {"estimator", "params", "attributes", "chosen"}
    assert model["chosen"] == {"_fit_svd_solver": "covariance_eigh"}
    assert model["estimator"] == "PCA"
    assert model["params"]["n_components"] == 2 and model["params"]["whiten"] is False
    components = model["attributes"]["components_"]
    assert components["shape"] == [2, 4] and components["dtype"] == "float64"
    assert len(components["data"]) == 8 and all(isinstance(x, float) for x in components["data"])


def test_show_prints_json_once_on_several_processes(data):
    tessera("fit", "PCA", "data.h5:/X", "--model", "m.tessera")
    assert json.loads(tessera("show", "m.tessera", processes=3).out) == show("m.tessera")


def test_show_leaves_large_arrays_out_unless_full(rng):
    X = rng.normal(size=(60, 20000)).astype("f4")
    Fitted("PCA", X, processes=1, n_components=55, svd_solver="full")
    assert not show("model.tessera")["attributes"]["components_"].get("data")
    full = show("model.tessera", "--full")["attributes"]["components_"]
    assert len(full["data"]) == 55 * 20000


def test_show_hdf5(data):
    shown = json.dumps(show("data.h5"))
    assert "X" in shown and "y" in shown and "float64" in shown and "600" in shown


def test_score_prints_one_number(data):
    words = ["data.h5:/X", "--y", "data.h5:/y"]
    tessera("fit", "LinearRegression", *words, "--model", "m.tessera")
    out = tessera("score", "m.tessera", *words, processes=3).out
    assert out.count("\n") == 1 and float(out) == pytest.approx(1)


def test_what_cannot_be_printed_is_a_failure(data):
    import subprocess

    from program import PROGRAM

    tessera("fit", "PCA", "data.h5:/X", "--model", "m.tessera")
    show = f"'{PROGRAM}' show m.tessera"
    for redirection in [">/dev/full", ">&-"]:
        result = subprocess.run(f"{show} {redirection}", shell=True, capture_output=True, text=True, timeout=60)
        assert result.returncode == 1
        assert result.stderr.startswith("tessera: OSError: cannot write to the standard output")


def test_threads(data):
    words = ["fit", "KMeans", "data.h5:/X", "--n-clusters", 3, "--random-state", 0]
    for threads in (1, 2):
        tessera(*words, "--threads", threads, "--model", f"{threads}.tessera")
    assert filecmp.cmp("1.tessera", "2.tessera", shallow=False)


def test_quiet_when_all_is_well(data):
    words = ["fit", "KMeans", "data.h5:/X", "--progress", "--model", "m.tessera"]
    for processes in (1, 3):
        result = tessera(*words, processes=processes)
        assert result.err == ""  # --progress shows something on a terminal only


@pytest.mark.parametrize("what", ["blobs", "regression"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_make_is_the_same_on_any_number_of_processes(what, dtype):
    words = ["make", what, "--rows", 5003, "--cols", 6, "--dtype", dtype]
    for processes in (1, 2, 3):
        tessera(*words, "--out", f"{processes}.h5", processes=processes, threads=processes % 2 + 1)
    X, y = read("1.h5", "X"), read("1.h5", "y")
    assert X.shape == (5003, 6) and X.dtype == dtype and y.shape == (5003,)
    assert np.isfinite(X).all() and np.isfinite(y).all()
    for processes in (2, 3):
        assert np.array_equal(read(f"{processes}.h5", "X"), X)
        assert np.array_equal(read(f"{processes}.h5", "y"), y)


def test_make_blobs_has_clusters():
    tessera("make", "blobs", "--rows", 2000, "--cols", 8, "--centers", 4, "--out", "b.h5")
    X, y = read("b.h5", "X"), read("b.h5", "y")
    assert set(y) == {0, 1, 2, 3}
    within = sum(((X[y == c] - X[y == c].mean(axis=0)) ** 2).sum() for c in range(4))
    assert within < 0.5 * ((X - X.mean(axis=0)) ** 2).sum()


def test_make_regression_is_linear():
    tessera("make", "regression", "--rows", 2000, "--cols", 5, "--out", "r.h5")
    X, y = read("r.h5", "X"), read("r.h5", "y")
    assert LinearRegression().fit(X, y).score(X, y) > 0.8


@pytest.mark.parametrize("processes", [1, 3])
def test_convert(rng, processes):
    X = rng.normal(size=(300, 3))
    np.savetxt("data.csv", X, delimiter=",", fmt="%.17g")
    np.savetxt("header.csv", X, delimiter=",", fmt="%.17g", header="a,b,c", comments="")
    np.save("data.npy", X.astype("f4"))
    for source in ["data.csv", "header.csv", "data.npy"]:
        tessera("convert", source, f"{source}.h5:/X", processes=processes)
    assert np.array_equal(read("data.csv.h5", "X"), X)
    assert np.array_equal(read("header.csv.h5", "X"), X)
    converted = read("data.npy.h5", "X")
    assert converted.dtype == np.float32 and np.array_equal(converted, X.astype("f4"))


def test_a_table_from_csv_to_model(rng):
    """Options, what is said, and names of columns all the way."""
    X = rng.normal(size=(300, 3))
    lines = [f"{i};{a:.17g};{b:.17g};{'-' if i == 7 else f'{c:.17g}'};wood" for i, (a, b, c) in enumerate(X)]
    table = "made by hand\n;height;width;age;kind\n" + "\n".join(lines).replace(".", ",") + "\n"
    Path("t.csv").write_text(table)
    options = ["--decimal", ",", "--skip-rows", "1", "--na-values=-,?"]
    said = tessera("convert", "t.csv", "t.h5:/X", *options, "--columns", "2-", processes=3).err
    assert "'t.csv', line 2: column 1 has no name and counts the rows" in said
    assert "1 column of text is written as strings to /X_text/kind" in said
    X[7, 2] = np.nan
    assert np.array_equal(read("t.h5", "X"), X, equal_nan=True)
    with h5py.File("t.h5") as f:
        assert list(f["X"].attrs["column_names"]) == ["height", "width", "age"]
        assert set(f["X_text/kind"].asstr()[()]) == {"wood"} and len(f["X_text/kind"]) == 300

    assert "row 7, column 2, 'age' (PCA)" in tessera("fit", "PCA", "t.h5:/X", "--model", "p", expect=1).err
    tessera("fit", "StandardScaler", "t.h5:/X", "--model", "s.tessera", "--stream", processes=3)
    shown = json.loads(tessera("show", "s.tessera").out)["attributes"]
    assert shown["feature_names_in_"] == ["height", "width", "age"]
    tessera("transform", "s.tessera", "t.h5:/X", "--out", "o.h5:/X")
    with h5py.File("o.h5", "r+") as f:
        assert list(f["X"].attrs["column_names"]) == ["height", "width", "age"]
        f["X"].attrs["column_names"] = np.array([b"width", b"height", b"age"])
    refused = tessera("transform", "s.tessera", "o.h5:/X", "--out", "n.h5:/X", processes=3, expect=1)
    assert "Feature names must be in the same order as they were in fit" in refused.err


def test_convert_fortran_order_and_integers(rng):
    X = rng.integers(-5, 5, (30, 4))
    np.save("f.npy", np.asfortranarray(X))
    tessera("convert", "f.npy", "f.h5:/X")
    assert np.array_equal(read("f.h5", "X"), X) and read("f.h5", "X").dtype == np.int64
