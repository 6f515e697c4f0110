#pragma once
#include <tessera/runtime/array.hpp>

/// Functions of square matrices beside expm. Those made of exponentials, products and solutions run
/// over the grid of expm; sqrtm, logm, funm and what is made of them take a Schur form, on one
/// process and for up to 2^24 elements. Results lie like a; they are real for a real a unless the
/// function is not at one of its eigenvalues, or they have imaginary parts above rounding. All are
/// collective; ValueError unless a is square and finite.
namespace tessera::linalg {

/// The principal square root (scipy.linalg.sqrtm), by a recurrence along the columns of a Schur
/// form (Bjorck and Hammarling, Linear Algebra Appl. 52/53, 1983). LinAlgError where a singular
/// matrix has none.
Array sqrtm(const Array& a);
/// The principal logarithm (scipy.linalg.logm): square roots of a Schur form until it is near 1,
/// then the Pade approximant [7/7] in partial fractions (Higham, Functions of Matrices, SIAM 2008,
/// algorithm 11.9). LinAlgError for a singular matrix.
Array logm(const Array& a);
/// A function of complex numbers; scalar_function.hpp makes it from what can be called.
struct ScalarFunction;
/// f on a matrix by Parlett's recurrence on a Schur form (scipy.linalg.funm); inaccurate where
/// eigenvalues are close.
Array funm(const Array& a, const ScalarFunction& f);
/// The matrix sign (scipy.linalg.signm), by Newton's iteration; of singular matrices by funm, or of
/// the matrix moved a little. LinAlgError where an eigenvalue but 0 is on the imaginary axis.
Array signm(const Array& a);
/// a^t: the nearest whole power, times an exponential of the rest of t times logm(a)
/// (scipy.linalg.fractional_matrix_power). Of a singular matrix for t > 0: in the range of a, where
/// it is to be regular. ValueError unless |t| < 2^63, LinAlgError where there is no such power.
Array fractional_matrix_power(const Array& a, double t);

/// Trigonometric and hyperbolic functions (scipy.linalg.cosm ...), of exponentials.
Array cosm(const Array& a);
Array sinm(const Array& a);
Array tanm(const Array& a);
Array coshm(const Array& a);
Array sinhm(const Array& a);
Array tanhm(const Array& a);

struct Frechet {
  Array expm;
  Array frechet;
};
/// expm(a) and its derivative in the direction e (scipy.linalg.expm_frechet): blocks of the
/// exponential of [[a, e], [0, a]]. ValueError unless both have one shape.
Frechet expm_frechet(const Array& a, const Array& e, bool check_finite = true);
/// The relative condition number of expm(a) in the Frobenius norm (scipy.linalg.expm_cond), by
/// power iteration on the derivative.
double expm_cond(const Array& a, bool check_finite = true);

}  // namespace tessera::linalg
