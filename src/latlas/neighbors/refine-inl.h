// How a row's list is improved by its neighbors' neighbors. Internal to the room.

#if defined(LATLAS_NEIGHBORS_REFINE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LATLAS_NEIGHBORS_REFINE_INL_H_
#undef LATLAS_NEIGHBORS_REFINE_INL_H_
#else
#define LATLAS_NEIGHBORS_REFINE_INL_H_
#endif

#include <bit>
#include <vector>

#include "latlas/neighbors/probe-inl.h"

#ifndef LATLAS_NEIGHBORS_REFINE_ONCE
#define LATLAS_NEIGHBORS_REFINE_ONCE
namespace latlas::scan {

using Fresh = BasicMatrix<std::uint8_t>;

struct Refining {
  ConstRows data;          // in compact order
  const Neighbors& graph;  // of the data's rows
  const Record& record;    // of the probing that made the graph
  std::int64_t near;       // of a list's rows that are followed
  const Fresh& fresh;      // n × near: 1 where the row came into the list in the last sweep
  const std::vector<std::uint8_t>& news;  // for each row, whether any did
};

/// What a sweep writes.
struct Refined {
  Neighbors& graph;
  Fresh& fresh;
  std::vector<std::uint8_t>& news;
};

inline Key key_at(const Neighbors& lists, std::int64_t i, std::int64_t j) {
  return key_of(lists.distance(i, j), lists.index(i, j));
}

inline void read_list(const Neighbors& lists, std::int64_t i, std::span<Key> list) {
  for (std::size_t j = 0; j < list.size(); ++j) {
    const auto at = static_cast<std::int64_t>(j);
    list[j] = key_at(lists, i, at);
  }
}

inline void write_list(std::span<const Key> list, std::int64_t i, Neighbors& lists) {
  for (std::size_t j = 0; j < list.size(); ++j) {
    const auto at = static_cast<std::int64_t>(j);
    lists.index(i, at) = row_of(list[j]);
    lists.distance(i, at) = distance_of(list[j]);
  }
}

/// Rows already seen, as a small hash table that is emptied by counting up.
class Seen {
 public:
  explicit Seen(std::int64_t most)
      : slot_(std::bit_ceil(static_cast<std::uint64_t>(4 * most))), mask_(slot_.size() - 1) {}
  void clear() {
    if (++turn_ != 0) return;
    std::fill(slot_.begin(), slot_.end(), 0);
    turn_ = 1;
  }
  /// True when the row was not there; at most `most` rows between two clear().
  bool insert(std::int32_t row) {
    const std::uint64_t entry = (std::uint64_t{turn_} << 32) | static_cast<std::uint32_t>(row);
    std::uint64_t at = (static_cast<std::uint32_t>(row) * std::uint64_t{0x9E3779B97F4A7C15}) >> 32;
    for (;; ++at) {
      std::uint64_t& s = slot_[at & mask_];
      if (s == entry) return false;
      if ((s >> 32) != turn_) {
        s = entry;
        return true;
      }
    }
  }

 private:
  std::vector<std::uint64_t> slot_;  // turn and row
  std::uint64_t mask_;
  std::uint32_t turn_ = 0;
};

}  // namespace latlas::scan
#endif

HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

// At most this share of Σ (x − y)² is lost by summing in float32, whose terms are not negative.
double float_doubt(std::int64_t d) { return (static_cast<double>(d / 16) + 8) * 0x1p-23; }

/// Improves the list of row i, sorted keys, by its neighbors' neighbors in the graph: those that a
/// fresh entry leads to, of the groups that it has not looked at.
/// @param chosen  for each group, by which queries of the block.
/// @param fresh   room for near² rows.
void refine(const scan::Refining& r, const std::vector<scan::Chosen>& chosen, std::int64_t i,
            std::span<scan::Key> list, scan::Seen& seen, std::vector<std::int32_t>& fresh) {
  const std::int64_t d = r.data.cols(), q = i % kBlock;
  const float* query = r.data.row(i);
  seen.clear();
  for (const scan::Key key : list) seen.insert(scan::row_of(key));
  // Which of the entries lead anywhere is decided without branches, which nobody could foretell.
  const std::int64_t word = q / 32, bit = q % 32;
  std::size_t met = 0;
  for (std::int64_t a = 0; a < r.near; ++a) {
    const std::int32_t via = scan::row_of(list[static_cast<std::size_t>(a)]);
    const std::int32_t* next = r.graph.index.row(via);
    const std::uint8_t* news = r.fresh.row(via);
    const std::uint32_t all = r.fresh(i, a);
    if (all == 0 && r.news[static_cast<std::size_t>(via)] == 0) continue;
    for (std::int64_t b = 0; b < r.near; ++b) {
      const auto group = static_cast<std::uint32_t>(next[b]) / std::uint32_t{kGroup};
      const std::uint32_t looked = chosen[group].who[word] >> bit;
      fresh[met] = next[b];
      met += (all | news[b]) & ~looked & 1U;
    }
  }
  // All rows are asked for before the first is measured, so that memory works ahead.
  std::size_t count = 0;
  for (std::size_t m = 0; m < met; ++m) {
    const std::int32_t row = fresh[m];
    if (!seen.insert(row)) continue;
    fresh[count++] = row;
    for (std::int64_t k = 0; k < d && k < 64; k += 16) hwy::Prefetch(r.data.row(row) + k);
  }
  const double share = 1 - float_doubt(d);
  const auto bar_of = [&](scan::Key key) {
    const auto farthest = static_cast<double>(scan::distance_of(key));
    return static_cast<float>(farthest * farthest * (1 + 0x1p-20) / share);
  };
  float bar = bar_of(list.back());
  for (std::size_t c = 0; c < count; ++c) {
    const float* row = r.data.row(fresh[c]);
    if (rough_square(query, row, d) > bar) continue;
    const scan::Key key = scan::key_of_square(squared_distance(query, row, d), fresh[c]);
    if (key >= list.back()) continue;
    std::size_t at = list.size() - 1;
    for (; at > 0 && list[at - 1] > key; --at) list[at] = list[at - 1];
    list[at] = key;
    bar = bar_of(list.back());
  }
}

// Asks for the lists that row i leads to, while another row is refined.
LATLAS_INLINE void ask_for_lists(const scan::Refining& r, std::int64_t i) {
  for (std::int64_t a = 0; a < r.near; ++a) {
    const std::int32_t via = r.graph.index(i, a);
    if (r.fresh(i, a) == 0 && r.news[static_cast<std::size_t>(via)] == 0) continue;
    for (std::int64_t b = 0; b < r.near; b += 16) hwy::Prefetch(r.graph.index.row(via) + b);
    hwy::Prefetch(r.graph.index.row(via) + r.near - 1);
    hwy::Prefetch(r.fresh.row(via));
  }
}

/// Refines the lists of one block of rows, and says what is fresh in them.
/// @param chosen  one for each group, empty; left so.
void refine_block(const scan::Refining& r, std::int64_t begin, std::int64_t end,
                  std::vector<scan::Chosen>& chosen, const scan::Refined& to) {
  const std::int64_t count = r.graph.k();
  const auto& looked = r.record[static_cast<std::size_t>(begin / kBlock)];
  for (const scan::Looked& l : looked) chosen[static_cast<std::size_t>(l.group)] = l.chosen;
  scan::Seen seen(count + r.near * r.near);
  std::vector<scan::Key> list(static_cast<std::size_t>(count));
  std::vector<std::int32_t> fresh(static_cast<std::size_t>(r.near * r.near));
  for (std::int64_t i = begin; i < end; ++i) {
    if (i + 1 < end) ask_for_lists(r, i + 1);
    scan::read_list(r.graph, i, list);
    refine(r, chosen, i, list, seen, fresh);
    // Both lists ascend, and what the old one holds of the new one stands in the same order.
    std::int64_t old = 0;
    for (std::int64_t j = 0; j < r.near; ++j) {
      const bool held = scan::row_of(list[static_cast<std::size_t>(j)]) == r.graph.index(i, old);
      to.fresh(i, j) = held ? 0 : 1;
      old += held ? 1 : 0;
    }
    to.news[static_cast<std::size_t>(i)] = old < r.near ? 1 : 0;
    scan::write_list(list, i, to.graph);
  }
  for (const scan::Looked& l : looked) chosen[static_cast<std::size_t>(l.group)] = {};
}

}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
