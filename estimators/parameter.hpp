#pragma once
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <tessera/model/value.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera {

class Estimator;
/// A fitted estimator inside another one, as an attribute.
using FittedEstimator = std::shared_ptr<const Estimator>;

/// What each row of an array sums to.
enum class Sum : std::uint8_t {
  any,
  one,         ///< shares, probabilities
  one_of_exp,  ///< their logarithms; or 0, where all are -inf
};

/// What the numbers of a fitted attribute may be: finite unless said otherwise.
struct Numbers {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool open = false;      ///< not `low` itself
  bool nan = false;       ///< NaN too
  bool infinite = false;  ///< infinities within the bounds too
  bool descending = false;
  Sum sum = Sum::any;
  DTypes dtypes = {};  ///< float32 and float64 if none
};

/// Which ends of a range belong to it.
enum class Closed { left, right, both, neither };

/// The values a parameter or a fitted attribute may take: a union of None, bool, ranges of ints and
/// floats, words, arrays, lists, tuples, mappings and estimators, written
/// `integers(1) | words({"auto"})`.
class Allowed {
 public:
  // Not inline, here and in Field: an estimator's lists are long.
  Allowed();
  Allowed(const Allowed&);
  Allowed(Allowed&&) noexcept;
  Allowed& operator=(const Allowed&);
  Allowed& operator=(Allowed&&) noexcept;
  ~Allowed();
  bool accepts(const Value& value) const;
  /// A value that is not accepted, in words: "'x'", "float64 (2, 3)", "NaN at [3]".
  std::string got(const Value& value) const;
  /// "an int in the range [1, inf) or a str among {'auto'}".
  std::string describe() const;
  /// Reads a command-line word as what is allowed: one of the words, None, true or false where a
  /// bool is allowed; where lists, tuples, mappings or estimators are, these as Value::parse reads
  /// them, an estimator also by its name alone. Otherwise a number is a number, and everything
  /// else, also a number that no int64 or double holds, the text itself, which accepts() refuses
  /// unless it takes any text.
  Value parse(const std::string& text) const;
  bool takes_array() const { return array_; }

  friend Allowed operator|(Allowed a, const Allowed& b);
  friend Allowed none();
  friend Allowed boolean();
  friend Allowed array();
  friend Allowed integers(std::int64_t low, std::int64_t high);
  friend Allowed reals(double low, double high, Closed closed);
  friend Allowed words(std::vector<std::string> list);
  friend Allowed number(const Numbers& numbers);
  friend Allowed array(Shape shape, const Numbers& numbers);
  friend Allowed class_labels();
  friend Allowed text();
  friend Allowed list_of(const Allowed& item, std::int64_t least);
  friend Allowed tuple_of(std::vector<Allowed> items);
  friend Allowed mapping_of(const Allowed& key, const Allowed& value);
  friend Allowed estimator(std::string method);

 private:
  std::string misfit(const Array& value) const;
  struct Integers {
    std::int64_t low, high;
  };
  struct Reals {
    double low, high;
    Closed closed;
  };
  struct Lists;
  struct Mappings;
  bool none_ = false;
  bool boolean_ = false;
  bool array_ = false;
  bool text_ = false;
  bool labels_ = false;
  std::vector<Integers> integers_;
  std::vector<Reals> reals_;
  std::vector<std::string> words_;
  std::vector<Lists> lists_;
  std::vector<std::vector<Allowed>> tuples_;
  std::vector<Mappings> mappings_;
  std::optional<std::string> estimator_;  // that has this method, or any
  std::optional<Numbers> number_;
  std::optional<std::pair<Shape, Numbers>> array_of_;
};

struct Allowed::Lists {
  Allowed item;
  std::int64_t least;
};
struct Allowed::Mappings {
  Allowed key, value;
};

Allowed none();
Allowed boolean();
Allowed array();
/// [low, high], unbounded above by default.
Allowed integers(std::int64_t low, std::int64_t high = std::numeric_limits<std::int64_t>::max());
/// [low, high), or as `closed` says. Takes ints too unless an int range is given as well.
Allowed reals(double low, double high = std::numeric_limits<double>::infinity(),
              Closed closed = Closed::left);
Allowed words(std::vector<std::string> list);
Allowed words(std::initializer_list<std::string_view> list);
/// Any string.
Allowed text();
/// A list or tuple of at least so many items that are allowed, or the strings of a list of strings.
Allowed list_of(const Allowed& item, std::int64_t least = 0);
/// A tuple or list of exactly these items.
Allowed tuple_of(std::vector<Allowed> items);
Allowed mapping_of(const Allowed& key, const Allowed& value);
/// An estimator that is registered and has the method, or any.
Allowed estimator(std::string method = "");
/// A float.
Allowed number(const Numbers& numbers = {});
/// Labels of classes, ascending: a vector of a real dtype or a list of strings.
Allowed class_labels();
/// Weights of classes as with_class_weight takes them.
Allowed class_weights();
/// An array of this shape.
Allowed array(Shape shape, const Numbers& numbers = {});

/// A number or several: as a list, a tuple or an array.
Allowed several(const Allowed& numbers);

namespace detail {

/// An array of any real dtype, or what several() allows, as doubles.
std::vector<double> doubles(const Array& values);
std::vector<double> doubles(const Value& values);
/// Its model; None for none.
Value value_of(const FittedEstimator& estimator);
/// From a model of a registered estimator; false for anything else.
bool assign(FittedEstimator& estimator, const Value& value);

template <class M>
Allowed kind_of() {
  if constexpr (std::is_same_v<M, Array>)
    return array();
  else if constexpr (std::is_same_v<M, double>)
    return number({.infinite = true});
  else if constexpr (std::is_same_v<M, std::int64_t>)
    return integers(std::numeric_limits<std::int64_t>::min());
  else if constexpr (std::is_same_v<M, bool>)
    return boolean();
  else if constexpr (std::is_same_v<M, FittedEstimator>)
    return estimator();
  else if constexpr (std::is_same_v<M, std::vector<FittedEstimator>>)
    return list_of(estimator());
  else
    return none();
}

template <class M>
Value to_value(const M& member) {
  if constexpr (std::is_same_v<M, FittedEstimator>) {
    return value_of(member);
  } else if constexpr (std::is_same_v<M, std::vector<FittedEstimator>>) {
    List all;
    for (const FittedEstimator& one : member) all.push_back(value_of(one));
    return all;
  } else if constexpr (requires { member.has_value(); })
    return member ? Value(*member) : Value();
  else
    return Value(member);
}

/// Assigns if the kind fits; an int is taken for a float.
template <class M>
bool assign(M& member, const Value& value) {
  if constexpr (std::is_same_v<M, Value>) {
    member = value;
    return true;
  } else if constexpr (std::is_same_v<M, std::vector<FittedEstimator>>) {
    if (!value.is<List>()) return false;
    member.assign(value.as<List>().size(), nullptr);
    for (std::size_t i = 0; i < member.size(); ++i)
      if (!assign(member[i], value.as<List>()[i])) return false;
    return true;
  } else if constexpr (requires { member.has_value(); }) {
    if (value.is_none()) {
      member.reset();
      return true;
    }
    typename M::value_type inner{};
    if (!assign(inner, value)) return false;
    member = inner;
    return true;
  } else {
    if constexpr (std::is_same_v<M, double>)
      if (value.is<std::int64_t>()) {
        member = static_cast<double>(value.as<std::int64_t>());
        return true;
      }
    if (!value.is<M>()) return false;
    member = value.as<M>();
    return true;
  }
}

/// What is done with a member of that type, compiled once for those that are frequent.
template <class M>
struct MemberOf {
  static Value get(const void* member) { return to_value(*static_cast<const M*>(member)); }
  static bool set(void* member, const Value& value) {
    return assign(*static_cast<M*>(member), value);
  }
};
extern template struct MemberOf<bool>;
extern template struct MemberOf<std::int64_t>;
extern template struct MemberOf<double>;
extern template struct MemberOf<std::string>;
extern template struct MemberOf<Array>;
extern template struct MemberOf<Value>;
extern template struct MemberOf<std::optional<std::int64_t>>;
extern template struct MemberOf<std::optional<double>>;

/// A member of any type of any class, so that what is made of members is compiled once.
struct Member {
  struct Any;
  using Pointer = char Any::*;
  Pointer pointer;
  void* (*in)(void* owner, Pointer pointer);
  Value (*get)(const void* member);
  bool (*set)(void* member, const Value&);
};
template <class Owner, class M>
Member member(M Owner::*pointer) {
  return {reinterpret_cast<Member::Pointer>(pointer),
          [](void* owner, Member::Pointer p) -> void* {
            return &(static_cast<Owner*>(owner)->*reinterpret_cast<M Owner::*>(p));
          },
          MemberOf<M>::get, MemberOf<M>::set};
}

/// The same of a function that says what an attribute may be.
struct Holds {
  using Function = void (*)();
  Function function;
  Allowed (*call)(Function function, const void* owner);
};
template <class Owner>
Holds holds(Allowed (*function)(const Owner&)) {
  return {
      reinterpret_cast<Holds::Function>(function), [](Holds::Function f, const void* owner) {
        return reinterpret_cast<Allowed (*)(const Owner&)>(f)(*static_cast<const Owner*>(owner));
      }};
}

}  // namespace detail

/// A named member of an object that reads and writes as a Value. Its functions take the object by
/// address, so that one list type serves every class; FieldOf says whose members they are.
struct Field {
  Field();
  Field(std::string_view name, const detail::Member& member, const Allowed& allowed,
        std::string_view doc = {});
  Field(std::string_view name, const detail::Member& member, const Allowed& kind,
        const Allowed& holds);
  Field(std::string_view name, const detail::Member& member, const Allowed& kind,
        detail::Holds holds);
  Field(const Field&);
  Field(Field&&) noexcept;
  Field& operator=(const Field&);
  Field& operator=(Field&&) noexcept;
  ~Field();
  std::string_view name;
  std::function<Value(const void* owner)> get;
  std::function<bool(void* owner, const Value&)> set;  ///< false: wrong kind
  Allowed allowed{};                                   ///< of a parameter; the kind of an attribute
  std::string_view doc{};
  std::function<Allowed(const void* owner)> holds{};  ///< what an attribute may be beside others
  bool newer = false;    ///< an attribute that model files of earlier versions lack
  bool per_row = false;  ///< an attribute that stays out of the model file
};
/// A Field of the members of Owner.
template <class Owner>
struct FieldOf : Field {
  using Field::Field;
};

/// A parameter: name, member, allowed range, one line of documentation. This one entry drives
/// validation, get_params/set_params, command-line flags and help, and the model file.
template <class Owner, class M>
FieldOf<Owner> parameter(std::string_view name, M Owner::*member, const Allowed& allowed,
                         std::string_view doc) {
  return {name, detail::member(member), allowed, doc};
}

/// A fitted attribute that goes into the model file, and what it may be: an Allowed, or a function
/// of the estimator that gives one, which may use its parameters, n_features_in_ and attributes (of
/// the right kinds). A model that says otherwise is refused when it is loaded.
template <class Owner, class M, class Holds>
FieldOf<Owner> attribute(std::string_view name, M Owner::*member, Holds holds) {
  if constexpr (std::is_same_v<Holds, Allowed>) {
    return {name, detail::member(member), detail::kind_of<M>(), holds};
  } else if constexpr (std::is_convertible_v<Holds, Allowed (*)(const Owner&)>) {
    return {name, detail::member(member), detail::kind_of<M>(), detail::holds<Owner>(holds)};
  } else {
    FieldOf<Owner> field(name, detail::member(member), detail::kind_of<M>());
    field.holds = [holds = std::move(holds)](const void* owner) -> Allowed {
      return holds(*static_cast<const Owner*>(owner));
    };
    return field;
  }
}

/// One that model files of earlier versions lack, which is None then.
template <class Owner, class M>
FieldOf<Owner> newer_attribute(std::string_view name, std::optional<M> Owner::*member,
                               const Allowed& allowed) {
  FieldOf<Owner> field = attribute(name, member, allowed | none());
  field.newer = true;
  return field;
}

/// One with an entry for each row of the training data (labels_): not in the model file; the
/// program writes it where a flag of its name says.
template <class Owner>
FieldOf<Owner> row_attribute(std::string_view name, Array Owner::*member) {
  FieldOf<Owner> field = parameter(name, member, array(), {});
  field.per_row = true;
  return field;
}

/// A float attribute of the dtype of `like`, another attribute: where that is float32 it is an
/// array of shape () in models, whose floats are float64. Those of version 0.1 have a float.
Value stored_float(double value, const Array& like);
/// The float of such an array; any other value as it is.
Value restored_float(const Value& value);
/// What it may be in a model.
Allowed float_like(const Array& like, const Numbers& numbers = {});

/// What is known of a parameter without its estimator: for help texts.
struct ParameterInfo {
  std::string name;
  Allowed allowed;
  Value default_value;
  std::string doc;
};

}  // namespace tessera
