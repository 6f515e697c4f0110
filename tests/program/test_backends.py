"""Choosing backends, loading plug-ins, devices, traces and the support table."""

import json
import os
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from program import PLUGIN, PROGRAM, read, show, tessera, value_of, write

HAS_CUDA = any(Path(PROGRAM).parents[1].glob("runtime/libtessera_cuda.so"))
SCALER = ["fit", "StandardScaler", "data.h5:/X", "--model", "m.tessera"]
TRANSFORM = ["transform", "m.tessera", "data.h5:/X", "--out", "out.h5:/T"]
KMEANS = ["fit", "KMeans", "data.h5:/X", "--n-clusters", 3, "--random-state", 0]
PREDICT = ["predict", "k.tessera", "data.h5:/X", "--out", "out.h5:/labels"]


@pytest.fixture(autouse=True)
def data(rng, in_own_folder):
    """Three blobs, which every backend tells apart."""
    X = rng.normal(size=(3000, 4)) + 40 * rng.integers(0, 3, (3000, 1))
    return write("data.h5", X=X, y=X.sum(axis=1))


def calls(trace="t.json"):
    """How often each operation ran on each backend, over all processes."""
    events = json.loads(Path(trace).read_text())["traceEvents"]
    return Counter((e["name"], e["args"]["backend"]) for e in events if e["ph"] == "X")


def backends_of(operation, trace="t.json"):
    return {backend for name, backend in calls(trace) if name == operation}


def failure(*words, processes=1, **environment):
    result = tessera(*words, processes=processes, expect=1, **environment)
    lines = result.err.splitlines()
    assert lines[0].startswith("tessera: ") and sum(line.startswith("tessera: ") for line in lines) == 1
    assert not list(Path().glob("*.tessera*")) and not list(Path().glob("*.json*"))
    return result.err


# --- Which backend ------------------------------------------------------------------------------


@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize(
    "choice, ran",
    [
        (None, {"cpu"}),
        ("cpu", {"cpu"}),
        ("reference", {"reference"}),
        ("prefer:reference", {"reference"}),
        ("only:reference", {"reference"}),
        ("skip:cpu", {"reference"}),
        ("skip:reference", {"cpu"}),
        ("reference,cpu", {"cpu"}),
        ("cpu,skip:cpu", {"reference"}),
    ],
)
def test_choice(choice, ran, processes):
    flag = [] if choice is None else ["--backend", choice]
    tessera(*SCALER, *flag, "--trace", "t.json", processes=processes)
    assert backends_of("linalg.leaf_moments") == ran
    variable = {} if choice is None else {"TESSERA_BACKEND": choice}
    tessera(*SCALER, "--trace", "e.json", processes=processes, **variable)
    assert backends_of("linalg.leaf_moments", "e.json") == ran


def test_the_flag_is_stronger_than_the_variable():
    tessera(*SCALER, "--backend", "cpu", "--trace", "t.json", TESSERA_BACKEND="only:reference")
    assert backends_of("linalg.leaf_moments") == {"cpu"}


@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize(
    "choice, text",
    [
        ("gpu", "ValueError: unknown backend 'gpu'; there are cpu, reference"),
        ("only:CPU", "ValueError: unknown backend 'CPU'; there are cpu, reference"),
        ("skip:cpu,skip:no", "ValueError: unknown backend 'no'; there are cpu, reference"),
        *(
            (garbled, f"ValueError: cannot read '{garbled}' as a choice of backends; give NAME, only:NAME "
             "or skip:NAME, with commas between several")
            for garbled in ["cpu,", "only:", "never:cpu", ",", "only:cpu,,cpu"]
        ),
        (
            "only:cpu,skip:cpu",
            "NotImplementedError: linalg.leaf_moments: no backend for cpu takes this call:\n"
            "  cpu: skipped\n  reference: only cpu may run",
        ),
    ],
)
def test_wrong_choice(choice, text, processes):
    assert failure(*SCALER, "--backend", choice, processes=processes) == "tessera: " + text
    assert failure(*SCALER, processes=processes, TESSERA_BACKEND=choice) == "tessera: " + text


def test_results_of_the_reference_are_the_same():
    for choice in ["cpu", "only:reference"]:
        tessera(*KMEANS, "--model", f"{choice}.tessera", "--labels", f"{choice}.h5:/l", "--backend", choice)
    centers = [value_of(show(f"{c}.tessera")["attributes"]["cluster_centers_"]) for c in ["cpu", "only:reference"]]
    np.testing.assert_allclose(*centers, rtol=1e-12)
    assert np.array_equal(read("cpu.h5", "l"), read("only:reference.h5", "l"))


# --- Plug-ins -----------------------------------------------------------------------------------


@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize("through", ["flag", "variable", "both"])
def test_a_plugin_runs_only_where_it_is_preferred(processes, through):
    flag = ["--plugin", PLUGIN] if through != "variable" else []
    variable = {"TESSERA_PLUGINS": PLUGIN} if through != "flag" else {}
    run = lambda *words: tessera(*words, *flag, processes=processes, **variable)
    tessera(*SCALER)
    tessera(*KMEANS, "--model", "k.tessera")
    outputs = {}
    for name, choice in [("found", []), ("chosen", ["--backend", "plain"])]:
        run(*KMEANS, *choice, "--model", f"{name}.tessera")
        assert Path(f"{name}.tessera").read_bytes() == Path("k.tessera").read_bytes()
        run(*TRANSFORM, *choice, "--trace", f"{name}_T.json")
        run(*PREDICT, *choice, "--trace", f"{name}_labels.json")
        outputs[name] = read("out.h5", "T"), read("out.h5", "labels")
    for found, chosen in zip(*outputs.values()):
        assert np.array_equal(found, chosen)
    assert backends_of("linalg.standardize", "found_T.json") == {"cpu"}
    assert backends_of("linalg.standardize", "chosen_T.json") == {"plain"}
    assert calls("found_labels.json")["KMeans.predict", "composed"] == processes
    assert calls("chosen_labels.json")["KMeans.predict", "plain"] == processes
    assert backends_of("cluster.distances", "chosen_labels.json") == {"cpu"}  # what it does not have itself


def test_an_option_takes_one_plugin():
    tessera("fit", "StandardScaler", "--plugin", PLUGIN, "data.h5:/X", "--model", "m.tessera")


def test_only_a_plugin_still_composes_functions():
    tessera(*SCALER)
    err = tessera(*TRANSFORM, "--plugin", PLUGIN, "--backend", "only:plain", expect=1).err
    assert err.startswith("tessera: NotImplementedError: linalg.all_finite: no backend for cpu takes this call:\n")
    assert "  cpu: only plain may run\n" in err and "  plain: does not implement it" in err


def test_a_plugin_that_declines_is_in_the_trace():
    write("single.h5", X=read("data.h5", "X").astype("f4"))
    tessera("fit", "StandardScaler", "single.h5:/X", "--model", "m.tessera")
    words = ["transform", "m.tessera", "single.h5:/X", "--out", "out.h5:/T"]
    result = tessera(*words, "--plugin", PLUGIN, "--backend", "plain", "--trace", "t.json", processes=2)
    assert backends_of("linalg.standardize") == {"cpu"}
    why = "plain: takes float64, not float32"
    assert re.search(rf"^linalg.standardize +cpu +cpu .*  {why}$", result.err, re.MULTILINE)
    assert why in {e["args"].get("declined") for e in json.loads(Path("t.json").read_text())["traceEvents"]}


def test_a_plugin_is_in_the_support_table():
    header, *lines = tessera("backends", "--plugin", PLUGIN).out.splitlines()
    (line,) = (line for line in lines if line.startswith("linalg.standardize "))
    at = header.index("plain")
    assert line[at:].split("  ")[0] == "float64"
    assert "plain" not in tessera("backends").out


@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize(
    "plugin, text",
    [
        ("none.so", "OSError: cannot load the plug-in 'none.so': there is no such file"),
        ("data.h5", "OSError: cannot load the plug-in 'data.h5': ./data.h5: "),
        (PROGRAM, f"OSError: cannot load the plug-in '{PROGRAM}': "),
    ],
)
def test_a_plugin_that_cannot_be_loaded(plugin, text, processes):
    for words, variable in [(["--plugin", plugin], {}), ([], {"TESSERA_PLUGINS": plugin})]:
        err = failure(*SCALER, *words, processes=processes, **variable)
        assert err.startswith("tessera: " + text)


# --- Devices ------------------------------------------------------------------------------------


@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize("device", ["nonsense", "cuda:", "cuda:x", "cuda:-1", "CPU", "cuda:1x"])
def test_an_unknown_device(device, processes):
    err = failure(*SCALER, "--device", device, processes=processes)
    assert err == f"tessera: ValueError: unknown device '{device}'; allowed are cpu, cuda, cuda:N and auto"


@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize("device", ["cuda", "cuda:0"])
def test_cuda_without_a_gpu(device, processes):
    texts = [
        "this build of Tessera has no CUDA; use device cpu",
        "there is no GPU here; use device cpu",
    ]
    result = tessera(*SCALER, "--device", device, processes=processes, expect=None)
    if result.code == 0:
        pytest.skip("there is a GPU")
    assert result.err == f"tessera: NotImplementedError: device cuda: {texts[HAS_CUDA]}"
    assert not Path("m.tessera").exists()


def test_auto_takes_what_there_is():
    tessera(*SCALER, "--device", "auto")
    assert Path("m.tessera").exists()


# --- Traces -------------------------------------------------------------------------------------


@pytest.mark.parametrize("through", ["flag", "variable"])
@pytest.mark.parametrize("processes", [1, 2])
def test_trace(processes, through):
    words, variable = (["--trace", "t.json"], {}) if through == "flag" else ([], {"TESSERA_TRACE": "t.json"})
    tessera(*SCALER)
    untraced = Path("m.tessera").read_bytes()
    err = tessera(*SCALER, *words, processes=processes, threads=2, **variable).err
    assert Path("m.tessera").read_bytes() == untraced
    table = err.splitlines()
    columns = ["operation", "backend", "device", "calls", "seconds", "GFLOP/s", "GB/s", "MB sent", "declined"]
    assert re.split("  +", table[0]) == columns
    (line,) = (line.split() for line in table if line.startswith("linalg.leaf_moments "))
    assert line[1:3] == ["cpu", "cpu"] and all(float(number) > 0 for number in line[3:5])

    trace = json.loads(Path("t.json").read_text())
    events = [e for e in trace["traceEvents"] if e["ph"] == "X"]
    names = [e for e in trace["traceEvents"] if e["ph"] == "M"]
    lanes = {(e["pid"], e["tid"]) for e in events}
    assert {e["pid"] for e in events} == set(range(processes))
    assert lanes <= {(e["pid"], e.get("tid")) for e in names if e["name"] == "thread_name"}
    assert {e["args"]["name"] for e in names if e["name"] == "process_name"} == {
        f"rank {r}" for r in range(processes)
    }
    assert sum(e["name"] == "linalg.leaf_moments" for e in events) == int(line[3])
    sent = sum(e["args"]["communicated"] for e in events if e["name"] == "StandardScaler.fit")
    assert (sent > 0) == (processes > 1)
    for e in events:  # a kernel runs within a function of the same process
        if e["name"] == "io.read":
            continue
        (fit,) = (f for f in events if f["name"] == "StandardScaler.fit" and f["pid"] == e["pid"])
        assert fit["ts"] <= e["ts"] + 0.01 and e["ts"] + e["dur"] <= fit["ts"] + fit["dur"] + 0.01


def test_nothing_is_written_without_being_asked():
    before = {*Path().iterdir()}
    assert tessera(*SCALER, processes=2).err == ""
    assert {*Path().iterdir()} - before == {Path("m.tessera")}


@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize(
    "file, why", [("none/t.json", "No such file or directory"), (".", "Is a directory")]
)
def test_a_trace_that_cannot_be_written_is_found_before_work(file, why, processes):
    text = f"tessera: OSError: cannot write the trace '{file}': {why}"
    assert failure(*SCALER, "--trace", file, processes=processes) == text
    assert failure(*SCALER, processes=processes, TESSERA_TRACE=file) == text


def test_a_trace_is_not_written_over_something_else(data):
    before = Path(data).read_bytes()
    err = failure(*SCALER, "--trace", data)
    assert err == "tessera: OSError: cannot write the trace 'data.h5': it is there and no trace"
    tessera(*SCALER)
    err = tessera(*SCALER[:-1], "n.tessera", "--trace", "m.tessera", expect=1).err
    assert err == "tessera: OSError: cannot write the trace 'm.tessera': it is there and no trace"
    assert Path(data).read_bytes() == before and show("m.tessera")["estimator"] == "StandardScaler"


def test_a_trace_that_does_not_fit_is_a_failure():
    err = tessera(*SCALER, "--trace", "/dev/full", processes=2, expect=1).err
    assert err == "tessera: OSError: cannot write the trace '/dev/full': No space left on device"


def test_the_trace_of_a_run_that_fails_is_there():
    words = ["fit", "KMeans", "data.h5:/X", "--n-clusters", 3001, "--model", "k.tessera"]
    err = tessera(*words, "--trace", "t.json", processes=2, expect=1).err
    assert "n_samples=3000" in err and calls()["KMeans.fit", "composed"] == 2


# --- The table and the help ---------------------------------------------------------------------


def test_backends_prints_the_support_table():
    lines = tessera("backends", processes=2).out.splitlines()
    columns = ["operation", *(["cuda"] if HAS_CUDA else []), "cpu", "reference", "otherwise"]
    assert sorted(lines[0].split()) == sorted(columns)
    rows = {line.split()[0]: line for line in lines[1:]}
    assert list(rows) == sorted(rows)
    assert rows["KMeans.fit"].endswith("composed of others")
    assert rows["linalg.gemm"].count("float32 float64") == len(columns) - 2
    methods = {"fit", "predict", "transform", "inverse_transform", "score"}
    found = {name: {m for m in methods if f"{name}.{m}" in rows} for name in ["KMeans", "LinearRegression", "PCA"]}
    assert found == {
        "KMeans": methods - {"inverse_transform"},
        "LinearRegression": {"fit", "predict", "score"},
        "PCA": methods - {"predict"},
    }


def table_of(markdown):
    """{(operation, column): cell}, and what stands before the table."""
    text, _, table = markdown.partition("\n|")
    header, _, *lines = (
        [cell.strip() for cell in line.strip("|\n").split("|")] for line in table.strip().splitlines()
    )
    return text, {(cells[0], name): cell for cells in lines for name, cell in zip(header, cells)}


def test_the_page_of_support_is_not_stale():
    """The columns that this build has; docs/backends.md says how to write the page anew."""
    double = Path(PROGRAM).parents[1] / "tests/cuda_on_host/libtessera_cuda_on_host.so"
    plugin = ["--plugin", double] if double.exists() else []
    text, table = table_of(tessera("backends", "--markdown", *plugin).out)
    page_text, page = table_of((Path(__file__).parents[2] / "docs/support.md").read_text())
    assert page_text == text
    columns = {name for _, name in table}
    assert {key: cell for key, cell in page.items() if key[1] in columns} == table


@pytest.mark.parametrize("command", [["fit", "KMeans"], ["predict"], ["transform"], ["score"]])
def test_help(command):
    out = re.sub(r"\s+", " ", tessera(*command, "--help").out)
    for text in [
        "--device",
        "cpu, cuda (one GPU per process), cuda:N, or auto (cuda where there is a GPU) [cpu]",
        "--plugin",
        "shared library with more backends; may be repeated",
        "--backend",
        "only:NAME and skip:NAME, and several with commas, work too (see tessera backends)",
        "--trace FILE",
        "for Perfetto or chrome://tracing",
    ]:
        assert text in out


def test_help_of_backends():
    out = tessera("backends", "--help").out
    assert "--markdown" in out and "--plugin" in out
    assert "backends" in tessera("--help").out


@pytest.mark.parametrize(
    "first, second",
    [
        (["--stream"], []),
        (["--backend", "reference"], []),
        ([], ["--trace", "t.json"]),
        (["--plugin", PLUGIN], []),
    ],
)
def test_processes_with_different_options(first, second):
    """mpirun -n 1 ... : -n 1 ...: one error instead of waiting in different places."""
    write("d.h5", X=np.eye(3))
    fit = ["fit", "StandardScaler", "d.h5:/X", "--model", "m.tessera"]
    result = tessera(*fit, *first, ":", "-n", 1, PROGRAM, *fit, *second, expect=1, timeout=30, under_mpirun=True)
    assert result.err == (
        "tessera: ValueError: rank 1 was started with other options than rank 0; "
        "only --device and --threads may differ"
    )


def test_a_trace_into_a_pipe_is_refused():
    os.mkfifo("pipe")
    write("d.h5", X=np.eye(3))
    result = tessera(
        "fit", "PCA", "d.h5:/X", "--model", "m.tessera", "--trace", "pipe", expect=1, timeout=30
    )
    assert result.err == "tessera: OSError: cannot write the trace 'pipe': it is a pipe"


# --- Plug-ins that bring estimators -------------------------------------------------------------

SCALES = Path(PROGRAM).parents[1] / "examples/plugin/peak_scaler.so"


@pytest.mark.parametrize("through", ["flag", "variable"])
def test_a_plugin_brings_an_estimator(through):
    words, variable = (["--plugin", SCALES], {}) if through == "flag" else ([], {"TESSERA_PLUGINS": SCALES})
    fit = ["fit", "PeakScaler", "data.h5:/X", "--clip", "true", "--model", "m.tessera"]
    tessera(*fit, *words, processes=3, **variable)
    X = read("data.h5", "X")
    shown = show("m.tessera")
    assert shown["params"] == {"clip": True}
    np.testing.assert_array_equal(value_of(shown["attributes"]["peak_"]), abs(X).max(axis=0))
    tessera(*TRANSFORM, *words, "--trace", "t.json", processes=2, **variable)
    np.testing.assert_allclose(read("out.h5", "T"), X / abs(X).max(axis=0), rtol=1e-15)
    assert calls()["PeakScaler.transform", "composed"] == 2
    assert "PeakScaler.transform" in tessera("backends", *words, **variable).out
    if through == "variable":
        return
    assert "PeakScaler: the rows divided by them" in tessera("transform", "--help", *words).out
    err = tessera("predict", "m.tessera", "data.h5:/X", "--out", "p.h5:/p", *words, expect=1).err
    assert err == "tessera: NotImplementedError: PeakScaler has no predict"
    own = re.findall(r"^(\w+)\.fit\b", tessera("backends").out, re.MULTILINE)
    assert {"KMeans", "StandardScaler"} < set(own) and "PeakScaler" not in own
    there_are = f"there are {', '.join(sorted(own))}"
    err = tessera(*TRANSFORM, processes=2, expect=1).err
    assert err == f"tessera: ValueError: unknown estimator 'PeakScaler'; {there_are}"
    assert "unknown 'PeakScaler'; " + there_are in tessera(*fit, expect=2).err
