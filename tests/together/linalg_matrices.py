"""How functions of linear algebra are checked against NumPy and SciPy: on which matrices, in which calls.

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
