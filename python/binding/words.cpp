// Text of NumPy's as codes of its different words.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <numeric>

#include "binding.hpp"

namespace tessera::python {
namespace {

/// Numbers different things as they come, by their hashes: open addressing, half full at most.
class Numbering {
 public:
  /// Where each of them came first.
  const std::vector<std::int64_t>& firsts() const { return firsts_; }
  /// The number of thing i; same(j): whether it is the one that came at j.
  template <class Same>
  std::int64_t number(std::uint64_t hash, std::int64_t i, const Same& same) {
    if (2 * firsts_.size() >= slots_.size()) grow();
    Slot& slot = find(hash, same);
    if (slot.number < 0) {
      slot = {hash, std::ssize(firsts_)};
      firsts_.push_back(i);
    }
    return slot.number;
  }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::int64_t number = -1;
  };
  template <class Same>
  Slot& find(std::uint64_t hash, const Same& same) {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
      Slot& slot = slots_[at];
      if (slot.number < 0 ||
          (slot.hash == hash && same(firsts_[static_cast<std::size_t>(slot.number)])))
        return slot;
    }
  }
  void grow() {
    const std::vector<Slot> before =
        std::exchange(slots_, std::vector<Slot>(std::max<std::size_t>(64, 4 * slots_.size())));
    for (const Slot& slot : before)
      if (slot.number >= 0) find(slot.hash, [](std::int64_t) { return false; }) = slot;
  }
  std::vector<Slot> slots_;
  std::vector<std::int64_t> firsts_;
};

using Codes = nb::ndarray<std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// Numbers in the order of the words instead of that in which they came; word(i) is that at i.
template <class Less, class Word>
nb::list in_order(const Numbering& found, const Codes& codes, const Less& less, const Word& word) {
  const auto& firsts = found.firsts();
  std::vector<std::size_t> order(firsts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order,
                    [&](std::size_t a, std::size_t b) { return less(firsts[a], firsts[b]); });
  std::vector<std::int64_t> place(order.size());
  nb::list words;
  for (const std::size_t each : order) {
    place[each] = static_cast<std::int64_t>(nb::len(words));
    words.append(word(firsts[each]));
  }
  for (std::int64_t& code : std::span(codes.data(), codes.size()))
    code = place[static_cast<std::size_t>(code)];
  return words;
}

// Of bytes, eight at a time.
std::uint64_t hash_of(const std::uint32_t* text, std::size_t width) {
  std::uint64_t hash = 0x9e3779b97f4a7c15;
  const auto add = [&](std::uint64_t v) {
    const auto product = static_cast<unsigned __int128>(hash ^ v) * 0xd6e8feb86659fd93;
    hash = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  std::size_t i = 0;
  for (; i + 2 <= width; i += 2) add(text[i] | std::uint64_t{text[i + 1]} << 32);
  if (i < width) add(text[i]);
  return hash;
}

nb::list words_of_text(const std::uint32_t* text, std::size_t width, const Codes& codes) {
  const auto at = [&](std::int64_t i) { return text + static_cast<std::size_t>(i) * width; };
  Numbering found;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(codes.size()); ++i) {
    const std::uint32_t* word = at(i);
    codes.data()[i] = found.number(hash_of(word, width), i, [&](std::int64_t j) {
      return std::memcmp(word, at(j), 4 * width) == 0;
    });
  }
  return in_order(
      found, codes,
      [&](std::int64_t a, std::int64_t b) {
        return std::lexicographical_compare(at(a), at(a) + width, at(b), at(b) + width);
      },
      [&](std::int64_t i) {
        std::size_t length = width;
        while (length > 0 && at(i)[length - 1] == 0) --length;
        PyObject* const word =
            PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, at(i), static_cast<Py_ssize_t>(length));
        if (word == nullptr) throw nb::python_error();
        return nb::steal(word);
      });
}

nb::object words_of_objects(PyObject* const* all, const Codes& codes) {
  Numbering found;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(codes.size()); ++i) {
    PyObject* const word = all[i];
    if (word == nullptr || !PyUnicode_Check(word)) return nb::none();
    codes.data()[i] = found.number(
        static_cast<std::uint64_t>(PyObject_Hash(word)), i,
        [&](std::int64_t j) { return word == all[j] || PyUnicode_Compare(word, all[j]) == 0; });
  }
  return in_order(
      found, codes,
      [&](std::int64_t a, std::int64_t b) { return PyUnicode_Compare(all[a], all[b]) < 0; },
      [&](std::int64_t i) { return nb::borrow(all[i]); });
}

// The different words of NumPy's text or objects, ascending, and in `codes` which of them each is;
// None where an object is no text.
nb::object words(nb::handle text, const Codes& codes) {
  Py_buffer memory;
  if (PyObject_GetBuffer(text.ptr(), &memory, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) != 0)
    throw nb::python_error();
  const std::unique_ptr<Py_buffer, void (*)(Py_buffer*)> held(&memory, PyBuffer_Release);
  if (memory.format[0] == 'O')
    return words_of_objects(static_cast<PyObject* const*>(memory.buf), codes);
  return words_of_text(static_cast<const std::uint32_t*>(memory.buf),
                       static_cast<std::size_t>(memory.itemsize) / 4, codes);
}

}  // namespace

void add_words(nb::module_& m) { m.def("words", &words); }

}  // namespace tessera::python
