"""What functions of linear algebra must give that most programs use."""

import numpy as np
import scipy.linalg as sla
from linalg_matrices import LIMIT, case, transposed


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
