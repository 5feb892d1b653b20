#include "reference/accuracy_cases.hpp"

#include <algorithm>
#include <cmath>

#include "engine/ops/elementwise.hpp"

// Thresholds, each where float32 changes its ways: exp overflows at 88.72, is subnormal from
// -87.34 and 0 from -103.97 on; 1 / x overflows or is subnormal where x is within 2^±127; tanh is
// ±1 from 9.01 on; the last place of 1 is reached at 2^-24.

namespace gradbook::reference {

namespace {

using Run = Batch::Run;
using Case = AccuracyCase;

std::size_t at_least(std::size_t least, std::size_t value) { return std::max(least, value); }

/// All pairs of an edge as input and an edge as arriving gradient, then `size` random ones. Corners
/// meet finite gradients only: whether inf * (1 - y * y) is inf or NaN near y = 1 hangs on the last
/// place of y, which either engine may round as it likes.
Batch one_input(Sampler& sampler, const Domain& domain, bool with_edges, std::size_t size,
                Run run) {
  std::vector<double> x;
  std::vector<double> g;
  for (std::size_t i = 0; with_edges && i < edges().size(); ++i) {
    for (const double gradient : edges()) {
      x.push_back(edges()[i]);
      g.push_back(gradient);
    }
  }
  for (std::size_t i = 0; i < size; ++i) {
    x.push_back(sampler.draw(domain));
    g.push_back(sampler.cotangent());
  }
  const Shape shape{x.size()};
  return {{Snapshot(shape, x)}, std::move(run), Snapshot(shape, g)};
}

Case unary(const char* operation, const char* written, const Domain& domain, const Run& run) {
  return {operation, written, [=](Sampler& sampler, std::size_t index, std::size_t size) {
            return one_input(sampler, domain, index == 0, size, run);
          }};
}

/// All triples of edges (a, b, gradient).
Batch two_edges(Run run) {
  const std::vector<double>& all = edges();
  const Shape shape{all.size(), all.size(), all.size()};
  Snapshot a(shape, {});
  Snapshot b(shape, {});
  Snapshot g(shape, {});
  for (const double each_a : all) {
    for (const double each_b : all) {
      for (const double each_g : all) {
        a.values.push_back(each_a);
        b.values.push_back(each_b);
        g.values.push_back(each_g);
      }
    }
  }
  return {{a, b}, std::move(run), g};
}

/// Two inputs: independent; close to each other but for the sign; and b repeated along the rows of
/// a.
Case binary(const char* operation, const char* written, const Run& run) {
  return {operation, written, [=](Sampler& sampler, std::size_t index, std::size_t size) {
            if (index == 0) return two_edges(run);
            const Domain domain{-10, 10, {0x1p-126, 0x1p126}};
            const auto draw = [&] { return sampler.draw(domain); };
            constexpr std::size_t width = 8;
            if (index % 4 == 3) {
              return Batch{{Sampler::fill({at_least(1, size / width), width}, draw),
                            Sampler::fill({width}, draw)},
                           run};
            }
            Snapshot a = Sampler::fill({size}, draw);
            Snapshot b = Sampler::fill({size}, draw);
            for (std::size_t i = 0; index % 4 == 2 && i < size; ++i) {
              b.values[i] = sampler.draw({a.values[i], -a.values[i], {a.values[i]}});
            }
            return Batch{{a, b}, run};
          }};
}

using RunWith = std::function<Tensor(const Tensor& x, double c)>;

/// One input and a constant: the given ones first, then random ones.
Case with_constant(const char* operation, const char* written, const std::vector<double>& constants,
                   const std::function<double(Sampler&)>& constant,
                   const std::function<Domain(double c)>& domain, const RunWith& run) {
  return {operation, written, [=](Sampler& sampler, std::size_t index, std::size_t size) {
            const bool is_given = index < constants.size();
            const double c = is_given ? constants[index] : constant(sampler);
            return one_input(sampler, domain(c), is_given, size,
                             [=](const auto& in) { return run(in[0], c); });
          }};
}

Case with_operand(const char* operation, const char* written, const RunWith& run) {
  return with_constant(
      operation, written, {2, 0, -1, 0.1, 3, 1e-42, -1e30, 0x1p127, 1 / 3.0, INFINITY},
      [](Sampler& sampler) { return sampler.log_spaced(-149, 127); },
      [](double c) {
        return Domain{-10, 10, {c, -c, 0x1p-126, 0x1p126}};
      },
      run);
}

/// Around the numbers whose power overflows, and whose power is subnormal.
Domain domain_of_pow(double c) {
  if (c == 0) return {};
  Domain domain{0, 10, {}};
  for (const double exponent : {128 / c, -126 / c, -149 / c}) {
    if (std::abs(exponent) < 127) domain.corners.push_back(std::exp2(exponent));
  }
  return domain;
}

// --- Sums
// ------------------------------------------------------------------------------------------

constexpr Terms kinds[] = {Terms::normal, Terms::positive, Terms::all_magnitudes,
                           Terms::cancelling};
/// More terms than elements in other batches: a sum has few elements for the numbers it takes.
constexpr std::size_t effort = 8;

Snapshot transposed(const Snapshot& matrix) {
  return Tensor::from(matrix).transpose(0, 1).snapshot();
}

/// Rows of terms whose sums are to be taken along dim 1.
Snapshot rows_of_terms(Sampler& sampler, std::size_t index, std::size_t size) {
  constexpr std::size_t counts[] = {2, 3, 5, 16, 17, 64, 100, 129, 300, 1000, 3000};
  if (index == 0) {
    Snapshot pairs({edges().size() * edges().size(), 2}, {});
    for (const double first : edges()) {
      for (const double second : edges()) {
        pairs.values.push_back(first);
        pairs.values.push_back(second);
      }
    }
    return pairs;
  }
  const std::size_t terms = counts[index % std::size(counts)];
  const std::size_t rows = at_least(2, effort * size / terms);
  return {{rows, terms}, sampler.rows_of(kinds[index % std::size(kinds)], rows, terms)};
}

using Reduce = std::function<Tensor(const Tensor& x, const Dims& dims)>;

/// Along rows, of everything, and along columns.
Case reduction(const char* operation, const char* written, const Reduce& reduce) {
  return {operation, written, [=](Sampler& sampler, std::size_t index, std::size_t size) {
            const Snapshot rows = rows_of_terms(sampler, index, size);
            if (index % 3 == 2) {
              return Batch{{transposed(rows)}, [=](const auto& in) { return reduce(in[0], {0}); }};
            }
            const Dims dims = index % 3 == 1 ? Dims{0, 1} : Dims{1};
            return Batch{{rows}, [=](const auto& in) { return reduce(in[0], dims); }};
          }};
}

/// Matrices, batches of them, and vectors.
Batch factors(Sampler& sampler, std::size_t index, std::size_t size) {
  constexpr std::size_t inner_sizes[] = {3, 10, 30, 100, 300};
  const std::size_t inner = inner_sizes[index % std::size(inner_sizes)];
  const Terms kind = kinds[index % std::size(kinds)];
  const Run run = [](const auto& in) { return matmul(in[0], in[1]); };
  if (index == 0) {  // every edge times every edge
    const std::size_t n = edges().size();
    return {{Snapshot({n, 1}, edges()), Snapshot({1, n}, edges())}, run};
  }
  const std::size_t rows = std::clamp<std::size_t>(effort * size / (2 * inner), 2, 64);
  Snapshot a({rows, inner}, sampler.rows_of(kind, rows, inner));
  Snapshot b({rows, inner}, sampler.rows_of(kind, rows, inner));
  if (kind == Terms::cancelling) {  // what cancels in a must meet its like in b
    for (std::size_t i = 0; i < b.values.size(); ++i) {
      const std::size_t k = i % inner;
      if (k >= inner / 2 && k < inner / 2 * 2) b.values[i] = b.values[i - inner / 2];
    }
  }
  b = transposed(b);
  if (index % 3 == 1) {
    Snapshot batch({2, rows, inner}, a.values);
    batch.values.insert(batch.values.end(), a.values.rbegin(), a.values.rend());
    return {{batch, b}, run};
  }
  if (index % 3 == 2)
    a = Snapshot({inner},
                 {a.values.begin(), a.values.begin() + static_cast<std::ptrdiff_t>(inner)});
  return {{a, b}, run};
}

// --- Copies
// ----------------------------------------------------------------------------------------

/// A matrix of any numbers, with so many columns.
Case copies(const char* operation, const char* written, std::size_t columns, const Run& run) {
  return {operation, written, [=](Sampler& sampler, std::size_t index, std::size_t size) {
            if (index == 0) return Batch{{Snapshot({edges().size(), 1}, edges())}, run};
            const Shape shape{at_least(1, size / 8), columns};
            return Batch{{Sampler::fill(shape, [&] { return sampler.draw({}); })}, run};
          }};
}

}  // namespace

std::vector<AccuracyCase> accuracy_cases() {
  const Run exp = [](const auto& in) { return in[0].exp(); };
  const Domain domain_of_exp{-105, 90, {88.7228390, -87.3365479, -103.972076, -103.278931}};
  const Domain domain_of_reciprocal{-10, 10, {0x1p126, 0x1p127, 0x1p-126, 0x1p-127, 0x1p-128}};
  // A write in place needs an intermediate.
  const auto in_place = [](const std::function<void(Tensor&, const Tensor&)>& write) {
    return [=](const std::vector<Tensor>& in) {
      Tensor a = in[0] * 1;
      write(a, in.back());
      return a;
    };
  };
  return {
      binary("add", "a + b", [](const auto& in) { return in[0] + in[1]; }),
      binary("sub", "a - b", [](const auto& in) { return in[0] - in[1]; }),
      binary("mul", "a * b", [](const auto& in) { return in[0] * in[1]; }),
      binary("div", "a / b", [](const auto& in) { return in[0] / in[1]; }),
      binary("gate", "gate(a, b)", [](const auto& in) { return gate(in[0], in[1]); }),
      with_operand("add", "x + c", [](const Tensor& x, double c) { return x + c; }),
      with_operand("sub", "x - c", [](const Tensor& x, double c) { return x - c; }),
      with_operand("rsub", "c - x", [](const Tensor& x, double c) { return c - x; }),
      with_operand("mul", "x * c", [](const Tensor& x, double c) { return x * c; }),
      with_operand("div", "x / c", [](const Tensor& x, double c) { return x / c; }),
      with_constant(
          "pow", "x.pow(c)",
          {3, 2, 0.5, -1, -2, -0.5, 0, 1, 1.5, 0.7, 1 / 3.0, -0.3, 10, -7, 4, 2.5, 100, -100, 1e-3},
          [](Sampler& sampler) { return sampler.uniform(-6, 6); }, domain_of_pow,
          [](const Tensor& x, double c) { return x.pow(c); }),
      unary("neg", "-x", {}, [](const auto& in) { return -in[0]; }),
      unary("reciprocal", "x.reciprocal()", domain_of_reciprocal,
            [](const auto& in) { return in[0].reciprocal(); }),
      unary("exp", "x.exp()", domain_of_exp, exp),
      unary("log", "x.log()", {0, 10, {0x1p-126, 2.718281828}},
            [](const auto& in) { return in[0].log(); }),
      unary("sqrt", "x.sqrt()", {0, 100, {0x1p-126}}, [](const auto& in) { return in[0].sqrt(); }),
      unary("tanh", "x.tanh()", {-10, 10, {9.0109, -9.0109, 0.625, 0x1p-12}},
            [](const auto& in) { return in[0].tanh(); }),
      unary("sigmoid", "x.sigmoid()",
            {-105, 105, {88.7228390, -88.7228390, -103.972076, 17.3286795, -17.3286795}},
            [](const auto& in) { return in[0].sigmoid(); }),
      unary("relu", "x.relu()", {-1, 1}, [](const auto& in) { return in[0].relu(); }),
      reduction("sum", "x.sum()", [](const Tensor& x, const Dims& dims) { return x.sum(dims); }),
      reduction("mean", "x.mean()",
                [](const Tensor& x, const Dims& dims) { return x.mean(dims, true); }),
      {"matmul", "matmul(a, b)", factors},
      copies("transpose", "x.transpose()", 8, [](const auto& in) { return in[0].transpose(0, 1); }),
      copies("reshape", "x.reshape()", 8, [](const auto& in) { return in[0].reshape({-1}); }),
      copies("expand", "x.expand()", 1,
             [](const auto& in) {
               return in[0].expand({in[0].shape()[0], 40});
             }),
      reduction("sum_to", "x.sum_to()",
                [](const Tensor& x, const Dims& dims) {
                  return x.sum_to(reduced_shape(x.shape(), reduced_dims("sum_to", dims, x.shape()),
                                                dims != Dims{0}));
                }),
      binary("add_", "a.add_(b)", in_place([](Tensor& a, const Tensor& b) { a.add_(b); })),
      binary("sub_", "a.sub_(b)", in_place([](Tensor& a, const Tensor& b) { a.sub_(b); })),
      binary("mul_", "a.mul_(b)", in_place([](Tensor& a, const Tensor& b) { a.mul_(b); })),
      binary("copy_", "a.copy_(b)", in_place([](Tensor& a, const Tensor& b) { a.copy_(b); })),
      unary("zero_", "x.zero_()", {}, in_place([](Tensor& a, const Tensor&) { a.zero_(); })),
      {"checkpoint", "checkpoint(exp)",
       [=](Sampler& sampler, std::size_t index, std::size_t size) {
         return one_input(sampler, domain_of_exp, index == 0, size, exp);
       },
       true},
  };
}

}  // namespace gradbook::reference
