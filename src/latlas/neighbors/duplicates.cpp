#include "latlas/neighbors/duplicates.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "latlas/core/parallel.h"

namespace latlas::scan {
namespace {

std::uint64_t hash_of(std::span<const float> x) {
  std::uint64_t h = 0x9E3779B97F4A7C15;
  for (const float v : x) {
    h = (h ^ std::bit_cast<std::uint32_t>(v + 0.0F)) * 0xD6E8FEB86659FD93;  // −0 + 0 is 0
    h ^= h >> 32;
  }
  return h;
}

// The rows' hashes, ascending, those of equal hash by row. The highest bits send each to a bucket,
// which holds some thousand of very many; the buckets are sorted beside each other.
std::vector<Hashed> sorted_hashes(ConstRows rows) {
  const std::int64_t n = rows.rows();
  const int bits =
      std::clamp(static_cast<int>(std::bit_width(static_cast<std::uint64_t>(n))) - 12, 0, 16);
  const auto bucket_of = [&](std::uint64_t hash) {
    return static_cast<std::size_t>(hash >> 1 >> (63 - bits));
  };
  std::vector<std::uint64_t> hash(static_cast<std::size_t>(n));
  parallel_for(n, 1024, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) hash[static_cast<std::size_t>(i)] = hash_of(rows[i]);
  });
  std::vector<std::ptrdiff_t> begin((std::size_t{1} << bits) + 1);
  for (const std::uint64_t h : hash) ++begin[bucket_of(h) + 1];
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  std::vector<std::ptrdiff_t> next(begin.begin(), begin.end() - 1);
  std::vector<Hashed> hashed(hash.size());
  for (std::size_t i = 0; i < hash.size(); ++i)
    hashed[static_cast<std::size_t>(next[bucket_of(hash[i])]++)] = {hash[i],
                                                                    static_cast<std::int32_t>(i)};
  parallel_for(std::ssize(next), 1, [&](std::int64_t bucket, std::int64_t) {
    const auto b = static_cast<std::size_t>(bucket);
    std::sort(hashed.begin() + begin[b], hashed.begin() + begin[b + 1],
              [](const Hashed& x, const Hashed& y) {
                return x.hash < y.hash || (x.hash == y.hash && x.row < y.row);
              });
  });
  return hashed;
}

}  // namespace

std::span<const std::int32_t> Distinct::equals(const std::int32_t& first) const {
  if (members.empty()) return {&first, 1};
  const auto f = static_cast<std::size_t>(first);
  return {members.data() + offset[f], static_cast<std::size_t>(offset[f + 1] - offset[f])};
}

Distinct distinct_rows(ConstRows rows) {
  const auto n = static_cast<std::size_t>(rows.rows());
  const std::vector<Hashed> hashed = sorted_hashes(rows);
  Distinct d;
  d.first.resize(n);
  if (std::adjacent_find(hashed.begin(), hashed.end(), [](const Hashed& x, const Hashed& y) {
        return x.hash == y.hash;
      }) == hashed.end()) {
    std::iota(d.first.begin(), d.first.end(), 0);
    d.rows = d.first;
    return d;
  }
  // Rows of one hash are nearly always equal; those that are not start sets of their own.
  std::vector<std::int32_t> firsts;
  for (std::size_t i = 0; i < n; ++i) {
    if (i == 0 || hashed[i].hash != hashed[i - 1].hash) firsts.clear();
    const auto row = rows[hashed[i].row];
    const auto same = std::find_if(firsts.begin(), firsts.end(), [&](std::int32_t f) {
      return std::equal(row.begin(), row.end(), rows[f].begin());
    });
    const std::int32_t first = same == firsts.end() ? hashed[i].row : *same;
    if (same == firsts.end()) firsts.push_back(first);
    d.first[static_cast<std::size_t>(hashed[i].row)] = first;
  }

  d.offset.resize(n + 1);
  for (std::size_t i = 0; i < n; ++i) {
    ++d.offset[static_cast<std::size_t>(d.first[i]) + 1];
    if (d.first[i] == static_cast<std::int32_t>(i)) d.rows.push_back(d.first[i]);
  }
  std::partial_sum(d.offset.begin(), d.offset.end(), d.offset.begin());
  d.members.resize(n);
  std::vector<std::int64_t> at(d.offset.begin(), d.offset.end() - 1);
  for (std::size_t i = 0; i < n; ++i)
    d.members[static_cast<std::size_t>(at[static_cast<std::size_t>(d.first[i])]++)] =
        static_cast<std::int32_t>(i);
  return d;
}

EqualRows::EqualRows(ConstRows rows) : rows_(rows), hashed_(sorted_hashes(rows)) {}

std::int32_t EqualRows::find(std::span<const float> x) const {
  const std::uint64_t hash = hash_of(x);
  auto at = std::lower_bound(hashed_.begin(), hashed_.end(), hash,
                             [](const Hashed& h, std::uint64_t wanted) { return h.hash < wanted; });
  for (; at != hashed_.end() && at->hash == hash; ++at)
    if (std::equal(x.begin(), x.end(), rows_[at->row].begin())) return at->row;
  return -1;
}

}  // namespace latlas::scan
