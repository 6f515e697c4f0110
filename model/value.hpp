#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <tessera/runtime/array.hpp>

namespace tessera {

class Value;
struct Model;

/// Names and values in a fixed order.
using Values = std::vector<std::pair<std::string, Value>>;
using List = std::vector<Value>;
struct Tuple {
  List items;
};
/// Keys in a fixed order; they are none, bools, numbers or strings.
struct Mapping {
  std::vector<std::pair<Value, Value>> items;
};

/// What a parameter or a fitted attribute holds: None, a bool, an int, a float, a string, a
/// replicated array, a list of strings; a list, tuple or mapping of such; or an estimator as data,
/// not fitted (a parameter) or fitted (an attribute).
class Value {
  template <class T>
  using Stored = std::conditional_t<std::is_same_v<T, Model>, std::shared_ptr<const Model>, T>;

 public:
  // Model files have the number of the kind: new ones go last.
  using Variant =
      std::variant<std::monostate, bool, std::int64_t, double, std::string, Array,
                   std::vector<std::string>, List, Tuple, Mapping, std::shared_ptr<const Model>>;

  Value() = default;
  // Not inline: there are many kinds, and every file that copies values would have them all.
  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;
  ~Value();
  Value(bool v) : v_(v) {}                                 // NOLINT(google-explicit-constructor)
  Value(int v) : v_(std::int64_t{v}) {}                    // NOLINT(google-explicit-constructor)
  Value(std::int64_t v) : v_(v) {}                         // NOLINT(google-explicit-constructor)
  Value(double v) : v_(v) {}                               // NOLINT(google-explicit-constructor)
  Value(const char* v) : v_(std::string(v)) {}             // NOLINT(google-explicit-constructor)
  Value(std::string v) : v_(std::move(v)) {}               // NOLINT(google-explicit-constructor)
  Value(Array v) : v_(std::move(v)) {}                     // NOLINT(google-explicit-constructor)
  Value(std::vector<std::string> v) : v_(std::move(v)) {}  // NOLINT(google-explicit-constructor)
  Value(List v) : v_(std::move(v)) {}                      // NOLINT(google-explicit-constructor)
  Value(Tuple v) : v_(std::move(v)) {}                     // NOLINT(google-explicit-constructor)
  Value(Mapping v) : v_(std::move(v)) {}                   // NOLINT(google-explicit-constructor)
  Value(Model v);                                          // NOLINT(google-explicit-constructor)

  template <class T>
  bool is() const {
    return std::holds_alternative<Stored<T>>(v_);
  }
  bool is_none() const { return is<std::monostate>(); }
  bool is_word(const char* word) const { return is<std::string>() && as<std::string>() == word; }
  template <class T>
  const T& as() const {
    if constexpr (std::is_same_v<T, Model>)
      return *std::get<Stored<T>>(v_);
    else
      return std::get<T>(v_);
  }
  /// The items of a list or tuple; nothing for anything else.
  const List* items() const;
  const Variant& variant() const { return v_; }

  /// As Python prints it: None, True, 3, 0.5, 'auto', array of shape (3, 4), (1, 2), {'a': [0.5]},
  /// KMeans(n_clusters=3).
  std::string to_string() const;
  /// Reads what to_string prints, but for arrays; ValueError saying where for anything else.
  static Value parse(std::string_view text);

 private:
  Variant v_;
};

/// The value called `name`, or nothing.
const Value* lookup(const Values& values, const std::string& name);
/// The value called `name`; RuntimeError naming it otherwise.
const Value& find(const Values& values, const std::string& name);

/// An estimator as data: what a model file holds.
struct Model {
  std::string estimator;
  Values params;
  Values attributes;      ///< none where it is not fitted
  std::string file = {};  ///< it was read from, for error texts
};

inline Value::Value(Model v) : v_(std::make_shared<const Model>(std::move(v))) {}

}  // namespace tessera
