#pragma once

#include <map>
#include <vector>

#include "reference/results.hpp"

namespace gradbook::reference::twins {

/// x³ at 2 and its derivatives; and of lesson 10's network, whose weights (W1, b1, W2, b2) at some
/// steps of its training are given, step 0 among them: a Hessian-vector product at step 0, and at
/// every step the loss and the largest curvature ("curvature, step 52").
Results gradients_of_gradients(Precision precision,
                               const std::map<int, std::vector<Snapshot>>& weights);

}  // namespace gradbook::reference::twins
