"""tessera bench: one start times tiny cases; reports and comparisons are made of what it wrote."""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from program import PROGRAM, tessera

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
from tessera_bench import __main__ as command  # noqa: E402
from tessera_bench import machine, predict, record, table  # noqa: E402

SUITE = """
[[case]]
name = "KMeans, an iteration"
call = "cluster.KMeans.fit"
operands = ["normal n p"]
dtype = "float32"
params = {n_clusters = "=k", init = "first rows", n_init = 1, max_iter = 4, tol = 0}
per = "n_iter_"
flops = "2*n*p*k"
read = "n*p"
check = {cluster_centers_ = 1e-3, inertia_ = 1e-3}
sizes = {tiny = [{n = 3000, p = 4, k = 3}, {n = 10_000, p = 4, k = 3}]}

[[case]]
name = "svd"
call = "linalg.svd"
operands = ["normal n p"]
params = {full_matrices = false}
check = {1 = 1e-10, "|2|" = 1e-8}
sizes = {tiny = [{n = 500, p = 5}]}

[[case]]
name = "mask"
call = "array.mask"
operands = ["normal n", "mask n"]
check = {result = 0}
sizes = {tiny = [{n = 700}]}

[[case]]
name = "take"
call = "array.take"
operands = ["normal n", "index n"]
params = {axis = 0}
check = {result = 0}
sizes = {tiny = [{n = 700}]}

[[case]]
name = "transpose"
call = "array.transpose"
operands = ["normal n p"]
check = {result = 0}
sizes = {tiny = [{n = 70, p = 9}]}

[[case]]
name = "transform"
call = "fft.fft"
operands = ["normal n"]
check = {result = 1e-12}
sizes = {tiny = [{n = 210}]}

[[case]]
name = "label"
call = "ndimage.label"
operands = ["spots n p"]
check = {0 = 0, 1 = 0}
sizes = {tiny = [{n = 100, p = 70}]}

[[case]]
name = "read"
call = "io.read"
operands = ["gzip n p"]
dtype = "float32"
file = "n*p"
check = {result = 0}
sizes = {tiny = [{n = 3000, p = 7}]}

[[case]]
name = "what nobody has"
call = "cluster.Sundial.fit"
operands = ["normal n p"]
check = {}
sizes = {tiny = [{n = 500, p = 5}]}
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The file that a run of the tiny suite wrote, and what it printed."""
    folder = tmp_path_factory.mktemp("bench")
    (folder / "tiny.toml").write_text(SUITE)
    done = tessera("bench", "--suite", folder / "tiny.toml", "--layouts", "1x1,2x1", "--repeat", 2, "--peers",
                   "scikit-learn,scipy,numpy,h5py,torch", "--json", folder / "out.jsonl", "--work", folder, timeout=300)
    left = {path.name for path in folder.iterdir()}
    assert left == {"tiny.toml", "out.jsonl"}
    return folder / "out.jsonl", done.out


@pytest.fixture
def copy(results, tmp_path):
    """Writes the results with what `change` makes of each time; the name of the file."""
    def write(name, change=lambda r: None):
        lines = []
        for r in map(json.loads, results[0].read_text().splitlines()):
            if r["kind"] == "time":
                change(r)
            lines.append(json.dumps(r) + "\n")
        (tmp_path / name).write_text("".join(lines))
        return name

    return write


def times(results):
    return [r for r in record.read([results[0]]) if r["kind"] == "time"]


def test_all_contenders_take_turns_and_give_the_answer_of_the_reference(results):
    found = {(r["case"], r["sizes"]["n"], record.who(r)) for r in times(results)}
    kmeans = {("KMeans, an iteration", n, who) for n in (3000, 10_000)
              for who in ("tessera 1x1", "tessera 2x1", "scikit-learn 1x1", "scikit-learn 1x2")}
    others = {("svd", 500): ["scipy"], ("mask", 700): ["numpy"], ("take", 700): ["numpy"], ("transpose", 70): ["numpy"],
              ("transform", 210): ["numpy", "scipy"], ("label", 100): ["scipy"], ("read", 3000): ["h5py"]}  # fmt: skip
    assert found == kmeans | {(*case, f"{peer} 1x{cores}") for case, beside in others.items() for peer in beside
                              for cores in (1, 2)} | {(*case, f"tessera {n}x1") for case in others for n in (1, 2)}
    assert all(r["bound"] == "file" and r["floor_s"] > 0 for r in times(results) if r["case"] == "read")
    for r in times(results):
        assert r["agrees"] is True, r
        assert len(r["seconds"]) >= 2
        assert r["cpu_s"] > 0
        assert 0 <= r["others"] <= os.cpu_count() + 0.5
    assert "KMeans, an iteration, n=3000, p=4, k=3, float32" in results[1]


def test_what_is_written_of_a_time(results):
    kmeans = {record.who(r): r for r in times(results) if r["sizes"] == {"n": 3000, "p": 4, "k": 3}}
    one, two = kmeans["tessera 1x1"], kmeans["tessera 2x1"]
    assert one["flops"] == 2 * 3000 * 4 * 3
    assert one["bytes"] == 3000 * 4 * 4
    assert one["data_mb"] == 3000 * 4 * 4 / 2**20
    assert 0 < one["floor_s"] < record.middle(one)
    # Four iterations, and in each the sums of three centres go up and the centres down.
    assert one["communicated"] == 0
    assert 4 * 2 * 3 * 4 * 4 < two["communicated"] < 100_000
    assert kmeans["scikit-learn 1x1"]["communicated"] is None
    machine = next(r for r in record.read([results[0]]) if r["kind"] == "machine")
    assert set(machine["peaks"]) == {"1", "2"}
    for peak in machine["peaks"].values():
        assert peak["fma_float32_gflops"] > peak["fma_float64_gflops"] > 1
        assert peak["read_gbs"] > 0.1


def test_who_cannot_take_part_is_told_with_the_reason(results):
    absent = {(r["case"], r["contender"]): r["reason"] for r in record.read([results[0]]) if r["kind"] == "absent"}
    assert absent[None, "torch"] == "there is no GPU"
    assert absent["what nobody has", "scikit-learn 1x1"] == "has no cluster.Sundial"
    assert absent["what nobody has", "tessera 2x1"] == "has no cluster.Sundial"


def test_the_page_needs_nothing_else(results, tmp_path):
    assert command.main(["report", str(results[0]), "--html", "page.html"]) == 0
    page = (tmp_path / "page.html").read_text()
    assert page.count("<svg") == page.count("</svg>") >= 2
    for what in ("Beside others", "Over sizes", "All times", "there is no GPU", "KMeans, an iteration (n=3000 p=4 k=3"):
        assert what in page
    assert "nan" not in page
    assert not re.search(r"(src|href|url)\s*[=(]|@import|<script|https?:", page)


def test_history_shows_in_the_page_of_two_runs(copy, tmp_path):
    first = copy("first.jsonl")
    second = tmp_path / "second.jsonl"
    second.write_text(Path(first).read_text().replace('"run": "20', '"run": "30'))
    assert command.main(["report", first, "second.jsonl", "--html", "page.html"]) == 0
    assert "<h2>History</h2>" in Path("page.html").read_text()


def test_tables_between_marks_come_from_results(results, copy, tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("# Times\n<!-- bench times only=kmeans layout=1x1 -->\nold\n<!-- end bench -->\nrest\n"
                    "<!-- bench scaling only=kmeans -->\n<!-- end bench -->\n<!-- bench layouts only=svd -->\n<!-- end bench -->\n"
                    "<!-- bench machine -->\n<!-- end bench -->\n")
    update = ["report", str(results[0]), "--markdown", "page.md"]
    assert command.main([*update, "--check"]) == 1
    assert "old" in page.read_text()
    assert command.main(update) == 0
    text = page.read_text()
    assert "old" not in text and text.startswith("# Times\n") and "-->\nrest\n" in text
    assert "| case | scikit-learn | Tessera | floor | of the floor | faster |" in text
    ours = next(r for r in times(results) if record.who(r) == "tessera 1x1" and r["sizes"]["n"] == 3000)
    row = next(line for line in text.splitlines() if "n=3000" in line)
    assert f" {1e6 * record.middle(ours):.3g}"[:3] in row.replace(".", "") or "ms" in row
    assert "| case | 1x1 | 2x1 |" in text and "GFLOP/s in float32" in text
    svd = next(line for line in text.splitlines() if line.startswith("| svd (n=500 p=5) |"))
    pair = [record.middle(r) for r in times(results) if r["case"] == "svd" and r["contender"] == "tessera"]
    assert svd.endswith(f"| {max(pair) / min(pair):.2f} |") and "| 1x1 | 2x1 | slowest / fastest |" in text
    assert command.main([*update, "--check"]) == 0
    slower = copy("slower.jsonl", lambda r: r.update(seconds=[3 * s for s in r["seconds"]]))
    assert command.main(["report", slower, "--markdown", "page.md", "--check"]) == 1
    assert "page.md is not what the results say" in capsys.readouterr().out


def test_the_tables_of_the_pages_are_what_the_results_say(capsys):
    root = Path(__file__).parents[2]
    pages = [str(root / page) for page in ("README.md", "docs/benchmarks.md", "docs/linalg.md", "docs/performance.md")]
    kept = [str(file) for file in sorted((root / "benchmarks/results").glob("*.jsonl"))]
    assert command.main(["report", *kept, "--markdown", *pages, "--check"]) == 0, capsys.readouterr().out


def test_compare_finds_what_got_slower_beyond_the_noise(results, copy, capsys):
    def steady(r):
        r["seconds"] = [1.00, 1.01, 1.02]

    def slowed(r):
        r["seconds"] = [1.30, 1.31, 1.32] if r["case"] == "svd" and record.who(r) == "tessera 2x1" else [0.99, 1.0, 1.03]

    before, after = copy("before.jsonl", steady), copy("after.jsonl", slowed)
    assert command.main(["compare", before, after]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out == ["SLOWER: svd (n=500 p=5, float64), tessera 2x1: 1010.000 ms before, 1310.000 ms now, 1.30 x "
                   "(spread 0.5 and 0.4 %)", f"{len(times(results))} times compared"]
    assert command.main(["compare", before, before]) == 0
    assert capsys.readouterr().out == f"{len(times(results))} times compared; Tessera is not slower beyond the noise\n"
    assert command.main(["compare", after, before]) == 0
    assert capsys.readouterr().out.startswith("faster: svd")
    # What others lost is told, and no failure.
    others = copy("others.jsonl", lambda r: r.update(seconds=[2.0, 2.1] if r["contender"] == "scipy" else [0.99, 1.01]))
    assert command.main(["compare", before, others]) == 0
    assert capsys.readouterr().out.count("SLOWER: svd (n=500 p=5, float64), scipy") == 2
    # As much slower, but every run of it is now faster, now slower: noise.
    noisy = copy("noisy.jsonl", lambda r: r.update(seconds=[0.5, 1.4, 2.0]))
    assert command.main(["compare", before, noisy, "--tolerance", "5"]) == 0


def test_compare_tells_of_an_answer_that_went_wrong(copy, capsys):
    before = copy("before.jsonl")
    after = copy("after.jsonl", lambda r: r.update(agrees=False) if r["case"] == "svd" else None)
    assert command.main(["compare", before, after]) == 1
    assert "WRONG: svd (n=500 p=5, float64), tessera 1x1 no longer agrees" in capsys.readouterr().out


CASE = SUITE[: SUITE.index("[[case]]", 10)]


@pytest.mark.parametrize(
    "text, error",
    [
        ("[[case]\n", "bad.toml is not TOML"),
        ("x = 1\n", "bad.toml has no [[case]]"),
        (CASE.replace("call", "cal"), "bad.toml: case 'KMeans, an iteration' lacks 'call'"),
        (CASE + "color = 3\n", "case 'KMeans, an iteration' has no field 'color'; the fields are name, call"),
        (CASE.replace("normal", "purple"), "an operand is a kind (normal, blobs, magnitude, category, coin, mask, index, spots, positive_definite"),
        (CASE.replace("float32", "int8"), "dtype must be float32 or float64, got 'int8'"),
        (CASE.replace('"2*n*p*k"', '"2*m"'), "'2*m' must be an expression of numbers and n, p, k"),
        (CASE.replace('"2*n*p*k"', '"open(1)"'), "'open(1)' must be an expression"),
        (CASE.replace("n = 3000", "n = -1"), "sizes of suite 'tiny' must be tables of integers > 0"),
        (CASE.replace("cluster.KMeans.fit", "KMeans"), "call must be room.function or module.Class.method, got 'KMeans'"),
    ],
)  # fmt: skip
def test_a_suite_that_is_none(text, error, capsys):
    Path("bad.toml").write_text(text)
    assert command.main(["--suite", "bad.toml"]) == 2
    assert error in capsys.readouterr().err


def test_words_that_mean_nothing(capsys):
    assert command.main(["--suite", "enormous"]) == 2
    assert ("suite must be one of quick, full, scikit-learn_bench, heat, cuml, strong, weak or a file"
            in capsys.readouterr().err)
    assert command.main(["--only", "abacus"]) == 2
    assert "no case of suite 'quick' has 'abacus' in its name; there are KMeans" in capsys.readouterr().err
    for words, error in [(["--peers", "abacus"], "there is no 'abacus'; there are scikit-learn, scipy"),
                         (["--layouts", "2*2"], "PROCESSESxTHREADS is meant, such as 2x4, got '2*2'")]:
        with pytest.raises(SystemExit, match="2"):
            command.main(words)
        assert error in capsys.readouterr().err
    assert command.main(["--repeat", "0"]) == 2
    assert "--repeat must be at least 1, got 0" in capsys.readouterr().err


@pytest.mark.parametrize(
    "line, error",
    [
        ("[]", "bad.jsonl:1 is no result of tessera bench: kind must be one of machine, time"),
        ("{", "bad.jsonl:1 is no result of tessera bench"),
        ('{"kind": "absent", "run": "1", "case": null, "contender": "x"}', "'reason' is missing"),
        ('{"kind": "absent", "run": "1", "case": null, "contender": "x", "reason": 3}', "'reason' cannot be 3"),
        ('{"kind": "absent", "run": "1", "case": null, "contender": "x", "reason": "y", "z": 1}', "no field 'z'"),
        ('{"kind": "absent", "run": "1", "case": null, "contender": "x", "reason": "y"}',
         "run '1' has no line about its machine"),
        ("", "no results"),
    ],
)  # fmt: skip
def test_a_file_that_has_no_results(line, error, capsys):
    Path("bad.jsonl").write_text(line and line + "\n")
    assert command.main(["report", "bad.jsonl"]) == 2
    assert error in capsys.readouterr().err
    assert command.main(["compare", "missing.jsonl", "bad.jsonl"]) == 2
    assert "cannot read 'missing.jsonl': No such file" in capsys.readouterr().err


def test_the_table_is_sound():
    for suite in table.suites():
        for case in table.cases(suite):
            assert case.flops >= 0 and case.bytes > 0, case.title
            assert case.flops or case.read or case.file, f"{case.title} has no floor"
    assert {"quick", "full", "strong", "weak", "scikit-learn_bench", "heat", "cuml"} == set(table.suites())


def test_others_are_listened_to_at_the_address_of_this_host(monkeypatch):
    for found in ("10.1.2.3", "127.0.1.1"):
        monkeypatch.setattr(machine.socket, "gethostbyname", lambda name, found=found: found)
        assert (machine.own_address() == "10.1.2.3") == (found == "10.1.2.3")
        assert machine.own_address() != "0.0.0.0"


def test_peaks_take_what_memory_there_is():
    limit = 3 << 30  # 16 threads of 256 MiB have no room
    told = subprocess.run([PROGRAM, "peaks", "--threads", "16"], capture_output=True, text=True,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["read_gbs"] > 0.1


@pytest.mark.parametrize(
    "words, error",
    [
        ([], "predict needs SimGrid, which is not here: apt-get install libsimgrid-dev"),
        (["--nodes", "0"], "a number of nodes is meant, got '0'"),
        (["--modes", "wide"], "--modes must be weak or strong, got 'wide'"),
        (["--speed", "0"], "--speed must be above 0, got 0"),
    ],
)
def test_what_predict_refuses(words, error, results, monkeypatch, capsys):
    monkeypatch.setenv("TESSERA_SMPIRUN", "/nowhere/smpirun")
    try:
        assert command.main(["predict", str(results[0]), *words]) == 2
    except SystemExit as end:  # argparse's
        assert end.code == 2
    assert error in capsys.readouterr().err


@pytest.mark.skipif(not shutil.which("smpirun"), reason="SimGrid (libsimgrid-dev) is not here: no cluster was simulated")
def test_a_cluster_is_predicted(results, monkeypatch):
    monkeypatch.setenv("TESSERA_PROGRAM", str(PROGRAM))
    done = tessera("bench", "predict", results[0], "--nodes", "1,16,32", "--json", "predicted.jsonl", timeout=300)
    assert done.out.count("KMeans, an iteration") == 5  # strong begins at 16
    found = [r for r in record.read(["predicted.jsonl"]) if r["kind"] == "prediction"]
    weak = {r["nodes"]: r for r in found if r["mode"] == "weak"}
    assert weak[1]["seconds"] == weak[1]["compute_s"] and weak[1]["messages"] == 0
    for nodes, rounds in ((16, 4), (32, 5)):
        r = weak[nodes]
        assert r["least_messages"] == rounds <= r["messages"] < 30 * rounds
        assert r["least_sent"] == (3 * 4 + 3 + 1) * 8
        assert r["compute_s"] < r["seconds"] < r["compute_s"] + 1e-3
        assert r["rows"] == 10_000 * nodes
    # The report shows them beside what was measured.
    assert command.main(["report", str(results[0]), "predicted.jsonl", "--html", "page.html"]) == 0
    page = Path("page.html").read_text()
    assert "On a cluster" in page and "DAAL k-means, published" in page
    # By slices a node sends its partial about twice, on however many nodes.
    for nodes in (16, 64):
        numbers = {"rows": nodes * 4096, "columns": 1, "header": 0, "solution": 0, "row_s": 1e-9, "merge_s": 1e-9,
                   "fixed_s": 0.0, "values": 100_000}
        whole, sliced = (predict.simulate(predict.Pattern("reduce"), nodes, **numbers, grain=grain) for grain in (0, 1))
        assert 1.8 < sliced["bytes"] / nodes / 800_000 < 2.2
        assert sliced["seconds"] < whole["seconds"] / 2
    with pytest.raises(RuntimeError, match="smpirun on 16 nodes failed: "):
        predict.simulate(predict.Pattern("reduce"), 16, rows=5, columns=1)
