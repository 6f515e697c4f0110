// The table of signatures: one entry per function, written once, group by group.
#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <string_view>

#include <tessera/linalg/stacks.hpp>
#include <tessera/linalg/table.hpp>

namespace tessera::linalg {
namespace {

// What one call takes of each argument, where that is not a matrix of all: a matrix, a vector, or
// either, which of one axis is a vector. What has all of its axes itself knows no stacks.
const std::map<std::string_view, std::string_view> takes = {
    {"qr_multiply", "me"},      {"solve", "me"},
    {"cho_solve", "me"},        {"solve_banded", "me"},
    {"solveh_banded", "me"},    {"cho_solve_banded", "me"},
    {"solve_toeplitz", "vev"},  {"matmul_toeplitz", "vev"},
    {"solve_circulant", "ve"},  {"lu_solve", "mve"},
    {"solve_triangular", "me"}, {"lstsq", "me"},
    {"eigh_tridiagonal", "vv"}, {"eigvalsh_tridiagonal", "vv"},
    {"tensorsolve", ""},        {"tensorinv", ""}};

struct Table {
  std::vector<functions::Signature> all;
  /// What each function does with one matrix.
  std::map<std::string_view, tables::Results (*)(const functions::Arguments&)> of_one;
};
const Table& table();

// The function, or for stacks of matrices that of each.
tables::Results of_all(const functions::Arguments& in) {
  const functions::Signature& f = in.signature();
  const auto run = table().of_one.at(f.name);
  const auto axes = takes.find(f.name);
  std::vector<stacks::Stack> operands;
  bool stacked = false;
  for (std::size_t i = 0; i < f.inputs.size(); ++i) {
    if (!in[i]) continue;
    const char kind = axes == takes.end() ? 'm' : axes->second[i];
    const auto ndim = static_cast<std::size_t>(in[i].ndim());
    operands.push_back({in[i], kind == 'v' || (kind == 'e' && ndim < 2) ? 1U : 2U});
    stacked = stacked || ndim > operands.back().axes;
  }
  if (!stacked) return run(in);
  std::map<std::string, functions::Setting> settings;
  for (const auto& option : f.options)
    if (!std::holds_alternative<std::monostate>(in.value(option.name)))
      settings[option.name] = in.value(option.name);
  std::vector<std::string> names;
  const auto results = stacks::over(f.name, operands, [&](std::span<const Array> each) {
    std::vector<Array> arrays;
    auto next = each.begin();
    for (std::size_t i = 0; i < f.inputs.size(); ++i) arrays.push_back(in[i] ? *next++ : Array{});
    stacks::Results values;
    names.clear();
    for (auto& [name, value] : run(functions::Arguments(f, std::move(arrays), settings))) {
      names.push_back(name);
      values.push_back(value);
    }
    return values;
  });
  tables::Results named;
  for (std::size_t i = 0; i < results.size(); ++i) named.emplace_back(names[i], results[i]);
  return named;
}

const Table& table() {
  static const Table made = [] {
    Table t{tables::of_products(), {}};
    auto& all = t.all;
    const auto with_axes = std::ssize(all);
    for (auto* part : {tables::of_factorisations, tables::of_spectra, tables::of_bases,
                       tables::of_equations, tables::of_functions})
      std::ranges::move(part(), std::back_inserter(all));
    for (auto& f : std::span(all).subspan(static_cast<std::size_t>(with_axes))) {
      const auto axes = takes.find(f.name);
      if (axes != takes.end() && axes->second.empty()) continue;
      t.of_one[f.name] = std::exchange(f.run, of_all);
    }
    return t;
  }();
  return made;
}

}  // namespace

const std::vector<functions::Signature>& signatures() { return table().all; }

}  // namespace tessera::linalg
