#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <tessera/array/indexing.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/runtime/operation.hpp>

/// The functions of the array API standard as data: what Python's namespace is made from.
namespace tessera {

/// A value that a function takes or returns: nothing, a number, a word, a dtype, integers (a shape,
/// axes), an array, several arrays, several times integers, numbers, words, or a group of
/// processes.
using Argument = std::variant<std::monostate, Scalar, std::string, DType, std::vector<std::int64_t>,
                              Array, std::vector<Array>, std::vector<std::vector<std::int64_t>>,
                              std::vector<double>, std::vector<std::string>, Communicator>;

/// What a function was given, in the order of its parameters.
class ArrayArguments {
 public:
  /// `parameters` as of an ArrayFunction.
  ArrayArguments(std::string_view function, std::string_view parameters,
                 const std::vector<Argument>& values)
      : function_(function), parameters_(parameters), values_(values) {}
  const Argument& operator[](std::size_t i) const { return values_[i]; }
  bool given(std::size_t i) const { return !std::holds_alternative<std::monostate>(values_[i]); }
  /// TypeError naming the function, the parameter and what was given for anything else.
  const Array& array(std::size_t i) const;
  std::vector<Array> arrays(std::size_t i) const;
  Operand operand(std::size_t i) const;
  const Scalar& scalar(std::size_t i) const;
  std::int64_t integer(std::size_t i) const;
  double number(std::size_t i) const;
  bool flag(std::size_t i) const;
  const std::string& word(std::size_t i) const;
  /// An integer or integers.
  std::vector<std::int64_t> integers(std::size_t i) const;
  /// A number or numbers.
  std::vector<double> numbers(std::size_t i) const;
  /// A word or words.
  std::vector<std::string> words(std::size_t i) const;
  /// Nothing for None.
  std::optional<std::int64_t> maybe_integer(std::size_t i) const;
  std::optional<std::vector<std::int64_t>> maybe_integers(std::size_t i) const;
  std::optional<DType> dtype(std::size_t i) const;

  /// What an operation asks: of the first array, and without any the host and the processes that
  /// are given, or all of the job. ValueError for an array that lies on others than those given.
  Device device() const;
  Communicator comm() const;
  std::optional<DType> dtype() const;

 private:
  const Array* first() const;
  [[noreturn]] void refuse(std::size_t i, std::string_view wanted) const;
  std::string_view function_;
  std::string_view parameters_;
  const std::vector<Argument>& values_;
};

struct ArrayFunction {
  std::string name;
  std::string parameters;  ///< as in a definition in Python: "x, /, *, axis=None"
  std::string doc;
  std::function<Argument(const ArrayArguments&)> call;
  /// Of an extension: "linalg", "fft"; of "random", "scipy_fft", "special" and "ndimage", no part
  /// of the standard.
  std::string space = {};
  std::string fields = {};  ///< of several results: a name for them together and one for each
  bool local = false;  ///< of dtypes and numbers: a process asks alone, where an operation asks all
  /// x = f(x, y) where x lies, of an elementwise function of two; empty of others.
  std::function<void(Array& x, const Operand& y)> update = {};
};

/// What a backend implements that takes a function whole: `array.sort`, `array.linalg.inv`.
using ArrayOperation = Operation<Argument(const ArrayArguments&)>;

namespace detail {
void add_elementwise(std::vector<ArrayFunction>& all);
void add_fft(std::vector<ArrayFunction>& all);
void add_random(std::vector<ArrayFunction>& all);
void add_real_transforms(std::vector<ArrayFunction>& all);
/// Lets each function be called by way of its ArrayOperation, but for those whose kernel has that
/// name already (elementwise functions and reductions) and those that are local.
void dispatch(std::vector<ArrayFunction>& all);
}  // namespace detail
/// Makes the operations of this room and who computes them known, for lists of what there is.
void register_array_operations();
/// All of them, in the order of the standard's categories.
const std::vector<ArrayFunction>& array_functions();

}  // namespace tessera
