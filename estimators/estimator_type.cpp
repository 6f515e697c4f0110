// Classes of estimators: their lists, and the operations that are made from them.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include <tessera/estimators/estimator.hpp>
#include <tessera/estimators/kernels/kernels.hpp>
#include <tessera/estimators/operations.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera {

Method::Method(std::string_view called, std::string_view line, MethodOptions more, Learns member)
    : name(called),
      doc(line),
      options(std::move(more)),
      does(std::function<Learn>(
          [member](const Rows& x, Estimator& e, const Array& y, const Array& sample_weight) {
            (e.*member)(x, y, sample_weight);
          })) {}
Method::Method(std::string_view called, std::string_view line, MethodOptions more, Measures member)
    : name(called),
      doc(line),
      options(std::move(more)),
      does(std::function<Measure>(
          [member](const Rows& x, const Estimator& e, const Array& y, const Array& sample_weight) {
            return (e.*member)(x, y, sample_weight);
          })) {}
Method::Method(std::string_view called, std::string_view line, MethodOptions more, Maps member)
    : name(called),
      doc(line),
      options(std::move(more)),
      does(std::function<Map>(
          [member](const Rows& x, const Estimator& e) -> Outputs { return (e.*member)(x); })) {}
Method::Method(std::string_view called, std::string_view line, MethodOptions more,
               MapsToSeveral member)
    : name(called),
      doc(line),
      options(std::move(more)),
      does(std::function<Map>(
          [member](const Rows& x, const Estimator& e) { return (e.*member)(x); })) {}
Method::Method(std::string_view called, std::string_view line, Tells member)
    : name(called),
      doc(line),
      does(std::function<Tell>([member](const Estimator& e) { return (e.*member)(); })) {}
Method::Method(const Method&) = default;
Method::Method(Method&&) noexcept = default;
Method& Method::operator=(const Method&) = default;
Method& Method::operator=(Method&&) noexcept = default;
Method::~Method() = default;

void EstimatorType::add_parameter(const Field& field) { parameters_.push_back(field); }
void EstimatorType::add_attribute(const Field& field) { attributes_.push_back(field); }
void EstimatorType::add_method(const Method& method) { methods_.push_back(method); }

EstimatorType::EstimatorType(std::string_view class_name, std::string_view line,
                             std::string_view file, Make maker)
    : name_(class_name),
      summary_(line),
      module_(std::filesystem::path(file).parent_path().filename()),
      make_(maker) {}
EstimatorType::EstimatorType(EstimatorType&&) noexcept = default;
EstimatorType::~EstimatorType() = default;

void EstimatorType::make_operations(std::vector<Method> of_role) {
  linalg::kernels();  // a guard may name their backends before any of them has run
  estimator_kernels();
  for (Method& m : of_role)
    if (!method(m.name)) methods_.push_back(std::move(m));
  auto operations = std::make_shared<Operations>();
  for (const Method& m : methods_)
    std::visit(
        [&]<class Signature>(const std::function<Signature>& does) {
          operations->all.emplace_back(
              Operation<Signature>::composed_of(fmt::format("{}.{}", name_, m.name), does));
        },
        m.does);
  operations_ = std::move(operations);
}

const Method* EstimatorType::method(std::string_view name) const {
  const auto found = std::find_if(methods_.begin(), methods_.end(),
                                  [&](const Method& m) { return m.name == name; });
  return found == methods_.end() ? nullptr : &*found;
}

std::vector<ParameterInfo> EstimatorType::parameter_info() const {
  std::vector<ParameterInfo> all;
  const Values defaults = make()->get_params(false);
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    all.push_back({std::string(parameters_[i].name), parameters_[i].allowed, defaults[i].second,
                   std::string(parameters_[i].doc)});
  return all;
}

int detail::method_id(const EstimatorType& type, std::string_view method, std::size_t kind) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < type.methods().size(); ++i) {
    const auto& operation = type.operations().all[i];
    if (operation.index() != kind) continue;
    if (type.methods()[i].name == method)
      return std::visit([](const auto& one) { return one.id(); }, operation);
    names.push_back(type.methods()[i].name);
  }
  throw ValueError(fmt::format("{} has no method '{}' of this signature; it has {}", type.name(),
                               method, fmt::join(names, ", ")));
}

}  // namespace tessera
