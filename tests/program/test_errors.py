"""Whatever goes wrong: one clear message, the right exit status, no hang, nothing left behind."""

import json
import re
import subprocess
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import h5py
import numpy as np
import pytest
from program import PROGRAM, read, show, tessera, value_of, write

FAILURE, USAGE = 1, 2


@dataclass
class Case:
    name: str
    command: str
    fragments: list
    status: int = FAILURE


def spoiled(array, where, value):
    array = array.copy()
    array[where] = value
    return array


def make_files():
    """1000 rows are four leaves: with three processes row 517 is not rank 0's."""
    rng = np.random.default_rng(0)
    X, y, w = rng.normal(size=(1000, 5)), rng.normal(size=1000), rng.uniform(size=1000)
    with h5py.File("data.h5", "w") as file:
        file["X"], file["y"], file["w"] = X, y, w
        file["nan"], file["inf"] = spoiled(X, (517, 3), np.nan), spoiled(X, (801, 2), -np.inf)
        file["huge32"] = spoiled(X.astype("f4"), (601, 1), np.float32("inf"))
        file["y_nan"], file["y_inf"] = spoiled(y, 517, np.nan), spoiled(y, 801, np.inf)
        file["y_short"], file["Y3"] = y[:-1], rng.normal(size=(1000, 2, 2))
        file["w_nan"], file["w_negative"] = spoiled(w, 517, np.nan), spoiled(w, 517, -1)
        file["w_zero"], file["w_short"], file["w_2d"] = 0 * w, w[:3], np.stack([w, w], axis=1)
        file["three"], file["one"], file["solid"] = X[:, :3], X[:, 0], rng.normal(size=(9, 5, 2))
        file["scalar"], file["no_rows"], file["no_columns"] = 3.0, X[:0], X[:, :0]
        file["text"] = np.array(["a", "b"], dtype=h5py.string_dtype())
        file["complex"], file["record"] = X + 1j, np.zeros(9, [("a", "f8"), ("b", "i4")])
        file["init2"], file["init_narrow"] = X[:2], X[:3, :2]
        file["init_nan"] = spoiled(X[:3], (1, 2), np.nan)
        file.create_group("group")
    write("one.h5", X=X)
    Path("text.txt").write_text("I am neither a model nor an HDF5 file.\n" * 50)
    Path("data.csv").write_text("1,2,3\n4,5\n")
    Path("words.csv").write_text("1,2\n3,4\n5,six\n")
    Path("empty.csv").write_text("")
    np.save("object.npy", np.array([{}], dtype=object), allow_pickle=True)
    Path("folder").mkdir()
    for estimator, extra in [
        ("KMeans", ["--n-clusters", 3, "--random-state", 0]),
        ("PCA", []),
        ("LinearRegression", ["--y", "data.h5:/y"]),
        ("StandardScaler", []),
    ]:
        tessera("fit", estimator, "data.h5:/X", *extra, "--model", f"{estimator}.tessera")
    model = Path("KMeans.tessera").read_bytes()
    for name, length in [("empty", 0), ("short", 3), ("half", len(model) // 2), ("last", len(model) - 1)]:
        Path(f"cut_{name}.tessera").write_bytes(model[:length])
    Path("longer.tessera").write_bytes(model + b"x")
    whole = Path("data.h5").read_bytes()
    Path("cut.h5").write_bytes(whole[: len(whole) // 2])


KMEANS = "fit KMeans data.h5:/X --model new.tessera"
PCA = "fit PCA data.h5:/X --model new.tessera"
LINEAR = "fit LinearRegression data.h5:/X --y data.h5:/y --model new.tessera"
ROW_AND_COLUMN = [r"\b517\b", r"\b3\b"]


def on(command, X):
    return command.replace("data.h5:/X", f"data.h5:/{X}")


CASES = [
    # numbers that are not finite: the message names row and column
    Case("NaN for KMeans", on(KMEANS, "nan"), ["ValueError: Input X contains NaN.", *ROW_AND_COLUMN]),
    Case("NaN for PCA", on(PCA, "nan"), ["X", "NaN", *ROW_AND_COLUMN]),
    Case("NaN for LinearRegression", on(LINEAR, "nan"), ["X", "NaN", *ROW_AND_COLUMN]),
    Case("NaN streamed", on(KMEANS, "nan") + " --stream", ["X", "NaN", *ROW_AND_COLUMN]),
    Case("inf for KMeans", on(KMEANS, "inf"), ["X", "inf", r"\b801\b", r"\b2\b"]),
    Case("inf for PCA", on(PCA, "inf"), ["X", "inf", r"\b801\b", r"\b2\b"]),
    Case("inf for LinearRegression", on(LINEAR, "inf"), ["X", "inf", r"\b801\b", r"\b2\b"]),
    Case("inf for StandardScaler", "fit StandardScaler data.h5:/inf --model new.tessera",
         [r"ValueError: Input X contains infinity or a value too large for dtype\('float64'\).", r"\b801\b", r"\b2\b"]),
    Case("inf in float32", on(PCA, "huge32"), ["X", "inf", r"\b601\b", r"\b1\b"]),
    Case("NaN in y", LINEAR.replace("/y", "/y_nan"), [r"\by\b", "NaN", r"\b517\b"]),
    Case("inf in y", LINEAR.replace("/y", "/y_inf"), [r"\by\b", "inf", r"\b801\b"]),
    Case("NaN in weights", LINEAR + " --sample-weight data.h5:/w_nan",
         ["weight", "NaN", r"\b517\b"]),
    Case("NaN in predict", "predict KMeans.tessera data.h5:/nan --out new.h5:/p",
         ["X", "NaN", *ROW_AND_COLUMN]),
    Case("NaN in linear predict", "predict LinearRegression.tessera data.h5:/nan --out new.h5:/p",
         ["X", "NaN", *ROW_AND_COLUMN]),
    Case("NaN in transform", "transform PCA.tessera data.h5:/nan --out new.h5:/p",
         ["X", "NaN", *ROW_AND_COLUMN]),
    Case("NaN in score", "score KMeans.tessera data.h5:/nan", ["X", "NaN", *ROW_AND_COLUMN]),
    Case("NaN in init", KMEANS + " --n-clusters 3 --init data.h5:/init_nan", ["init", "NaN"]),
    # shapes
    Case("features in predict", "predict KMeans.tessera data.h5:/three --out new.h5:/p",
         ["3 features", "KMeans", "5 features"]),
    Case("features in linear predict",
         "predict LinearRegression.tessera data.h5:/three --out new.h5:/p",
         ["3 features", "LinearRegression", "5 features"]),
    Case("features in PCA transform", "transform PCA.tessera data.h5:/three --out new.h5:/p",
         ["3 features", "PCA", "5 features"]),
    Case("features in scaler transform",
         "transform StandardScaler.tessera data.h5:/three --out new.h5:/p",
         ["3 features", "StandardScaler", "5 features"]),
    Case("features in score", "score PCA.tessera data.h5:/three", ["3 features", "5 features"]),
    Case("1-D X", on(KMEANS, "one"),
         ["ValueError: Expected 2D array, got 1D array instead", "Reshape your data", r"\(1000,\)"]),
    Case("1-D X for PCA", on(PCA, "one"), ["2-D", r"\(1000,\)"]),
    Case("3-D X", on(PCA, "solid"), ["Found array with dim 3", r"\(9, 5, 2\)"]),
    Case("scalar X", on(PCA, "scalar"), ["Expected 2D array, got scalar array instead", r"\(\)"]),
    Case("1-D X in predict", "predict KMeans.tessera data.h5:/one --out new.h5:/p",
         ["Reshape your data", r"\(1000,\)"]),
    Case("no rows", on(KMEANS, "no_rows"),
         [r"Found array with 0 sample\(s\) \(shape=\(0, 5\)\) while a minimum of 1 is required"]),
    Case("no rows for PCA", on(PCA, "no_rows"), ["at least 1 sample", r"\(0, 5\)"]),
    Case("no rows for scaler", "fit StandardScaler data.h5:/no_rows --model new.tessera",
         ["at least 1 sample", r"\(0, 5\)"]),
    Case("no columns", on(KMEANS, "no_columns"), 
         [r"0 feature\(s\) \(shape=\(\d*, 0\)\) while a minimum of \d* is required."]),
    Case("y of another length", LINEAR.replace("/y", "/y_short"), ["1000", "999"]),
    Case("3-D y", LINEAR.replace("/y", "/Y3"), [r"\by\b", r"\(1000, 2, 2\)"]),
    Case("y in score of another length", "score LinearRegression.tessera data.h5:/X --y data.h5:/y_short",
         ["1000", "999"]),
    Case("y missing", "fit LinearRegression data.h5:/X --model new.tessera",
         ["LinearRegression requires y to be passed, but the target y is None"]),
    Case("y missing in score", "score LinearRegression.tessera data.h5:/X",
         ["requires y to be passed, but the target y is None"]),
    Case("weights of another length", LINEAR + " --sample-weight data.h5:/w_short",
         ["weight", r"\b3\b", "1000"]),
    Case("2-D weights", LINEAR + " --sample-weight data.h5:/w_2d", ["weight", "1-?D|1-dim|2"]),
    Case("negative weight", LINEAR + " --sample-weight data.h5:/w_negative", ["weight", "negative"]),
    Case("all weights zero", LINEAR + " --sample-weight data.h5:/w_zero", ["weight", "zero"]),
    Case("all weights zero for KMeans", KMEANS + " --sample-weight data.h5:/w_zero",
         ["weight", "other than 0"]),
    Case("weights for PCA", PCA + " --sample-weight data.h5:/w", ["PCA", "weight"]),
    # parameters
    Case("n_clusters above n_samples", KMEANS + " --n-clusters 1001",
         ["n_samples=1000 should be >= n_clusters=1001"]),
    Case("n_clusters 0", KMEANS + " --n-clusters 0",
         [r"'n_clusters' parameter of KMeans must be .*\[1, inf\).*Got 0 instead"]),
    Case("n_clusters a word", KMEANS + " --n-clusters many", ["n_clusters", "many"]),
    Case("n_clusters a float", KMEANS + " --n-clusters 2.5", ["n_clusters", "Got 2.5"]),
    Case("tol negative", KMEANS + " --tol -1", ["'tol' parameter of KMeans", "Got -1"]),
    Case("max_iter 0", KMEANS + " --max-iter 0", ["'max_iter' parameter of KMeans", "Got 0"]),
    Case("n_init 0", KMEANS + " --n-init 0", ["'n_init' parameter of KMeans", "auto", "Got 0"]),
    Case("random_state negative", KMEANS + " --random-state -1",
         ["'random_state' parameter of KMeans", "4294967295", "Got -1"]),
    Case("init unknown", KMEANS + " --init foo", ["init", r"k-means\+\+", "random", "foo"]),
    Case("init with a dot", KMEANS + " --init foo.bar",
         ["InvalidParameterError: The 'init' parameter of KMeans must be .* Got 'foo.bar' instead"]),
    Case("init missing", KMEANS + " --init absent.h5:/c", ["OSError", "absent.h5"]),
    Case("a number for a bool", KMEANS + " --copy-x 1",
         ["InvalidParameterError: The 'copy_x' parameter of KMeans must be .* Got 1 instead."]),
    Case("init of another size", KMEANS + " --n-clusters 3 --init data.h5:/init2",
         [r"The shape of the initial centers \(2, 5\) does not match the number of clusters"]),
    Case("init too narrow", KMEANS + " --n-clusters 3 --init data.h5:/init_narrow",
         [r"The shape of the initial centers .* does not match the number of features of the data"]),
    Case("algorithm unknown", KMEANS + " --algorithm auto", ["'algorithm'", "lloyd", "elkan", "auto"]),
    Case("algorithm elkan", KMEANS + " --algorithm elkan", ["elkan", "lloyd"]),
    Case("n_components too large", PCA + " --n-components 50", ["n_components", r"\b50\b", r"\b5\b"]),
    Case("n_components 1.5", PCA + " --n-components 1.5", ["'n_components' parameter of PCA", "1.5"]),
    Case("n_components negative", PCA + " --n-components -1",
         ["'n_components' parameter of PCA", "Got -1"]),
    Case("n_components a fraction, randomized",
         PCA + " --n-components 0.5 --svd-solver randomized", ["n_components", "0.5", "randomized"]),
    Case("svd_solver unknown", PCA + " --svd-solver foo",
         ["'svd_solver' parameter of PCA", "covariance_eigh", "foo"]),
    Case("arpack", PCA + " --n-components 2 --svd-solver arpack", ["arpack"]),
    Case("a word for a bool", LINEAR + " --fit-intercept maybe", ["fit_intercept", "maybe"]),
    Case("unknown parameter", KMEANS + " --n-cluster 3",
         ["n.cluster", "KMeans", "n.clusters", "max.iter", "random.state"], USAGE),
    Case("unknown estimator", KMEANS.replace("KMeans", "Kmean"), ["Kmean", "KMeans"], USAGE),
    # what an estimator does not do
    Case("predict with PCA", "predict PCA.tessera data.h5:/X --out new.h5:/p", ["PCA", "predict"]),
    Case("transform with LinearRegression",
         "transform LinearRegression.tessera data.h5:/X --out new.h5:/p",
         ["LinearRegression", "transform"]),
    Case("score with StandardScaler", "score StandardScaler.tessera data.h5:/X",
         ["StandardScaler", "score"]),
    Case("labels of PCA", PCA + " --labels new.h5:/l", ["PCA", "label"], USAGE),
    # files
    Case("X missing", "fit PCA absent.h5:/X --model new.tessera", ["absent.h5"]),
    Case("model missing", "predict absent.tessera data.h5:/X --out new.h5:/p", ["absent.tessera"]),
    Case("show missing", "show absent.tessera", ["absent.tessera"]),
    Case("dataset missing", on(PCA, "absent"), ["data.h5", "absent"]),
    Case("a group", on(PCA, "group"), ["group"]),
    Case("dataset left out, several there", on(PCA, "X").replace(":/X", ""), ["data.h5", "nan"]),
    Case("text", on(PCA, "text"), ["text", "string|text"]),
    Case("complex numbers", on(PCA, "complex"), ["ValueError: Complex data not supported"]),
    Case("records", on(PCA, "record"), ["record", "compound|record"]),
    Case("not an HDF5 file", "fit PCA text.txt:/X --model new.tessera", ["text.txt", "HDF5"]),
    Case("truncated HDF5 file", "fit PCA cut.h5:/X --model new.tessera", ["cut.h5"]),
    Case("a folder for X", "fit PCA folder:/X --model new.tessera", ["folder"]),
    Case("a text file for a model", "predict text.txt data.h5:/X --out new.h5:/p",
         ["text.txt", "model"]),
    Case("show of a text file", "show text.txt", ["text.txt"]),
    Case("an HDF5 file for a model", "predict one.h5 data.h5:/X --out new.h5:/p",
         ["one.h5", "model"]),
    Case("model of 0 bytes", "show cut_empty.tessera", ["cut_empty.tessera"]),
    Case("model of 3 bytes", "predict cut_short.tessera data.h5:/X --out new.h5:/p",
         ["cut_short.tessera"]),
    Case("half a model", "predict cut_half.tessera data.h5:/X --out new.h5:/p", ["cut_half.tessera"]),
    Case("model without its last byte", "predict cut_last.tessera data.h5:/X --out new.h5:/p",
         ["cut_last.tessera"]),
    Case("model with a byte more", "show longer.tessera", ["longer.tessera"]),
    Case("model below a file", KMEANS.replace("new.tessera", "text.txt/m"), ["text.txt/m"]),
    Case("model in no folder", KMEANS.replace("new.tessera", "absent/m"), ["absent/m"]),
    Case("model over a folder", KMEANS.replace("new.tessera", "folder"), ["folder"]),
    Case("model over the data", KMEANS.replace("new.tessera", "folder/../data.h5"), ["replace", "data.h5"]),
    Case("model over the weights", KMEANS.replace("data.h5", "one.h5").replace("new.tessera", "data.h5")
         + " --sample-weight data.h5:/w", ["replace", "data.h5"]),
    Case("model over init", KMEANS.replace("data.h5", "one.h5").replace("new.tessera", "data.h5")
         + " --n-clusters 2 --init data.h5:/init2", ["replace", "data.h5"]),
    Case("model over the labels", KMEANS + " --labels new.tessera:/l", ["replace", "new.tessera"]),
    Case("labels below a file", KMEANS + " --labels text.txt/l.h5:/l", ["text.txt/l.h5"]),
    Case("predictions below a file", "predict KMeans.tessera data.h5:/X --out text.txt/p.h5:/p",
         ["text.txt/p.h5"]),
    Case("predictions into a text file", "predict KMeans.tessera data.h5:/X --out text.txt:/p",
         ["text.txt"]),
    Case("predictions over a group", "predict KMeans.tessera data.h5:/X --out data.h5:/group",
         ["group"]),
    Case("make below a file", "make blobs --rows 100 --out text.txt/b.h5", ["text.txt/b.h5"]),
    Case("csv with rows of two lengths", "convert data.csv new.h5:/X", ["data.csv", r"\b2\b"]),
    Case("csv with a word", "convert words.csv new.h5:/X", ["words.csv", "six"]),
    Case("empty csv", "convert empty.csv new.h5:/X", ["empty.csv"]),
    Case("csv missing", "convert absent.csv new.h5:/X", ["absent.csv"]),
    Case("npy with objects", "convert object.npy new.h5:/X", ["object.npy"]),
    # usage
    Case("no command", "", ["--help|fit"], USAGE),
    Case("unknown command", "fti KMeans data.h5:/X", ["fti"], USAGE),
    Case("no model", "fit KMeans data.h5:/X", ["--model"], USAGE),
    Case("no X", "fit KMeans --model new.tessera", ["X"], USAGE),
    Case("no out", "predict KMeans.tessera data.h5:/X", ["--out"], USAGE),
    Case("no rows for make", "make blobs --out new.h5", ["--rows"], USAGE),
    Case("negative rows for make", "make blobs --rows -1 --out new.h5", ["--rows", "at least 0, got -1"], USAGE),
    Case("more centers than labels", "make blobs --rows 9 --centers 2147483648 --out new.h5",
         ["--centers", "2147483647"], USAGE),
    Case("spread NaN", "make blobs --rows 9 --cluster-std nan --out new.h5", ["--cluster-std", "nan"], USAGE),
    Case("a negative seed for make", "make blobs --rows 9 --random-state -1 --out new.h5",
         ["--random-state", "-1"], USAGE),
    Case("a flag without value", KMEANS + " --n-clusters", ["n.clusters"], USAGE),
    Case("an argument too many", "show KMeans.tessera PCA.tessera", ["PCA.tessera"], USAGE),
    Case("threads 0", KMEANS + " --threads 0", ["threads", "0"]),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("errors")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        make_files()
    return folder


def snapshot(folder):
    return {
        str(path): sha256(path.read_bytes()).hexdigest() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def check_failure(command, processes, status, fragments):
    words = command.split() if isinstance(command, str) else command
    result = tessera(*words, processes=processes, expect=None)
    lines = result.err.splitlines()
    assert result.code == status, result.err
    assert result.out == ""
    assert lines and lines[0].startswith("tessera: "), result.err
    assert sum(line.startswith("tessera: ") for line in lines) == 1, "one message: " + result.err
    for fragment in fragments:
        assert re.search(fragment, result.err, re.IGNORECASE), f"no {fragment!r} in: {result.err}"


@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_error(files, monkeypatch, case, processes):
    monkeypatch.chdir(files)
    before = snapshot(files)
    check_failure(case.command, processes, case.status, case.fragments)
    assert snapshot(files) == before, "files were left, changed or removed"


@pytest.mark.parametrize("option", ["--n-clusters", "--sample-weight", "--labels", "--threads"])
def test_an_empty_value_is_not_the_default(files, monkeypatch, option):
    monkeypatch.chdir(files)
    check_failure([*KMEANS.split(), option, ""], 1, USAGE, ["ValueError", option, "empty"])
    check_failure([*KMEANS.split(), f"{option}="], 1, USAGE, ["ValueError", option, "empty"])


@pytest.mark.parametrize("processes", [1, 3])
def test_a_flipped_bit_in_a_model_is_found(files, monkeypatch, tmp_path, processes):
    monkeypatch.chdir(tmp_path)
    model = bytearray((files / "KMeans.tessera").read_bytes())
    places = {0, 9, len(model) // 3, len(model) // 2, len(model) - 1} | set(range(12, len(model), 97))
    places = sorted(places) if processes == 1 else [9, len(model) // 2]
    for place in places[:16]:
        flipped = model.copy()
        flipped[place] ^= 4
        Path("flipped.tessera").write_bytes(flipped)
        check_failure("show flipped.tessera", processes, FAILURE, ["flipped.tessera"])


def resealed(model, old, new):
    """The model file with other bytes and the checksum that belongs to them, that of format 2."""
    assert model.count(old) == 1
    model = bytearray(model.replace(old, new))
    model[8:12] = (2).to_bytes(4, "little")

    def mix(total, data):
        for at in range(0, len(data), 8):
            word = int.from_bytes(data[at : at + 8], "little")
            total = (total ^ word) * 0x9E3779B97F4A7C15 % 2**64
            total = (total << 29 | total >> 35) % 2**64
            total ^= total >> 32
        return total

    model[28:36] = mix(mix(len(model), model[:28]), model[36:]).to_bytes(8, "little")
    return bytes(model)


def test_a_model_of_an_older_format_loads(files, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    model = (files / "KMeans.tessera").read_bytes()
    assert model[8] == 3
    Path("older.tessera").write_bytes(resealed(model, model[:8], model[:8]))
    assert show("older.tessera") == show(files / "KMeans.tessera")


@pytest.mark.parametrize("processes", [1, 3])
def test_a_model_of_impossible_contents_is_refused(files, monkeypatch, tmp_path, processes):
    monkeypatch.chdir(tmp_path)
    attributes = show(files / "KMeans.tessera")["attributes"]
    centre = value_of(attributes["cluster_centers_"])[0, 1]
    kmeans = (files / "KMeans.tessera").read_bytes()
    Path("nan.tessera").write_bytes(resealed(kmeans, centre.tobytes(), np.array(np.nan).tobytes()))
    must = r"^tessera: ValueError: 'nan.tessera': the model's attribute 'cluster_centers_' must be a "
    must += r"floating array of shape \(3, 5\) with finite numbers, got nan at \[0, 1\]$"
    data = files / "data.h5"
    check_failure(f"predict nan.tessera {data}:/X --out p.h5:/p", processes, FAILURE, [must])
    scale = value_of(show(files / "StandardScaler.tessera")["attributes"]["scale_"])[4]
    scaler = (files / "StandardScaler.tessera").read_bytes()
    Path("zero.tessera").write_bytes(resealed(scaler, scale.tobytes(), bytes(8)))
    must = r"'zero.tessera': the model's attribute 'scale_' must be .*, got 0.0 at \[4\]"
    check_failure(f"transform zero.tessera {data}:/X --out p.h5:/p", processes, FAILURE, [must])


def test_after_a_failure_the_old_output_is_still_there(files, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    write("out.h5", p=np.arange(5))
    before = snapshot(tmp_path)
    model = files / "KMeans.tessera"
    check_failure(f"predict {model} {files}/data.h5:/nan --out out.h5:/p", 3, FAILURE, ["NaN"])
    assert snapshot(tmp_path) == before
    assert read("out.h5", "p").tolist() == list(range(5))


EVIL = "a\x1b[31m\n\u202eb\x7f"


def test_names_do_not_drive_the_terminal(tmp_path):
    write(EVIL + ".h5", **{EVIL: np.zeros((3, 2)), "other": np.zeros(3)})
    shown = tessera("show", EVIL + ".h5").out
    assert {d["name"] for d in json.loads(shown)} == {"/" + EVIL, "/other"}
    errors = [
        tessera("show", "no" + EVIL, expect=1).err,
        tessera("fit", "KMeans", EVIL + ".h5", "--model", "m", expect=1).err,
        tessera("fit", "KMeans", EVIL + ".h5:/no", "--model", "m", expect=1).err,
        tessera("fit", EVIL, expect=2).err,
    ]
    for text in [shown, *errors]:
        assert text.rstrip("\n").isprintable() and "31m" in text, text
    assert all(text.count("\n") <= 1 for text in errors)


@pytest.mark.parametrize("words", ["--help", "--version", "show data.h5", "fit KMeans --help", "backends"])
def test_the_standard_output_is_full_or_closed(files, words):
    must = "tessera: OSError: cannot write to the standard output: "
    for redirection, why in [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")]:
        shell = f"cd '{files}'; exec '{PROGRAM}' {words} {redirection}"
        done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (1, must + why + "\n")


def test_links_and_long_names_as_outputs(files, tmp_path):
    Path("loop").symlink_to("pool")
    Path("pool").symlink_to("loop")
    Path("folder").mkdir()
    Path("link").symlink_to("folder/model")
    fit = ["fit", "StandardScaler", f"{files}/data.h5:/X", "--model"]
    check_failure([*fit, "loop"], 1, FAILURE, ["cannot write 'loop': Too many levels of symbolic links"])
    check_failure([*fit, "m", "--trace", "m"], 1, FAILURE, ["the model would replace 'm'"])
    Path("m").unlink(missing_ok=True)  # the trace of the command that failed
    long = "n" * 245
    tessera(*fit, "link")
    tessera(*fit, long, processes=3)
    tessera("transform", long, f"{files}/data.h5:/X", "--out", f"{long[1:]}:/x", "--trace", long[2:], processes=3)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        ["folder", "link", "loop", "pool", long, long[1:], long[2:]]
    )
    assert Path("link").is_symlink() and Path("folder/model").read_bytes() == Path(long).read_bytes()


def test_a_file_may_grow_too_large(tmp_path):
    # Room for what Open MPI keeps in files.
    limit = f"ulimit -f 20000; exec '{PROGRAM}' make blobs --rows 1500000 --out x.h5"
    done = subprocess.run(["bash", "-c", limit], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (1, "tessera: OSError: cannot write 'x.h5': File too large\n")
    assert not any(tmp_path.iterdir())
