#include <tessera/runtime/operation.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <map>
#include <mutex>

#include <tessera/runtime/device_layer.hpp>
#include <tessera/runtime/embed.hpp>
#include <tessera/runtime/plugin.hpp>

namespace tessera {

// Readers follow one atomic pointer to an immutable snapshot. Snapshots are few and are kept: a
// reader may still be in an old one.
struct Registry {
  std::vector<std::shared_ptr<const Backend>> backends;  // by descending priority

  static std::atomic<const Registry*> current;
  static const Registry& now() {
    static const Registry none;
    const Registry* r = current.load(std::memory_order_acquire);
    return r ? *r : none;
  }

  static const Backend::Entry* find(const Backend& backend, int operation) {
    const auto it = backend.implementations_.find(operation);
    return it == backend.implementations_.end() ? nullptr : &it->second;
  }

  static Backend backend_of(const std::string& name, int priority, int operation,
                            Backend::Entry entry) {
    Backend backend(name, Device::Kind::cpu, priority);
    backend.implementations_.emplace(operation, std::move(entry));
    return backend;
  }

  static void add(Backend backend, int plugin) {
    if (backend.name().empty() || backend.name().find_first_of(",:") != std::string::npos)
      throw ValueError(fmt::format(
          "a backend's name must have letters and neither ',' nor ':', got '{}'", backend.name()));
    static std::mutex mutex;
    static std::vector<std::unique_ptr<const Registry>> kept;
    const std::lock_guard lock(mutex);
    auto next = std::make_unique<Registry>(now());
    const auto same_kind = [&](const auto& other) { return other->device() == backend.device(); };
    if (plugin != 0) {
      backend.plugin_ = plugin;
      // The data's device decides by default; another backend for the same device is opt-in.
      backend.opt_in_ = backend.device() == Device::Kind::cpu;
      for (const auto& b : next->backends) {
        if (!same_kind(b) || b->plugin_ == plugin) continue;
        if (b->name() == backend.name())
          throw ValueError(fmt::format("there is a backend '{}' for {} already", backend.name(),
                                       name_of(backend.device())));
        backend.opt_in_ = true;
      }
    }
    std::erase_if(next->backends, [&](const auto& old) {
      if (old->name() != backend.name() || !same_kind(old)) return false;
      backend.implementations_.insert(old->implementations_.begin(), old->implementations_.end());
      return true;
    });
    next->backends.push_back(std::make_shared<const Backend>(std::move(backend)));
    std::stable_sort(next->backends.begin(), next->backends.end(),
                     [](const auto& a, const auto& b) { return a->priority() > b->priority(); });
    current.store(next.get(), std::memory_order_release);
    kept.push_back(std::move(next));
  }

  static std::vector<Support> table();
  static std::uint64_t hash();
  static bool is_implemented(int operation) {
    const auto& all = now().backends;
    return std::any_of(all.begin(), all.end(), [&](const auto& b) { return find(*b, operation); });
  }
};

std::atomic<const Registry*> Registry::current{nullptr};

namespace {

struct Known {
  std::string name;
  bool composed;
  bool asks = true;  // whether processes agree on who computes it
};
struct Operations {
  std::mutex mutex;
  std::deque<Known> known;  // which stay where they are
  std::map<std::string, int> ids;
};
Operations& operations() {
  static Operations all;
  return all;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Why the selection leaves a backend out; empty if it does not. `restricted`: `only` concerns the
// backend's device.
std::string left_out(const Backend& b, const Selection& s, bool restricted) {
  if (contains(s.skip, b.name())) return "skipped";
  if (restricted && !contains(*s.only, b.name()))
    return fmt::format("only {} may run", fmt::join(*s.only, ", "));
  if (b.opt_in() && !restricted && !contains(s.prefer, b.name()))
    return "runs only where it is preferred";
  return "";
}

detail::Candidates find_candidates(int operation, Device::Kind device, const Selection& s) {
  check_backends(s);
  detail::Candidates all;
  std::vector<const Backend*> backends;
  for (const auto& b : Registry::now().backends)
    if (b->device() == device) backends.push_back(b.get());
  const auto rank = [&](const Backend* b) {
    return std::find(s.prefer.begin(), s.prefer.end(), b->name()) - s.prefer.begin();
  };
  std::stable_sort(backends.begin(), backends.end(),
                   [&](auto* a, auto* b) { return rank(a) < rank(b); });
  // only("cuda") leaves the small solves on the host alone.
  const bool restricted =
      s.only && (s.only->empty() || std::any_of(backends.begin(), backends.end(), [&](auto* b) {
                   return contains(*s.only, b->name());
                 }));
  for (const Backend* b : backends) {
    const auto* found = Registry::find(*b, operation);
    const std::string why = left_out(*b, s, restricted);
    if (found && why.empty())
      all.asked.push_back({b, &found->dtypes, &found->implementation});
    else
      all.not_asked += fmt::format("\n  {}: {}", b->name(), found ? why : "does not implement it");
  }
  return all;
}

}  // namespace

std::vector<Support> Registry::table() {
  std::vector<Support> all;
  {
    const std::lock_guard lock(operations().mutex);
    for (const auto& [name, id] : operations().ids) {
      all.push_back({name, operations().known[static_cast<std::size_t>(id)].composed, {}});
      for (const auto& b : now().backends)
        if (const auto* found = find(*b, id))
          all.back().entries.push_back({b->name(), b->device(), found->dtypes});
    }
  }
  return all;
}

std::uint64_t Registry::hash() {
  std::string text;
  for (const auto& b : now().backends) {
    if (b->plugin_ == 0) continue;
    text += fmt::format("{} {} {}\n", b->name(), name_of(b->device()), b->priority());
    for (const Support& s : table())
      for (const auto& e : s.entries)
        if (e.backend == b->name() && e.device == b->device())
          text += fmt::format("  {} {}\n", s.operation, e.dtypes.to_string());
  }
  return std::hash<std::string>{}(text);
}

void install(Backend backend) { Registry::add(std::move(backend), detail::plugin_being_loaded()); }

const std::type_info* embed::implementation_type(const std::string& operation) {
  Operations& all = operations();
  const std::lock_guard lock(all.mutex);
  const auto known = all.ids.find(operation);
  if (known == all.ids.end())
    throw ValueError(
        fmt::format("there is no operation '{}'; the support table has all", operation));
  for (const auto& b : Registry::now().backends)
    if (const auto* found = Registry::find(*b, known->second)) return &found->implementation.type();
  return nullptr;
}

void embed::implement(const std::string& operation, const std::string& backend, DTypes dtypes,
                      int priority, std::any implementation) {
  constexpr int no_file = -1;  // where a plug-in has its number
  together(Communicator::world(), [&] {
    Registry::add(Registry::backend_of(backend, priority, detail::operation_id(operation, false),
                                       {dtypes, std::move(implementation)}),
                  no_file);
  });
  detail::require_one_registry(fmt::format("the backend '{}'", backend), Communicator::world());
}

void detail::install_built_in(Backend backend) { Registry::add(std::move(backend), 0); }

std::vector<std::string> backend_names() {
  std::vector<std::string> names;
  for (const auto& b : Registry::now().backends)
    if (!contains(names, b->name())) names.push_back(b->name());
  return names;
}

void check_backends(const Selection& s) {
  std::vector<std::string> named = s.prefer;
  named.insert(named.end(), s.skip.begin(), s.skip.end());
  if (s.only) named.insert(named.end(), s.only->begin(), s.only->end());
  if (named.empty()) return;
  // Ours for cuda are known once their module is loaded, which other processes may have needed.
  if (contains(named, "cuda") && !contains(backend_names(), "cuda"))
    device_count(Device::Kind::cuda);
  const auto known = backend_names();
  for (const auto& name : named)
    if (!contains(known, name))
      throw ValueError(
          fmt::format("unknown backend '{}'; there are {}", name, fmt::join(known, ", ")));
}

std::vector<Support> support_table() { return Registry::table(); }

std::uint64_t registry_hash() { return Registry::hash(); }

namespace detail {

int operation_id(const std::string& name, bool composed) {
  Operations& all = operations();
  const std::lock_guard lock(all.mutex);
  const auto [it, fresh] = all.ids.try_emplace(name, static_cast<int>(all.known.size()));
  if (fresh) all.known.push_back({name, composed});
  return it->second;
}

const std::string& operation_name(int id) {
  Operations& all = operations();
  const std::lock_guard lock(all.mutex);
  return all.known[static_cast<std::size_t>(id)].name;
}

const Candidates& candidates(int operation, Device::Kind device) {
  struct Remembered {
    const Registry* registry = nullptr;
    std::uint64_t selection = 0;
    Candidates found;
  };
  // By pointer: a predicate that calls another operation may make this longer.
  thread_local std::vector<std::unique_ptr<Remembered>> remembered;
  const std::size_t at = static_cast<std::size_t>(operation) * 2 + static_cast<std::size_t>(device);
  if (remembered.size() <= at) remembered.resize(at + 1);
  if (!remembered[at]) remembered[at] = std::make_unique<Remembered>();
  Remembered& r = *remembered[at];
  const NumberedSelection& selection = *selection_in_force();
  const Registry* registry = &Registry::now();
  if (r.registry != registry || r.selection != selection.number) {
    r.found = find_candidates(operation, device, selection.value);
    r.registry = registry;
    r.selection = selection.number;
  }
  return r.found;
}

namespace {

[[noreturn]] void refuse(const std::string& operation, Device device, const std::string& reasons) {
  throw NotImplementedError(operation + ": no backend for " + device.to_string() +
                            " takes this call" +
                            (reasons.empty() ? "; there is none" : ":" + reasons));
}

[[noreturn]] void wrong_signature(const std::string& operation, const std::string& backend) {
  throw TypeError(backend + " implements " + operation + " with another signature");
}

}  // namespace

Choice compose(int operation, Device device, std::string declined, const void* composed) {
  if (!composed) refuse(operation_name(operation), device, declined);
  return {"composed", composed, std::move(declined)};
}

Choice choose(int operation, Device device, std::optional<DType> dtype, const void* call, Ask ask,
              const void* composed) {
  const Candidates& all = candidates(operation, device.kind);
  Choice choice;
  const auto decline = [&](const Backend& backend, const std::string& why) {
    choice.declined += "\n  " + backend.name() + ": " + why;
  };
  for (const Candidate& c : all.asked) {
    if (dtype && !c.dtypes->has(*dtype)) {
      decline(*c.backend,
              "takes " + c.dtypes->to_string() + ", not " + std::string(name_of(*dtype)));
      continue;
    }
    const Verdict no = ask(call, *c.implementation, choice.run);
    if (!choice.run) wrong_signature(operation_name(operation), c.backend->name());
    if (!no) {
      choice.backend = c.backend->name();
      return choice;
    }
    decline(*c.backend, no->why);
    choice.run = nullptr;
  }
  if (!composed) refuse(operation_name(operation), device, choice.declined + all.not_asked);
  return {"composed", composed, std::move(choice.declined)};
}

void ask_if_overridden(const std::string& operation) {
  const int id = operation_id(operation, true);
  const std::lock_guard lock(operations().mutex);
  operations().known[static_cast<std::size_t>(id)].asks = false;
}

bool agree(const Communicator& comm, const std::string& operation, Device::Kind device,
           const std::function<std::string_view()>& choose) {
  const auto is_settled = [&] {
    Operations& all = operations();
    const std::lock_guard lock(all.mutex);
    const auto known = all.ids.find(operation);
    return known != all.ids.end() && !all.known[static_cast<std::size_t>(known->second)].asks &&
           !Registry::is_implemented(known->second);
  };
  if (comm.size() == 1 || is_settled()) {
    choose();
    return true;
  }
  struct Chosen {
    std::array<char, 48> backend{};  // enough to tell names apart in an error
    std::array<char, 80> selection{};
    std::size_t selection_hash;
    Device::Kind device;
    bool failed;
  };
  const auto keep = [](std::string_view text, auto& in) {
    std::copy_n(text.begin(), std::min(text.size(), in.size() - 1), in.begin());
  };
  const std::string in_force = selection().to_string();
  Chosen mine{{}, {}, std::hash<std::string>{}(in_force), device, false};
  keep(in_force, mine.selection);
  std::exception_ptr failure;
  try {
    keep(choose(), mine.backend);
  } catch (...) {
    mine.failed = true;
    failure = std::current_exception();
  }
  const auto all = comm.all_gather(mine);
  const auto any = [&](auto&& differs) { return std::any_of(all.begin(), all.end(), differs); };
  if (any([](const Chosen& c) { return c.failed; }))
    together(comm, [&] {
      if (failure) std::rethrow_exception(failure);
    });
  const bool one_kind = !any([&](const Chosen& c) { return c.device != all[0].device; });
  const auto refuse_unlike = [&](const char* what, auto text, auto value) {
    const auto other = std::find_if(all.begin(), all.end(),
                                    [&](const Chosen& c) { return value(c) != value(all[0]); });
    if (other != all.end())
      throw RuntimeError(fmt::format(
          "{}: the processes chose different {}: rank 0 {}, rank {} {}; make the same choice "
          "(prefer, only, skip, TESSERA_BACKEND) on all",
          operation, what, text(all[0]), other - all.begin(), text(*other)));
  };
  if (one_kind)
    refuse_unlike(
        "backends", [](const Chosen& c) { return c.backend.data(); },
        [](const Chosen& c) { return c.backend; });
  // What is composed dispatches anew on every process.
  refuse_unlike(
      "selections", [](const Chosen& c) { return c.selection[0] ? c.selection.data() : "none"; },
      [](const Chosen& c) { return c.selection_hash; });
  return one_kind;
}

}  // namespace detail

}  // namespace tessera
