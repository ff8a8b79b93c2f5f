// Downloads with a progress bar, for `datasets fetch` and `run --fetch`.
#pragma once

#include <string>

#include "cli/console.h"

namespace latlas::cli {

/// Downloads a dataset of the catalog into its folder, resuming what an earlier try left. Throws
/// Interrupted after a signal.
void fetch_named(const std::string& name, Console& console);

}  // namespace latlas::cli
