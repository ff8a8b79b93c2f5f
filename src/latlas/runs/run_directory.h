// The run directory: what a run leaves behind, and what of it is still valid.
//
//   recipe.toml     the recipe as run, every value filled in
//   manifest.json   versions, seed, simd, machine, SHA-256 of every file, stages with their timings
//   metrics.json    every score, as numbers
//   history.csv, model.safetensors, *.npy, figures/, checkpoints/
//
// A stage is known by a key: the hash of its parameters and of the files it reads. A stage whose
// key is unchanged, and whose files still have the SHA-256 that the manifest says, is not run
// again.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace latlas {

/// Scores by dotted name ("tsne.kl"); written as nested JSON, numbers only. Names of one level are
/// sorted as they were first set.
class Metrics {
 public:
  void set(std::string_view name, double value);  ///< NaN and infinity are not recorded.
  void set(std::string_view name, const std::vector<double>& values);
  std::optional<double> get(std::string_view name) const;
  std::vector<double> list(std::string_view name) const;
  /// Forgets a name and everything below it.
  void erase(std::string_view name);
  /// Adds all of the other's, over those of the same name.
  void add(const Metrics& other);
  std::string json() const;
  static Metrics parse(std::string_view json, std::string_view what);

 private:
  std::vector<std::pair<std::string, std::vector<double>>> entries_;  // a list has a '[' mark
};

struct Stage {
  std::string key;                             ///< Hash of parameters and inputs.
  double seconds = 0;                          ///< When it was last run.
  std::map<std::string, std::string> outputs;  ///< File (relative) → SHA-256.
  Metrics metrics;                             ///< What it has to say in metrics.json.
};

class RunDirectory {
 public:
  /// Opens or makes the folder. An existing manifest is read unless `fresh`; a damaged one is
  /// noted and ignored. Throws IoError when the folder cannot be made or written.
  RunDirectory(std::filesystem::path folder, bool fresh);

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path path(std::string_view file) const { return folder_ / file; }

  /// True when the stage was done with this key and all its files are unharmed.
  bool is_done(const std::string& stage, const std::string& key);
  /// Records a stage that was just run: hashes its files, removes those that its last run left and
  /// this one did not, and writes manifest and metrics.
  void finish(const std::string& stage, const std::string& key, double seconds,
              const std::vector<std::string>& outputs, Metrics metrics = {});
  /// The SHA-256 of a file of this run (recorded, or computed now); for keys of later stages.
  std::string hash_of(const std::string& file);

  /// Those of all stages, in the order in which they were first run, and the totals.
  Metrics metrics() const;
  /// Of the whole run, e.g. its seconds.
  Metrics& totals() { return totals_; }
  const std::vector<std::pair<std::string, Stage>>& stages() const { return stages_; }
  /// Facts for the manifest, such as versions and machine.
  void describe(const std::string& name, const std::string& value) { facts_[name] = value; }
  /// What the manifest says of a fact; empty when it says nothing.
  std::string fact(const std::string& name) const;
  void save();
  /// What the user should know since the last call, e.g. that a file was harmed.
  std::vector<std::string> take_notes() { return std::exchange(notes_, {}); }

 private:
  void read_manifest();
  Stage* find(const std::string& stage);

  std::filesystem::path folder_;
  std::vector<std::pair<std::string, Stage>> stages_;
  std::map<std::string, std::string> facts_;
  Metrics totals_;
  std::vector<std::string> notes_;
};

/// The key of a stage: SHA-256 of the parts, each preceded by its length.
std::string stage_key(const std::vector<std::string>& parts);

}  // namespace latlas
