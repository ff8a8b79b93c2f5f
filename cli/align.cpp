// latlas align: a map → the same map, turned to lie as near to another as it can.
#include <fmt/core.h>

#include <memory>

#include "cli/commands.h"
#include "latlas/core/error.h"
#include "latlas/core/file.h"
#include "latlas/core/npy.h"
#include "latlas/layout/procrustes.h"

namespace latlas::cli {

Action add_align(CLI::App& program, Common& common) {
  struct Options {
    std::string map, to, out = "aligned.npy";
    ProcrustesParams params;
  };
  auto o = std::make_shared<Options>();
  CLI::App* command = add_command(
      program, common, "align", "Turn a map to lie as near as it can to another of the same rows",
      "  latlas align umap.npy --to tsne.npy --scale -o umap_aligned.npy\n"
      "  latlas align monday.npy --to sunday.npy --no-reflection");
  command->add_option("map", o->map, "The map that is turned")->type_name("");
  command->add_option("--to", o->to, "The map that stays")->type_name("");
  command->add_option("--out,-o", o->out, "Where the result goes [aligned.npy]")->type_name("");
  command->add_flag("--scale", o->params.scale, "Also stretch it evenly");
  command->add_flag("!--no-reflection", o->params.reflection, "Do not mirror it");

  return [o, &common] {
    require(!o->map.empty() && !o->to.empty(),
            "latlas align: name two maps, e.g. latlas align a.npy --to b.npy");
    Console console(common.verbosity);
    require_writable(o->out);
    const Matrix map = npy::read_matrix(o->map), other = npy::read_matrix(o->to);
    const Procrustes found = procrustes(map, other, o->params);
    npy::write(o->out, transform(found, map));
    if (console.json())
      return console.print(
          fmt::format("{{\"residual\": {}, \"scale\": {}}}\n", found.residual, found.scale));
    console.table(
        "", {{"map", fmt::format("{} × {} in {}", count_text(map.rows()), map.cols(), o->out)},
             {"residual", fmt::format("{} (root mean square)", number_text(found.residual, 4))},
             {"scale", number_text(found.scale, 4)}});
  };
}

}  // namespace latlas::cli
