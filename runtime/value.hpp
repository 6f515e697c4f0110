#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <tessera/runtime/array.hpp>

namespace tessera {

/// What a parameter or a fitted attribute holds: None, a bool, an int, a float, a string, a
/// replicated array or a list of strings.
class Value {
 public:
  using Variant = std::variant<std::monostate, bool, std::int64_t, double, std::string, Array,
                               std::vector<std::string>>;

  Value() = default;
  Value(bool v) : v_(v) {}                                 // NOLINT(google-explicit-constructor)
  Value(int v) : v_(std::int64_t{v}) {}                    // NOLINT(google-explicit-constructor)
  Value(std::int64_t v) : v_(v) {}                         // NOLINT(google-explicit-constructor)
  Value(double v) : v_(v) {}                               // NOLINT(google-explicit-constructor)
  Value(const char* v) : v_(std::string(v)) {}             // NOLINT(google-explicit-constructor)
  Value(std::string v) : v_(std::move(v)) {}               // NOLINT(google-explicit-constructor)
  Value(Array v) : v_(std::move(v)) {}                     // NOLINT(google-explicit-constructor)
  Value(std::vector<std::string> v) : v_(std::move(v)) {}  // NOLINT(google-explicit-constructor)

  template <class T>
  bool is() const {
    return std::holds_alternative<T>(v_);
  }
  bool is_none() const { return is<std::monostate>(); }
  bool is_word(const char* word) const { return is<std::string>() && as<std::string>() == word; }
  template <class T>
  const T& as() const {
    return std::get<T>(v_);
  }
  const Variant& variant() const { return v_; }

  /// As Python prints it: None, True, 3, 0.5, 'auto', array of shape (3, 4).
  std::string to_string() const;

 private:
  Variant v_;
};

/// Names and values in a fixed order.
using Values = std::vector<std::pair<std::string, Value>>;

/// The value called `name`, or nothing.
const Value* lookup(const Values& values, const std::string& name);
/// The value called `name`; RuntimeError naming it otherwise.
const Value& find(const Values& values, const std::string& name);

/// An estimator as data: what a model file holds.
struct Model {
  std::string estimator;
  Values params;
  Values attributes;
  std::string file = {};  ///< it was read from, for error texts
};

}  // namespace tessera
