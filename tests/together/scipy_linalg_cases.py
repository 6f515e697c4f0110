"""What the rest of SciPy's functions of linear algebra must give."""

from types import SimpleNamespace

import numpy as np
import scipy.linalg as sla
from linalg_cases import check_cholesky, check_eigenpairs, check_pinv, check_r, check_solution, same_set
from linalg_matrices import case


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
