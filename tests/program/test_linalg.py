"""`tessera linalg`: what the command line adds to the functions, which tests/together/test_functions.py
compares with NumPy and SciPy at all layouts, dtypes and numbers of processes."""

import os
import re
from hashlib import sha256
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy_linalg_cases  # noqa: F401
from linalg_matrices import CASES, DTYPES, Call, Matrices, check, made
from program import read, tessera, write
from test_errors import FAILURE, USAGE, check_failure, snapshot
from threadpoolctl import threadpool_limits


def batch(commands, processes=1, layout="rows", timeout=200):
    """Runs {name: command} in as few starts as go well; {name: {dataset: array} or the error}."""
    results, left = {}, dict(commands)
    while left:
        Path("commands.txt").write_text(
            "".join(f"{c} --layout {layout} --out {name}.h5\n" for name, c in left.items())
        )
        done = tessera("linalg", "batch", "commands.txt", processes=processes, expect=None, timeout=timeout)
        failed = re.search(r"^tessera: (\w+): line (\d+) of 'commands.txt': (.*)", done.err, re.M)
        assert (done.code == 0) == (failed is None), done.err
        good = int(failed[2]) - 1 if failed else len(left)
        for position, name in enumerate(list(left)[: good + 1]):
            if position < good:
                with h5py.File(f"{name}.h5") as file:
                    results[name] = {key: value[()] for key, value in file.items()}
                os.remove(f"{name}.h5")
            else:
                results[name] = f"{failed[1]}: {failed[3]}"
            del left[name]
    return results


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """For the references; threads of BLAS that wait take the cores from others."""
    with threadpool_limits(1):
        yield


# ---- the functions -----------------------------------------------------------------------------


def flag(name, value):
    """An option as a command line has it; of flags that are on by default, what turns them off."""
    if value is False:
        return {"lower": "--upper", "right": "--no-right", "permute": "--no-permute", "scale": "--no-scale",
                "hermitian": "--symmetric", "compute_expm": "--no-expm"}[name]
    name = "--" + name.replace("_", "-")
    if value is True:
        return name
    return f"{name} {' '.join(map(str, value))}" if isinstance(value, list) else f"{name}={value}"


def command(text):
    call = Call(text)
    words = [call.function, *(f"m.h5:/{name}" for name in call.names)]
    words += [f"--{option} m.h5:/{name}" for option, name in call.named.items()]
    return " ".join(words + [flag(*option) for option in call.options.items() if option[1] is not None])


def test_every_function_and_option():
    stored = made("float64")
    write("m.h5", **stored)
    out = batch({f"r{i}": command(text) for i, text in enumerate(CASES)}, processes=2)
    m = Matrices(**stored, eps=np.finfo(float).eps)
    for i, text in enumerate(CASES):
        assert isinstance(out[f"r{i}"], dict), f"{text}: {out[f'r{i}']}"
        check(m, out[f"r{i}"], Call(text))


@pytest.mark.parametrize("layout", ["rows", "block_cyclic", "replicated"])
def test_layouts(rng, layout):
    x = rng.normal(size=(700, 5))
    write("x.h5", X=x)
    out = batch({"t": "transpose x.h5:/X --block 3", "m": "matmul x.h5:/X x.h5:/X --trans-a T", "q": "qr x.h5:/X"}, 3, layout)
    assert np.array_equal(out["t"]["transpose"], x.T)
    np.testing.assert_allclose(out["m"]["matmul"], x.T @ x, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(out["q"]["q"] @ out["q"]["r"], x, atol=1e-13)


def named(command):
    return command.replace(" --", " ").replace(" ", "-")


def test_dtype_converts_first(rng):
    write("x.h5", A=rng.normal(size=(9, 9)))
    out = batch({d: f"inv x.h5:/A --dtype {d}" for d in DTYPES})
    assert {d: str(o["inv"].dtype) for d, o in out.items()} == {d: d for d in DTYPES}


# ---- the program -------------------------------------------------------------------------------


def test_help_teaches_every_function():
    functions = {Call(text).function for text in CASES}
    out = tessera("linalg", "--help").out
    assert all(re.search(rf"^  {f}\b", out, re.M) for f in functions) and "tessera linalg lstsq" in out
    listed = re.findall(r"^  (\w+) +", out.split("Subcommands:")[1], re.M)
    assert set(listed) - {"batch", "functions", "mpirun", "tessera"} == functions, "every function has a test"
    out = tessera("linalg", "svd", "--help").out
    assert "--full-matrices" in out and "/u, /s, /vh" in out and "tessera linalg svd" in out


def test_the_page_of_functions_is_what_the_program_says():
    page = (Path(__file__).parents[2] / "docs/linalg_functions.md").read_text()
    assert tessera("linalg", "functions").out == page, "stale: cmake --build ... --target linalg_functions"


@pytest.mark.parametrize("processes", [1, 3])
def test_scalars_are_printed_once(processes):
    write("a.h5", A=np.diag([2.0, -3.0]), Z=np.diag([1 + 2j, 1]))
    a = "a.h5:/A"
    assert tessera("linalg", "det", a, processes=processes).out == "-6\n"
    assert tessera("linalg", "det", "a.h5:/Z", "--out", "d.h5", processes=processes).out == "(1+2j)\n"
    assert read("d.h5", "det") == 1 + 2j
    assert tessera("linalg", "slogdet", a).out == f"sign -1\nlogabsdet {np.log(6)!r}\n".replace("np.float64(", "").replace(")", "")
    assert tessera("linalg", "matrix_rank", a).out == "2\n"
    assert not Path("rank.h5").exists()


def test_results_join_what_the_file_holds(rng):
    X = rng.normal(size=(600, 3))
    write("x.h5", X=X)
    tessera("linalg", "qr", "x.h5:/X", "--out", "x.h5", processes=2)
    tessera("linalg", "svd", "x.h5:/X", "--out", "x.h5:/factors/svd", processes=2)
    with h5py.File("x.h5") as file:
        assert set(file) == {"X", "q", "r", "factors"} and set(file["factors/svd"]) == {"u", "s", "vh"}
        assert np.array_equal(file["X"], X)
    assert sorted(os.listdir()) == ["x.h5"]


def test_a_trace_names_the_function(rng):
    write("x.h5", X=rng.normal(size=(600, 3)))
    words = ["--trace", "trace.json", "--backend", "reference", "--threads", 2]
    result = tessera("linalg", "gram", "x.h5:/X", "--out", "o.h5", *words, processes=2)
    assert "linalg.gram" in result.out + result.err and Path("trace.json").exists()


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    rng = np.random.default_rng(0)
    A = rng.normal(size=(300, 300))
    nan, inf, singular = A.copy(), A.copy(), np.diag(np.arange(300.0))
    nan[270, 4], inf[3, 299] = np.nan, np.inf
    not_positive = np.eye(40)
    not_positive[16, 16] = -1
    triangular = np.eye(30)
    triangular[11, 11] = 0
    path = folder / "bad.h5"
    write(path, A=A, nan=nan, inf=inf, singular=singular, not_positive=not_positive,
          triangular=triangular, X=rng.normal(size=(300, 4)), b=np.ones(299), v=np.ones(300),
          solid=np.ones((3, 3, 3)), none=np.zeros((0, 3)), ones30=np.ones(30), Z=1j * A)  # fmt: skip
    (folder / "text.txt").write_text("no HDF5\n" * 99)
    (folder / "read_only").mkdir()
    (folder / "read_only" / "sub").write_text("")
    return folder


OUT = " --out new.h5"
ERRORS = [
    ("inv bad.h5:/X" + OUT, ["^tessera: ValueError: inv", "square", r"\(300, 4\)"]),
    ("solve bad.h5:/inf bad.h5:/v" + OUT, ["^tessera: ValueError: solve", "infinity", r"row 3\b", r"column 299\b"]),
    ("inv bad.h5:/singular" + OUT, ["^tessera: LinAlgError: .*singular"]),
    ("cholesky bad.h5:/not_positive" + OUT,
     ["^tessera: LinAlgError: matrix is not positive definite: leading minor 17"]),
    ("norm bad.h5:/A --ord 3", ["^tessera: ValueError: norm", "3"]),
    ("norm bad.h5:/none --ord=-inf", ["^tessera: ValueError: norm"]),
    ("pinv bad.h5:/X --rtol -1" + OUT, ["^tessera: ValueError: pinv needs rtol >= 0, got -1"]),
    ("eigh bad.h5:/A --subset-by-index 4 300" + OUT, ["^tessera: ValueError: eigh", "300"]),
    ("inv bad.h5:/Z --dtype float64" + OUT, ["^tessera: TypeError", "complex128", "float64"]),
    ("inv absent.h5:/A" + OUT, ["^tessera: OSError", "absent.h5"]),
    ("inv bad.h5:/absent" + OUT, ["^tessera: ValueError", "absent", "solid"]),
    ("inv bad.h5" + OUT, ["^tessera: ValueError", "solid"]),
    ("inv text.txt" + OUT, ["^tessera: OSError", "text.txt"]),
    ("inv bad.h5:/A --out absent/new.h5", ["^tessera: OSError", "absent/new.h5"]),
    ("inv bad.h5:/A --out text.txt", ["^tessera: OSError", "text.txt"]),
    ("norm bad.h5:/A --axis 0", ["^tessera: ValueError", "norm gives an array of shape", "needs --out"]),
    ("batch absent.txt", ["^tessera: OSError", "absent.txt"]),
]  # fmt: skip
MISUSES = [
    ("", ["a subcommand is missing", "svdvals"]),
    ("sdv bad.h5:/A", ["sdv", "svdvals"]),
    ("inv --out new.h5", ["A is required"]),
    ("inv bad.h5:/A", ["--out is required"]),
    ("solve bad.h5:/A --out new.h5", ["B is required"]),
    ("svd bad.h5:/A --full --out new.h5", ["--full", "--full-matrices"]),
    ("qr bad.h5:/A --mode whole --out new.h5", ["--mode", "reduced", "whole"]),
    ("solve bad.h5:/A bad.h5:/v --assume-a magic --out new.h5", ["--assume-a", "positive definite", "tridiagonal", "magic"]),
    ("svds bad.h5:/A --out new.h5", ["--k is required"]),
    *[(f"{c} 9223372036854775808 --out new.h5", [c.split()[-1], "integer", "9223372036854775807", "9223372036854775808"])
      for c in ["matrix_power bad.h5:/A --n", "eigh bad.h5:/A --subset-by-index 0"]],
    ("inv bad.h5:/A --layout cols --out new.h5", ["--layout", "cols", "rows"]),
    ("inv bad.h5:/A --block 0 --out new.h5", ["--block", "at least 1"]),
    ("inv bad.h5:/A --dtype float16 --out new.h5", ["--dtype", "float16"]),
    ("det bad.h5:/A --out=", ["--out"]),
]  # fmt: skip


@pytest.mark.parametrize("command, fragments", ERRORS, ids=lambda x: named(x) if isinstance(x, str) else "")
def test_error(bad, monkeypatch, command, fragments):
    """On three processes; tests/together has those of the functions, test_errors.py what does not depend on them."""
    monkeypatch.chdir(bad)
    before = snapshot(bad)
    check_failure(f"linalg {command}", 3, FAILURE, fragments)
    assert snapshot(bad) == before, "files were left, changed or removed"


@pytest.mark.parametrize("command, fragments", MISUSES, ids=lambda x: named(x) if isinstance(x, str) else "")
def test_misuse(bad, monkeypatch, command, fragments):
    monkeypatch.chdir(bad)
    check_failure(f"linalg {command}", 2, USAGE, fragments)
    assert not Path("new.h5").exists()


def test_a_failed_write_leaves_no_part(rng):
    """Several datasets are one: the file is as before when the second cannot be written."""
    write("x.h5", X=rng.normal(size=(30, 3)))
    with h5py.File("x.h5", "a") as file:
        file.create_group("r")
    before = sha256(Path("x.h5").read_bytes()).hexdigest()
    check_failure("linalg qr x.h5:/X --out x.h5", 2, FAILURE, ["'/r'|dataset '/r", "group"])
    assert sha256(Path("x.h5").read_bytes()).hexdigest() == before and os.listdir() == ["x.h5"]


def test_a_read_only_folder(rng):
    write("x.h5", X=rng.normal(size=(30, 3)))
    check_failure("linalg gram x.h5:/X --out /proc/new.h5", 2, FAILURE, ["^tessera: OSError", "/proc/new.h5"])


@pytest.mark.parametrize("processes", [1, 3])
def test_batch_names_the_line(bad, monkeypatch, tmp_path, processes):
    lines = [f"det {bad}/bad.h5:/A --out first.h5", "# a comment", "", f"inv {bad}/bad.h5:/X --out second.h5"]
    Path("b.txt").write_text("\n".join(lines))
    result = tessera("linalg", "batch", "b.txt", processes=processes, expect=FAILURE)
    assert result.err.startswith("tessera: ValueError: line 4 of 'b.txt': inv needs a square matrix")
    assert Path("first.h5").exists() and not Path("second.h5").exists()
    Path("b.txt").write_text("inv nowhere --outt x.h5\n")
    check_failure("linalg batch b.txt", processes, FAILURE, ["^tessera: ValueError: line 1", "--out"])


def test_a_determinant_out_of_range_is_a_warning():
    write("d.h5", big=np.eye(3) * 1e200, small=np.eye(3) * -1e-200, zero=np.zeros((3, 3)))
    for name, value, warns in [("big", np.inf, True), ("small", -0.0, True), ("zero", 0.0, False)]:
        result = tessera("linalg", "det", f"d.h5:/{name}", "--out", "o.h5")
        assert np.array_equal(read("o.h5", "det"), value)
        assert ("RuntimeWarning: det leaves the range of float64" in result.err) == warns, result.err


def test_batch_reads_what_it_wrote():
    write("b.h5", A=np.diag([1.0, 2, 3]))
    Path("b.txt").write_text("matmul b.h5:/A b.h5:/A --out b.h5:/C\nsvdvals ./b.h5:/C/matmul --out c.h5\n")
    tessera("linalg", "batch", "b.txt", processes=2)
    np.testing.assert_allclose(read("c.h5", "s"), [9, 4, 1], rtol=1e-12)


@pytest.fixture(scope="module")
def conditioned(tmp_path_factory):
    """Matrices whose condition numbers are far from 1 / eps, on either side, and right-hand sides."""
    path = tmp_path_factory.mktemp("conditioned") / "c.h5"
    rng = np.random.default_rng(5)
    u, v = (np.linalg.qr(rng.normal(size=(40, 40)))[0] for _ in "uv")
    diagonal = np.diag(np.logspace(0, -12, 40))
    growing = np.tril(np.full((70, 70), -0.999), -1) + np.eye(70)  # elements double in every step
    growing[:, -1] = 1
    positive = (u * np.logspace(0, -12, 40)) @ u.T
    m = dict(
        singular=(u * np.append(np.logspace(0, -10, 39), 0)) @ v, regular=(u * np.logspace(0, -12, 40)) @ v,
        cancelling=np.array([[1, 1, 0], [1, 1 + 2.0**-52, 0], [0, 1, 1]]), growing=growing,
        triangular=np.triu(np.full((80, 80), -1.0), 1) + np.eye(80), diagonal=diagonal,
        steep=np.diag(np.logspace(0, -20, 40)), positive=(positive + positive.T) / 2,
        tiny=1e-200 * (np.eye(9) + 1), huge=1e308 * (np.eye(9) + 0.1), big=1e200 * (np.eye(9) + 1),
    )  # fmt: skip
    write(path, **m, **{f"b{n}": np.ones(n) for n in {len(x) for x in m.values()}}, zero_row=np.diag([1.0, 0, 2]))
    return path, {name: len(x) for name, x in m.items()}


@pytest.mark.parametrize("processes", [1, 3])
def test_nearly_singular_is_a_warning(conditioned, processes):
    """No matrix is near the border, where the rounding of a CPU would decide."""
    path, orders = conditioned
    ill = {"singular", "cancelling", "growing", "triangular", "steep"}
    lines = {f"lu_factor {path}:/zero_row": True}
    for name, n in orders.items():
        lines[f"inv {path}:/{name}"] = lines[f"solve {path}:/{name} {path}:/b{n}"] = name in ill
        lines[f"lu_factor {path}:/{name}"] = name == "growing"
    Path("good.txt").write_text("".join(f"{c} --out o.h5\n" for c, w in lines.items() if not w))
    Path("ill.txt").write_text("".join(f"{c} --out o.h5\n" for c, w in lines.items() if w))
    assert tessera("linalg", "batch", "good.txt", processes=processes).err == ""
    warnings = tessera("linalg", "batch", "ill.txt", processes=processes).err.splitlines()
    for line, command in zip(warnings, [c for c, w in lines.items() if w], strict=True):
        function = command.split()[0]
        assert line.startswith(f"tessera: warning: LinAlgWarning: {function}: "), (line, command)
        assert ("ill-conditioned (rcond = " in line) == (function != "lu_factor"), (line, command)
        if "cancelling" in command and "inv" in command:  # eps / 9 is the exact one
            assert float(re.search("rcond = (.*?)\\)", line)[1]) == pytest.approx(2**-52 / 9, rel=0.1)


def test_heat_1057_printing_a_split_result_on_three_does_not_hang(rng):
    write("x.h5", X=rng.normal(size=(700, 5)))
    assert tessera("linalg", "qr", "x.h5:/X", "--out", "q.h5", processes=3).out == ""
    assert '"q"' in tessera("show", "q.h5", processes=3).out.replace("/q", "q")
    assert float(tessera("linalg", "norm", "q.h5:/q", processes=3).out) == pytest.approx(5**0.5)
