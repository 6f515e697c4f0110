#include <fmt/format.h>

#include <map>
#include <optional>
#include <string_view>

#include <tessera/array/described.hpp>
#include <tessera/array/distribute.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/linalg/standard.hpp>
#include <tessera/ndimage/functions.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/visit.hpp>

#include "binding.hpp"

namespace tessera::python {
namespace {

// A class of NumPy's. Lives as long as the interpreter.
nb::handle numpy_class(const char* name) {
  static std::map<std::string_view, PyObject*> known;
  PyObject*& type = known[name];
  if (!type) type = nb::object(nb::module_::import_("numpy").attr(name)).release().ptr();
  return type;
}
nb::handle dtype_class() { return numpy_class("dtype"); }

nb::object numpy_dtype(DType dtype) { return dtype_class()(nb::cast(std::string(name_of(dtype)))); }

DType to_dtype(nb::handle object) {
  return dtype_from_name(nb::cast<std::string>(dtype_class()(object).attr("name")));
}

bool is_dtype(nb::handle object) {
  return PyType_Check(object.ptr()) || PyObject_IsInstance(object.ptr(), dtype_class().ptr()) == 1;
}

std::optional<Scalar> to_scalar(nb::handle object) {
  PyObject* p = object.ptr();
  if (PyBool_Check(p)) return Scalar(p == Py_True);
  if (PyFloat_Check(p)) return Scalar(PyFloat_AS_DOUBLE(p));
  if (PyComplex_Check(p))
    return Scalar(std::complex<double>(PyComplex_RealAsDouble(p), PyComplex_ImagAsDouble(p)));
  if (!PyLong_Check(p)) return {};
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(p, &overflow);
  if (overflow == 0) return Scalar(std::int64_t{value});
  if (overflow > 0) {
    const unsigned long long large = PyLong_AsUnsignedLongLong(p);
    if (!PyErr_Occurred()) return Scalar(std::uint64_t{large});
    PyErr_Clear();
  }
  throw ValueError("no dtype holds the integer " + std::string(nb::str(object).c_str()));
}

std::optional<std::int64_t> to_integer(nb::handle object) {
  if (nb::isinstance<Array>(object) || PyBool_Check(object.ptr()) || !PyIndex_Check(object.ptr()))
    return {};
  const Py_ssize_t value = PyNumber_AsSsize_t(object.ptr(), PyExc_IndexError);
  if (value == -1 && PyErr_Occurred()) throw nb::python_error();
  return value;
}

Argument to_argument(nb::handle object) {
  if (object.is_none()) return {};
  Array array;
  if (nb::isinstance<Array>(object)) return nb::cast<Array>(object);
  if (auto scalar = to_scalar(object)) return *scalar;
  if (nb::isinstance<nb::str>(object)) return nb::cast<std::string>(object);
  if (nb::isinstance<nb::tuple>(object) || nb::isinstance<nb::list>(object)) {
    std::vector<std::int64_t> integers;
    std::vector<Array> arrays;
    std::vector<std::vector<std::int64_t>> several;
    std::vector<double> numbers;  // integers among them, too
    std::vector<std::string> words;
    for (const nb::handle item : object) {
      if (nb::isinstance<Array>(item))
        arrays.push_back(nb::cast<Array>(item));
      else if (nb::isinstance<nb::tuple>(item) || nb::isinstance<nb::list>(item))
        several.push_back(nb::cast<std::vector<std::int64_t>>(item));
      else if (const auto i = to_integer(item)) {
        integers.push_back(*i);
        numbers.push_back(static_cast<double>(*i));
      } else if (PyFloat_Check(item.ptr()))
        numbers.push_back(PyFloat_AS_DOUBLE(item.ptr()));
      else if (nb::isinstance<nb::str>(item))
        words.push_back(nb::cast<std::string>(item));
      else
        throw TypeError("expected numbers, words or arrays, got " +
                        std::string(nb::repr(object).c_str()));
    }
    if (!several.empty() + !arrays.empty() + !numbers.empty() + !words.empty() > 1)
      throw TypeError("expected arrays, numbers or words, got several of these");
    if (!arrays.empty()) return arrays;
    if (!several.empty()) return several;
    if (!words.empty()) return words;
    if (numbers.size() > integers.size()) return numbers;
    return integers;
  }
  if (is_dtype(object)) return to_dtype(object);
  if (nb::isinstance<Communicator>(object)) return nb::cast<Communicator>(object);
  if (nb::isinstance(object, numpy_class("generic"))) {  // NumPy's numbers are like Python's
    const nb::object plain = object.attr("item")();
    if (!plain.type().is(object.type())) return to_argument(plain);
  }
  if (nb::isinstance(object, numpy_class("ndarray")))
    throw TypeError("expected an Array, which asarray makes, or a list; got NumPy's ndarray");
  if (const auto i = to_integer(object)) return Scalar(*i);
  throw TypeError("expected an Array, a number, a dtype or a word, got " +
                  std::string(nb::str(object.type().attr("__name__")).c_str()));
}

nb::object to_python(const Scalar& scalar) {
  return std::visit(
      [](const auto& v) -> nb::object {
        if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::complex<double>>)
          return nb::steal(PyComplex_FromDoubles(v.real(), v.imag()));
        else
          return nb::cast(v);
      },
      scalar.value());
}

nb::object to_python(const Argument& result) {
  return std::visit(
      [](const auto& v) -> nb::object {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, std::monostate>) {
          return nb::none();
        } else if constexpr (std::is_same_v<T, DType>) {
          return numpy_dtype(v);
        } else if constexpr (std::is_same_v<T, std::vector<Array>>) {
          nb::list all;
          for (const Array& x : v) all.append(nb::cast(x));
          return nb::tuple(all);
        } else if constexpr (std::is_same_v<T, Scalar>) {
          return to_python(v);
        } else {
          return nb::cast(v);
        }
      },
      result);
}

// Those of the standard, then those of ndimage.
const std::vector<ArrayFunction>& all_functions() {
  static const auto all = [] {
    std::vector<ArrayFunction> functions = linalg::standard_functions();
    const auto& more = ndimage::functions();
    functions.insert(functions.end(), more.begin(), more.end());
    return functions;
  }();
  return all;
}

nb::object run(std::size_t function, const nb::args& given) {
  const ArrayFunction& f = all_functions()[function];
  std::vector<Argument> values;
  for (const nb::handle one : given) {
    const auto named = [&](const char* why) {
      return fmt::format("{}: {}: {}", f.name,
                         tessera::detail::parameters_of(f.parameters).at(values.size()).name, why);
    };
    try {
      values.push_back(to_argument(one));
    } catch (const TypeError& error) {
      throw TypeError(named(error.what()));
    } catch (const ValueError& error) {
      throw ValueError(named(error.what()));
    }
  }
  Argument result;
  call([&] { result = f.call(ArrayArguments(f.name, f.parameters, values)); });
  return to_python(result);
}

Index to_index(nb::handle object, const Communicator& comm) {
  if (object.is_none()) return NewAxis{};
  if (object.ptr() == Py_Ellipsis) return Ellipsis{};
  if (PySlice_Check(object.ptr())) {
    const auto bound = [&](const char* name) -> std::optional<std::int64_t> {
      const nb::object value = object.attr(name);
      if (value.is_none()) return {};
      const Py_ssize_t at = PyNumber_AsSsize_t(value.ptr(), nullptr);  // clips what is too large
      if (at == -1 && PyErr_Occurred()) throw nb::python_error();
      return at;
    };
    return Slice{bound("start"), bound("stop"), bound("step").value_or(1)};
  }
  if (nb::isinstance<Array>(object)) return nb::cast<Array>(object);
  if (nb::isinstance<nb::list>(object)) {
    const nb::module_ numpy = nb::module_::import_("numpy");
    const nb::object a = nb::len(object) == 0 ? numpy.attr("zeros")(0, nb::arg("dtype") = "int64")
                                              : numpy.attr("asarray")(object);
    return to_index(a, comm);
  }
  if (PyBool_Check(object.ptr()))
    return Scalar(object.ptr() == Py_True).array(DType::boolean, comm);
  if (nb::hasattr(object, "__array__")) {  // NumPy's integers are indices like Python's
    const nb::object a = nb::module_::import_("numpy").attr("asarray")(object);
    if (nb::cast<int>(a.attr("ndim")) > 0 || to_dtype(a.attr("dtype")) == DType::boolean)
      return nb::cast<Array>(
          nb::module_::import_("tessera").attr("asarray")(a, nb::arg("comm") = comm));
  }
  if (const auto i = to_integer(object)) return *i;
  throw IndexError("an index is an integer, a slice, '...', None or an array, not " +
                   std::string(nb::repr(object).c_str()));
}

std::vector<Index> to_indices(nb::handle key, const Communicator& comm) {
  std::vector<Index> all;
  if (nb::isinstance<nb::tuple>(key))
    for (const nb::handle one : key) all.push_back(to_index(one, comm));
  else
    all.push_back(to_index(key, comm));
  return all;
}

// The one element of an array as Python's number.
nb::object item(const Array& x) {
  if (x.size() != 1)
    throw TypeError("only arrays of one element can be converted to Python scalars; the shape is " +
                    to_string(x.shape()));
  Array here;
  call([&] { here = gather(reshape(x, {}).to(cpu)); });
  return visit(here.dtype(), [&](auto tag) -> nb::object {
    using T = typename decltype(tag)::type;
    const T v = *here.local().as<const T>();
    if constexpr (std::is_same_v<T, bool> || std::is_integral_v<T>)
      return nb::cast(v);
    else if constexpr (std::is_floating_point_v<T>)
      return to_python(Scalar(double{v}));
    else
      return to_python(Scalar(std::complex<double>(v)));
  });
}

}  // namespace

void add_array_api(nb::module_& m) {
  m.def("array_functions", [] {
    nb::list all;
    for (const auto& f : all_functions())
      all.append(nb::make_tuple(f.space, f.name, f.parameters, f.doc, f.fields));
    return all;
  });
  m.def("array_call", &run);
  m.def(
      "array_index",
      [](const Array& x, nb::handle key) {
        const auto indices = to_indices(key, x.comm());
        Array out;
        call([&] { out = index(x, indices); });
        return out;
      },
      nb::arg(), nb::arg().none());
  // An Array of Python is a handle: what has another one on the same array keeps what it has.
  m.def(
      "array_assign",
      [](Array& x, nb::handle key, nb::handle value) {
        const auto indices = to_indices(key, x.comm());
        const std::vector<Argument> values = {to_argument(value)};
        call([&] { assign(x, indices, ArrayArguments("assignment", "value", values).operand(0)); });
      },
      nb::arg(), nb::arg().none(), nb::arg());
  m.def("array_replace", [](Array& x, const Array& other) { x = other; });
  // x = f(x, y), where x lies if that is possible.
  m.def("array_update", [](std::size_t function, Array& x, nb::handle y) {
    const ArrayFunction& f = all_functions()[function];
    const std::vector<Argument> values = {to_argument(y)};
    const Operand operand = ArrayArguments(f.name, "other", values).operand(0);
    call([&] {
      if (f.update) return f.update(x, operand);
      const std::vector<Argument> both = {x, values[0]};
      const Array out = std::get<Array>(f.call(ArrayArguments(f.name, f.parameters, both)));
      if (out.shape() != x.shape() || out.dtype() != x.dtype())
        throw TypeError(fmt::format(
            "an operation in place keeps shape {} and dtype {}; the result has {} and {}",
            to_string(x.shape()), name_of(x.dtype()), to_string(out.shape()),
            name_of(out.dtype())));
      x = out;
    });
  });
  m.def("distribute_all", &distribute_all);
  m.def("array_item", &item);
  m.def("result_type", [](const nb::args& given) {
    std::vector<Operand> operands;
    for (const nb::handle one : given) {
      if (is_dtype(one))
        operands.emplace_back(
            Array({0}, to_dtype(one), Distribution::rows(0, 1), Communicator::self()));
      else if (nb::isinstance<Array>(one))
        operands.emplace_back(nb::cast<Array>(one));
      else if (const auto scalar = to_scalar(one))
        operands.emplace_back(*scalar);
      else
        throw TypeError("result_type takes arrays, dtypes and numbers, not " +
                        std::string(nb::repr(one).c_str()));
    }
    return numpy_dtype(result_type(operands));
  });
  m.def("finfo", [](nb::handle dtype) {
    const FloatInfo f =
        finfo(nb::isinstance<Array>(dtype) ? nb::cast<Array>(dtype).dtype() : to_dtype(dtype));
    return nb::make_tuple(f.bits, f.eps, f.max, f.min, f.smallest_normal, numpy_dtype(f.dtype));
  });
  m.def("iinfo", [](nb::handle dtype) {
    const IntegerInfo i =
        iinfo(nb::isinstance<Array>(dtype) ? nb::cast<Array>(dtype).dtype() : to_dtype(dtype));
    return nb::make_tuple(i.bits, to_python(i.max), to_python(i.min), numpy_dtype(i.dtype));
  });
  m.def("isdtype",
        [](nb::handle dtype, const std::string& kind) { return isdtype(to_dtype(dtype), kind); });
}

}  // namespace tessera::python
