#include <tessera/array/kernels/reductions.hpp>

#include <fmt/format.h>

#include <array>
#include <map>
#include <optional>
#include <string>
#include <type_traits>

#include <tessera/array/kernels/cpu/reductions.hpp>
#include <tessera/array/kernels/reference/reductions.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::reductions {
namespace {

template <class A>
constexpr Reducer reducer_of() {
  static_assert(std::is_trivially_copyable_v<A>);
  Reducer r{A::name, sizeof(A), dtype_of<typename A::Result>, nullptr, nullptr, nullptr};
  r.merge = [](void* left, const void* right, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i)
      static_cast<A*>(left)[i].merge(static_cast<const A*>(right)[i]);
  };
  r.finish = [](const void* all, std::int64_t count, double n, double parameter, void* out) {
    for (std::int64_t i = 0; i < count; ++i)
      static_cast<typename A::Result*>(out)[i] = static_cast<const A*>(all)[i].result(n, parameter);
  };
  if constexpr (requires { A::of_none(); })
    r.of_none = [](void* out) { *static_cast<typename A::Result*>(out) = A::of_none(); };
  return r;
}

using Row = std::array<std::optional<Reducer>, dtype_count>;

template <template <class> class R>
void add(std::map<std::string_view, Row>& all) {
  Row row;
  std::string_view name;
  for (int i = 0; i < dtype_count; ++i)
    visit(static_cast<DType>(i), [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (Takes<R, T>) {
        row[static_cast<std::size_t>(i)] = reducer_of<R<T>>();
        name = R<T>::name;
      }
    });
  all[name] = row;
}

template <template <class> class... R>
std::map<std::string_view, Row> make_all(List<R...>) {
  std::map<std::string_view, Row> all;
  (add<R>(all), ...);
  return all;
}

const std::map<std::string_view, Row>& table() {
  static const auto all = make_all(All{});
  return all;
}

}  // namespace

const Operation<Results>& results() {
  static const Operation<Results> op("array.results");
  return op;
}

const Operation<Signature>& operation(std::string_view name) {
  static const auto operations = [] {
    Operations all;
    for (const auto& [reduction, row] : table())
      all.emplace(reduction, Operation<Signature>("array." + std::string(reduction)));
    return all;
  }();
  static const bool installed = [] {
    Backend cpu_backend("cpu", Device::Kind::cpu);
    Backend reference("reference", Device::Kind::cpu, -100);
    const auto finish = [](Stream&, const Tile& accumulators, const Reducer& reducer, double n,
                           double parameter, const Tile& out) {
      reducer.finish(accumulators.data, out.cols, n, parameter, out.data);
    };
    cpu_backend.implement(results(), finish);
    reference.implement(results(), finish);
    on_cpu::implement_conditions(cpu_backend, operations);
    on_cpu::implement_extremes(cpu_backend, operations);
    on_cpu::implement_sums(cpu_backend, operations);
    on_reference::implement_reductions(reference, operations);
    detail::install_built_in(std::move(cpu_backend));
    detail::install_built_in(std::move(reference));
    return true;
  }();
  (void)installed;
  return operations.at(name);
}

const Reducer& reducer(std::string_view name, DType dtype) {
  const auto& one = table().at(name)[static_cast<std::size_t>(dtype)];
  if (!one) throw TypeError(fmt::format("{} does not take {}", name, name_of(dtype)));
  return *one;
}

}  // namespace tessera::reductions
