"""What scaling does to principal components of measurements in different units, and to what is
learnt from them."""

from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

X, y = load_wine(return_X_y=True, as_frame=True)
train_X, test_X, train_y, test_y = train_test_split(X, y, test_size=0.3, random_state=42)

for name, model in {
    "as they are": make_pipeline(PCA(2), GaussianNB()),
    "scaled": make_pipeline(StandardScaler(), PCA(2), GaussianNB()),
}.items():
    model.fit(train_X, train_y)
    first = model[-2].components_[0]
    print(f"{name:12} the first component is mostly {X.columns[abs(first).argmax()]}; "
          f"right {accuracy_score(test_y, model.predict(test_X)):.6f}, "
          f"log loss {log_loss(test_y, model.predict_proba(test_X)):.6f}")
