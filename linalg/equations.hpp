#pragma once
#include <optional>

#include <tessera/runtime/array.hpp>

/// Matrix equations, through Schur forms on one process: for matrices of up to 2^24 elements
/// (NotImplementedError beyond); the same bits at any number of processes. Solutions lie like the
/// last matrix that determines them. All are collective; ValueError for shapes that do not fit and
/// numbers that are not finite, LinAlgError where there is no unique solution.
namespace tessera::linalg {

/// x with a x + x b = q (scipy.linalg.solve_sylvester).
Array solve_sylvester(const Array& a, const Array& b, const Array& q);
/// x with a x + x a^H = q (scipy.linalg.solve_continuous_lyapunov).
Array solve_continuous_lyapunov(const Array& a, const Array& q);
/// x with a x a^H - x + q = 0 (scipy.linalg.solve_discrete_lyapunov): a system of n^2 equations
/// for n < 10 (with `direct` for any n, without for none), else a continuous equation by a bilinear
/// map, which needs an a without the eigenvalue -1.
Array solve_discrete_lyapunov(const Array& a, const Array& q, std::optional<bool> direct = {});
/// The stabilising x of a^H x e + e^H x a - (e^H x b + s) r^-1 (b^H x e + s^H) + q = 0
/// (scipy.linalg.solve_continuous_are), by the ordered generalised Schur form of the extended
/// pencil; e is the identity and s is 0 by default.
Array solve_continuous_are(const Array& a, const Array& b, const Array& q, const Array& r,
                           const Array& e = {}, const Array& s = {});
/// That of a^H x a - e^H x e - (a^H x b + s) (r + b^H x b)^-1 (b^H x a + s^H) + q = 0
/// (scipy.linalg.solve_discrete_are).
Array solve_discrete_are(const Array& a, const Array& b, const Array& q, const Array& r,
                         const Array& e = {}, const Array& s = {});

}  // namespace tessera::linalg
