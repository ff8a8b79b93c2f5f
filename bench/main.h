// What the main function of a bench program does: an error is one sentence and exit code 1.
#pragma once

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace latlas::bench {

/// run(words) of the command line, without the program's name.
template <class Run>
int main_of(const char* name, int argc, char** argv, const Run& run) {
  try {
    return run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s: %s\n", name, e.what());
    return 1;
  }
}

}  // namespace latlas::bench
