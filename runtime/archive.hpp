#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tessera {

/// Turns values into bytes, for another process of the same program, or back. Both take numbers,
/// enumerations, strings, vectors, arrays and pairs of such, and any type with a member template
/// serialize(Archive& archive) that hands its members over: `archive(rows, cols, values)`.
class Packer {
 public:
  template <class... T>
  void operator()(const T&... values) {
    (put(values), ...);
  }
  std::string take() { return std::move(bytes_); }

 private:
  template <class T>
  void put(const T& value);
  void raw(const void* data, std::size_t size) {
    bytes_.append(static_cast<const char*>(data), size);
  }
  std::string bytes_;
};

class Unpacker {
 public:
  explicit Unpacker(const std::string& bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}
  /// RuntimeError when there are fewer bytes.
  template <class... T>
  void operator()(T&... values) {
    (get(values), ...);
  }

 private:
  template <class T>
  void get(T& value);
  void raw(void* data, std::size_t size) {
    if (static_cast<std::size_t>(end_ - at_) < size) refuse();
    if (size > 0) std::memcpy(data, at_, size);
    at_ += size;
  }
  [[noreturn]] static void refuse();
  const char* at_;
  const char* end_;
};

namespace detail {

/// What travels as its bytes: numbers, complex ones too.
template <class T>
inline constexpr bool is_plain = std::is_arithmetic_v<T> || std::is_enum_v<T> || requires(T v) {
  v.real();
  v.imag();
};
template <class T>
inline constexpr bool is_pair = false;
template <class A, class B>
inline constexpr bool is_pair<std::pair<A, B>> = true;
template <class T>
inline constexpr bool is_array = false;
template <class T, std::size_t n>
inline constexpr bool is_array<std::array<T, n>> = true;

template <class T>
std::string to_bytes(const T& value) {
  Packer archive;
  archive(value);
  return archive.take();
}
template <class T>
T from_bytes(const std::string& bytes) {
  Unpacker archive(bytes);
  T value{};
  archive(value);
  return value;
}

}  // namespace detail

template <class T>
void Packer::put(const T& value) {
  if constexpr (detail::is_plain<T>) {
    raw(&value, sizeof value);
  } else if constexpr (requires { const_cast<T&>(value).serialize(*this); }) {
    const_cast<T&>(value).serialize(*this);  // reads it only
  } else if constexpr (detail::is_pair<T>) {
    (*this)(value.first, value.second);
  } else {  // a sequence
    if constexpr (!detail::is_array<T>) put(std::uint64_t{value.size()});
    using E = typename T::value_type;
    if constexpr (detail::is_plain<E> && requires { value.data(); })
      raw(value.data(), value.size() * sizeof(E));
    else
      for (const E& element : value) put(element);
  }
}

template <class T>
void Unpacker::get(T& value) {
  if constexpr (detail::is_plain<T>) {
    raw(&value, sizeof value);
  } else if constexpr (requires { value.serialize(*this); }) {
    value.serialize(*this);
  } else if constexpr (detail::is_pair<T>) {
    (*this)(value.first, value.second);
  } else {
    using E = typename T::value_type;
    if constexpr (!detail::is_array<T>) {
      std::uint64_t size = 0;
      get(size);
      if (size > static_cast<std::uint64_t>(end_ - at_))
        refuse();  // no element has less than a byte
      value.resize(size);
    }
    if constexpr (detail::is_plain<E> && requires { value.data(); }) {
      raw(value.data(), value.size() * sizeof(E));
    } else {
      for (std::size_t i = 0; i < value.size(); ++i) {
        E element{};
        get(element);
        value[i] = std::move(element);
      }
    }
  }
}

}  // namespace tessera
