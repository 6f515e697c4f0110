#pragma once
/// For clang-tidy alone (tools/check.sh): std::source_location, which Clang 14 lacks.
#if !__has_builtin(__builtin_source_location)
namespace std {
struct source_location {
  static constexpr source_location current(const char* file = __builtin_FILE(),
                                           unsigned at = __builtin_LINE()) {
    return {file, at};
  }
  constexpr const char* file_name() const { return name; }
  constexpr unsigned line() const { return number; }
  const char* name = "";
  unsigned number = 0;
};
}  // namespace std
#endif
