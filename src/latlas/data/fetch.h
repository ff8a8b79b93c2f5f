// Downloads: over HTTPS, resumable, known by their SHA-256, in place only when complete.
//
// Bytes gather in <target>.part; an interrupted download goes on from there, whichever mirror
// serves the rest. The only door to libcurl, and the only place of the library that uses the
// network.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "latlas/core/progress.h"

namespace latlas {

struct Transfer {
  std::string_view file;  ///< The target's name; lives for the call only.
  std::int64_t done = 0;  ///< Bytes here so far, those of an earlier attempt included.
  std::int64_t size = 0;  ///< Bytes of the whole file.
  double rate = 0;        ///< Bytes a second, over this call.
};

/// Called as bytes arrive, and once a second while none do, on the thread that started the
/// download; Next::stop ends it in good order, leaving the .part for another time. An empty
/// function means "proceed".
using TransferProgress = std::function<Next(const Transfer&)>;

struct FetchOptions {
  int attempts = 5;                  ///< A mirror; larger endures worse connections.
  double pause_seconds = 1;          ///< Before the second attempt; doubles with each further one.
  double connect_seconds = 15;       ///< A mirror that takes longer to connect is left alone.
  double stall_seconds = 30;         ///< A connection silent for so long is given up.
  bool allow_loopback_http = false;  ///< For tests: also http://127.0.0.1 addresses.
};

enum class Fetched { complete, stopped };

/// Brings the file of that size and SHA-256 to `target`, from the first address that serves it.
/// A target that is already right is left alone, without a connection. Folders are made.
/// @throws InvalidArgument  for addresses that are not HTTPS, and for none at all.
/// @throws IoError  when no address served the right bytes (naming each, and what it did), or when
///                  the target's folder cannot be written.
Fetched fetch_file(std::span<const std::string> urls, const std::filesystem::path& target,
                   std::int64_t size, std::string_view sha256,
                   const TransferProgress& progress = {}, const FetchOptions& options = {});

/// Brings all files of a known dataset into `folder`, one after the other.
Fetched fetch_dataset(std::string_view name, const std::filesystem::path& folder,
                      const TransferProgress& progress = {}, const FetchOptions& options = {});

}  // namespace latlas
