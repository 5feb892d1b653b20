#pragma once

#include "reference/results.hpp"

namespace gradbook::reference::twins {

/// tanh(wx + b) trained towards 0.8 at x = 2 by 20 steps of gradient descent, learning rate 0.5,
/// from w = 0.3 and from w = 3, both with b = 0.1. "y at step 4" and "loss at step 4" are as
/// computed in the step, "w at step 4" and "b at step 4" as it left them.
Results train_a_neuron(Precision precision);

}  // namespace gradbook::reference::twins
