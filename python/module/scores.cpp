#include "latlas/evaluate/scores.h"
#include "latlas/evaluate/probes.h"
#include "module/convert.h"
#include "module/host.h"

namespace latlas::python {
namespace {

nb::tuple tuple_of(const Score& s) { return nb::make_tuple(s.value, s.standard_error, s.rows); }

using MapScore = Score (*)(ConstRows, ConstRows, const EvaluateParams&);

void bind_map_score(nb::module_& m, const char* name, MapScore score) {
  m.def(
      name,
      [score](FloatsIn data, FloatsIn map, nb::dict given, int threads) {
        const auto params = params_from<EvaluateParams>(given, "evaluate");
        return tuple_of(Host(nb::none(), threads).run([&](const Progress&) {
          return score(view(data), view(map), params);
        }));
      },
      nb::arg("data"), nb::arg("map"), nb::arg("params"), nb::arg("threads") = 0,
      "(value, standard error, rows)");
}

}  // namespace

void bind_scores(nb::module_& m) {
  bind_map_score(m, "trustworthiness", &trustworthiness);
  bind_map_score(m, "continuity", &continuity);
  bind_map_score(m, "recall", &recall);
  bind_map_score(m, "spearman", &spearman);
  m.def(
      "label_accuracy",
      [](FloatsIn map, LabelsIn labels, nb::dict given, int threads) {
        const auto params = params_from<EvaluateParams>(given, "evaluate");
        return tuple_of(Host(nb::none(), threads).run([&](const Progress&) {
          return label_accuracy(view(map), view(labels), params);
        }));
      },
      nb::arg("map"), nb::arg("labels"), nb::arg("params"), nb::arg("threads") = 0);
  m.def(
      "knn_accuracy",
      [](FloatsIn train, LabelsIn train_labels, FloatsIn test, LabelsIn test_labels, nb::dict given,
         int threads) {
        const auto params = params_from<EvaluateParams>(given, "evaluate");
        return tuple_of(Host(nb::none(), threads).run([&](const Progress&) {
          return knn_accuracy(view(train), view(train_labels), view(test), view(test_labels),
                              params);
        }));
      },
      nb::arg("train"), nb::arg("train_labels"), nb::arg("test"), nb::arg("test_labels"),
      nb::arg("params"), nb::arg("threads") = 0);
  m.def(
      "probe_accuracy",
      [](FloatsIn train, LabelsIn train_labels, FloatsIn test, LabelsIn test_labels, nb::dict given,
         int threads) {
        const auto params = params_from<ProbeParams>(given, "probe");
        return tuple_of(Host(nb::none(), threads).run([&](const Progress&) {
          return probe_accuracy(view(train), view(train_labels), view(test), view(test_labels),
                                params);
        }));
      },
      nb::arg("train"), nb::arg("train_labels"), nb::arg("test"), nb::arg("test_labels"),
      nb::arg("params"), nb::arg("threads") = 0);
  m.def(
      "evaluate_map",
      [](FloatsIn data, FloatsIn map, nb::object labels, nb::dict given, int threads) {
        const auto params = params_from<EvaluateParams>(given, "evaluate");
        LabelsIn held;  // keeps the labels alive
        if (!labels.is_none()) held = nb::cast<LabelsIn>(labels);
        const Labels names = labels.is_none() ? Labels() : view(held);
        const Quality q = Host(nb::none(), threads).run([&](const Progress&) {
          return evaluate_map(view(data), view(map), names, params);
        });
        nb::dict out;
        out["trustworthiness"] = tuple_of(q.trustworthiness);
        out["continuity"] = tuple_of(q.continuity);
        out["recall"] = tuple_of(q.recall);
        out["spearman"] = tuple_of(q.spearman);
        if (q.label_accuracy) out["label_accuracy"] = tuple_of(*q.label_accuracy);
        return out;
      },
      nb::arg("data"), nb::arg("map"), nb::arg("labels").none(), nb::arg("params"),
      nb::arg("threads") = 0);
}

}  // namespace latlas::python
