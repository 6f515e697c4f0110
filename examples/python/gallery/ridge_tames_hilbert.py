"""The coefficients of an ill-conditioned problem, Hilbert's matrix, shrink as the penalty grows."""

import numpy as np
from sklearn.linear_model import Ridge

n = np.arange(1, 11)
hilbert = 1.0 / (n[:, None] + n - 1)
for alpha in np.logspace(-6, 0, 7):
    path = Ridge(alpha=alpha, fit_intercept=False).fit(hilbert, np.ones(10))
    print(f"alpha {alpha:.0e}: largest coefficient {np.abs(path.coef_).max():.8f}, "
          f"residual {np.linalg.norm(hilbert @ path.coef_ - 1):.8f}")
