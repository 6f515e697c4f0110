#include <tessera/runtime/error.hpp>

#include <array>
#include <new>
#include <vector>

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
      std::make_unique<ValueError>(""),          std::make_unique<TypeError>(""),
      std::make_unique<InvalidParameterError>(""), std::make_unique<NotFittedError>(""),
      std::make_unique<LinAlgError>(""),         std::make_unique<NotImplementedError>(""),
      std::make_unique<OSError>(""),             std::make_unique<MemoryError>(""),
      std::make_unique<RuntimeError>("")};
  for (const auto& k : kinds)
    if (k->kind() == kind) return k->with_text(text);
  return std::make_unique<Error>(text);
}

}  // namespace

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
  std::string message;
  if (mine) message = std::string(mine->kind()) + '\n' + mine->what();
  comm.broadcast(message, root);
  const auto split = message.find('\n');
  std::string text = message.substr(split + 1);
  bool alike = all_failed != 0;
  if (comm.size() > 1 && alike) {
    const std::string own = std::string(mine->kind()) + '\n' + mine->what();
    std::array<std::int64_t, 1> same = {own == message ? 1 : 0};
    comm.all_reduce(std::span(same), Reduce::min);
    alike = same[0] != 0;
  }
  if (!alike) text += " (rank " + std::to_string(root) + ")";
  error_of_kind(message.substr(0, split), text)->raise();
}

std::string describe(const std::exception_ptr& failure) {
  const auto error = as_error(failure);
  return std::string(error->kind()) + ": " + error->what();
}

}  // namespace tessera
