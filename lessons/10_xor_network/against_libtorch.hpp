// What lesson 10 needs beside its page: weights as one row of numbers, and the training run held
// against LibTorch, step by step.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "lessons/workbook/lesson.hpp"
#include "reference/twins/10_xor_network.hpp"
#include "reference/verdict.hpp"

namespace gradbook::xor_network {

using Numbers = std::vector<double>;

inline double length(const Numbers& v) {
  double sum = 0;
  for (const double x : v) sum += x * x;
  return std::sqrt(sum);
}

/// a + t b
inline Numbers plus(Numbers a, double t, const Numbers& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += t * b[i];
  return a;
}

inline Numbers times(double t, const Numbers& v) { return plus(Numbers(v.size()), t, v); }

inline Snapshot as_snapshot(const Numbers& row) { return {Shape{row.size()}, row}; }

/// The 33 weights before each step, and the loss there.
struct Run {
  std::vector<Numbers> weights;
  Numbers losses;
};

/// How far a run agrees with LibTorch.
struct Agreement {
  int steps = 0;
  int agreed = 0;
  double ratio = 0;  // the largest error, as a part of what is allowed
  bool all_of(int least) const { return agreed == steps && steps >= least; }
  std::string text() const {
    return std::to_string(agreed) + " of " + std::to_string(steps) + " steps, at most " +
           workbook::number(100 * ratio, 0) + "% of allowance";
  }
};

/// Loss and gradient of every step, each against LibTorch from the engine's own weights there.
inline Agreement agreement(const Run& run,
                           const std::function<Numbers(const Numbers&)>& engine_gradient) {
  // Beyond this loss, products of weights overflow float32. The order of a sum then decides between
  // a number and infinity, and two correct engines may differ.
  constexpr double largest_loss = 1e30;
  Agreement result;
  for (std::size_t i = 0; i < run.losses.size() && run.losses[i] < largest_loss; ++i) {
    const Snapshot weights = as_snapshot(run.weights[i]);
    const auto libtorch = reference::run_twin([&](reference::Precision precision) {
      return reference::twins::xor_network(precision, weights);
    });
    const reference::Results scale = reference::twins::xor_scale(weights);
    const auto judge = [&](const std::string& name, const Snapshot& engine) {
      return reference::judge(engine, libtorch.truth.at(name), libtorch.peer.at(name),
                              reference::Precision::float32, &scale.at(name));
    };
    const auto loss = judge("loss", run.losses[i]);
    const auto gradient = judge("gradient", as_snapshot(engine_gradient(run.weights[i])));
    ++result.steps;
    result.agreed += loss.ok && gradient.ok ? 1 : 0;
    result.ratio = std::max({result.ratio, loss.ratio, gradient.ratio});
  }
  return result;
}

/// A table of checks: the loss at some steps of a run, by hand, and in LibTorch from the weights
/// that the engine had there. `which` tells this run from others.
inline void compare_losses(workbook::Page& page, const Run& run, const std::string& which,
                           const std::vector<std::pair<std::size_t, std::string>>& by_hand) {
  reference::TwinRun libtorch;
  std::vector<std::pair<std::string, workbook::How>> rows;
  for (const auto& [i, figure] : by_hand) {
    const std::string quantity = "loss at step " + std::to_string(i) + " (" + which + ")";
    const Snapshot weights = as_snapshot(run.weights[i]);
    const auto loss = [&](reference::Precision precision) {
      return reference::twins::xor_network(precision, weights).at("loss");
    };
    libtorch.truth[quantity] = loss(reference::Precision::float64);
    libtorch.peer[quantity] = loss(reference::Precision::float32);
    rows.emplace_back(quantity,
                      workbook::How{.by_hand = figure,
                                    .precision = reference::Precision::float32,
                                    .magnitude = reference::twins::xor_scale(weights).at("loss")});
  }
  auto& checks = page.checks(libtorch);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    checks.compare(rows[i].first, run.losses[by_hand[i].first], rows[i].second);
  }
}

/// "0.1430", or "6.6e+14" where four decimals would not do.
inline std::string loss_text(double loss) {
  return std::abs(loss) < 1000 ? workbook::number(loss, 4) : workbook::number_significant(loss, 2);
}

/// The columns of a table of runs, and the row of one of them.
inline std::vector<std::string> loss_columns() {
  return {"loss at step", "50", "70", "80", "90", "100", "150", "199"};
}
inline std::vector<std::string> loss_row(const std::string& name, const Numbers& losses) {
  std::vector<std::string> row = {name};
  for (const std::size_t i : {50U, 70U, 80U, 90U, 100U, 150U, 199U}) {
    row.push_back(loss_text(losses[i]));
  }
  return row;
}

/// Is any printed otherwise than the first?
inline bool differ(const Numbers& losses) {
  return std::any_of(losses.begin(), losses.end(),
                     [&](double loss) { return loss_text(loss) != loss_text(losses.front()); });
}

}  // namespace gradbook::xor_network
