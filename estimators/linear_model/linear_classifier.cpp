#include <tessera/estimators/linear_model/linear_classifier.hpp>

#include <algorithm>

#include <tessera/estimators/class_scores.hpp>
#include <tessera/estimators/linear_model/linear_model.hpp>

namespace tessera {

std::vector<Method> LinearClassifier::role_methods() {
  auto all = Classifier::role_methods();
  all.push_back(method("decision_function", &LinearClassifier::do_decision,
                       "how far each row is on the side of the second class, (n,), or of each, (n, "
                       "k)"));
  all.push_back(method("predict", &LinearClassifier::do_predict, "the class of each row"));
  return all;
}

void LinearClassifier::set_solution(const linalg::Small& coef, const std::vector<double>& intercept,
                                    const Rows& x) {
  coef_ = coef.array(x.dtype(), x.comm());
  intercept_ = replicated(intercept, {coef.rows()}, x.comm()).astype(x.dtype());
}

std::vector<double> LinearClassifier::intercepts() const {
  if (intercept_.is<Array>()) return detail::doubles(intercept_.as<Array>());
  return std::vector<double>(static_cast<std::size_t>(outputs()), 0.0);
}

Rows LinearClassifier::do_decision(const Rows& x) const {
  return detail::linear_predictor(x, coef_, intercepts(), outputs() == 1, name(),
                                  "decision_function", feature_names_in_);
}

Rows LinearClassifier::do_predict(const Rows& x) const {
  Rows codes = detail::highest(run("decision_function", x)[0]);
  if (class_count(classes_) == 1)  // the sign of its decision says nothing
    codes =
        map_rows(codes, codes.shape(), codes.dtype(), [](const Leaf&, const Tile& out, Stream&) {
          std::fill_n(out.as<std::int32_t>(), out.rows, 0);
        });
  return decode_classes(codes.to(x.device()), classes_);
}

}  // namespace tessera
