#include <fmt/format.h>

#include <algorithm>
#include <any>
#include <array>
#include <memory>
#include <span>
#include <typeindex>
#include <unordered_map>

#include <tessera/estimators/operations.hpp>
#include <tessera/estimators/registry.hpp>
#include <tessera/linalg/transpose.hpp>
#include <tessera/ndimage/registry.hpp>
#include <tessera/runtime/embed.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/operation.hpp>
#include <tessera/runtime/stream.hpp>

#include "binding.hpp"

// Backends written in Python: functions of NumPy arrays, Arrays and numbers behind the operations
// whose arguments and results are such.
namespace tessera::python {
namespace {

using Arguments = std::span<const void* const>;

// --- Arguments ----------------------------------------------------------------------------------

template <class T>
nb::object plain(const void* argument) {
  return nb::cast(*static_cast<const T*>(argument));
}
nb::object values(const void* argument) {
  const auto& span = *static_cast<const std::span<const double>*>(argument);
  if (span.empty()) return nb::none();
  const Tile row = tile_of(span.data(), 1, std::ssize(span), std::ssize(span));
  return view(row).attr("ravel")();
}
nb::object tile(const void* argument) {
  const Tile& t = *static_cast<const Tile*>(argument);
  return t ? view(t) : nb::none();
}
nb::object array(const void* argument) {
  const auto& x = *static_cast<const Array*>(argument);
  return x ? nb::cast(x) : nb::none();
}
nb::object rows(const void* argument) {
  const auto& x = *static_cast<const Rows*>(argument);
  return x.array() ? nb::cast(collect(x)) : nb::cast(x);
}
nb::object transposition(const void* argument) {
  constexpr const char* letters[] = {"N", "T", "C"};
  return nb::cast(letters[static_cast<int>(*static_cast<const linalg::Transpose*>(argument))]);
}
nb::object estimator(const void* argument) {
  return to_python(*static_cast<const Estimator*>(argument));
}

using ToPython = nb::object (*)(const void*);
// How arguments of a type are passed. A Stream, which is first where there is one, is not.
const std::unordered_map<std::type_index, ToPython> arguments_to_python = {
    {typeid(Tile), tile},
    {typeid(Array), array},
    {typeid(Rows), rows},
    {typeid(Estimator), estimator},
    {typeid(bool), plain<bool>},
    {typeid(std::int64_t), plain<std::int64_t>},
    {typeid(double), plain<double>},
    {typeid(std::span<const double>), values},
    {typeid(linalg::Transpose), transposition}};

// --- Results ------------------------------------------------------------------------------------

// The arguments that a result has to fit to.
struct Call {
  const std::vector<std::type_index>& types;
  Arguments arguments;
  template <class T>
  const T* first() const {
    const auto at = std::ranges::find(types, std::type_index(typeid(T))) - types.begin();
    return at < std::ssize(types) ? static_cast<const T*>(arguments[at]) : nullptr;
  }
};

nb::object as_array(nb::handle x, const Communicator& comm) {
  return nb::module_::import_("tessera").attr("asarray")(x, nb::arg("comm") = comm);
}

Rows rows_of(const Call& call, nb::handle result) {
  const Rows& x = *call.first<Rows>();
  const nb::object made =
      nb::isinstance<Rows>(result) ? nb::borrow(result) : as_array(result, x.comm());
  const Rows found = to_rows(made);
  if (found.rows() != x.rows())
    throw ValueError(fmt::format("a result must have the {} rows of X, got shape {}", x.rows(),
                                 to_string(found.shape())));
  return found;
}
std::any outputs(const Call& call, nb::handle result) {
  if (!PyTuple_Check(result.ptr())) return Outputs(rows_of(call, result));
  Outputs all({});
  for (const nb::handle one : nb::cast<nb::tuple>(result)) all.push_back(rows_of(call, one));
  return all;
}
std::any told(const Call& call, nb::handle result) {
  const Communicator comm = call.first<Estimator>()->comm();
  return gather(to_array(as_array(result, comm)));
}
std::any nothing(const Call& call, nb::handle result) {
  if (const auto* learner = call.first<Estimator>()) {
    learn(*const_cast<Estimator*>(learner), result, call.first<Rows>()->cols());
  } else if (!result.is_none()) {
    throw TypeError("a kernel returns nothing: it writes into the arrays that it is given");
  }
  return {};
}
template <class T>
std::any number(const Call&, nb::handle result) {
  T value{};
  if (!nb::try_cast(result, value))
    throw TypeError(fmt::format("expected a {}, got {}",
                                std::is_same_v<T, bool>     ? "bool"
                                : std::is_same_v<T, double> ? "float"
                                                            : "int",
                                nb::repr(result).c_str()));
  return value;
}

using FromPython = std::any (*)(const Call&, nb::handle);
const std::unordered_map<std::type_index, FromPython> results_from_python = {
    {typeid(void), nothing},
    {typeid(Outputs), outputs},
    {typeid(Array), told},
    {typeid(bool), number<bool>},
    {typeid(std::int64_t), number<std::int64_t>},
    {typeid(double), number<double>}};

// --- Calls --------------------------------------------------------------------------------------

// What a function of Python threw, as an error of ours that names where it comes from. What is no
// error (KeyboardInterrupt) ends the call and stays what it is.
[[noreturn]] void rethrow(const std::string& where, const nb::python_error& error) {
  if (!error.matches(PyExc_Exception)) end_call(error);
  const std::string kind = nb::cast<std::string>(error.type().attr("__name__"));
  std::string text = nb::str(error.value()).c_str();
  std::string at;
  for (nb::object trace = error.traceback(); trace.is_valid() && !trace.is_none();
       trace = trace.attr("tb_next"))
    at = fmt::format(
        "{}, line {}",
        nb::cast<std::string>(trace.attr("tb_frame").attr("f_code").attr("co_filename")),
        nb::cast<int>(trace.attr("tb_lineno")));
  text = fmt::format("{}: {} ({})", where, text, at);
  if (nb::cast<bool>(errors("is_known")(kind))) detail::raise(kind, text);
  throw RuntimeError(fmt::format("{}: {}", kind, text));
}

// A function of Python behind an operation, and what it is called with. The registry keeps backends
// for ever, and so the function.
class Function {
 public:
  Function(const std::string& operation, const std::string& backend, nb::object function,
           std::vector<std::type_index> types, std::type_index result)
      : types_(std::move(types)),
        where_(fmt::format("{} in {}", operation, backend)),
        function_(function.release().ptr()),
        result_(results_from_python.at(result)),
        kernel_(types_[0] == typeid(Stream)) {}

  std::any operator()(Arguments arguments) const {
    return called(arguments, [&](nb::handle result) {
      return result_({types_, arguments}, result);
    });
  }
  /// As a predicate: None and True take the call, False and a reason decline it.
  Verdict asks(Arguments arguments) const {
    return called(arguments, [&](nb::handle answer) -> Verdict {
      if (answer.is_none() || answer.ptr() == Py_True) return {};
      std::string why = "declined";
      if (answer.ptr() != Py_False && !nb::try_cast(answer, why))
        throw TypeError(fmt::format("a predicate returns None, True, False or a reason, got {}",
                                    nb::repr(answer).c_str()));
      return Decline{why};
    });
  }

 private:
  template <class Use>
  std::invoke_result_t<Use, nb::handle> called(Arguments arguments, const Use& use) const {
    const nb::gil_scoped_acquire lock;  // the thread may be any
    require_not_ending();
    const InKernel inside(kernel_);
    try {
      nb::list given;
      for (std::size_t i = kernel_ ? 1 : 0; i < types_.size(); ++i)
        given.append(arguments_to_python.at(types_[i])(arguments[i]));
      return use(nb::handle(function_)(*given));
    } catch (const nb::python_error& error) {
      rethrow(where_, error);
    }
  }

  std::vector<std::type_index> types_;
  std::string where_;
  PyObject* function_;
  FromPython result_;
  bool kernel_;
};

// --- Signatures ---------------------------------------------------------------------------------

struct Given {
  const std::string &operation, &backend;
  nb::object function, can;
};

template <class R, class... Args>
std::any implementation(const Given& given) {
  const auto make = [&](const nb::object& f) {
    return std::make_shared<const Function>(given.operation, given.backend, f,
                                            std::vector<std::type_index>{typeid(Args)...},
                                            typeid(R));
  };
  typename Operation<R(Args...)>::Implementation made;
  if (!given.can.is_none())
    made.can = [f = make(given.can)](Args... args) {
      return f->asks(std::array<const void*, sizeof...(Args)>{&args...});
    };
  made.run = [f = make(given.function)](Args... args) -> R {
    std::any result = (*f)(std::array<const void*, sizeof...(Args)>{&args...});
    if constexpr (!std::is_void_v<R>) return std::any_cast<R>(std::move(result));
  };
  return made;
}

using Maker = std::any (*)(const Given&);
using Makers = std::unordered_map<std::type_index, Maker>;

template <class R, class... Args>
Makers::value_type signature(R (*)(Args...)) {
  return {typeid(typename Operation<R(Args...)>::Implementation), implementation<R, Args...>};
}
template <class F>
Makers::value_type like() {
  return signature(static_cast<F*>(nullptr));
}

// The signatures of kernels and methods that Python can write, by the type of an implementation.
const Makers& makers() {
  using S = Stream&;
  using T = const Tile&;
  using N = std::int64_t;
  using Values = std::span<const double>;
  using linalg::Transpose;
  static const Makers all = {like<void(S, T)>(),
                             like<void(S, T, T)>(),
                             like<void(S, T, T, T)>(),
                             like<void(S, T, T, T, T)>(),
                             like<void(S, T, N, T)>(),
                             like<void(S, T, N, T, T)>(),
                             like<void(S, T, N, T, T, T)>(),
                             like<void(S, T, N, T, T, T, T)>(),
                             like<void(S, T, N, T, T, bool, T)>(),
                             like<void(S, T, N, Values, T, T)>(),
                             like<void(S, T, Values, T, T, T)>(),
                             like<void(S, T, Values, Values, T)>(),
                             like<void(S, T, Transpose, T)>(),
                             like<void(S, double, T, Transpose, T, Transpose, double, T)>(),
                             like<bool(S, T)>(),
                             like<N(S, T, bool)>(),
                             like<Method::Learn>(),
                             like<Method::Measure>(),
                             like<Method::Map>(),
                             like<Method::Tell>()};
  return all;
}

// The operations of methods, which are composed of others: nobody may have implemented one yet.
const std::type_info* method_type(const std::string& operation) {
  for (const EstimatorType* type : estimator_types())
    for (std::size_t i = 0; i < type->methods().size(); ++i)
      if (operation == fmt::format("{}.{}", type->name(), type->methods()[i].name))
        return std::visit(
            [](const auto& one) -> const std::type_info* {
              return &typeid(typename std::decay_t<decltype(one)>::Implementation);
            },
            type->operations().all[i]);
  return nullptr;
}

DTypes set_of(const std::vector<std::string>& names) {
  if (names.empty()) return DTypes::all();
  return [&]<std::size_t... i>(std::index_sequence<i...>) {
    return DTypes{dtype_from_name(names[std::min(i, names.size() - 1)])...};
  }
  (std::make_index_sequence<dtype_count>());
}

void add_backend(const std::string& operation, const std::string& backend, nb::object function,
                 nb::object can, const std::vector<std::string>& dtypes, int priority) {
  register_operations();
  register_ndimage_operations();
  const std::type_info* type = embed::implementation_type(operation);
  if (const auto* method = method_type(operation)) type = method;
  const auto maker = type ? makers().find(*type) : makers().end();
  if (maker == makers().end())
    throw NotImplementedError(fmt::format(
        "'{}' cannot be written in Python: only kernels and methods of estimators whose arguments "
        "are arrays, numbers and estimators can",
        operation));
  std::any made = maker->second({operation, backend, std::move(function), std::move(can)});
  call([&] { embed::implement(operation, backend, set_of(dtypes), priority, std::move(made)); });
}

}  // namespace

void add_backends(nb::module_& m) {
  m.def("register", &add_backend, nb::arg("operation"), nb::arg("backend"), nb::arg("function"),
        nb::arg("can").none(), nb::arg("dtypes"), nb::arg("priority"));
}

}  // namespace tessera::python
