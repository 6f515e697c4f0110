"""How far each measurement alone foretells diabetes: a straight line each, and all together."""

from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split

X, y = load_diabetes(return_X_y=True, as_frame=True)
train_X, test_X, train_y, test_y = train_test_split(X, y, test_size=0.25, random_state=0)

for names in [*([name] for name in X.columns), list(X.columns)]:
    line = LinearRegression().fit(train_X[names], train_y)
    error = mean_squared_error(test_y, line.predict(test_X[names]))
    print(f"{names[0] if len(names) == 1 else 'all':5} squared error {error:.6f}  "
          f"R2 {line.score(test_X[names], test_y):.8f}  slopes {line.coef_.round(6)}")
