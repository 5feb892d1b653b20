#include <algorithm>
#include <cmath>

#include "tests/fuzz/actions.hpp"

namespace gradbook::fuzz {

namespace {

/// Where a function of one operand applies, and what it makes of a range.
struct Function {
  std::string_view op;
  bool (*applies)(const Range&);
  Range (*result)(const Range&);
};

constexpr double least_positive = 0.05;

const std::vector<Function>& functions() {
  const auto always = [](const Range&) { return true; };
  static const std::vector<Function> table = {
      {"neg", always, [](const Range& x) { return -x; }},
      {"tanh", [](const Range& x) { return x.largest() < 8; }, tanh},
      {"sigmoid", [](const Range& x) { return x.largest() < 10; }, sigmoid},
      {"relu", [](const Range& x) { return x.has_both_signs(); }, relu},
      {"relu", always, relu},
      {"exp", [](const Range& x) { return !x.is_guess && x.high <= 3; }, exp},
      {"log", [](const Range& x) { return x.is_positive(least_positive); }, log},
      {"sqrt", [](const Range& x) { return x.is_positive(least_positive); }, sqrt},
      {"reciprocal", [](const Range& x) { return x.avoids_zero(0.2); }, reciprocal},
  };
  return table;
}

/// Exponents, each with where it applies and what it makes of a range.
struct Power {
  double exponent;
  bool (*applies)(const Range&);
  Range (*result)(const Range&);
};

const std::vector<Power>& powers() {
  const auto is_small = [](const Range& x) { return x.largest() <= 10; };
  const auto is_positive = [](const Range& x) { return x.is_positive(0.1) && x.high <= 10; };
  const auto avoids_zero = [](const Range& x) { return x.avoids_zero(0.2) && x.largest() <= 10; };
  const auto square = [](const Range& x) {
    return Range{x.has_both_signs() ? 0 : std::min(x.low * x.low, x.high * x.high),
                 x.largest() * x.largest(), x.is_guess};
  };
  static const std::vector<Power> table = {
      {2, is_small, square},
      {3, is_small, [](const Range& x) { return x * x * x; }},
      {1, is_small, [](const Range& x) { return x; }},
      {0, is_small, [](const Range&) { return scalar_range(1); }},
      {0.5, is_positive, sqrt},
      {1.5, is_positive, [](const Range& x) { return x * sqrt(x); }},
      {2.5, is_positive, [](const Range& x) { return x * x * sqrt(x); }},
      {-1, avoids_zero, reciprocal},
      {-0.5, is_positive, [](const Range& x) { return reciprocal(sqrt(x)); }},
      {-2, is_positive, [](const Range& x) { return reciprocal(x * x); }},
  };
  return table;
}

X apply(Draft& draft, X x, const Function& function) {
  return draft.compute(function.op, {x}, draft.shape(x), function.result(draft.range(x)));
}

X apply(Draft& draft, X x, const Power& power) {
  return draft.compute("pow", {x}, draft.shape(x), power.result(draft.range(x)),
                       scalar(power.exponent));
}

template <class Choice>
std::vector<Choice> applicable(const std::vector<Choice>& choices, const Range& range) {
  std::vector<Choice> fitting;
  for (const Choice& choice : choices) {
    if (choice.applies(range)) fitting.push_back(choice);
  }
  return fitting;
}

X compute_scalar(Draft& draft, std::string_view op, X x, double constant, const Range& range) {
  return draft.compute(op, {x}, draft.shape(x), range, scalar(constant));
}

/// Something positive made of x: with gradients, without 0.
X positive_of(Draft& draft, X x) {
  const Shape shape = draft.shape(x);
  const Range range = draft.range(x);
  switch (draft.random.below(4)) {
    case 0:
      if (range.largest() < 4) return draft.compute("sigmoid", {x}, shape, sigmoid(range));
      [[fallthrough]];
    case 1: {
      const X bounded = draft.compute("tanh", {x}, shape, tanh(range));
      return draft.compute("exp", {bounded}, shape, exp(tanh(range)));
    }
    case 2: {
      const X corner = draft.compute("relu", {x}, shape, relu(range));
      return compute_scalar(draft, "add", corner, 0.5, relu(range) + scalar_range(0.5));
    }
    default: {
      const double most = range.largest() * range.largest();
      const X square = draft.compute("mul", {x, x}, shape, {0, most, range.is_guess});
      return compute_scalar(draft, "add", square, 0.5, Range{0.5, most + 0.5, range.is_guess});
    }
  }
}

/// A second operand whose shape broadcasts with that of a.
X partner(Draft& draft, const Taste& taste, X a) {
  Random& random = draft.random;
  const auto fits = tensors_that(draft, [&](X b) {
    const auto shape = broadcast(draft.shape(a), draft.shape(b));
    return b != a && shape && numel_of(*shape) <= largest_numel;
  });
  if (random.chance(0.08)) return a;
  if (!fits.empty() && random.chance(0.75)) return operand_among(draft, fits);
  return random_leaf(draft, taste, broadcasting_with(random, draft.shape(a)), Values::any,
                     random.chance(0.6));
}

}  // namespace

X tamed(Draft& draft, X x) {
  const Range range = draft.range(x);
  const double largest = range.largest();
  if (largest <= 30) return x;
  if (largest <= 300 && !range.is_guess) {
    return compute_scalar(draft, "mul", x, 0.1, times(0.1, range));
  }
  const double factor = largest <= 3000 ? 0.01 : 0.0001;
  if (largest <= 100000) return compute_scalar(draft, "mul", x, factor, times(factor, range));
  return draft.compute("tanh", {x}, draft.shape(x), tanh(range));
}

bool unary(Draft& draft, const Taste&) {
  const X x = operand(draft);
  const Range range = draft.range(x);
  const auto fitting = applicable(powers(), range);
  if (!fitting.empty() && draft.random.chance(0.25)) {
    tamed(draft, apply(draft, x, draft.random.pick(fitting)));
  } else {
    tamed(draft, apply(draft, x, draft.random.pick(applicable(functions(), range))));
  }
  return true;
}

bool of_positive(Draft& draft, const Taste& taste) {
  Random& random = draft.random;
  const auto positive = tensors_that(
      draft, [&](X x) { return draft.range(x).is_positive(0.2) && draft.range(x).high < 100; });
  X x = 0;
  if (!positive.empty() && random.chance(0.4)) {
    x = operand_among(draft, positive);
  } else if (random.chance(0.3)) {
    x = random_leaf(draft, taste, narrowed(random, taste.shape), Values::positive, true);
  } else {
    x = positive_of(draft, operand(draft));
  }
  const Range range = draft.range(x);
  if (random.chance(0.35) && range.avoids_zero(0.2)) {
    const auto numerators = tensors_that(draft, [&](X a) {
      const auto shape = broadcast(draft.shape(a), draft.shape(x));
      return shape && numel_of(*shape) <= largest_numel;
    });
    if (!numerators.empty()) {
      const X a = operand_among(draft, numerators);
      const Range quotient = draft.range(a) * reciprocal(range);
      tamed(draft,
            draft.compute("div", {a, x}, *broadcast(draft.shape(a), draft.shape(x)), quotient));
      return true;
    }
  }
  const bool by_power = random.chance(0.3);
  const auto fitting_powers = applicable(powers(), range);
  if (by_power && !fitting_powers.empty()) {
    tamed(draft, apply(draft, x, random.pick(fitting_powers)));
    return true;
  }
  std::vector<Function> fitting = applicable(functions(), range);
  std::erase_if(fitting, [](const Function& f) { return f.applies({-1, 1}) || f.op == "exp"; });
  if (fitting.empty()) return true;  // what made it positive stands
  tamed(draft, apply(draft, x, random.pick(fitting)));
  return true;
}

bool binary(Draft& draft, const Taste& taste) {
  Random& random = draft.random;
  X a = operand(draft);
  X b = partner(draft, taste, a);
  if (random.chance(0.5)) std::swap(a, b);
  const Shape shape = *broadcast(draft.shape(a), draft.shape(b));
  const Range ra = draft.range(a);
  const Range rb = draft.range(b);
  const double kind = random.uniform();
  if (kind < 0.1) {
    draft.compute("gate", {a, b}, shape, gated(ra));
  } else if (kind < 0.2 && rb.avoids_zero(0.2)) {
    tamed(draft, draft.compute("div", {a, b}, shape, ra * reciprocal(rb)));
  } else if (kind < 0.6 && ra.largest() * rb.largest() < 1e5) {
    tamed(draft, draft.compute("mul", {a, b}, shape, ra * rb));
  } else if (kind < 0.8) {
    tamed(draft, draft.compute("add", {a, b}, shape, ra + rb));
  } else {
    tamed(draft, draft.compute("sub", {a, b}, shape, ra - rb));
  }
  return true;
}

bool with_scalar(Draft& draft, const Taste&) {
  Random& random = draft.random;
  const X x = operand(draft);
  const Range range = draft.range(x);
  const double constant = constant_between(random, -2.5, 2.5);
  const Range c = scalar_range(constant);
  switch (random.below(5)) {
    case 0:
      tamed(draft, compute_scalar(draft, "add", x, constant, range + c));
      break;
    case 1:
      tamed(draft, compute_scalar(draft, "sub", x, constant, range - c));
      break;
    case 2:
      tamed(draft, compute_scalar(draft, "rsub", x, constant, c - range));
      break;
    case 3: {
      const double divisor = constant >= 0 ? constant + 0.5 : constant - 0.5;
      tamed(draft, compute_scalar(draft, "div", x, divisor, times(1 / divisor, range)));
      break;
    }
    default:
      tamed(draft, compute_scalar(draft, "mul", x, constant, times(constant, range)));
  }
  return true;
}

}  // namespace gradbook::fuzz
