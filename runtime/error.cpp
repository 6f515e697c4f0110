#include <tessera/runtime/error.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <optional>
#include <utility>

#include <tessera/runtime/communicator.hpp>
#include <tessera/runtime/embed.hpp>

namespace tessera {
namespace {

std::unique_ptr<Error> as_error(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& e) {
    return e.with_text(e.what());
  } catch (const std::bad_alloc&) {
    return std::make_unique<MemoryError>("out of memory");
  } catch (const std::exception& e) {
    return std::make_unique<RuntimeError>(e.what());
  } catch (...) {
    return std::make_unique<RuntimeError>("unknown exception");
  }
}

std::unique_ptr<Error> error_of_kind(std::string_view kind, const std::string& text) {
  static const std::array<std::unique_ptr<Error>, 9> kinds = {
      std::make_unique<ValueError>(""),
      std::make_unique<TypeError>(""),
      std::make_unique<InvalidParameterError>(""),
      std::make_unique<NotFittedError>(""),
      std::make_unique<LinAlgError>(""),
      std::make_unique<NotImplementedError>(""),
      std::make_unique<OSError>(""),
      std::make_unique<MemoryError>(""),
      std::make_unique<RuntimeError>("")};
  for (const auto& k : kinds)
    if (k->kind() == kind) return k->with_text(text);
  return std::make_unique<Error>(text);
}

std::string encode(const Error& error) { return std::string(error.kind()) + '\n' + error.what(); }

[[noreturn]] void raise_encoded(const std::string& encoded, const std::string& suffix = "") {
  const auto split = encoded.find('\n');
  std::string text = encoded.substr(split + 1);
  text += suffix;
  detail::raise(std::string_view(encoded).substr(0, split), text);
}

std::function<bool()>& interrupted() {
  static std::function<bool()> one;
  return one;
}

}  // namespace

void embed::check_for_interrupt(std::function<bool()> asked) { interrupted() = std::move(asked); }

void detail::raise(std::string_view kind, const std::string& text) {
  error_of_kind(kind, text)->raise();
  std::abort();
}

void together(const Communicator& comm, const std::function<void()>& work) {
  least_together(comm, [&] {
    work();
    return 0;
  });
}

std::int64_t least_together(const Communicator& comm, const std::function<std::int64_t()>& work) {
  if (interrupted() && comm.size() == 1 && interrupted()()) throw embed::Interrupted();
  std::unique_ptr<Error> mine;
  std::int64_t value = 0;
  try {
    value = work();
  } catch (...) {
    mine = as_error(std::current_exception());
  }
  // The lowest rank that failed, and whether all did: one reduction settles both.
  std::array<std::int64_t, 3> facts = {mine ? comm.rank() : comm.size(), mine ? 1 : 0, value};
  comm.all_reduce(std::span(facts), Reduce::min);
  const auto [first, all_failed, least] = facts;
  if (first == comm.size()) return least;

  const int root = static_cast<int>(first);
  const std::string own = mine ? encode(*mine) : "";
  std::string message = own;
  comm.broadcast(message, root);
  std::array<std::int64_t, 1> alike = {all_failed != 0 && own == message ? 1 : 0};
  if (all_failed != 0) comm.all_reduce(std::span(alike), Reduce::min);
  raise_encoded(message, alike[0] != 0 ? "" : " (rank " + std::to_string(root) + ")");
}

void on_first(const Communicator& comm, const std::function<void()>& work) {
  std::string message;
  if (comm.rank() == 0) {
    try {
      work();
    } catch (...) {
      message = encode(*as_error(std::current_exception()));
    }
  }
  comm.broadcast(message, 0);
  if (!message.empty()) raise_encoded(message);
}

std::string describe(const std::exception_ptr& failure) {
  const auto error = as_error(failure);
  return printable(fmt::format("{}: {}", error->kind(), error->what()));
}

namespace {

// The bytes of the character at the start of the text and its number; 1 and nothing if it is none.
std::pair<std::size_t, std::optional<std::uint32_t>> first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, lead};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {1, std::nullopt};
  std::uint32_t code = lead & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {1, std::nullopt};
    code = code << 6 | (byte(i) & 0x3f);
  }
  const bool longer_than_need = code < (length == 4 ? 0x10000U : length == 3 ? 0x800U : 0x80U);
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  if (longer_than_need || surrogate || code > 0x10ffff) return {1, std::nullopt};
  return {length, code};
}

}  // namespace

std::string printable(std::string_view text) {
  const auto between = [](std::uint32_t c, std::uint32_t low, std::uint32_t high) {
    return c >= low && c <= high;
  };
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto [length, code] = first_character(text.substr(at));
    const std::string_view rest = text.substr(at + length);
    if (!code)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[at]));
    else if (*code == '\n' && !rest.starts_with("  "))
      out += "\\n";
    else if (*code == '\t')
      out += "\\t";
    else if (*code == '\r')
      out += "\\r";
    else if (*code < 0x20 && *code != '\n')
      out += fmt::format("\\x{:02x}", *code);
    else if (between(*code, 0x7f, 0x9f) || between(*code, 0x200b, 0x200f) ||
             between(*code, 0x2028, 0x202e) || between(*code, 0x2060, 0x206f) || *code == 0xfeff)
      out += fmt::format("\\u{:04x}", *code);  // as JSON has it
    else
      out += text.substr(at, length);
    at += length;
  }
  return out;
}

void detail::say(const std::string& line) {
  const std::string out = printable(line) + "\n";
  (void)!write(STDERR_FILENO, out.data(), out.size());
}

}  // namespace tessera
