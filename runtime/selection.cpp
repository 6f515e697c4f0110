#include <tessera/runtime/selection.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <atomic>
#include <utility>

#include <tessera/runtime/error.hpp>

namespace tessera {
namespace {

detail::SelectionHandle number(Selection selection) {
  static std::atomic<std::uint64_t> next{0};
  return std::make_shared<detail::NumberedSelection>(
      detail::NumberedSelection{std::move(selection), ++next});
}

detail::SelectionHandle& default_selection() {
  static detail::SelectionHandle handle = number({});
  return handle;
}

detail::SelectionHandle& of_this_thread() {
  thread_local detail::SelectionHandle handle;  // empty: the default
  return handle;
}

Selection changed(void (Selection::*change)(const std::string&), const std::string& backend) {
  Selection s = selection();
  (s.*change)(backend);
  return s;
}

}  // namespace

void Selection::add_prefer(const std::string& backend) {
  std::erase(skip, backend);
  std::erase(prefer, backend);
  prefer.insert(prefer.begin(), backend);
}

void Selection::set_only(const std::string& backend) {
  std::erase(skip, backend);
  only = {backend};
}

void Selection::add_skip(const std::string& backend) {
  std::erase(prefer, backend);
  std::erase(skip, backend);
  skip.push_back(backend);
}

Selection Selection::parse(const std::string& text) {
  Selection s;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string part = text.substr(at, end - at);
    const std::size_t colon = part.find(':');
    const std::string verb = colon == std::string::npos ? "prefer" : part.substr(0, colon);
    const std::string backend = colon == std::string::npos ? part : part.substr(colon + 1);
    if (backend.empty() || (verb != "prefer" && verb != "only" && verb != "skip"))
      throw ValueError(fmt::format(
          "cannot read '{}' as a choice of backends; give NAME, only:NAME or skip:NAME, with "
          "commas between several",
          text));
    if (verb == "prefer") s.add_prefer(backend);
    if (verb == "only") s.set_only(backend);
    if (verb == "skip") s.add_skip(backend);
    at = end + 1;
  }
  return s;
}

std::string Selection::to_string() const {
  std::vector<std::string> parts;
  if (only) parts.push_back(fmt::format("only:{}", fmt::join(*only, "+")));
  for (auto it = prefer.rbegin(); it != prefer.rend(); ++it) parts.push_back(*it);
  for (const auto& s : skip) parts.push_back("skip:" + s);
  return fmt::format("{}", fmt::join(parts, ","));
}

const detail::SelectionHandle& detail::selection_in_force() {
  const SelectionHandle& mine = of_this_thread();
  return mine ? mine : default_selection();
}

SelectionGuard::SelectionGuard(Selection selection)
    : SelectionGuard(number(std::move(selection))) {}
SelectionGuard::SelectionGuard(detail::SelectionHandle selection)
    : before_(std::exchange(of_this_thread(), std::move(selection))) {}
SelectionGuard::~SelectionGuard() { of_this_thread() = std::move(before_); }

SelectionGuard prefer(const std::string& backend) {
  return SelectionGuard(changed(&Selection::add_prefer, backend));
}
SelectionGuard only(const std::string& backend) {
  return SelectionGuard(changed(&Selection::set_only, backend));
}
SelectionGuard skip(const std::string& backend) {
  return SelectionGuard(changed(&Selection::add_skip, backend));
}

const Selection& selection() { return detail::selection_in_force()->value; }
void set_default_selection(Selection selection) {
  default_selection() = number(std::move(selection));
}
bool selection_is_default() { return detail::selection_in_force() == default_selection(); }

}  // namespace tessera
