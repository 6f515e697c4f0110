#pragma once
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <tessera/runtime/array.hpp>

/// Functions as data: what they take, what options they have, what comes out. The program's
/// subcommands for linear algebra and metrics, their help and docs, and Python's functions are made
/// from tables of it.
namespace tessera::functions {

/// The value of an option: None, a bool, an int, a float, a word, ints or floats.
using Setting = std::variant<std::monostate, bool, std::int64_t, double, std::string,
                             std::vector<std::int64_t>, std::vector<double>>;

/// An option of a function, with the name that it has in Python.
struct Option {
  enum class Kind : std::uint8_t { flag, integer, integers, number, numbers, word, order, label };
  std::string name;
  std::string doc;  ///< of a flag that is true by default: what turning it off does
  Kind kind = Kind::flag;
  Setting initial = {};    ///< None: nothing is said
  std::string shown = {};  ///< the default in words, where `initial` does not say it
  bool required = false;
  std::int64_t low = std::numeric_limits<std::int64_t>::min();
  std::int64_t high = std::numeric_limits<std::int64_t>::max();
  std::vector<std::string> words = {};  ///< that a word may be; of integers and numbers: what each
                                        ///< is, none for any number of them. Numbers whose default
                                        ///< is one for all may be one, too
  std::string off = {};  ///< what a command line calls turning off a flag that is true by default
  bool or_numbers = false;  ///< of a word: any number of numbers may stand for it

  /// What is allowed: "an int in [0, 7]", "a number", "one of N, T, C".
  std::string allowed() const;
  /// The default as a help text has it; empty where there is none.
  std::string default_text() const;
  /// A text of a command line as a setting. ValueError, "must be ..., got ...", for what is not
  /// allowed.
  Setting parse(const std::string& text) const;
  /// ValueError, too, for a setting of the wrong kind or out of range.
  void check(const Setting& value) const;
};

/// A named result.
using Result = std::pair<std::string, Array>;

class Arguments;

/// One function.
struct Signature {
  struct Input {
    std::string name;
    std::string doc;
    bool verbatim = false;  ///< integers that are no matrix: never converted or spread
    bool optional = false;  ///< may be left out; such come last
  };
  std::string name;
  std::string doc;
  std::vector<Input> inputs;
  std::vector<Option> options;
  std::vector<std::string> outputs;  ///< SciPy's names; some only with some options
  bool scalars = false;              ///< all outputs are of shape ()
  std::string example;               ///< a command line, without `tessera` and the table's name
  std::vector<Result> (*run)(const Arguments&);

  /// Calls it. ValueError naming the function and an argument that is missing, unknown or not
  /// allowed. Collective.
  std::vector<Result> operator()(std::vector<Array> arrays,
                                 const std::map<std::string, Setting>& settings = {}) const;
};

/// What a call was given, checked and with defaults.
class Arguments {
 public:
  Arguments(const Signature& signature, std::vector<Array> arrays,
            const std::map<std::string, Setting>& settings);

  /// Of what was called.
  const Signature& signature() const { return *signature_; }
  /// Empty for an optional one that is left out.
  const Array& operator[](std::size_t input) const { return arrays_[input]; }
  bool flag(const std::string& name) const { return std::get<bool>(value(name)); }
  std::int64_t integer(const std::string& name) const {
    return std::get<std::int64_t>(value(name));
  }
  /// Nothing for None.
  std::optional<double> number(const std::string& name) const;
  std::optional<std::pair<std::int64_t, std::int64_t>> pair(const std::string& name) const;
  /// Of two numbers, or one that is both.
  std::optional<std::pair<double, double>> interval(const std::string& name) const;
  /// Those that stand for a word; nothing for a word.
  std::optional<std::vector<double>> numbers(const std::string& name) const;
  const std::string& word(const std::string& name) const {
    return std::get<std::string>(value(name));
  }
  /// Of any kind; of a label it is an int, a float or a word.
  const Setting& value(const std::string& name) const;

 private:
  const Signature* signature_;
  std::vector<Array> arrays_;
  std::map<std::string, Setting> settings_;
};

/// For tables: a flag that is false by default.
Option flag(std::string name, std::string doc);
/// One that is true by default, and the word for turning it off.
Option unless(std::string name, std::string off, std::string doc);
Option integer(std::string name, std::string doc, std::int64_t initial);
/// An int that must be given.
Option required_integer(std::string name, std::string doc);
/// `option` in [low, high].
Option between(Option option, std::int64_t low,
               std::int64_t high = std::numeric_limits<std::int64_t>::max());
Option number(std::string name, std::string doc, double initial);
/// A number or None; `shown` is what None means.
Option number(std::string name, std::string doc, std::string shown);
/// Numbers of these names, or None.
Option numbers(std::string name, std::string doc, std::vector<std::string> each);
/// One of the words, the first by default.
Option word(std::string name, std::string doc, std::vector<std::string> words);
/// One of the words, or numbers.
Option word_or_numbers(std::string name, std::string doc, std::vector<std::string> words);

/// A number as a replicated array of shape (), where the first argument lies.
template <class T>
Array scalar(T value, const Arguments& in) {
  return replicated(std::vector<T>{value}, {}, in[0].comm());
}

/// The one of that name in a table; ValueError listing all for another.
const Signature& signature(std::string_view name, const std::vector<Signature>& table);

}  // namespace tessera::functions
