#include "cli/flags.h"

#include <algorithm>

#include "latlas/core/error.h"

namespace latlas::cli {
namespace {

std::string flag_of(const std::string& name) {
  std::string flag = "--" + name;
  std::replace(flag.begin() + 2, flag.end(), '_', '-');
  return flag;
}

std::string described(const Field& field) {
  std::string help = field.help;
  if (!field.choices.empty()) {
    help += " (";
    for (const auto& choice : field.choices) help += (help.back() == '(' ? "" : ", ") + choice;
    help += ")";
  }
  const std::string value = to_text(field);
  return value.empty() ? help : help + " [" + value + "]";
}

}  // namespace

void add_flags(CLI::App& command, std::vector<Field> fields, const std::string& group) {
  for (Field& field : fields) {
    const std::string flag = flag_of(field.name), help = described(field);
    auto set = [field](const std::string& text) mutable { parse(field, text); };
    if (bool* const* on = std::get_if<bool*>(&field.value); on != nullptr && !**on) {
      command
          .add_flag_callback(
              flag, [on = *on] { *on = true; }, field.help)
          ->group(group);
      continue;
    }
    command.add_option_function<std::string>(flag, std::move(set), help)
        ->group(group)
        ->type_name("");
  }
}

std::vector<Field> without(std::vector<Field> fields, std::string_view name) {
  std::erase_if(fields, [&](const Field& f) { return f.name == name; });
  return fields;
}

void reject_unknown_words(const CLI::App& command) {
  for (const std::string& word : command.remaining()) {
    require(word.starts_with("-"), "latlas ", command.get_name(), ": '", word,
            "' is one word too many; see latlas ", command.get_name(), " --help");
    std::vector<std::string> known;
    for (const CLI::Option* option : command.get_options())
      for (const auto& name : option->get_lnames()) known.push_back("--" + name);
    const std::string near = nearest_name(word.substr(0, word.find('=')), known);
    throw InvalidArgument(near.empty()
                              ? sentence("latlas ", command.get_name(), ": ", word,
                                         " is unknown; see latlas ", command.get_name(), " --help")
                              : sentence("latlas ", command.get_name(), ": ", word,
                                         " is unknown; did you mean ", near, "?"));
  }
}

}  // namespace latlas::cli
