"""`tessera linalg` against NumPy and SciPy on the same numbers.

Errors are backward errors as LAPACK's own tests have them: |residual| <= 30 eps n |A| ..., in
Frobenius norms, for the eps of the dtype at hand; the references compute in float64. Values that
are unique (singular values, eigenvalues, x, det, rank) must also be those of SciPy.

All functions, all four dtypes, go in one start of the program per layout and number of processes.
"""

import os
import re
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
import scipy.linalg as sla
from program import read, tessera, write
from test_errors import FAILURE, USAGE, check_failure, snapshot
from threadpoolctl import threadpool_limits

DTYPES = ["float32", "float64", "complex64", "complex128"]
PROCESSES = [1, 2, 3, 4, 5, 7]
# Layout, processes and dtypes: all of them where it matters most, else in turn.
HALF, OTHER_HALF = ["float32", "complex128"], ["float64", "complex64"]
RUNS = {
    **{("rows", p): [DTYPES, HALF, OTHER_HALF][0 if p == 1 else 1 + i % 2] for i, p in enumerate(PROCESSES)},
    **{("block_cyclic", p): d for p, d in zip([2, 4, 7], [DTYPES, HALF, OTHER_HALF])},
    ("replicated", 1): OTHER_HALF,
    ("replicated", 3): OTHER_HALF,
}
LIMIT = 30


class Matrices(SimpleNamespace):
    """Matrices by name, in double precision, as a dtype rounds them; and what is small in it."""

    def small(self, residual, *factors):
        residual = np.asarray(residual)
        n = max([1, *residual.shape, *(s for f in factors for s in np.shape(f))])
        scale = np.prod([np.linalg.norm(f) for f in factors])
        assert np.linalg.norm(residual) <= LIMIT * n * self.eps * scale

    def close(self, mine, theirs, condition=1.0):
        mine, theirs = np.asarray(mine), np.asarray(theirs)
        assert mine.shape == theirs.shape
        n = max([1, *theirs.shape])
        error = np.abs(mine - theirs).max(initial=0)
        assert error <= LIMIT * n * condition * self.eps * np.abs(theirs).max(initial=0)

    def orthonormal(self, q):
        self.small(q.conj().T @ q - np.eye(q.shape[1]), np.eye(q.shape[1]))


def batch(commands, processes=1, layout="rows", timeout=200):
    """Runs {name: command} in as few starts as go well; {name: {dataset: array} or the error}."""
    results, left = {}, dict(commands)
    while left:
        Path("commands.txt").write_text(
            "".join(f"{c} --layout {layout} --out {name}.h5\n" for name, c in left.items())
        )
        # Two processes on two cores would spin while others that they wait for need the cores.
        options = dict(expect=None, timeout=timeout, OMPI_MCA_mpi_yield_when_idle=1)
        done = tessera("linalg", "batch", "commands.txt", processes=processes, **options)
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


# ---- the matrices ----------------------------------------------------------------------------


def kahan(n, theta=1.2):
    r = -np.cos(theta) * np.triu(np.ones((n, n)), 1) + np.eye(n)
    return np.sin(theta) ** np.arange(n)[:, None] * r


def made(dtype):
    """700 rows are three leaves, 300 two."""
    rng = np.random.default_rng(7)
    imaginary = 1j if np.dtype(dtype).kind == "c" else 0

    def normal(*shape):
        return rng.normal(size=shape) + imaginary * rng.normal(size=shape)

    def hermitian(x):
        return (x + x.conj().T) / 2

    def unitary(m, n):
        return np.linalg.qr(normal(m, n))[0]

    A = normal(300, 300) / 17 + 3 * np.eye(300)
    G, q, p = normal(40, 40), unitary(50, 50), unitary(60, 60)
    spectrum = np.repeat([3.0, 2.0, 1.0], [4, 9, 7])
    m = dict(
        A=A, B=normal(300, 3), b=normal(300), c=normal(700), X=normal(700, 6), Y=normal(700, 6),
        Y3=normal(700, 3), M=normal(90, 7), W=normal(5, 60), w5=normal(5), G=G, g=normal(40),
        S=hermitian(A @ A.conj().T), H=hermitian(normal(60, 60)), sym=G + G.T + 20 * np.eye(40),
        R=np.triu(G) / 6 + 2 * np.eye(40), L=np.tril(G) / 6 + 2 * np.eye(40),
        D=np.diag(normal(40) + 3), T=normal(400, 4, 5), U=normal(4, 5, 3), nearly=normal(6, 6),
        deficient=rng.integers(-3, 4, (60, 5)) @ rng.integers(-3, 4, (5, 8)) + 0 * imaginary,
        hilbert=sla.hilbert(12), kahan=kahan(30), graded=normal(30, 30) * 2.0 ** -np.arange(30),
        clustered=hermitian((q * (1 + 1e-5 * np.arange(50) ** 2)) @ q.conj().T),
        repeated=(p[:, :20] * spectrum) @ unitary(20, 20), decaying=(p * 2.0 ** -np.arange(60)) @ p.T,
        one=normal(1, 1), none=np.zeros((0, 0)), no_rows=np.zeros((0, 5)), no_cols=np.zeros((5, 0)),
        long=np.vstack([normal(513, 1)] * 2), E=np.eye(300), nilpotent=np.diag(np.ones(9), 1) * 3.0,
    )  # fmt: skip
    m = {name: np.asarray(x).astype(dtype) for name, x in m.items()}
    m["LU"], m["PIV"] = sla.lu_factor(m["A"])
    m["PIV"] = m["PIV"].astype(np.int64)
    return m


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """For the references; threads of BLAS that wait take the cores from others."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def matrices(tmp_path_factory):
    """The file of all matrices, and them in double precision by dtype."""
    path = tmp_path_factory.mktemp("linalg") / "matrices.h5"
    in_double = {}
    with h5py.File(path, "w") as file:
        for dtype in DTYPES:
            stored = made(dtype)
            for name, x in stored.items():
                file[f"{dtype}/{name}"] = x
            double = "complex128" if np.dtype(dtype).kind == "c" else "float64"
            in_double[dtype] = Matrices(**{name: x.astype(double) for name, x in stored.items()})
            in_double[dtype].eps = np.finfo(dtype).eps
    return path, in_double


class Location(dict):
    """Replaces {A} in a command by the place of A."""

    def __init__(self, path, dtype):
        self.path, self.dtype = path, dtype

    def __missing__(self, name):
        return f"{self.path}:/{self.dtype}/{name}"


# ---- what each function must give --------------------------------------------------------------

CASES = {}


def case(*commands):
    """Registers check(m, out) or check(m, out, operand) for commands; {A} is the matrix m.A."""

    def register(check):
        for command in commands:
            assert command not in CASES
            CASES[command] = check
        return check

    return register


def operands(m, command):
    return [getattr(m, name) for name in re.findall(r"{(\w+)}", command)]


def option(command, name, default=None):
    found = re.search(rf"{name}[ =](\S+)", command)
    return found[1] if found else default


def transposed(x, how):
    return {"N": x, "T": x.T, "C": x.conj().T}[how]


@case("matmul {A} {B}", "matmul {X} {Y} --trans-a T", "matmul {X} {Y} --trans-a C",
      "matmul {X} {Y} --trans-b C", "matmul {X} {nearly}", "matmul {A} {E} --trans-b N --trans-a N",
      "matmul {W} {H}", "matmul {A} {b}", "matmul {b} {A}", "matmul {b} {b}", "matmul {no_rows} {no_cols}",
      "matmul {no_cols} {no_rows}", "matmul {W} {W} --trans-a T", "matmul {one} {one}")  # fmt: skip
def check_matmul(m, out, command):
    a, b = operands(m, command)
    a = transposed(a, option(command, "--trans-a", "N"))
    b = transposed(b, option(command, "--trans-b", "N"))
    assert out.matmul.shape == (a @ b).shape
    m.small(out.matmul - a @ b, a, b)


@case("gram {X}", "gram {A}", "gram {W}", "gram {no_rows}", "gram {no_cols}", "gram {one}")
def check_gram(m, out, command):
    (x,) = operands(m, command)
    assert out.gram.shape == (x.shape[1],) * 2
    assert np.array_equal(out.gram, out.gram.conj().T)
    m.small(out.gram - x.conj().T @ x, x, x)


@case("outer {c} {w5}", "outer {b} {b}")
def check_outer(m, out, command):
    m.close(out.outer, np.outer(*operands(m, command)))


@case("vecdot {X} {Y}", "vecdot {c} {c}", "vecdot {no_rows} {no_rows}")
def check_vecdot(m, out, command):
    a, b = operands(m, command)
    assert out.vecdot.shape == (a.conj() * b).sum(axis=-1).shape
    m.small(out.vecdot - (a.conj() * b).sum(axis=-1), a, b)


@case("tensordot {T} {U}", "tensordot {A} {B} --axes 1", "tensordot {b} {w5} --axes 0")
def check_tensordot(m, out, command):
    a, b = operands(m, command)
    theirs = np.tensordot(a, b, int(option(command, "--axes", 2)))
    assert out.tensordot.shape == theirs.shape
    m.small(out.tensordot - theirs, a, b)


@case("transpose {X}", "transpose {A} --conjugate", "transpose {W}", "transpose {no_rows}")
def check_transpose(m, out, command):
    (x,) = operands(m, command)
    assert np.array_equal(out.transpose, x.conj().T if "conj" in command else x.T)


ORDERS = ["", " --ord 1", " --ord -1", " --ord inf", " --ord=-inf", " --ord 2", " --ord -2"]


@case(*[f"norm {{X}}{o}" for o in [*ORDERS, " --ord fro", " --ord nuc"]], "norm {W} --ord 2",
      *[f"norm {{c}}{o}" for o in [*ORDERS, " --ord 0", " --ord 3", " --ord 0.5"]],
      "norm {no_rows}", "norm {one}", "norm {deficient} --ord nuc")  # fmt: skip
def check_norm(m, out, command):
    (x,) = operands(m, command)
    order = option(command, "--ord")
    order = order if order in (None, "fro", "nuc") else float(order)
    m.close(out.norm, np.linalg.norm(x, order), condition=10)


@case("trace {A}", "trace {X} --offset -3", "trace {W} --offset 2", "trace {none}")
def check_trace(m, out, command):
    (x,) = operands(m, command)
    offset = int(option(command, "--offset", 0))
    m.small(out.trace - np.trace(x, offset), np.diagonal(x, offset), np.diagonal(np.eye(len(x))))


@case("diagonal {A}", "diagonal {X} --offset -690", "diagonal {W} --offset 7",
      "diagonal {X} --offset 9", "diagonal {no_rows}")  # fmt: skip
def check_diagonal(m, out, command):
    (x,) = operands(m, command)
    assert np.array_equal(out.diagonal, np.diagonal(x, int(option(command, "--offset", 0))))


@case("cholesky {S}", "cholesky {S} --lower", "cholesky {E}",
      "cholesky {none}", "cholesky {clustered}")  # fmt: skip
def check_cholesky(m, out, command):
    (a,) = operands(m, command)
    r = out.c.conj().T if "--lower" in command else out.c
    assert np.array_equal(r, np.triu(r)) and (np.diag(r).real > 0).all()
    assert (np.diag(r).imag == 0).all()
    m.small(r.conj().T @ r - a, a)


@case("lu_factor {A}", "lu_factor {X}", "lu_factor {W}", "lu_factor {one}", "lu_factor {none}",
      "lu_factor {graded}", "lu_factor {no_rows}")  # fmt: skip
def check_lu_factor(m, out, command):
    (a,) = operands(m, command)
    k = min(a.shape)
    assert out.lu.shape == a.shape and out.piv.shape == (k,) and out.piv.dtype == np.int64
    order = np.arange(len(a))
    for i, p in enumerate(out.piv):
        order[[i, p]] = order[[p, i]]
    lower = np.tril(out.lu, -1)[:, :k] + np.eye(len(a), k)
    m.small(a[order] - lower @ np.triu(out.lu)[:k], a)
    assert (np.abs(lower) <= 1.5).all()  # complex pivots are chosen by |real| + |imaginary|


@case("qr {X}", "qr {A}", "qr {W}", "qr {M}", "qr {one}", "qr {kahan}", "qr {hilbert}",
      "qr {deficient}", "qr {graded}", "qr {no_rows}", "qr {no_cols}", "qr {none}", "qr {long}")  # fmt: skip
def check_qr(m, out, command):
    (a,) = operands(m, command)
    k = min(a.shape)
    assert out.q.shape == (len(a), k) and out.r.shape == (k, a.shape[1])
    m.orthonormal(out.q)
    m.small(a - out.q @ out.r, a)
    check_r(out.r)


@case("qr {X} --mode r", "qr {W} --mode r", "qr {A} --mode r")
def check_qr_r(m, out, command):
    (a,) = operands(m, command)
    check_r(out.r)
    m.small(out.r.conj().T @ out.r - a.conj().T @ a, a, a)
    assert not hasattr(out, "q")


def check_r(r):
    assert np.array_equal(r, np.triu(r))
    assert (np.diag(r).real >= 0).all() and (np.diag(r).imag == 0).all()


@case("svd {X}", "svd {A}", "svd {W}", "svd {M} --full-matrices", "svd {W} --full-matrices",
      "svd {one}", "svd {hilbert}", "svd {kahan}", "svd {graded}", "svd {deficient}",
      "svd {repeated}", "svd {no_rows}", "svd {no_cols}", "svd {long}")  # fmt: skip
def check_svd(m, out, command):
    (a,) = operands(m, command)
    full = "--full" in command
    u, s, vh = np.linalg.svd(a, full_matrices=full)
    assert out.u.shape == u.shape and out.s.shape == s.shape and out.vh.shape == vh.shape
    k = len(s)
    m.orthonormal(out.u)
    m.orthonormal(out.vh.conj().T)
    m.small(a - (out.u[:, :k] * out.s) @ out.vh[:k], a)
    m.close(out.s, s)
    assert (out.s >= 0).all() and (np.diff(out.s) <= 0).all()


@case("svdvals {X}", "svdvals {W}", "svdvals {G}", "svdvals {repeated}", "svdvals {deficient}",
      "svdvals {no_cols}")  # fmt: skip
def check_svdvals(m, out, command):
    m.close(out.s, np.linalg.svd(*operands(m, command), compute_uv=False))


@case("svds {decaying} --k 5", "svds {deficient} --k 5", "svds {X} --k 6 --n-iter 2",
      "svds {W} --k 1 --n-oversamples 4 --random-state 3", "svds {long} --k 1")  # fmt: skip
def check_svds(m, out, command):
    (a,) = operands(m, command)
    k = int(option(command, "--k"))
    s = np.linalg.svd(a, compute_uv=False)
    assert out.u.shape == (len(a), k) and out.vh.shape == (k, a.shape[1])
    m.orthonormal(out.u)
    m.orthonormal(out.vh.conj().T)
    if "{W}" not in command:  # there it stays an approximation
        m.close(out.s, s[:k], condition=10)
    left = np.linalg.norm(a - (out.u * out.s) @ out.vh, 2)
    assert left <= 1.05 * s[k : k + 1].sum() + LIMIT * max(a.shape) * m.eps * s[0]


def check_eigenpairs(m, a, w, v, theirs):
    m.orthonormal(v)
    m.small(a @ v - v * w, a)
    m.close(w, theirs)
    assert (np.diff(w) >= 0).all()


@case("eigh {H}", "eigh {H} --upper", "eigh {clustered}", "eigh {S}", "eigh {one}", "eigh {hilbert}",
      "eigh {none}", "eigh {E}")  # fmt: skip
def check_eigh(m, out, command):
    (a,) = operands(m, command)
    half = np.triu(a) if "upper" in command else np.tril(a).conj().T
    a = np.triu(half, 1) + np.triu(half, 1).conj().T + np.diag(np.diag(half).real)
    assert out.w.dtype.kind == "f"
    check_eigenpairs(m, a, out.w, out.v, np.linalg.eigvalsh(a))


@case("eigh {H} --subset-by-index 3 9", "eigh {H} --subset-by-index 59 59")
def check_eigh_subset(m, out, command):
    first, last = map(int, command.split()[-2:])
    theirs = np.linalg.eigvalsh(m.H)
    assert out.v.shape == (60, last - first + 1)
    check_eigenpairs(m, m.H, out.w, out.v, theirs[first : last + 1])


@case("eigvalsh {H}", "eigvalsh {clustered}", "eigvalsh {none}")
def check_eigvalsh(m, out, command):
    m.close(out.w, np.linalg.eigvalsh(*operands(m, command)))


def same_set(m, mine, theirs, condition):
    from scipy.optimize import linear_sum_assignment

    distance = np.abs(mine[:, None] - theirs)
    m.close(mine, theirs[linear_sum_assignment(distance)[1]], condition)


@case("eig {G}", "eig {A}", "eig {R}", "eig {one}", "eig {H}")
def check_eig(m, out, command):
    (a,) = operands(m, command)
    assert out.w.dtype.kind == out.v.dtype.kind == "c"
    m.small(a @ out.v - out.v * out.w, a, out.v)
    np.testing.assert_allclose(np.linalg.norm(out.v, axis=0), 1, rtol=100 * m.eps)
    same_set(m, out.w, np.linalg.eigvals(a), condition=10)


@case("eigvals {G}", "eigvals {A}", "eigvals {none}")
def check_eigvals(m, out, command):
    (a,) = operands(m, command)
    same_set(m, out.w, np.linalg.eigvals(a), condition=10)


def check_solution(m, a, x, b):
    """x solves a system near by; and it is the x, as these are well-conditioned."""
    assert x.shape == b.shape
    residual = np.linalg.norm(b - a @ x)
    n = max(1, len(a))
    norms = np.linalg.norm(a) * np.linalg.norm(x) + np.linalg.norm(b)
    assert residual <= LIMIT * n * m.eps * norms
    m.close(x, np.linalg.solve(a, b), condition=np.linalg.cond(a) if len(a) else 1)


@case("solve {A} {B}", "solve {A} {b}", "solve {A} {b} --assume-a gen", "solve {S} {B}",
      "solve {S} {B} --assume-a pos", "solve {S} {b} --assume-a pos --lower",
      "solve {S} {b} --assume-a her", "solve {sym} {g} --assume-a sym", "solve {R} {g}",
      "solve {L} {g}", "solve {D} {g}", "solve {R} {g} --assume-a upper_triangular",
      "solve {L} {g} --assume-a lower_triangular", "solve {D} {g} --assume-a diagonal",
      "solve {one} {one}", "solve {none} {none}", "solve {H} {H}")  # fmt: skip
def check_solve(m, out, command):
    a, b = operands(m, command)
    check_solution(m, a, out.x, b)


@case("lu_solve {LU} {PIV} {b}", "lu_solve {LU} {PIV} {B} --trans T",
      "lu_solve {LU} {PIV} {B} --trans C")  # fmt: skip
def check_lu_solve(m, out, command):
    _, _, b = operands(m, command)
    check_solution(m, transposed(m.A, option(command, "--trans", "N")), out.x, b)


@case("solve_triangular {R} {g}", "solve_triangular {L} {g} --lower",
      "solve_triangular {R} {g} --trans T", "solve_triangular {L} {g} --lower --trans C",
      "solve_triangular {L} {g} --lower --unit-diagonal --trans N",
      "solve_triangular {S} {B}")  # fmt: skip
def check_solve_triangular(m, out, command):
    a, b = operands(m, command)
    a = np.tril(a) if "--lower" in command else np.triu(a)
    if "--unit" in command:
        a = a - np.diag(np.diag(a)) + np.eye(len(a))
    check_solution(m, transposed(a, option(command, "--trans", "N")), out.x, b)


@case("lstsq {X} {c}", "lstsq {X} {Y3}", "lstsq {W} {w5}", "lstsq {G} {g}", "lstsq {deficient} {H} --cond 1e-5",
      "lstsq {M} {M}", "lstsq {one} {one}", "lstsq {graded} {graded} --cond 1e-3")  # fmt: skip
def check_lstsq(m, out, command):
    a, b = operands(m, command)
    cond = option(command, "--cond")
    x, residues, rank, s = sla.lstsq(a, b, cond=cond and float(cond))
    assert out.rank == rank
    m.close(out.s, s)
    m.close(out.x, x, condition=s[0] / s[rank - 1] * (1 + np.linalg.norm(b) / np.linalg.norm(a)))
    assert out.residues.size == residues.size
    if out.residues.size:
        scale = m.eps * LIMIT * len(a) * np.linalg.norm(b) ** 2
        assert (np.abs(out.residues - residues) <= scale).all()


@case("inv {A}", "inv {G}", "inv {R}", "inv {one}", "inv {none}", "inv {E}")
def check_inv(m, out, command):
    (a,) = operands(m, command)
    assert out.inv.shape == a.shape
    m.small(a @ out.inv - np.eye(len(a)), a, out.inv)


@case("pinv {X}", "pinv {W}", "pinv {deficient}", "pinv {one}", "pinv {no_rows}",
      "pinv {graded} --rtol 1e-3", "pinv {M} --atol 1e9")  # fmt: skip
def check_pinv(m, out, command):
    (a,) = operands(m, command)
    rtol = float(option(command, "--rtol", m.eps * max(a.shape)))
    theirs = np.zeros(a.T.shape) if "atol" in command else np.linalg.pinv(a, rtol)
    m.close(out.pinv, theirs, condition=max(1, np.linalg.norm(theirs) * np.linalg.norm(a)))


BASES = ["{X}", "{W}", "{G}", "{M}", "{deficient}", "{deficient} --rcond 0.2", "{repeated}", "{one}",
         "{nilpotent}", "{no_rows}", "{no_cols}", "{none}", "{hilbert} --rcond 1e-3", "{long}"]  # fmt: skip


def same_space(m, mine, theirs):
    """Bases are free in their signs and rotations; what they span is not."""
    assert mine.shape == theirs.shape
    m.orthonormal(mine)
    m.close(mine @ mine.conj().T, theirs @ theirs.conj().T, condition=100)


def rcond(m, a, command):
    return float(option(command, "--rcond", m.eps * max(a.shape)))


@case(*[f"orth {b}" for b in BASES])
def check_orth(m, out, command):
    (a,) = operands(m, command)
    same_space(m, out.orth, sla.orth(a, rcond(m, a, command)) if a.size else np.zeros((len(a), 0)))


@case(*[f"null_space {b}" for b in BASES])
def check_null_space(m, out, command):
    (a,) = operands(m, command)
    theirs = sla.null_space(a, rcond(m, a, command)) if a.size else np.eye(a.shape[1])
    same_space(m, out.null_space, theirs)


@case("det {G}", "det {R}", "det {one}", "det {none}", "det {E}", "det {nilpotent}")
def check_det(m, out, command):
    (a,) = operands(m, command)
    m.close(out.det, np.linalg.det(a), condition=100)


@case("slogdet {A}", "slogdet {G}", "slogdet {S}", "slogdet {none}", "slogdet {nilpotent}",
      "slogdet {hilbert}")  # fmt: skip
def check_slogdet(m, out, command):
    (a,) = operands(m, command)
    if "hilbert" in command:  # nearly singular: det itself is what LU gives
        assert np.isfinite(out.logabsdet) and abs(abs(out.sign) - 1) < 10 * m.eps
        return
    sign, logabsdet = np.linalg.slogdet(a)
    m.close(out.sign, sign, condition=300)
    assert out.logabsdet == logabsdet or abs(out.logabsdet - logabsdet) <= LIMIT * 300 * m.eps


@case("matrix_rank {X}", "matrix_rank {deficient}", "matrix_rank {W}", "matrix_rank {nilpotent}",
      "matrix_rank {graded} --tol 0.01", "matrix_rank {repeated}", "matrix_rank {no_rows}")  # fmt: skip
def check_matrix_rank(m, out, command):
    (a,) = operands(m, command)
    tol = float(option(command, "--tol", m.eps * max(a.shape) * np.linalg.norm(a, 2) if a.size else 0))
    assert out.matrix_rank == np.linalg.matrix_rank(a, tol)


@case("cond {X}", "cond {W}", "cond {G}", *[f"cond {{G}} --ord {o}" for o in [1, -1, 2, -2, "inf", "fro"]],
      "cond {one}", "cond {repeated}")  # fmt: skip
def check_cond(m, out, command):
    (a,) = operands(m, command)
    order = option(command, "--ord")
    order = order if order in (None, "fro") else float(order)
    m.close(out.cond, np.linalg.cond(a, order), condition=np.linalg.cond(a) if "G" in command else 10)


@case(*[f"matrix_power {{G}} --n {n}" for n in (0, 1, 2, 3, 7)], "matrix_power {R} --n -2",
      "matrix_power {A} --n 3", "matrix_power {none} --n 2", "matrix_power {nilpotent} --n 10")  # fmt: skip
def check_matrix_power(m, out, command):
    (a,) = operands(m, command)
    n = int(option(command, "--n"))
    theirs = np.linalg.matrix_power(a, n)
    assert out.matrix_power.shape == theirs.shape
    condition = np.linalg.cond(a) ** 2 if n < 0 else 1
    factors = [a] * n if n >= 0 else [theirs]
    m.eps, eps = m.eps * condition, m.eps
    m.small(out.matrix_power - theirs, *factors)
    m.eps = eps


@case("expm {G}", "expm {R}", "expm {H}", "expm {nilpotent}", "expm {one}", "expm {none}")
def check_expm(m, out, command):
    (a,) = operands(m, command)
    theirs = sla.expm(a) if a.size else a
    assert out.expm.shape == theirs.shape
    # the condition number of the exponential is at least |a|
    m.close(out.expm, theirs, condition=1 + np.linalg.norm(a))


# ---- all of them, everywhere -------------------------------------------------------------------

RESULTS = {}  # by folder of the matrices, layout and processes
CHECKED = set()


def results(matrices, layout, processes):
    """{(command, dtype): {dataset: array} or the error}"""
    path, _ = matrices
    key = (path, layout, processes)
    if key not in RESULTS:
        names = {f"r{i}_{dtype}": (c, dtype) for i, c in enumerate(CASES) for dtype in RUNS[layout, processes]}
        commands = {n: c.format_map(Location(path, dtype)) for n, (c, dtype) in names.items()}
        found = batch(commands, processes, layout)
        RESULTS[key] = {names[name]: result for name, result in found.items()}
    return RESULTS[key]


def named(command):
    return re.sub(r"[{}]", "", command).replace(" --", " ").replace(" ", "-")


@pytest.mark.parametrize("layout, processes", RUNS, ids=lambda x: str(x))
@pytest.mark.parametrize("command", CASES, ids=named)
def test_as_scipy(matrices, command, layout, processes):
    for dtype in RUNS[layout, processes]:
        m = matrices[1][dtype]
        out = results(matrices, layout, processes)[command, dtype]
        assert isinstance(out, dict), f"{dtype}: {out}"
        for name, x in out.items():
            assert np.isfinite(x).all() or name in ("logabsdet", "cond"), f"{dtype} {name}"
            if x.ndim and x.dtype.kind in "fc":  # scalars are Python's float64
                assert np.finfo(x.dtype).eps == m.eps, f"{dtype}: {name} is {x.dtype}"
        bits = command, dtype, sha256(b"".join(x.tobytes() for x in out.values())).digest()
        if bits not in CHECKED:  # as another number of processes gave them
            CASES[command](m, SimpleNamespace(**out), command)
            CHECKED.add(bits)


def same_array(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@pytest.mark.parametrize("command", CASES, ids=named)
def test_same_bits(matrices, command):
    """Small and tall matrices, as all here are: no bit depends on the number of processes."""
    for layout, processes in [*[("rows", p) for p in PROCESSES[1:]], ("replicated", 3)]:
        for dtype in RUNS[layout, processes]:
            first = results(matrices, layout, 1)[command, dtype]
            other = results(matrices, layout, processes)[command, dtype]
            assert isinstance(first, dict) and isinstance(other, dict), other
            assert first.keys() == other.keys()
            for name in first:
                assert same_array(first[name], other[name]), f"{dtype} {name}, {processes} processes"


# ---- other shapes ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def long_and_wide(tmp_path_factory):
    folder = tmp_path_factory.mktemp("long")
    rng = np.random.default_rng(3)
    X = rng.normal(size=(100_000, 3)) * [1, 1e-3, 1e3] + 1
    write(folder / "x.h5", X=X, W=rng.normal(size=(3, 10_000)), y=X @ [1, 2, 3])
    return folder / "x.h5"


@pytest.mark.parametrize("processes", [1, 3, 4])
def test_1e5_by_3_and_3_by_1e4(long_and_wide, processes):
    x = f"{long_and_wide}:/X"
    w = f"{long_and_wide}:/W"
    out = batch(
        dict(qr=f"qr {x}", svd=f"svd {x}", gram=f"gram {x}", rank=f"matrix_rank {x}",
             lstsq=f"lstsq {x} {long_and_wide}:/y", svds=f"svds {x} --k 2", wsvd=f"svd {w}",
             wqr=f"qr {w}", wlstsq=f"lstsq {w} {w}", cond=f"cond {w}", mm=f"matmul {w} {w} --trans-b T",
             norm=f"norm {x} --ord 2", pinv=f"pinv {x}"),
        processes,
    )  # fmt: skip
    assert not [o for o in out.values() if isinstance(o, str)]
    eps = np.finfo(float).eps
    X, W = read(long_and_wide, "X"), read(long_and_wide, "W")
    s = np.linalg.svd(X, compute_uv=False)
    for a, (q, r), (u, sigma, vh) in [
        (X, out["qr"].values(), (out["svd"][k] for k in ("u", "s", "vh"))),
        (W, out["wqr"].values(), (out["wsvd"][k] for k in ("u", "s", "vh"))),
    ]:
        # no factor n: the tree adds pairwise
        assert np.linalg.norm(q.T @ q - np.eye(3)) < 100 * eps
        assert np.linalg.norm(a - q @ r) < 100 * eps * np.linalg.norm(a)
        assert np.linalg.norm(a - (u * sigma) @ vh) < 100 * eps * np.linalg.norm(a)
        assert np.linalg.norm(u.T @ u - np.eye(3)) + np.linalg.norm(vh @ vh.T - np.eye(3)) < 200 * eps
        np.testing.assert_allclose(sigma, np.linalg.svd(a, compute_uv=False), atol=50 * eps * sigma[0])
    np.testing.assert_allclose(out["gram"]["gram"], X.T @ X, rtol=1e-11)
    np.testing.assert_allclose(out["lstsq"]["x"], [1, 2, 3], rtol=1e-9)
    assert out["rank"]["matrix_rank"] == 3
    np.testing.assert_allclose(out["svds"]["s"], s[:2], rtol=1e-12)
    np.testing.assert_allclose(W @ out["wlstsq"]["x"], W, atol=1e-11)
    np.testing.assert_allclose(out["cond"]["cond"], np.linalg.cond(W), rtol=1e-12)
    np.testing.assert_allclose(out["mm"]["matmul"], W @ W.T, atol=1e-10)
    np.testing.assert_allclose(out["norm"]["norm"], s[0], rtol=1e-13)
    np.testing.assert_allclose(out["pinv"]["pinv"] @ X, np.eye(3), atol=1e-9)


# More than 2^20 elements: ScaLAPACK over a grid. 1100 is no multiple of the block.
LARGE = {
    "cholesky": "cholesky {S}",
    "lu_factor": "lu_factor {A}",
    "solve": "solve {A} {B}",
    "solve_pos": "solve {S} {B} --assume-a pos",
    "inv": "inv {A}",
    "eigh": "eigh {S}",
    "svd": "svd {A}",
    "qr": "qr {A}",
    "det": "slogdet {A}",
    "matmul": "matmul {A} {S} --trans-a T",
}
LARGE_RESULTS = {}


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    path = tmp_path_factory.mktemp("large") / "large.h5"
    rng = np.random.default_rng(1)
    A = rng.normal(size=(1100, 1100)) + 30 * np.eye(1100)
    m = dict(A=A, S=A @ A.T / 100 + np.eye(1100), B=rng.normal(size=(1100, 5)))
    m["S"] = (m["S"] + m["S"].T) / 2
    write(path, **m)
    theirs = dict(w=np.linalg.eigvalsh(m["S"]), s=np.linalg.svd(A, compute_uv=False))
    return path, Matrices(**m, eps=np.finfo(float).eps), theirs


@pytest.mark.parametrize("processes", [1, 2, 4, 5])
@pytest.mark.parametrize("function", LARGE)
def test_more_than_2_to_the_20_elements(large, function, processes):
    path, m, theirs = large
    if (path, processes) not in LARGE_RESULTS:
        commands = {k: re.sub(r"{(\w+)}", rf"{path}:/\1", v) for k, v in LARGE.items()}
        layout = "block_cyclic" if processes == 4 else "rows"
        LARGE_RESULTS[path, processes] = batch(commands, processes, layout)
    out = LARGE_RESULTS[path, processes][function]
    assert isinstance(out, dict), out
    out = SimpleNamespace(**out)
    if function == "eigh":
        check_eigenpairs(m, m.S, out.w, out.v, theirs["w"])
    elif function == "svd":
        m.orthonormal(out.u)
        m.orthonormal(out.vh.T)
        m.small(m.A - (out.u * out.s) @ out.vh, m.A)
        m.close(out.s, theirs["s"])
    elif function == "det":
        sign, logabsdet = np.linalg.slogdet(m.A)
        assert abs(out.logabsdet - logabsdet) < 1e-9 and out.sign == sign
    else:
        CASES[{"cholesky": "cholesky {S}", "lu_factor": "lu_factor {A}", "inv": "inv {A}", "qr": "qr {A}"}
              .get(function, LARGE[function].split(" ")[0] + " {A} {B}")](m, out, LARGE[function])  # fmt: skip


def test_integers_compute_in_float64(rng):
    A = rng.integers(-9, 9, (20, 20))
    write("i.h5", A=A.astype("int16"), X=rng.integers(0, 9, (300, 2)).astype("uint8"))
    out = batch(dict(inv="inv i.h5:/A", mm="matmul i.h5:/X i.h5:/X --trans-a T", svd="svdvals i.h5:/X"), 2)
    assert out["inv"]["inv"].dtype == out["mm"]["matmul"].dtype == out["svd"]["s"].dtype == np.float64
    np.testing.assert_allclose(out["inv"]["inv"], np.linalg.inv(A), rtol=1e-9, atol=1e-12)


def test_dtype_converts_first(rng):
    write("x.h5", A=rng.normal(size=(9, 9)))
    out = batch({d: f"inv x.h5:/A --dtype {d}" for d in DTYPES})
    assert {d: str(o["inv"].dtype) for d, o in out.items()} == {d: d for d in DTYPES}


# ---- the program -------------------------------------------------------------------------------


def test_help_teaches_every_function():
    functions = {command.split()[0] for command in CASES}
    out = tessera("linalg", "--help").out
    assert all(re.search(rf"^  {f} ", out, re.M) for f in functions) and "tessera linalg lstsq" in out
    listed = re.findall(r"^  (\w+) {2,}", out.split("Subcommands:")[1], re.M)
    assert set(listed) - {"batch", "functions"} == functions, "every function has a test"
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
    *[(f"{f} bad.h5:/X{OUT}", [rf"^tessera: ValueError: {g}", "square", r"\(300, 4\)"])
      for f, g in [("cholesky", "cholesky"), ("eigh", "eigh"), ("eigvalsh", "eigvalsh"), ("eig", "eig"),
                   ("eigvals", "eigvals"), ("inv", "inv"), ("expm", "expm"), ("det", "s?l?o?g?det"),
                   ("slogdet", "slogdet"), ("matrix_power", "matrix_power")]],
    *[(f"{f} bad.h5:/v{OUT}", ["^tessera: ValueError", r"\(300,\)"])
      for f in ["qr", "svd", "svdvals", "lu_factor", "cholesky", "pinv", "gram", "trace", "diagonal"]],
    *[(f"{f} bad.h5:/nan{OUT}", ["^tessera: ValueError", "NaN", r"row 270\b", r"column 4\b"])
      for f in ["qr", "svd", "svdvals", "lu_factor", "cholesky", "inv", "pinv", "eigh", "eig", "det", "slogdet", "expm"]],
    ("solve bad.h5:/inf bad.h5:/v" + OUT, ["^tessera: ValueError: solve", "infinity", r"row 3\b", r"column 299\b"]),
    ("solve bad.h5:/X bad.h5:/v" + OUT, ["^tessera: ValueError: solve", "square", r"\(300, 4\)"]),
    ("solve bad.h5:/A bad.h5:/b" + OUT, ["^tessera: ValueError: solve", r"\(299,\)", "300"]),
    ("lstsq bad.h5:/A bad.h5:/b" + OUT, ["^tessera: ValueError: lstsq", r"\(299,\)", "300"]),
    ("lstsq bad.h5:/nan bad.h5:/v" + OUT, ["^tessera: ValueError: lstsq", "NaN", "270"]),
    ("solve bad.h5:/singular bad.h5:/v" + OUT, ["^tessera: LinAlgError: .*singular"]),
    ("solve bad.h5:/singular bad.h5:/v --assume-a gen" + OUT, ["^tessera: LinAlgError: .*singular"]),
    ("inv bad.h5:/singular" + OUT, ["^tessera: LinAlgError: .*singular"]),
    ("matrix_power bad.h5:/singular --n -1" + OUT, ["^tessera: LinAlgError: .*singular"]),
    ("solve_triangular bad.h5:/triangular bad.h5:/ones30" + OUT, ["^tessera: LinAlgError: .*singular", r"\b11\b"]),
    ("cholesky bad.h5:/not_positive" + OUT,
     ["^tessera: LinAlgError: matrix is not positive definite: leading minor 17"]),
    ("solve bad.h5:/not_positive bad.h5:/not_positive --assume-a pos" + OUT,
     ["^tessera: LinAlgError: matrix is not positive definite: leading minor 17"]),
    ("matmul bad.h5:/A bad.h5:/b" + OUT, ["^tessera: ValueError: matmul", r"299"]),
    ("matmul bad.h5:/X bad.h5:/X" + OUT, ["^tessera: ValueError: matmul", r"\(300, 4\)"]),
    ("matmul bad.h5:/solid bad.h5:/A" + OUT, ["^tessera: ValueError: ", r"\(3, 3, 3\)"]),
    ("outer bad.h5:/X bad.h5:/v" + OUT, ["^tessera: ValueError: outer", r"\(300, 4\)"]),
    ("vecdot bad.h5:/X bad.h5:/v" + OUT, ["^tessera: ValueError: vecdot"]),
    ("tensordot bad.h5:/X bad.h5:/X --axes 1" + OUT, ["^tessera: ValueError: tensordot"]),
    ("norm bad.h5:/A --ord 3", ["^tessera: ValueError: norm", "3"]),
    ("norm bad.h5:/A --ord max", ["^tessera: ValueError: norm", "max"]),
    ("norm bad.h5:/none --ord=-inf", ["^tessera: ValueError: norm"]),
    ("cond bad.h5:/X --ord 1", ["^tessera: ValueError: cond", "square"]),
    ("cond bad.h5:/none", ["^tessera: ValueError: cond", "empty|no elements"]),
    ("pinv bad.h5:/X --rtol -1" + OUT, ["^tessera: ValueError: pinv needs rtol >= 0, got -1"]),
    ("pinv bad.h5:/X --atol nan" + OUT, ["^tessera: ValueError: pinv needs atol >= 0, got nan"]),
    ("lstsq bad.h5:/A bad.h5:/v --cond -1" + OUT, ["^tessera: ValueError: lstsq needs cond >= 0, got -1"]),
    ("matrix_rank bad.h5:/X --tol nan", ["^tessera: ValueError: matrix_rank needs tol >= 0, got nan"]),
    ("matrix_rank bad.h5:/nan", ["^tessera: LinAlgError: the SVD did not converge: the matrix has NaN or infinity"]),
    ("lu_solve bad.h5:/A bad.h5:/v bad.h5:/v" + OUT, ["^tessera: ValueError: lu_solve needs 300 int32 or int64 pivots"]),
    ("svds bad.h5:/X --k 5" + OUT, ["^tessera: ValueError: svds", "4", "5"]),
    ("svds bad.h5:/X --k 0" + OUT, ["^tessera: ValueError: svds", "0"]),
    ("eigh bad.h5:/A --subset-by-index 4 300" + OUT, ["^tessera: ValueError: eigh", "300"]),
    ("inv bad.h5:/Z --dtype float64" + OUT, ["^tessera: TypeError", "complex128", "float64"]),
    ("inv absent.h5:/A" + OUT, ["^tessera: OSError", "absent.h5"]),
    ("inv bad.h5:/absent" + OUT, ["^tessera: ValueError", "absent", "solid"]),
    ("inv bad.h5" + OUT, ["^tessera: ValueError", "solid"]),
    ("inv text.txt" + OUT, ["^tessera: OSError", "text.txt"]),
    ("inv bad.h5:/A --out absent/new.h5", ["^tessera: OSError", "absent/new.h5"]),
    ("inv bad.h5:/A --out text.txt", ["^tessera: OSError", "text.txt"]),
    ("batch absent.txt", ["^tessera: OSError", "absent.txt"]),
]  # fmt: skip
MISUSES = [
    ("", ["a subcommand is missing", "svdvals"]),
    ("sdv bad.h5:/A", ["sdv", "svdvals"]),
    ("inv --out new.h5", ["A is required"]),
    ("inv bad.h5:/A", ["--out is required"]),
    ("solve bad.h5:/A --out new.h5", ["B is required"]),
    ("svd bad.h5:/A --full --out new.h5", ["--full", "--full-matrices"]),
    ("qr bad.h5:/A --mode complete --out new.h5", ["--mode", "reduced", "complete"]),
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
    """On three processes; test_errors.py has what does not depend on the function on one as well."""
    monkeypatch.chdir(bad)
    if command.startswith("matrix_power bad.h5:/X"):
        command += " --n 2"
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


def test_nan_unchecked_is_the_same_everywhere(rng):
    """1100 x 1100 goes over a grid, where some routines would not end. tests/linalg has all functions."""
    a = rng.normal(size=(1100, 1100))
    a[700, 400] = np.nan
    infinite = rng.normal(size=(3, 3))
    infinite[1, 1] = np.inf
    write("n.h5", large=a, b=np.ones(1100), inf=infinite, v=np.ones(3))
    free = "--no-check-finite"
    direct = {f: f"{f} n.h5:/large {free}" for f in ["lu_factor", "qr", "det"]}
    direct |= {"cholesky": f"cholesky n.h5:/large --lower {free}", "solve": f"solve n.h5:/large n.h5:/b {free}", "lu_inf": f"lu_factor n.h5:/inf {free}",
               "solve_inf": f"solve n.h5:/inf n.h5:/v {free}", "cond": "cond n.h5:/inf", "norm": "norm n.h5:/inf --ord 2"}  # fmt: skip
    alone, four = batch(direct, 1), batch(direct, 4)
    for name, out in alone.items():
        assert not isinstance(out, str), out
        for key, x in out.items():
            assert np.array_equal(x, four[name][key], equal_nan=True), name
            if key not in ("cond", "piv"):
                assert np.isnan(x).any(), name
    assert alone["cond"]["cond"] == np.inf
    for command, processes in [("svd n.h5:/inf", 1), ("eigh n.h5:/large", 4)]:
        words = [r"^tessera: LinAlgError: the (SVD|eigenvalues) did not converge: the matrix has NaN or infinity$"]
        check_failure(f"linalg {command} --out o.h5 {free}", processes, FAILURE, words)


# ---- what went wrong in HeAT, the array library on PyTorch and MPI -------------------------------


@pytest.mark.parametrize("processes", [3, 5])
def test_heat_2559_a_transpose_gathered_does_not_hang(rng, processes):
    x = rng.normal(size=(700, 5))
    write("x.h5", X=x)
    for layout in ["rows", "block_cyclic", "replicated"]:
        out = batch({"t": "transpose x.h5:/X", "m": "matmul x.h5:/X x.h5:/X --trans-a T"}, processes, layout)
        assert np.array_equal(out["t"]["transpose"], x.T)
        np.testing.assert_allclose(out["m"]["matmul"], x.T @ x, rtol=1e-12, atol=1e-12)


def test_heat_1057_printing_a_split_result_on_three_does_not_hang(rng):
    write("x.h5", X=rng.normal(size=(700, 5)))
    assert tessera("linalg", "qr", "x.h5:/X", "--out", "q.h5", processes=3).out == ""
    assert '"q"' in tessera("show", "q.h5", processes=3).out.replace("/q", "q")
    assert float(tessera("linalg", "norm", "q.h5:/q", processes=3).out) == pytest.approx(5**0.5)


@pytest.mark.parametrize("processes", PROCESSES[1:])
def test_heat_2093_nothing_counts_twice_and_qr_with_a_row_per_process(rng, processes):
    a = rng.normal(size=(processes, 3))
    write("x.h5", A=np.ones((4, 3)), B=np.ones((3, 4)), C=a)
    for layout in ["rows", "block_cyclic"]:
        out = batch({"m": "matmul x.h5:/A x.h5:/B --block 1", "q": "qr x.h5:/C --block 1"}, processes, layout)
        assert np.array_equal(out["m"]["matmul"], np.full((4, 4), 3.0))
        np.testing.assert_allclose(out["q"]["q"] @ out["q"]["r"], a, atol=1e-13)


@pytest.mark.parametrize("processes", PROCESSES[1:])
def test_heat_871_identity_times_matrix_is_the_matrix(rng, processes):
    a = rng.normal(size=(600, 600))
    write("x.h5", A=a, E=np.eye(600))
    for layout in ["rows", "block_cyclic"]:
        out = batch({"l": "matmul x.h5:/E x.h5:/A", "r": "matmul x.h5:/A x.h5:/E"}, processes, layout)
        assert np.array_equal(out["l"]["matmul"], a) and np.array_equal(out["r"]["matmul"], a)


@pytest.mark.parametrize("processes", PROCESSES[1:])
def test_heat_623_a_reduction_right_on_two_is_right_on_others(rng, processes):
    x = rng.normal(size=(3001, 4)) + 1
    write("x.h5", X=x)
    out = batch({"n": "norm x.h5:/X", "i": "norm x.h5:/X --ord inf", "v": "vecdot x.h5:/X x.h5:/X",
                 "g": "gram x.h5:/X", "t": "trace x.h5:/X"}, processes)  # fmt: skip
    np.testing.assert_allclose(out["n"]["norm"], np.linalg.norm(x), rtol=1e-13)
    np.testing.assert_allclose(out["i"]["norm"], np.linalg.norm(x, np.inf), rtol=1e-13)
    np.testing.assert_allclose(out["v"]["vecdot"], (x * x).sum(axis=1), rtol=1e-13)
    np.testing.assert_allclose(out["g"]["gram"], x.T @ x, rtol=1e-12)
    np.testing.assert_allclose(out["t"]["trace"], np.trace(x), rtol=1e-13)


@pytest.mark.parametrize("processes", [3, 5, 7])
@pytest.mark.parametrize("block", [1, 3, 64])
def test_heat_413_425_rows_keep_their_order_between_layouts(processes, block):
    x = np.arange(900.0 * 6).reshape(900, 6)
    write("x.h5", X=x)
    for layout in ["rows", "block_cyclic", "replicated"]:
        out = batch({"t": f"transpose x.h5:/X --block {block}"}, processes, layout)
        assert np.array_equal(out["t"]["transpose"], x.T)


@pytest.mark.parametrize("processes", [2, 3])
def test_heat_1317_1016_2171_random_shapes_on_two(rng, processes):
    """Hundreds of configurations searched at random had wrong results; 100 x 33 was one of them."""
    shapes = [(100, 33), (33, 100), (64, 64), (65, 64)]
    shapes += [tuple(rng.integers(1, 130, 2)) for _ in range(16)]
    m = {f"m{i}": rng.normal(size=shape) for i, shape in enumerate(shapes)}
    m |= {f"s{i}": x @ x.T for i, x in enumerate(list(m.values())[:8])}
    write("x.h5", **m)
    commands = {f"qr_{n}": f"qr x.h5:/{n}" for n in m} | {f"svd_{n}": f"svd x.h5:/{n}" for n in m}
    commands |= {f"eigh_{n}": f"eigh x.h5:/{n}" for n in m if n[0] == "s"}
    for layout in ["rows", "block_cyclic"]:
        out = batch({n: f"{c} --block {rng.integers(1, 40)}" for n, c in commands.items()}, processes, layout)
        for name, found in out.items():
            a = m[name.split("_")[1]]
            assert isinstance(found, dict), f"{name}: {found}"
            limit = dict(atol=1e-12 * np.linalg.norm(a))
            if name.startswith("qr"):
                np.testing.assert_allclose(found["q"] @ found["r"], a, **limit)
            elif name.startswith("svd"):
                np.testing.assert_allclose((found["u"] * found["s"]) @ found["vh"], a, **limit)
            else:
                np.testing.assert_allclose((found["v"] * found["w"]) @ found["v"].T, a, **limit)


# HeAT's #1932, messages of more than 2^31 bytes, needs no mathematics: Redistribute.InPieces has it
# (tests/runtime/redistribute_test.cpp), and #2559 with a gather after the transpose is
# TransposedOperandsMoveAndMultiply of tests/linalg/products_test.cpp.
