"""What functions of linear algebra must give: calls, and checks against NumPy and SciPy.

Errors are backward errors as LAPACK's own tests have them: |residual| <= 30 eps n |A| ..., in
Frobenius norms, for the eps of the dtype at hand; the references compute in float64. Values that
are unique (singular values, eigenvalues, x, det, rank) must also be those of SciPy.
"""

import ast
from types import SimpleNamespace

import numpy as np
import scipy.linalg as sla

DTYPES = ["float32", "float64", "complex64", "complex128"]
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


# ---- the matrices ----------------------------------------------------------------------------


def kahan(n, theta=1.2):
    r = -np.cos(theta) * np.triu(np.ones((n, n)), 1) + np.eye(n)
    return np.sin(theta) ** np.arange(n)[:, None] * r


def defective(rng, imaginary):
    """Of eigenvalues 1, 1, 2, 2, -3, not diagonalisable."""
    t = np.diag([1.0, 1, 2, 2, -3]) + np.diag([1.0, 0, 1, 0], 1)
    x = rng.normal(size=(5, 5)) + imaginary * rng.normal(size=(5, 5)) + 3 * np.eye(5)
    return x @ t @ np.linalg.inv(x)


def complex_symmetric(rng, imaginary):
    x = rng.normal(size=(20, 20)) + imaginary * rng.normal(size=(20, 20))
    return x + x.T


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
        # small ones: p positive definite, s Hermitian, stable: eigenvalues of modulus below 1/2
        K=normal(20, 20) / 5 + 2 * np.eye(20), K2=normal(20, 20), k=normal(20), K3=normal(20, 3),
        Hs=hermitian(normal(20, 20)), Hp=hermitian(normal(20, 20)) + 12 * np.eye(20), Q7=normal(20, 7), stable=normal(8, 8) / 12,
        N=normal(7, 7) / 3 + 3 * np.eye(7), N2=normal(7, 7), U12=unitary(12, 12), tri=np.diag(normal(20) + 4)
        + np.diag(normal(19), 1) + np.diag(normal(19), -1), band=normal(4, 20) + 3 * (np.arange(4) == 1)[:, None],
        herm_band=np.vstack([normal(2, 20) / 4, 3 + np.abs(normal(1, 20))]), low_band=np.vstack([3 + np.abs(normal(1, 20)),
        normal(2, 20) / 4]), column=normal(20) + 9 * (np.arange(20) == 0), row=normal(20), row9=normal(9), g9=normal(9, 2),
        control=normal(8, 3), weight=np.eye(8) * 2, cost=np.eye(3) * 3, twice=defective(rng, imaginary), skew=normal(8, 3) / 40,
        near=np.eye(8) + normal(8, 8) / 20, T4=normal(4, 6, 2, 12), T24=normal(4, 6), T46=normal(24, 8, 3), T24v=normal(24),
        row_of_7=normal(7), stable_power=(lambda x: x @ x)(normal(8, 8) / 12 + np.eye(8)), one_of=normal(1) + 3, one_real=np.full((1, 1), 2.0),
        ones20=np.ones(20), small_q=normal(20, 8), badly=normal(6, 6) * 2.0 ** np.arange(0, 36, 6), complex_sym=complex_symmetric(rng, imaginary),
        above_block=normal(60, 60) / 8 + 3 * np.eye(60), q60=normal(60, 50),
        signs=np.diag([2.0, 1, 0, -1, -3]) + np.diag([1.0, 1, 0, 1], 1),
    )  # fmt: skip
    m = {name: np.asarray(x).astype(dtype) for name, x in m.items()}
    m["d20"], m["e19"] = (abs(m["k"]) + 1).astype(np.dtype(dtype).type(0).real.dtype), abs(m["k"][1:])
    m["C"], m["CL"] = sla.cholesky(m["Hp"]), sla.cholesky(m["Hp"], lower=True)
    m["CB"] = sla.cholesky_banded(m["herm_band"])
    m["ST"], m["SZ"] = sla.schur(m["N2"])
    m["LU"], m["PIV"] = sla.lu_factor(m["A"])
    m["PIV"] = m["PIV"].astype(np.int64)
    return m


# ---- what each function must give --------------------------------------------------------------

CASES = {}


WORDS = {"inf": np.inf, "nan": np.nan, "True": True, "False": False, "None": None}


class Call:
    """`solve(A, b, assume_a='sym')` taken apart: function, names of operands, options."""

    def __init__(self, text):
        call = ast.parse(text, mode="eval").body
        self.text, self.function = text, call.func.id
        self.names = [argument.id for argument in call.args]
        values = {k.arg: ast.unparse(k.value) for k in call.keywords}
        # An operand that may be left out is named by a keyword.
        self.named = {name: text for name, text in values.items() if text.isidentifier() and text not in WORDS}
        self.options = {name: eval(text, dict(WORDS)) for name, text in values.items() if name not in self.named}

    def get(self, option, default=None):
        return self.options.get(option, default)

    def operands(self, m):
        return [getattr(m, name) for name in self.names]

    def operand(self, m, keyword):
        return getattr(m, self.named[keyword]) if keyword in self.named else None


def case(*calls):
    """Registers check(m, out, call) for calls, in which A is the matrix m.A."""

    def register(check):
        for call in calls:
            assert call not in CASES
            CASES[call] = check
        return check

    return register


def check(m, out, call):
    """Checks the results of a Call by name, as a case of the same function and most like options."""
    def difference(text):
        other = Call(text)
        return len({*call.options, *call.named} ^ {*other.options, *other.named})

    same = [text for text in CASES if text.startswith(call.function + "(")]
    CASES[call.text if call.text in CASES else min(same, key=difference)](m, SimpleNamespace(**out), call)


def transposed(x, how):
    return {"N": x, "T": x.T, "C": x.conj().T}[how]


@case("matmul(A, B)", "matmul(X, Y, trans_a='T')", "matmul(X, Y, trans_a='C')",
      "matmul(X, Y, trans_b='C')", "matmul(X, nearly)", "matmul(A, E, trans_b='N', trans_a='N')",
      "matmul(W, H)", "matmul(A, b)", "matmul(b, A)", "matmul(b, b)", "matmul(no_rows, no_cols)",
      "matmul(no_cols, no_rows)", "matmul(W, W, trans_a='T')", "matmul(one, one)")  # fmt: skip
def check_matmul(m, out, call):
    a, b = call.operands(m)
    a = transposed(a, call.get("trans_a", "N"))
    b = transposed(b, call.get("trans_b", "N"))
    assert out.matmul.shape == (a @ b).shape
    m.small(out.matmul - a @ b, a, b)


@case("gram(X)", "gram(A)", "gram(W)", "gram(no_rows)", "gram(no_cols)", "gram(one)")
def check_gram(m, out, call):
    (x,) = call.operands(m)
    assert out.gram.shape == (x.shape[1],) * 2
    assert np.array_equal(out.gram, out.gram.conj().T)
    m.small(out.gram - x.conj().T @ x, x, x)


@case("outer(c, w5)", "outer(b, b)")
def check_outer(m, out, call):
    m.close(out.outer, np.outer(*call.operands(m)))


@case("vecdot(X, Y)", "vecdot(c, c)", "vecdot(no_rows, no_rows)")
def check_vecdot(m, out, call):
    a, b = call.operands(m)
    assert out.vecdot.shape == (a.conj() * b).sum(axis=-1).shape
    m.small(out.vecdot - (a.conj() * b).sum(axis=-1), a, b)


@case("tensordot(T, U)", "tensordot(A, B, axes=1)", "tensordot(b, w5, axes=0)")
def check_tensordot(m, out, call):
    a, b = call.operands(m)
    theirs = np.tensordot(a, b, call.get("axes", 2))
    assert out.tensordot.shape == theirs.shape
    m.small(out.tensordot - theirs, a, b)


@case("transpose(X)", "transpose(A, conjugate=True)", "transpose(W)", "transpose(no_rows)")
def check_transpose(m, out, call):
    (x,) = call.operands(m)
    assert np.array_equal(out.transpose, x.conj().T if call.get("conjugate") else x.T)


ORDERS = ["", ", ord=1", ", ord=-1", ", ord=inf", ", ord=-inf", ", ord=2", ", ord=-2"]


@case(*[f"norm(X{o})" for o in [*ORDERS, ", ord='fro'", ", ord='nuc'"]], "norm(W, ord=2)",
      *[f"norm(c{o})" for o in [*ORDERS, ", ord=0", ", ord=3", ", ord=0.5"]],
      "norm(no_rows)", "norm(one)", "norm(deficient, ord='nuc')")  # fmt: skip
def check_norm(m, out, call):
    (x,) = call.operands(m)
    m.close(out.norm, np.linalg.norm(x, call.get("ord")), condition=10)


@case(*[f"norm(X, axis={a}{o})" for a in (0, -1) for o in [*ORDERS, ", ord=0", ", ord=3"]], "norm(no_rows, axis=0)",
      "norm(X, axis=1, keepdims=True)", "norm(A, keepdims=True)")  # fmt: skip
def check_norm_along(m, out, call):
    (x,) = call.operands(m)
    theirs = np.linalg.norm(x, call.get("ord"), call.get("axis"), call.get("keepdims", False))
    assert out.norm.shape == theirs.shape
    m.close(out.norm, theirs, condition=10)


@case("trace(A)", "trace(X, offset=-3)", "trace(W, offset=2)", "trace(none)")
def check_trace(m, out, call):
    (x,) = call.operands(m)
    offset = call.get("offset", 0)
    m.small(out.trace - np.trace(x, offset), np.diagonal(x, offset), np.diagonal(np.eye(len(x))))


@case("diagonal(A)", "diagonal(X, offset=-690)", "diagonal(W, offset=7)",
      "diagonal(X, offset=9)", "diagonal(no_rows)")  # fmt: skip
def check_diagonal(m, out, call):
    (x,) = call.operands(m)
    assert np.array_equal(out.diagonal, np.diagonal(x, call.get("offset", 0)))


@case("cholesky(S)", "cholesky(S, lower=True)", "cholesky(E)",
      "cholesky(none)", "cholesky(clustered)")  # fmt: skip
def check_cholesky(m, out, call):
    (a,) = call.operands(m)
    r = out.c.conj().T if call.get("lower") else out.c
    assert np.array_equal(r, np.triu(r)) and (np.diag(r).real > 0).all()
    assert (np.diag(r).imag == 0).all()
    m.small(r.conj().T @ r - a, a)


@case("lu_factor(A)", "lu_factor(X)", "lu_factor(W)", "lu_factor(one)", "lu_factor(none)",
      "lu_factor(graded)", "lu_factor(no_rows)")  # fmt: skip
def check_lu_factor(m, out, call):
    (a,) = call.operands(m)
    k = min(a.shape)
    assert out.lu.shape == a.shape and out.piv.shape == (k,) and out.piv.dtype == np.int64
    order = np.arange(len(a))
    for i, p in enumerate(out.piv):
        order[[i, p]] = order[[p, i]]
    lower = np.tril(out.lu, -1)[:, :k] + np.eye(len(a), k)
    m.small(a[order] - lower @ np.triu(out.lu)[:k], a)
    assert (np.abs(lower) <= 1.5).all()  # complex pivots are chosen by |real| + |imaginary|


@case("qr(X)", "qr(A)", "qr(W)", "qr(M)", "qr(one)", "qr(kahan)", "qr(hilbert)",
      "qr(deficient)", "qr(graded)", "qr(no_rows)", "qr(no_cols)", "qr(none)", "qr(long)")  # fmt: skip
def check_qr(m, out, call):
    (a,) = call.operands(m)
    k = min(a.shape)
    assert out.q.shape == (len(a), k) and out.r.shape == (k, a.shape[1])
    m.orthonormal(out.q)
    m.small(a - out.q @ out.r, a)
    check_r(out.r)


@case("qr(X, mode='complete')", "qr(G, mode='complete')", "qr(W, mode='complete')", "qr(no_cols, mode='complete')")
def check_qr_complete(m, out, call):
    (a,) = call.operands(m)
    assert out.q.shape == (len(a), len(a)) and out.r.shape == a.shape
    m.orthonormal(out.q)
    m.small(a - out.q @ out.r, a)
    check_r(out.r)


@case("qr(X, mode='r')", "qr(W, mode='r')", "qr(A, mode='r')")
def check_qr_r(m, out, call):
    (a,) = call.operands(m)
    check_r(out.r)
    m.small(out.r.conj().T @ out.r - a.conj().T @ a, a, a)
    assert not hasattr(out, "q")


def check_r(r):
    assert np.array_equal(r, np.triu(r))
    assert (np.diag(r).real >= 0).all() and (np.diag(r).imag == 0).all()


@case("svd(X)", "svd(A)", "svd(W)", "svd(M, full_matrices=True)", "svd(W, full_matrices=True)",
      "svd(one)", "svd(hilbert)", "svd(kahan)", "svd(graded)", "svd(deficient)",
      "svd(repeated)", "svd(no_rows)", "svd(no_cols)", "svd(long)")  # fmt: skip
def check_svd(m, out, call):
    (a,) = call.operands(m)
    full = call.get("full_matrices", False)
    u, s, vh = np.linalg.svd(a, full_matrices=full)
    assert out.u.shape == u.shape and out.s.shape == s.shape and out.vh.shape == vh.shape
    k = len(s)
    m.orthonormal(out.u)
    m.orthonormal(out.vh.conj().T)
    m.small(a - (out.u[:, :k] * out.s) @ out.vh[:k], a)
    m.close(out.s, s)
    assert (out.s >= 0).all() and (np.diff(out.s) <= 0).all()


@case("svdvals(X)", "svdvals(W)", "svdvals(G)", "svdvals(repeated)", "svdvals(deficient)",
      "svdvals(no_cols)")  # fmt: skip
def check_svdvals(m, out, call):
    m.close(out.s, np.linalg.svd(*call.operands(m), compute_uv=False))


@case("svds(decaying, k=5)", "svds(deficient, k=5)", "svds(X, k=6, n_iter=2)",
      "svds(W, k=1, n_oversamples=4, random_state=3)", "svds(long, k=1)")  # fmt: skip
def check_svds(m, out, call):
    (a,) = call.operands(m)
    k = call.get("k")
    s = np.linalg.svd(a, compute_uv=False)
    assert out.u.shape == (len(a), k) and out.vh.shape == (k, a.shape[1])
    m.orthonormal(out.u)
    m.orthonormal(out.vh.conj().T)
    if call.names != ["W"]:  # there it stays an approximation
        m.close(out.s, s[:k], condition=10)
    left = np.linalg.norm(a - (out.u * out.s) @ out.vh, 2)
    assert left <= 1.05 * s[k : k + 1].sum() + LIMIT * max(a.shape) * m.eps * s[0]


def check_eigenpairs(m, a, w, v, theirs):
    m.orthonormal(v)
    m.small(a @ v - v * w, a)
    m.close(w, theirs)
    assert (np.diff(w) >= 0).all()


@case("eigh(H)", "eigh(H, lower=False)", "eigh(clustered)", "eigh(S)", "eigh(one)", "eigh(hilbert)",
      "eigh(none)", "eigh(E)")  # fmt: skip
def check_eigh(m, out, call):
    (a,) = call.operands(m)
    half = np.tril(a).conj().T if call.get("lower", True) else np.triu(a)
    a = np.triu(half, 1) + np.triu(half, 1).conj().T + np.diag(np.diag(half).real)
    assert out.w.dtype.kind == "f"
    check_eigenpairs(m, a, out.w, out.v, np.linalg.eigvalsh(a))


@case("eigh(H, subset_by_index=[3, 9])", "eigh(H, subset_by_index=[59, 59])")
def check_eigh_subset(m, out, call):
    first, last = call.get("subset_by_index")
    theirs = np.linalg.eigvalsh(m.H)
    assert out.v.shape == (60, last - first + 1)
    check_eigenpairs(m, m.H, out.w, out.v, theirs[first : last + 1])


@case("eigvalsh(H)", "eigvalsh(clustered)", "eigvalsh(none)")
def check_eigvalsh(m, out, call):
    m.close(out.w, np.linalg.eigvalsh(*call.operands(m)))


def same_set(m, mine, theirs, condition):
    from scipy.optimize import linear_sum_assignment

    distance = np.abs(mine[:, None] - theirs)
    m.close(mine, theirs[linear_sum_assignment(distance)[1]], condition)


@case("eig(G)", "eig(A)", "eig(R)", "eig(one)", "eig(H)")
def check_eig(m, out, call):
    (a,) = call.operands(m)
    assert out.w.dtype.kind == out.v.dtype.kind == "c"
    m.small(a @ out.v - out.v * out.w, a, out.v)
    np.testing.assert_allclose(np.linalg.norm(out.v, axis=0), 1, rtol=100 * m.eps)
    same_set(m, out.w, np.linalg.eigvals(a), condition=10)


@case("eigvals(G)", "eigvals(A)", "eigvals(none)")
def check_eigvals(m, out, call):
    (a,) = call.operands(m)
    same_set(m, out.w, np.linalg.eigvals(a), condition=10)


def check_solution(m, a, x, b):
    """x solves a system near by; and it is the x, as these are well-conditioned."""
    assert x.shape == b.shape
    residual = np.linalg.norm(b - a @ x)
    n = max(1, len(a))
    norms = np.linalg.norm(a) * np.linalg.norm(x) + np.linalg.norm(b)
    assert residual <= LIMIT * n * m.eps * norms
    m.close(x, np.linalg.solve(a, b), condition=np.linalg.cond(a) if len(a) else 1)


@case("solve(A, B)", "solve(A, b)", "solve(S, b, assume_a=None)", "solve(A, b, assume_a='gen')", "solve(S, B)",
      "solve(S, B, assume_a='pos')", "solve(S, b, assume_a='pos', lower=True)",
      "solve(S, b, assume_a='her')", "solve(sym, g, assume_a='sym')", "solve(R, g)",
      "solve(L, g)", "solve(D, g)", "solve(R, g, assume_a='upper_triangular')",
      "solve(L, g, assume_a='lower_triangular')", "solve(D, g, assume_a='diagonal')",
      "solve(one, one)", "solve(none, none)", "solve(H, H)")  # fmt: skip
def check_solve(m, out, call):
    a, b = call.operands(m)
    check_solution(m, a, out.x, b)


@case("lu_solve(LU, PIV, b)", "lu_solve(LU, PIV, B, trans='T')",
      "lu_solve(LU, PIV, B, trans='C')")  # fmt: skip
def check_lu_solve(m, out, call):
    _, _, b = call.operands(m)
    check_solution(m, transposed(m.A, call.get("trans", "N")), out.x, b)


@case("solve_triangular(R, g)", "solve_triangular(L, g, lower=True)",
      "solve_triangular(R, g, trans='T')", "solve_triangular(L, g, lower=True, trans='C')",
      "solve_triangular(L, g, lower=True, unit_diagonal=True, trans='N')",
      "solve_triangular(S, B)")  # fmt: skip
def check_solve_triangular(m, out, call):
    a, b = call.operands(m)
    a = np.tril(a) if call.get("lower") else np.triu(a)
    if call.get("unit_diagonal"):
        a = a - np.diag(np.diag(a)) + np.eye(len(a))
    check_solution(m, transposed(a, call.get("trans", "N")), out.x, b)


@case("lstsq(X, c)", "lstsq(X, Y3)", "lstsq(W, w5)", "lstsq(G, g)", "lstsq(deficient, H, cond=1e-5)",
      "lstsq(M, M)", "lstsq(one, one)", "lstsq(graded, graded, cond=1e-3)")  # fmt: skip
def check_lstsq(m, out, call):
    a, b = call.operands(m)
    x, residues, rank, s = sla.lstsq(a, b, cond=call.get("cond"))
    assert out.rank == rank
    m.close(out.s, s)
    m.close(out.x, x, condition=s[0] / s[rank - 1] * (1 + np.linalg.norm(b) / np.linalg.norm(a)))
    assert out.residues.size == residues.size
    if out.residues.size:
        scale = m.eps * LIMIT * len(a) * np.linalg.norm(b) ** 2
        assert (np.abs(out.residues - residues) <= scale).all()


@case("inv(A)", "inv(G)", "inv(R)", "inv(one)", "inv(none)", "inv(E)")
def check_inv(m, out, call):
    (a,) = call.operands(m)
    assert out.inv.shape == a.shape
    m.small(a @ out.inv - np.eye(len(a)), a, out.inv)


@case("pinv(X)", "pinv(W)", "pinv(deficient)", "pinv(one)", "pinv(no_rows)",
      "pinv(graded, rtol=1e-3)", "pinv(M, atol=1e9)", "pinv(H, hermitian=True)", "pinv(E, hermitian=True)")  # fmt: skip
def check_pinv(m, out, call):
    (a,) = call.operands(m)
    rtol = call.get("rtol", m.eps * max(a.shape))
    theirs = np.zeros(a.T.shape) if "atol" in call.options else np.linalg.pinv(a, rtol)
    m.close(out.pinv, theirs, condition=max(1, np.linalg.norm(theirs) * np.linalg.norm(a)))


BASES = ["X", "W", "G", "M", "deficient", "deficient, rcond=0.2", "repeated", "one", "nilpotent", "no_rows",
         "no_cols", "none", "hilbert, rcond=1e-3", "long"]  # fmt: skip


def same_space(m, mine, theirs):
    """Bases are free in their signs and rotations; what they span is not."""
    assert mine.shape == theirs.shape
    m.orthonormal(mine)
    m.close(mine @ mine.conj().T, theirs @ theirs.conj().T, condition=100)


def rcond(m, a, call):
    return call.get("rcond", m.eps * max(a.shape))


@case(*[f"orth({b})" for b in BASES])
def check_orth(m, out, call):
    (a,) = call.operands(m)
    same_space(m, out.orth, sla.orth(a, rcond(m, a, call)) if a.size else np.zeros((len(a), 0)))


@case(*[f"null_space({b})" for b in BASES])
def check_null_space(m, out, call):
    (a,) = call.operands(m)
    theirs = sla.null_space(a, rcond(m, a, call)) if a.size else np.eye(a.shape[1])
    same_space(m, out.null_space, theirs)


@case("det(G)", "det(R)", "det(one)", "det(none)", "det(E)", "det(nilpotent)")
def check_det(m, out, call):
    (a,) = call.operands(m)
    m.close(out.det, np.linalg.det(a), condition=100)


@case("slogdet(A)", "slogdet(G)", "slogdet(S)", "slogdet(none)", "slogdet(nilpotent)",
      "slogdet(hilbert)")  # fmt: skip
def check_slogdet(m, out, call):
    (a,) = call.operands(m)
    if call.names == ["hilbert"]:  # nearly singular: det itself is what LU gives
        assert np.isfinite(out.logabsdet) and abs(abs(out.sign) - 1) < 10 * m.eps
        return
    sign, logabsdet = np.linalg.slogdet(a)
    m.close(out.sign, sign, condition=300)
    assert out.logabsdet == logabsdet or abs(out.logabsdet - logabsdet) <= LIMIT * 300 * m.eps


@case("matrix_rank(X)", "matrix_rank(deficient)", "matrix_rank(W)", "matrix_rank(nilpotent)",
      "matrix_rank(graded, tol=0.01)", "matrix_rank(repeated)", "matrix_rank(no_rows)",
      "matrix_rank(H, hermitian=True)", "matrix_rank(H, tol=1.0, hermitian=True)")  # fmt: skip
def check_matrix_rank(m, out, call):
    (a,) = call.operands(m)
    tol = call.get("tol", m.eps * max(a.shape) * np.linalg.norm(a, 2) if a.size else 0)
    assert out.matrix_rank == np.linalg.matrix_rank(a, tol, call.get("hermitian", False))


@case("cond(X)", "cond(W)", "cond(G)", *[f"cond(G, ord={o})" for o in [1, -1, 2, -2, "inf", "'fro'"]],
      "cond(one)", "cond(repeated)")  # fmt: skip
def check_cond(m, out, call):
    (a,) = call.operands(m)
    condition = np.linalg.cond(a) if call.names == ["G"] else 10
    m.close(out.cond, np.linalg.cond(a, call.get("ord")), condition)


@case(*[f"matrix_power(G, n={n})" for n in (0, 1, 2, 3, 7)], "matrix_power(R, n=-2)",
      "matrix_power(A, n=3)", "matrix_power(none, n=2)", "matrix_power(nilpotent, n=10)")  # fmt: skip
def check_matrix_power(m, out, call):
    (a,) = call.operands(m)
    n = call.get("n")
    theirs = np.linalg.matrix_power(a, n)
    assert out.matrix_power.shape == theirs.shape
    condition = np.linalg.cond(a) ** 2 if n < 0 else 1
    factors = [a] * n if n >= 0 else [theirs]
    m.eps, eps = m.eps * condition, m.eps
    m.small(out.matrix_power - theirs, *factors)
    m.eps = eps


@case("expm(G)", "expm(R)", "expm(H)", "expm(nilpotent)", "expm(one)", "expm(none)")
def check_expm(m, out, call):
    (a,) = call.operands(m)
    theirs = sla.expm(a) if a.size else a
    assert out.expm.shape == theirs.shape
    # the condition number of the exponential is at least |a|
    m.close(out.expm, theirs, condition=1 + np.linalg.norm(a))


# ---- the rest of SciPy's ---------------------------------------------------------------------------


@case("cho_factor(Hp)", "cho_factor(Hp, lower=True)")
def check_cho_factor(m, out, call):
    check_cholesky(m, out, call)


@case("cho_solve(C, k)", "cho_solve(CL, K3, lower=True)")
def check_cho_solve(m, out, call):
    check_solution(m, m.Hp, out.x, call.operands(m)[1])


@case("lu(A)", "lu(X)", "lu(W)", "lu(W, permute_l=True)", "lu(G, p_indices=True)", "lu(M, permute_l=True)", "lu(none)")
def check_lu(m, out, call):
    (a,) = call.operands(m)
    k = min(a.shape)
    if call.get("permute_l"):
        product = out.pl @ out.u
    else:
        assert np.array_equal(out.l, np.tril(out.l, -1) + np.eye(len(a), k))
        product = (out.l @ out.u)[out.p] if call.get("p_indices") else out.p @ out.l @ out.u
    assert out.u.shape == (k, a.shape[1]) and np.array_equal(out.u, np.triu(out.u))
    m.small(a - product, a)


@case("qr(G, pivoting=True)", "qr(X, pivoting=True)", "qr(W, pivoting=True)", "qr(deficient, pivoting=True)",
      "qr(Q7, mode='full', pivoting=True)", "qr(graded, pivoting=True)", "qr(no_cols, mode='full', pivoting=True)",
      "qr(no_rows, pivoting=True)")  # fmt: skip
def check_qr_pivoting(m, out, call):
    (a,) = call.operands(m)
    k = len(a) if call.get("mode") == "full" else min(a.shape)
    assert out.q.shape == (len(a), k) and out.p.dtype == np.int64
    m.orthonormal(out.q)
    m.small(a[:, out.p] - out.q @ out.r, a)
    check_r(out.r)
    d = np.diag(out.r).real
    assert (d[1:] <= d[:-1] * (1 + 100 * m.eps) + 100 * m.eps * np.linalg.norm(a)).all()
    if k and call.names != ["deficient"]:
        assert np.array_equal(out.p, sla.qr(a, pivoting=True, mode="r")[1])


@case("qr(X, mode='r', pivoting=True)")
def check_qr_pivoting_r(m, out, call):
    (a,) = call.operands(m)
    m.small(out.r.conj().T @ out.r - (a.conj().T @ a)[out.p][:, out.p], a, a)


@case("qr(G, mode='raw')", "qr(Q7, mode='raw', pivoting=True)", "qr(W, mode='raw')")
def check_qr_raw(m, out, call):
    (a,) = call.operands(m)
    (factors, tau), *rest = sla.qr(a, mode="raw", pivoting=call.get("pivoting", False))
    m.close(out.qr, factors, condition=100)
    m.close(out.tau, tau, condition=100)
    m.close(out.r, rest[0], condition=100)


@case("qr_multiply(Q7, K2)", "qr_multiply(Q7, k)", "qr_multiply(Q7, row_of_7, mode='left')",
      "qr_multiply(K, K3, mode='left', pivoting=True)", "qr_multiply(Q7, K2, conjugate=True)")  # fmt: skip
def check_qr_multiply(m, out, call):
    a, c = call.operands(m)
    q, r = np.linalg.qr(a[:, out.p] if hasattr(out, "p") else a)
    phases = np.diag(r) / np.abs(np.diag(r))
    q = q * phases
    q = q.conj() if call.get("conjugate") else q
    m.close(out.cq, q @ c if call.get("mode") == "left" else c @ q, condition=100)


@case("rq(W)", "rq(W, mode='r')", "rq(W, mode='economic')", "rq(K)", "rq(Q7)", "rq(Q7, mode='r')", "rq(no_cols, mode='economic')")
def check_rq(m, out, call):
    (a,) = call.operands(m)
    rows, cols = a.shape
    k = min(a.shape) if call.get("mode") == "economic" else cols
    assert out.r.shape == (rows, k)
    shift = out.r.shape[1] - rows
    assert np.array_equal(out.r, np.triu(out.r, shift))
    if hasattr(out, "q"):
        assert out.q.shape == (k, cols)
        m.orthonormal(out.q.conj().T)
        m.small(a - out.r @ out.q, a)
    else:
        m.small(out.r @ out.r.conj().T - a @ a.conj().T, a, a)


@case("pinvh(H)", "pinvh(Hs, lower=False)", "pinvh(E)", "pinvh(clustered, rtol=1e-3, return_rank=True)")
def check_pinvh(m, out, call):
    (a,) = call.operands(m)
    theirs = np.linalg.pinv(a, call.get("rtol", m.eps * len(a)), hermitian=True)
    m.close(out.pinvh, theirs, condition=max(1, np.linalg.norm(theirs) * np.linalg.norm(a)))
    if call.get("return_rank"):
        assert out.rank == 50


@case("pinv(deficient, return_rank=True)")
def check_pinv_rank(m, out, call):
    check_pinv(m, out, call)
    assert out.rank == 5


@case("polar(K)", "polar(X)", "polar(W)", "polar(Q7, side='left')", "polar(W, side='left')", "polar(none)")
def check_polar(m, out, call):
    (a,) = call.operands(m)
    u, p = sla.polar(a, call.get("side", "right")) if a.size else (a, a)
    m.close(out.p, p, condition=100)
    if min(a.shape) == a.shape[1] or call.get("side") == "left":
        m.small(a - (out.p @ out.u if call.get("side") == "left" else out.u @ out.p), a)
    m.close(out.u, u, condition=1000)


@case("orthogonal_procrustes(X, Y)", "orthogonal_procrustes(K, K2)")
def check_orthogonal_procrustes(m, out, call):
    a, b = call.operands(m)
    u, s, vh = np.linalg.svd(a.conj().T @ b)
    m.close(out.r, u @ vh, condition=max(10, 10 * s[0] / s[-1]))
    m.close(out.scale, s.sum())


@case("subspace_angles(X, Y)", "subspace_angles(Q7, K3)", "subspace_angles(K3, K3)")
def check_subspace_angles(m, out, call):
    theirs = sla.subspace_angles(*call.operands(m))
    assert np.abs(out.subspace_angles - theirs).max() <= 1000 * m.eps


@case("khatri_rao(X, Y)", "khatri_rao(K3, Y3)")
def check_khatri_rao(m, out, call):
    m.close(out.khatri_rao, sla.khatri_rao(*call.operands(m)))


@case("clarkson_woodruff_transform(X, sketch_size=50)", "clarkson_woodruff_transform(W, sketch_size=3, seed=4)")
def check_clarkson_woodruff_transform(m, out, call):
    (a,) = call.operands(m)
    assert out.sketch.shape == (call.get("sketch_size"), a.shape[1])
    signs = np.linalg.lstsq(a.T, out.sketch.T, rcond=None)[0].T if len(a) < a.shape[1] else None
    if signs is not None:  # every row went to one place
        assert np.allclose(np.abs(signs).sum(axis=0), 1, atol=1e-3)
    else:
        assert 0.5 < np.linalg.norm(out.sketch) / np.linalg.norm(a) < 2


@case("eigh(Hs, b=Hp)", "eigh(Hs, b=Hp, lower=False)", "eigh(Hs, b=Hp, type=2)", "eigh(Hs, b=Hp, type=3)",
      "eigh(Hs, b=Hp, subset_by_index=[2, 5])")  # fmt: skip
def check_eigh_generalised(m, out, call):
    (a,), b = call.operands(m), call.operand(m, "b")
    kind = call.get("type", 1)
    theirs = sla.eigh(a, b, type=kind, eigvals_only=True, subset_by_index=call.get("subset_by_index"))
    m.close(out.w, theirs, condition=10)
    a = np.tril(a, -1) + np.tril(a).conj().T if call.get("lower", True) else a
    left, right = {1: (a, b), 2: (a @ b, np.eye(20)), 3: (b @ a, np.eye(20))}[kind]
    m.small(left @ out.v - right @ out.v * out.w, a, b, out.v)
    metric = np.linalg.inv(b) if kind == 3 else b
    m.small(out.v.conj().T @ metric @ out.v - np.eye(len(out.w)), metric, out.v, out.v)


@case("eigvalsh(Hs, b=Hp)", "eigvalsh(Hs, subset_by_value=[-1.5, 2])", "eigvalsh(H, subset_by_value=[-inf, 0.0])")
def check_eigvalsh_generalised(m, out, call):
    (a,) = call.operands(m)
    theirs = sla.eigvalsh(a, call.operand(m, "b"))
    low, high = call.get("subset_by_value", (-np.inf, np.inf))
    m.close(out.w, theirs[(theirs > low) & (theirs <= high)], condition=10)


@case("eigh(H, subset_by_value=[-1.0, 3])")
def check_eigh_by_value(m, out, call):
    theirs = np.linalg.eigvalsh(m.H)
    check_eigenpairs(m, m.H, out.w, out.v, theirs[(theirs > -1) & (theirs <= 3)])


@case("eig(K, left=True)", "eig(K, b=Hp)", "eig(K, b=Hp, left=True)", "eig(Hs, left=True, right=False)")
def check_eig_left(m, out, call):
    (a,), b = call.operands(m), call.operand(m, "b")
    b = np.eye(len(a)) if b is None else b
    same_set(m, out.w, sla.eigvals(a, b), condition=100)
    for side, x, y in [("v", a, b), ("vl", a.conj().T, b.conj().T)]:
        if side in vars(out):
            v = getattr(out, side)
            np.testing.assert_allclose(np.linalg.norm(v, axis=0), 1, rtol=100 * m.eps)
            m.small(x @ v - y @ v * (out.w if side == "v" else out.w.conj()), a, b, v)
    assert ("v" in vars(out)) == call.get("right", True) and ("vl" in vars(out)) == call.get("left", False)


@case("eigvals(K, b=Hp)")
def check_eigvals_generalised(m, out, call):
    same_set(m, out.w, sla.eigvals(m.K, m.Hp), condition=100)


@case("solve(K, k, transposed=True)", "solve(R, g, transposed=True)", "solve(R, g, transposed=True, assume_a='upper_triangular')",
      "solve(Hp, K3, transposed=True, assume_a='pos')", "solve(Hs, K3, transposed=True, assume_a='her')",
      "solve(complex_sym, k, transposed=True, assume_a='sym', lower=True)")  # fmt: skip
def check_solve_transposed(m, out, call):
    a, b = call.operands(m)
    check_solution(m, a.T, out.x, b)


@case("solve(complex_sym, k, assume_a='sym')", "solve(Hs, K3, assume_a='her', lower=True)", "solve(tri, k, assume_a='tridiagonal')",
      "solve(tri, K3, assume_a='banded')", "solve(tri, k, assume_a='banded', transposed=True)",
      "solve(K, k, assume_a='banded')")  # fmt: skip
def check_solve_structured(m, out, call):
    a, b = call.operands(m)
    check_solution(m, a.T if call.get("transposed") else a, out.x, b)


@case("tensorsolve(T4, T24)", "tensorsolve(T46, T24v)", "tensorsolve(T46, control, axes=[0])")
def check_tensorsolve(m, out, call):
    a, b = call.operands(m)
    axes = call.get("axes")
    theirs = np.linalg.tensorsolve(a, b, axes)
    a = np.moveaxis(a, axes, [-1]) if axes else a
    m.close(out.x, theirs, condition=np.linalg.cond(a.reshape(24, 24)))


@case("tensorinv(T4)", "tensorinv(T46, ind=1)")
def check_tensorinv(m, out, call):
    (a,) = call.operands(m)
    m.close(out.tensorinv, np.linalg.tensorinv(a, call.get("ind", 2)), condition=10 * np.linalg.cond(a.reshape(24, 24)))


@case("matrix_balance(badly)", "matrix_balance(nilpotent)", "matrix_balance(badly, permute=False, separate=True)",
      "matrix_balance(badly, scale=False)")  # fmt: skip
def check_matrix_balance(m, out, call):
    (a,) = call.operands(m)
    b, t = sla.matrix_balance(a, **call.options)
    m.close(out.b, b)
    if call.get("separate"):
        assert np.array_equal(out.scale, t[0]) and np.array_equal(out.perm, t[1])
    else:
        assert np.array_equal(out.t, t)


# ---- functions of matrices


@case(*[f"{f}({x})" for f in ["sqrtm", "logm"] for x in ["K", "Hp", "N", "stable_power"]], "sqrtm(Hs)", "logm(R)", "sqrtm(none)")
def check_sqrtm(m, out, call):
    (a,) = call.operands(m)
    if call.names == ["Hs"]:  # eigenvalues on the branch cut: SciPy takes the side that rounding says
        w, v = sla.eigh(a)
        theirs = (v * np.sqrt(w + 0j)) @ v.conj().T
    else:
        theirs = getattr(sla, call.function)(a) if a.size else a
    mine = getattr(out, call.function)
    assert (mine.dtype.kind == "c") == (theirs.dtype.kind == "c")
    m.close(mine, theirs, condition=300)


@case("funm(K, func='tanh')", "funm(Hs, func='exp')")
def check_funm(m, out, call):
    (a,) = call.operands(m)
    if call.names == ["Hs"]:
        m.close(out.funm, sla.expm(a), condition=1e4)
    else:
        m.close(out.funm, sla.tanhm(a), condition=1e4)


@case("signm(K)", "signm(Hs)", "signm(N2)", "signm(none)", "signm(signs)")
def check_signm(m, out, call):
    (a,) = call.operands(m)
    theirs = sla.signm(a) if a.size else a
    m.close(out.signm, theirs, condition=1e4)


@case("fractional_matrix_power(K, t=0.5)", "fractional_matrix_power(Hp, t=-1.3)", "fractional_matrix_power(N, t=2)")
def check_fractional_matrix_power(m, out, call):
    (a,) = call.operands(m)
    m.close(out.power, sla.fractional_matrix_power(a, call.get("t")), condition=300)


@case(*[f"{f}({x})" for f in ["cosm", "sinm", "tanm", "coshm", "sinhm", "tanhm"] for x in ["stable", "N"]], "cosm(E)")
def check_trigonometric(m, out, call):
    (a,) = call.operands(m)
    m.close(getattr(out, call.function), getattr(sla, call.function)(a), condition=1e4)


@case("expm_frechet(stable, near)", "expm_frechet(N, N2)", "expm_frechet(N, N2, compute_expm=False)")
def check_expm_frechet(m, out, call):
    e, f = sla.expm_frechet(*call.operands(m))
    m.close(out.frechet, f, condition=100)
    if call.get("compute_expm", True):
        m.close(out.expm, e, condition=100)


@case("expm_cond(stable)", "expm_cond(N)")
def check_expm_cond(m, out, call):
    theirs = sla.expm_cond(*call.operands(m))
    assert abs(out.expm_cond - theirs) <= max(1e-9, 100 * m.eps) * theirs


# ---- decompositions of LAPACK


@case("schur(K)", "schur(N2, output='complex')", "schur(K2, sort='lhp')", "schur(K2, sort='iuc', output='complex')", "schur(none)")
def check_schur(m, out, call):
    (a,) = call.operands(m)
    m.orthonormal(out.z)
    m.small(a - out.z @ out.t @ out.z.conj().T, a)
    assert np.array_equal(out.t, np.triu(out.t, -1 if out.t.dtype.kind == "f" else 0))
    if sort := call.get("sort"):
        w = np.linalg.eigvals(a)
        count = {"lhp": w.real < 0, "iuc": abs(w) < 1}[sort].sum()
        assert out.sdim == count
        first = np.linalg.eigvals(out.t[:count, :count])
        assert ((first.real < 0) if sort == "lhp" else (abs(first) < 1)).all()


@case("rsf2csf(ST, SZ)")
def check_rsf2csf(m, out, call):
    m.orthonormal(out.z)
    assert np.array_equal(out.t, np.triu(out.t))
    m.small(m.N2 - out.z @ out.t @ out.z.conj().T, m.N2)


@case("hessenberg(K, calc_q=True)", "hessenberg(G)", "hessenberg(one)", "hessenberg(none)")
def check_hessenberg(m, out, call):
    (a,) = call.operands(m)
    assert np.array_equal(out.h, np.triu(out.h, -1))
    if call.get("calc_q"):
        m.orthonormal(out.q)
        m.small(a - out.q @ out.h @ out.q.conj().T, a)
    else:
        m.close(np.linalg.norm(out.h), np.linalg.norm(a))


@case("qz(K, K2)", "qz(K, Hp, output='complex')", "qz(K, K2, sort='lhp')")
def check_qz(m, out, call):
    a, b = call.operands(m)
    m.orthonormal(out.q)
    m.orthonormal(out.z)
    m.small(a - out.q @ out.aa @ out.z.conj().T, a)
    m.small(b - out.q @ out.bb @ out.z.conj().T, b)
    assert np.array_equal(out.bb, np.triu(out.bb)) and np.array_equal(out.aa, np.triu(out.aa, -1))


@case("ldl(Hs)", "ldl(H, lower=False)", "ldl(complex_sym, hermitian=False)", "ldl(complex_sym, hermitian=False, lower=False)",
      "ldl(one_real)", "ldl(none)")  # fmt: skip
def check_ldl(m, out, call):
    (a,) = call.operands(m)
    lower = call.get("lower", True)
    t = out.lu[out.perm]
    assert np.array_equal(t, np.tril(t) if lower else np.triu(t)) and (np.diag(t) == 1).all()
    assert np.array_equal(out.d, np.triu(np.tril(out.d, 1), -1))
    m.small(a - out.lu @ out.d @ (out.lu.conj().T if call.get("hermitian", True) else out.lu.T), a, out.lu, out.lu)


@case(*[f"cossin(U12, p={p}, q={q}{o})" for p, q, o in [(5, 4, ""), (3, 9, ""), (8, 8, ", swap_sign=True"), (4, 7, ", separate=True")]])
def check_cossin(m, out, call):
    x = m.U12
    u, cs, vh = sla.cossin(x, call.get("p"), call.get("q"), swap_sign=call.get("swap_sign", False))
    if call.get("separate"):
        (u1, u2), theta, (v1h, v2h) = sla.cossin(x, call.get("p"), call.get("q"), separate=True)
        m.close(out.theta, theta, condition=100)
        assert out.u1.shape == u1.shape and out.v2h.shape == v2h.shape
        out = SimpleNamespace(u=sla.block_diag(out.u1, out.u2), cs=cs, vh=sla.block_diag(out.v1h, out.v2h))
    m.close(out.cs, cs, condition=100)
    m.orthonormal(out.u)
    m.small(x - out.u @ out.cs @ out.vh, x)


# ---- structured systems


def banded(ab, l, u):
    n = ab.shape[1]
    return sum(np.diag(ab[u - k, k:] if k >= 0 else ab[u - k, : n + k], k) for k in range(-l, u + 1))


def hermitian_band(ab, lower):
    a = banded(ab, len(ab) - 1, 0) if lower else banded(ab, 0, len(ab) - 1)
    return a + a.conj().T - np.diag(np.diag(a).real)


@case("solve_banded(band, k, l_and_u=[2, 1])", "solve_banded(band, K3, l_and_u=[2, 1])")
def check_solve_banded(m, out, call):
    ab, b = call.operands(m)
    check_solution(m, banded(ab, *call.get("l_and_u")), out.x, b)


@case("solveh_banded(herm_band, k)", "solveh_banded(low_band, K3, lower=True)", "cho_solve_banded(CB, K3)")
def check_solveh_banded(m, out, call):
    ab, b = call.operands(m)
    ab = m.herm_band if call.function == "cho_solve_banded" else ab
    check_solution(m, hermitian_band(ab, call.get("lower", False)), out.x, b)


@case("cholesky_banded(herm_band)", "cholesky_banded(low_band, lower=True)")
def check_cholesky_banded(m, out, call):
    (ab,) = call.operands(m)
    lower = call.get("lower", False)
    c = banded(out.c, len(ab) - 1, 0) if lower else banded(out.c, 0, len(ab) - 1).conj().T
    m.small(hermitian_band(ab, lower) - c @ c.conj().T, c, c)


SELECTED = ["", ", select='i', select_range=[2, 5]", ", select='v', select_range=[2.5, 4]"]


def selected(w, call):
    if call.get("select") == "i":
        return slice(call.get("select_range")[0], call.get("select_range")[1] + 1)
    low, high = call.get("select_range", (-np.inf, np.inf))
    return (w > low) & (w <= high)


@case(*[f"eig_banded(herm_band{s})" for s in SELECTED], "eig_banded(low_band, lower=True)", "eig_banded(low_band, lower=True, eigvals_only=True)",
      *[f"eigvals_banded(herm_band{s})" for s in SELECTED])  # fmt: skip
def check_eig_banded(m, out, call):
    (ab,) = call.operands(m)
    a = hermitian_band(ab, call.get("lower", False))
    w = np.linalg.eigvalsh(a)
    check_some_eigenpairs(m, out, a, w[selected(w, call)])


def check_some_eigenpairs(m, out, a, w):
    m.close(out.w, w)
    if hasattr(out, "v"):
        check_eigenpairs(m, a, out.w, out.v, w)


@case(*[f"{f}(d20, e19{s})" for f in ["eigh_tridiagonal", "eigvalsh_tridiagonal"] for s in SELECTED])
def check_eigh_tridiagonal(m, out, call):
    d, e = (x.real for x in call.operands(m))
    a = np.diag(d) + np.diag(e, 1) + np.diag(e, -1)
    w = np.linalg.eigvalsh(a)
    check_some_eigenpairs(m, out, a, w[selected(w, call)])


@case("solve_toeplitz(column, k)", "solve_toeplitz(column, K3, r=row)", "solve_toeplitz(one_of, one_of)")
def check_solve_toeplitz(m, out, call):
    c, b = call.operands(m)
    check_solution(m, sla.toeplitz(c, call.operand(m, "r")), out.x, b)


@case("matmul_toeplitz(column, k)", "matmul_toeplitz(column, K3, r=row)", "matmul_toeplitz(column, g9, r=row9)")
def check_matmul_toeplitz(m, out, call):
    c, x = call.operands(m)
    t = sla.toeplitz(c, call.operand(m, "r"))
    m.small(out.matmul_toeplitz - t @ x, t, x)
    assert out.matmul_toeplitz.shape == (t @ x).shape


@case("solve_circulant(column, k)", "solve_circulant(column, K3)", "solve_circulant(ones20, K3, singular='lstsq')")
def check_solve_circulant(m, out, call):
    c, b = call.operands(m)
    if call.get("singular"):
        m.close(out.x, np.linalg.pinv(sla.circulant(c)) @ b, condition=100)
    else:
        check_solution(m, sla.circulant(c), out.x, b)


# ---- equations


@case("solve_sylvester(K, stable, small_q)", "solve_sylvester(N, N2, N)",
      "solve_sylvester(above_block, clustered, q60)")  # fmt: skip
def check_solve_sylvester(m, out, call):
    a, b, q = call.operands(m)
    m.small(a @ out.x + out.x @ b - q, a, out.x)
    m.close(out.x, sla.solve_sylvester(a, b, q), condition=1e3)


@case("solve_continuous_lyapunov(K, Hs)", "solve_continuous_lyapunov(N, N2)")
def check_solve_continuous_lyapunov(m, out, call):
    m.close(out.x, sla.solve_continuous_lyapunov(*call.operands(m)), condition=1e3)


@case("solve_discrete_lyapunov(stable, near)", "solve_discrete_lyapunov(stable, near, method='bilinear')")
def check_solve_discrete_lyapunov(m, out, call):
    m.close(out.x, sla.solve_discrete_lyapunov(*call.operands(m)), condition=1e3)


@case("solve_continuous_are(stable, control, weight, cost)", "solve_continuous_are(stable, control, weight, cost, e=near, s=skew)",
      "solve_discrete_are(stable, control, weight, cost)",
      "solve_discrete_are(stable, control, weight, cost, e=near, s=skew)")  # fmt: skip
def check_riccati(m, out, call):
    theirs = getattr(sla, call.function)(*call.operands(m), call.operand(m, "e"), call.operand(m, "s"))
    m.close(out.x, theirs, condition=1e4)
