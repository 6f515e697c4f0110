#include <tessera/runtime/error.hpp>

#include <array>
#include <cstdlib>
#include <new>

#include <tessera/runtime/communicator.hpp>

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

}  // namespace

void detail::raise(std::string_view kind, const std::string& text) {
  error_of_kind(kind, text)->raise();
  std::abort();
}

void together(const Communicator& comm, const std::function<void()>& work) {
  std::unique_ptr<Error> mine;
  try {
    work();
  } catch (...) {
    mine = as_error(std::current_exception());
  }
  // The lowest rank that failed, and whether all did: one reduction settles both.
  std::array<std::int64_t, 2> facts = {mine ? comm.rank() : comm.size(), mine ? 1 : 0};
  comm.all_reduce(std::span(facts), Reduce::min);
  const auto [first, all_failed] = facts;
  if (first == comm.size()) return;

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
  return std::string(error->kind()) + ": " + error->what();
}

}  // namespace tessera
