#pragma once

namespace tessera {

/// The probability that a variable of the F distribution (dfn, dfd degrees of freedom) or of chi^2
/// is larger; NaN for NaN.
double f_survival(double dfn, double dfd, double f);
double chi2_survival(double dof, double x);

}  // namespace tessera
