#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tessera {

/// Which backends may run the operations of a thread, by name. A value; empty: the data's device
/// and the backends' priorities decide.
struct Selection {
  std::vector<std::string> prefer = {};               ///< tried first, in this order
  std::optional<std::vector<std::string>> only = {};  ///< nothing else may run
  std::vector<std::string> skip = {};                 ///< these may not

  /// The change that a guard makes: what is said last about a backend holds.
  void add_prefer(const std::string& backend);
  void set_only(const std::string& backend);
  void add_skip(const std::string& backend);

  /// "cuda", "only:reference", "skip:cpu", or several with commas between them, as TESSERA_BACKEND
  /// and --backend take it. ValueError for anything else.
  static Selection parse(const std::string& text);
  std::string to_string() const;
  bool operator==(const Selection&) const = default;
};

namespace detail {
/// A Selection with a number that no other one has, so that dispatch can remember what it found.
struct NumberedSelection {
  Selection value;
  std::uint64_t number = 0;
};
using SelectionHandle = std::shared_ptr<const NumberedSelection>;
/// The one in force on this thread.
const SelectionHandle& selection_in_force();
}  // namespace detail

/// Puts a selection in force on this thread while it lives; they nest. Not movable: keep it in the
/// scope where it was made.
///
///     const auto guard = tessera::only("reference");
class [[nodiscard]] SelectionGuard {
 public:
  explicit SelectionGuard(Selection selection);
  /// Adopts another thread's: how a choice reaches worker threads.
  explicit SelectionGuard(detail::SelectionHandle selection);
  SelectionGuard(const SelectionGuard&) = delete;
  ~SelectionGuard();

 private:
  detail::SelectionHandle before_;
};

/// Guards on top of what is in force: `backend` is tried first; nothing but `backend` may run on
/// the devices it is for; `backend` may not run. An unknown name is a ValueError at the next
/// operation.
SelectionGuard prefer(const std::string& backend);
SelectionGuard only(const std::string& backend);
SelectionGuard skip(const std::string& backend);

/// What is in force on this thread.
const Selection& selection();
/// What is in force where no guard is: from TESSERA_BACKEND unless set. Call it before the first
/// computation, alike on every process.
void set_default_selection(Selection selection);
/// Whether a guard is in force on this thread.
bool selection_is_default();

}  // namespace tessera
