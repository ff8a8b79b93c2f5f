// Probes: how much of the labels can be read from rows of any dimension (latents, raw pixels). They
// train on some rows and are scored on others.
#pragma once

#include "latlas/core/matrix.h"
#include "latlas/evaluate/scores.h"

namespace latlas {

/// The share of test rows whose label is that of the majority of their label_k nearest training
/// rows (Euclidean; ties as in label_accuracy). Range 0 … 1; larger is better. Of more
/// than exact_rows test rows, sample_rows are drawn. Cost: test rows · training rows · d
/// multiply-adds at most; raw pixels are therefore best scored with a small exact_rows.
Score knn_accuracy(ConstRows train, Labels train_labels, ConstRows test, Labels test_labels,
                   const EvaluateParams& params = {});

struct ProbeParams {
  double ridge = 1e-3;  ///< Penalty as a share of the columns' variance; larger is smoother.
};
std::vector<Field> fields(ProbeParams& params);

/// Accuracy of a linear probe: least squares with a ridge penalty from the standardized training
/// rows to one column a class (1 for the class, else 0), solved in closed form; a test row gets the
/// class of the largest output (the lowest label of equals). Range 0 … 1; larger is better. Cost: n
/// d² multiply-adds and one Cholesky factorization of size d.
Score probe_accuracy(ConstRows train, Labels train_labels, ConstRows test, Labels test_labels,
                     const ProbeParams& params = {});

}  // namespace latlas
