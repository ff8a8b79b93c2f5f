#include "latlas/runs/run_directory.h"

#include <unistd.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "latlas/core/error.h"
#include "latlas/core/file.h"
#include "latlas/core/hash.h"

namespace latlas {
namespace {

using Json = nlohmann::ordered_json;

Json* descend(Json& root, std::string_view name) {  // makes the objects on the way
  Json* at = &root;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t dot = std::min(name.find('.', begin), name.size());
    at = &(*at)[std::string(name.substr(begin, dot - begin))];
    begin = dot + 1;
  }
  return at;
}

void add_named(const Json& node, const std::string& name, Metrics& metrics) {
  if (node.is_number()) {
    metrics.set(name, node.get<double>());
  } else if (node.is_array()) {
    metrics.set(name, node.get<std::vector<double>>());
  } else if (node.is_object()) {
    for (const auto& [key, child] : node.items()) add_named(child, name + "." + key, metrics);
  }
}

// What lies in the root is known by its key alone, which may be empty or begin with a dot.
void flatten(const Json& root, Metrics& metrics) {
  if (!root.is_object()) return add_named(root, "", metrics);
  for (const auto& [key, child] : root.items()) add_named(child, key, metrics);
}

// Names of files need not be UTF-8; what is not is replaced.
std::string text_of(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string mark_list(std::string_view name) { return std::string(name) + "[]"; }

// Whole numbers are written as such: 50 epochs, not 50.0.
Json number(double x) {
  if (x == std::floor(x) && std::abs(x) < 9e15) return static_cast<std::int64_t>(x);
  return x;
}

}  // namespace

void Metrics::set(std::string_view name, double value) {
  erase(name);
  if (std::isfinite(value)) entries_.emplace_back(name, std::vector<double>{value});
}

void Metrics::set(std::string_view name, const std::vector<double>& values) {
  erase(name);
  entries_.emplace_back(mark_list(name), values);
}

std::optional<double> Metrics::get(std::string_view name) const {
  for (const auto& [key, values] : entries_)
    if (key == name) return values.front();
  return std::nullopt;
}

std::vector<double> Metrics::list(std::string_view name) const {
  for (const auto& [key, values] : entries_)
    if (key == mark_list(name)) return values;
  return {};
}

void Metrics::erase(std::string_view name) {
  const std::string below = std::string(name) + ".";
  std::erase_if(entries_, [&](const auto& entry) {
    std::string_view other = entry.first;
    if (other.ends_with("[]")) other.remove_suffix(2);
    // What held the place of one of the name's own parents goes too: "a" where "a.b" is set.
    const bool above =
        name.size() > other.size() && name.starts_with(other) && name[other.size()] == '.';
    return other == name || other.starts_with(below) || above;
  });
}

void Metrics::add(const Metrics& other) {
  for (const auto& [key, values] : other.entries_)
    key.ends_with("[]") ? set(key.substr(0, key.size() - 2), values) : set(key, values.front());
}

std::string Metrics::json() const {
  Json root = Json::object();
  for (const auto& [key, values] : entries_) {
    if (key.ends_with("[]")) {
      Json list = Json::array();
      for (const double x : values) list.push_back(x);
      *descend(root, key.substr(0, key.size() - 2)) = std::move(list);
    } else {
      *descend(root, key) = number(values.front());
    }
  }
  return text_of(root);
}

Metrics Metrics::parse(std::string_view json, std::string_view what) {
  Metrics metrics;
  try {
    flatten(Json::parse(json), metrics);
  } catch (const Json::exception&) {
    throw IoError(sentence(what, ": is not a JSON file of numbers"));
  }
  return metrics;
}

std::string stage_key(const std::vector<std::string>& parts) {
  Sha256 hash;
  for (const auto& part : parts) {
    const std::string length = std::to_string(part.size()) + ":";
    hash.add(std::as_bytes(std::span(length)));
    hash.add(std::as_bytes(std::span(part)));
  }
  return hash.hex();
}

RunDirectory::RunDirectory(std::filesystem::path folder, bool fresh) : folder_(std::move(folder)) {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error)
    throw IoError(sentence(folder_.string(), ": cannot be made a folder (", error.message(), ")"));
  if (::access(folder_.c_str(), W_OK) != 0)
    throw IoError(sentence(folder_.string(), ": cannot be written; choose another with --out"));
  if (!fresh) read_manifest();
}

Stage* RunDirectory::find(const std::string& stage) {
  for (auto& [name, found] : stages_)
    if (name == stage) return &found;
  return nullptr;
}

void RunDirectory::read_manifest() {
  const auto manifest = path("manifest.json");
  if (!std::filesystem::exists(manifest)) return;
  try {
    const Json json = Json::parse(read_text(manifest));
    for (const auto& [name, stage] : json.at("stages").items()) {
      Stage s{stage.at("key").get<std::string>(), stage.at("seconds").get<double>(), {}, {}};
      for (const auto& [file, hash] : stage.at("outputs").items())
        s.outputs[file] = hash.get<std::string>();
      flatten(stage.at("metrics"), s.metrics);
      stages_.emplace_back(name, std::move(s));
    }
    flatten(json.at("totals"), totals_);
    for (const auto& [name, value] : json.items())
      if (value.is_string()) facts_[name] = value.get<std::string>();
  } catch (const std::exception&) {
    stages_.clear();
    facts_.clear();
    totals_ = {};
    notes_.push_back(manifest.string() + " cannot be read; every stage is run again");
  }
}

bool RunDirectory::is_done(const std::string& stage, const std::string& key) {
  const Stage* found = find(stage);
  if (found == nullptr || found->key != key) return false;
  for (const auto& [file, hash] : found->outputs) {
    const auto target = path(file);
    if (std::filesystem::exists(target) && sha256_of_file(target) == hash) continue;
    notes_.push_back(file + " is not as " + stage + " left it; that stage is run again");
    return false;
  }
  return true;
}

void RunDirectory::finish(const std::string& stage, const std::string& key, double seconds,
                          const std::vector<std::string>& outputs, Metrics metrics) {
  Stage done{key, seconds, {}, std::move(metrics)};
  for (const auto& file : outputs) done.outputs[file] = sha256_of_file(path(file));
  Stage* last = find(stage);
  if (last == nullptr) last = &stages_.emplace_back(stage, Stage()).second;
  std::error_code ignored;
  for (const auto& [file, hash] : last->outputs)
    if (!done.outputs.contains(file)) std::filesystem::remove(path(file), ignored);
  *last = std::move(done);
  save();
}

Metrics RunDirectory::metrics() const {
  Metrics all;
  for (const auto& [name, stage] : stages_) all.add(stage.metrics);
  all.add(totals_);
  return all;
}

std::string RunDirectory::hash_of(const std::string& file) {
  for (const auto& [name, stage] : stages_)
    if (const auto found = stage.outputs.find(file); found != stage.outputs.end())
      return found->second;
  return sha256_of_file(path(file));
}

std::string RunDirectory::fact(const std::string& name) const {
  const auto found = facts_.find(name);
  return found == facts_.end() ? "" : found->second;
}

void RunDirectory::save() {
  Json json = Json::object();
  for (const auto& [name, value] : facts_) json[name] = value;
  json["arrays"] = Json::object();
  json["stages"] = Json::object();
  for (const auto& [name, stage] : stages_) {
    Json& entry = json["stages"][name];
    entry = {{"key", stage.key}, {"seconds", stage.seconds}, {"outputs", Json::object()}};
    for (const auto& [file, hash] : stage.outputs) {
      entry["outputs"][file] = hash;
      if (file.ends_with(".npy")) json["arrays"][file] = hash;
    }
    entry["metrics"] = Json::parse(stage.metrics.json());
  }
  json["totals"] = Json::parse(totals_.json());
  write_file(path("manifest.json"), text_of(json));
  write_file(path("metrics.json"), metrics().json());
}

}  // namespace latlas
