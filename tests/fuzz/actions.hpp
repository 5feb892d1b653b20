#pragma once

#include "tests/fuzz/choose.hpp"
#include "tests/fuzz/draft.hpp"

// What a random program does next. Each writes a line, or the few that belong together; where there
// is nothing to do it to, it writes none, and says so by returning false.

namespace gradbook::fuzz {

// --- computing (actions_elementwise.cpp, actions_shape.cpp) --------------------------------------

/// neg, exp, tanh, relu, ..., or pow, of something to which it applies.
bool unary(Draft& draft, const Taste& taste);
/// What needs positive numbers, and the way to make them: log(sigmoid(x)), a / (x * x + 0.5).
bool of_positive(Draft& draft, const Taste& taste);
/// Two operands that broadcast.
bool binary(Draft& draft, const Taste& taste);
/// An operand and a constant.
bool with_scalar(Draft& draft, const Taste& taste);
bool product_of_matrices(Draft& draft, const Taste& taste);
/// sum or mean over all, some, or no dimensions.
bool reduction(Draft& draft, const Taste& taste);
/// transpose, reshape, expand, sum_to, clone.
bool new_shape(Draft& draft, const Taste& taste);
bool cut_off(Draft& draft, const Taste& taste);
bool index_of_largest(Draft& draft, const Taste& taste);

/// The result, or if its elements may be large, something of them that is not.
X tamed(Draft& draft, X x);

// --- writing in place (actions_in_place.cpp) -----------------------------------------------------

/// Where nothing will miss what was there before; through an alias perhaps.
bool write_in_place(Draft& draft, const Taste& taste);
/// A few lines without recording, a step of gradient descent perhaps.
bool without_recording(Draft& draft, const Taste& taste);

// --- gradients (actions_gradient.cpp) ------------------------------------------------------------

/// backward() from something, reduced to a scalar before or given a gradient.
bool run_backward(Draft& draft, const Taste& taste);
/// grad() of something with respect to something, going on with the gradient.
bool run_grad(Draft& draft, const Taste& taste);
/// A gradient of a gradient.
bool differentiate_twice(Draft& draft, const Taste& taste);
/// Goes on with a gradient that was accumulated.
bool use_gradient(Draft& draft, const Taste& taste);
/// retain_grad, zero_grad, requires_grad_.
bool change_flag(Draft& draft, const Taste& taste);
/// One loss of all that nothing uses yet, and backward from it.
void finish(Draft& draft, const Taste& taste);

// --- mistakes (mistakes.cpp) ---------------------------------------------------------------------

/// A line that is refused, of a random kind.
void make_mistake(Draft& draft, const Taste& taste);
/// What the engine and LibTorch are meant to do differently, of a random kind.
void provoke_difference(Draft& draft, const Taste& taste);

}  // namespace gradbook::fuzz
