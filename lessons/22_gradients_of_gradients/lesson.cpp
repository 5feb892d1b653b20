#include "lessons/workbook/lesson.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "engine/gradcheck.hpp"
#include "engine/random.hpp"
#include "engine/tensor.hpp"
#include "engine/trace.hpp"
#include "reference/replay.hpp"
#include "reference/twins/22_gradients_of_gradients.hpp"

using namespace gradbook;
using workbook::number;
using workbook::Page;

namespace {

/// W1 (2, 8), b1 (8), W2 (8, 1), b2 (1).
template <class T>
using WeightsOf = std::vector<BasicTensor<T>>;
using Weights = WeightsOf<double>;

/// The network of lesson 10 on the four lines of XOR.
template <class T>
BasicTensor<T> loss(const WeightsOf<T>& w) {
  const BasicTensor<T> x({{0, 0}, {0, 1}, {1, 0}, {1, 1}});
  const BasicTensor<T> target({{0}, {1}, {1}, {0}});
  const BasicTensor<T> hidden = (matmul(x, w[0]) + w[1]).tanh();
  return (matmul(hidden, w[2]) + w[3] - target).pow(2).mean();
}

std::vector<Snapshot> snapshots(const Weights& weights) {
  std::vector<Snapshot> result;
  for (const Tensor64& weight : weights) result.push_back(weight.snapshot());
  return result;
}

template <class T>
WeightsOf<T> leaves(const std::vector<Snapshot>& values) {
  WeightsOf<T> result;
  for (const Snapshot& value : values) {
    result.push_back(BasicTensor<T>::from(value, requires_grad));
  }
  return result;
}

/// The start of lesson 10.
std::vector<Snapshot> start() {
  RandomState random(42);
  const auto draw = [&](const Shape& shape) { return (random.randn(shape) * 0.5).snapshot(); };
  const Snapshot w1 = draw({2, 8});
  const Snapshot w2 = draw({8, 1});
  return {w1, Tensor::zeros({8}).snapshot(), w2, Tensor::zeros({1}).snapshot()};
}

double dot(const Weights& a, const Weights& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] * b[i]).sum().item();
  return sum;
}

Weights divided(Weights v, double by) {
  for (Tensor64& part : v) part = part / by;
  return v;
}

/// Ones in the shapes of `weights`, made 1 long.
Weights first_guess(const Weights& weights) {
  Weights ones;
  for (const Tensor64& weight : weights) ones.push_back(Tensor64::ones(weight.shape()));
  return divided(ones, std::sqrt(dot(ones, ones)));
}

// [code: hessian]
Weights hessian_times(const Weights& v, const Weights& at) {
  const GradOptions recorded = {.create_graph = true};
  const Weights slopes = grad<double>({loss(at)}, at, {}, recorded);
  return grad<double>(slopes, at, v);
}
// [/code]

// [code: power]
double largest_curvature(const Weights& at, Weights v) {
  double curvature = 0;
  for (int i = 0; i < 50; ++i) {
    const Weights hv = hessian_times(v, at);
    curvature = dot(v, hv);
    v = divided(hv, std::sqrt(dot(hv, hv)));
  }
  return curvature;
}
// [/code]

void cube(Page& page, const reference::TwinRun& libtorch) {
  page.heading("The gradient is a result too");
  // [code: cube]
  Tensor64 x(2.0, requires_grad);
  const Tensor64 y = x.pow(3);
  const Tensor64 dy = grad(y, x, {.create_graph = true});
  const Tensor64 d2y = grad(dy, x, {.create_graph = true});
  const Tensor64 d3y = grad(d2y, x);
  // [/code]
  page.code("cube");
  page.prose(
      "`grad` returns the gradient. With `create_graph` the backward pass is recorded as it runs, "
      "like any other program: dy stands at the end of a graph of its own, has a derivative, and "
      "that has one too. By hand: x³, 3x², 6x, 6. That the first and the second are both 12 is a "
      "whim of x = 2. Without `create_graph` there is no such graph, and both engines refuse to "
      "go on.");
  double refused = 0;
  try {
    grad(grad(x.pow(3), x), x);
  } catch (const BackwardError&) {
    refused = 1;
  }
  auto& checks = page.checks(libtorch);
  checks.compare("y", y, "8");
  checks.compare("dy/dx", dy, "12");
  checks.compare("d²y/dx²", d2y, "12");
  checks.compare("d³y/dx³", d3y, "6");
  checks.compare("refused: no create_graph", refused, "1");
}

void hessian(Page& page, const reference::TwinRun& libtorch, const std::vector<Snapshot>& from) {
  page.heading("A matrix that is never built");
  const Weights at = leaves<double>(from);
  std::size_t count = 0;
  for (const Tensor64& weight : at) count += weight.numel();
  page.prose("The network of lesson 10 has " + std::to_string(count) +
             " weights. Each slope changes with each weight: the second derivatives are a matrix, "
             "the Hessian H, of " +
             std::to_string(count * count) +
             " numbers. A model with a billion weights could never store it. But backward from a "
             "vector of slopes, with v as its gradient, gives vᵀH, which is Hv since H is "
             "symmetric (lesson 20):");
  page.code("hessian");
  Trace trace;
  Weights hv;
  const Weights v = first_guess(at);
  {
    const TraceScope recording(trace);
    hv = hessian_times(v, at);
  }
  const Weights slopes = grad<double>({loss(at)}, at);
  const double one_way = dot(slopes, hv);
  const double other_way = dot(v, hessian_times(slopes, at));
  page.prose("At lesson 10's start, v with 33 equal entries:");
  auto& checks = page.checks(libtorch);
  const std::vector<std::string> names = {"W1", "b1", "W2", "b2"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    // Sums of products of numbers around 1, some of which cancel.
    const Snapshot one(hv[i].shape(), std::vector<double>(hv[i].numel(), 1));
    checks.compare("Hv, " + names[i], hv[i], workbook::How{.magnitude = one});
  }
  page.replayed(reference::replay(trace), "both backward passes, step by step");
  page.claim("H is symmetric: gᵀHv = vᵀHg for the slopes g",
             std::abs(one_way - other_way) < 1e-13 * std::abs(one_way),
             number(one_way, 12) + " and " + number(other_way, 12));
}

/// Weights and largest curvature at each step of lesson 10's training, in float64.
struct Training {
  std::vector<std::vector<Snapshot>> weights;
  std::vector<double> losses, curvatures;
};

Training train(const std::vector<Snapshot>& from, double lr, std::size_t steps) {
  Training run;
  Weights w = leaves<double>(from);
  for (std::size_t step = 0; step <= steps; ++step) {
    run.weights.push_back(snapshots(w));
    run.losses.push_back(loss(w).item());
    run.curvatures.push_back(largest_curvature(w, first_guess(w)));
    const Weights slopes = grad<double>({loss(w)}, w);
    const NoGradGuard updating;
    for (std::size_t i = 0; i < w.size(); ++i) w[i].sub_(lr * slopes[i]);
  }
  return run;
}

void curvature(Page& page, const reference::TwinRun& libtorch, const Training& run, double lr) {
  page.heading("The curvature of lesson 10, exactly");
  const double limit = 2 / lr;
  page.prose(
      "Multiply a vector by H again and again, and it turns towards the direction in which the "
      "loss bends most (power iteration). vᵀHv is then the largest curvature. Lesson 10 estimated "
      "it from differences of gradients; this is exact:");
  page.code("power");
  page.prose(
      "For that, lesson 10's network is trained again here, in float64, as in lesson 10's row "
      "`LibTorch, float64`.");
  const std::vector<double>& k = run.curvatures;
  page.series({.title = "largest curvature at each step of lesson 10's training in float64, lr = " +
                        number(lr),
               .x_label = "step",
               .y_label = "curvature",
               .lines = {{"largest curvature", k}, {"2/lr", std::vector<double>(k.size(), limit)}},
               .y_scale = workbook::Scale::linear});
  const auto lowest = std::min_element(k.begin(), k.end());
  const auto crossing = std::find_if(lowest, k.end(), [&](double c) { return c > limit; });
  const auto crossed_at = static_cast<std::size_t>(crossing - k.begin());
  const bool crossed = crossing != k.end();
  const std::string end =
      workbook::error_text(run.losses.back()) + " at step " + std::to_string(run.losses.size() - 1);
  page.prose(
      "A step multiplies a displacement along that direction by 1 - lr times the curvature. Above "
      "2/lr that is less than -1: it overshoots, and grows. " +
      (crossed ? "From step " + std::to_string(crossed_at) +
                     " on the training is unstable, and its loss falls all the same, to " + end +
                     ": the displacement that grows began as a rounding error, and needs its time. "
                     "Which way it points is decided by rounding too. That is why the runs of "
                     "lesson 10 part after step 50."
               : "Here it stays below: the training is stable, and its loss is " + end + "."));
  page.prose(
      "LibTorch computes loss and curvature from the same weights. The column by hand holds the "
      "figures of a published run.");
  auto& checks = page.checks(libtorch);
  // The losses are made of sums of numbers around 1.
  checks.compare("loss, step 0", run.losses[0], {.by_hand = "1.0835", .magnitude = Snapshot(1)});
  checks.compare("loss, step 50", run.losses[50], {.by_hand = "0.1430", .magnitude = Snapshot(1)});
  for (const std::size_t step : {0, 12, 52, 95}) {
    checks.compare("curvature, step " + std::to_string(step), k[step]);
  }
  page.figure("largest curvature at step 0", k.front());
  page.figure("lowest of the largest curvatures", *lowest);
  page.figure("largest curvature at step 95", k.back());
  page.figure("step at which the curvature crosses 2/lr", static_cast<double>(crossed_at));
  page.claim("starts near 8", std::abs(k[0] - 8) < 0.5, number(k[0], 4));
  page.claim("falls to about 2", std::abs(*lowest - 2) < 0.2,
             number(*lowest, 4) + " at step " + std::to_string(lowest - k.begin()));
  page.claim("crosses 2/lr = 4 at step 52", crossed_at == 52,
             crossed ? number(k[crossed_at - 1], 4) + ", then " + number(*crossing, 4) : "never");
  page.claim("reaches about 6.5", std::abs(k.back() - 6.5) < 0.1, number(k.back(), 4));
}

/// (loss(w + h) - loss(w - h)) / 2h for one element of W1, computed in T.
template <class T>
T central_difference(WeightsOf<T> w, std::size_t element, T h) {
  Snapshot moved = w[0].snapshot();
  const T here = static_cast<T>(moved.values[element]);
  // [code: difference]
  const auto loss_at = [&](T value) {
    moved.values[element] = value;
    w[0] = BasicTensor<T>::from(moved);
    return loss(w).item();
  };
  return (loss_at(here + h) - loss_at(here - h)) / (2 * h);
  // [/code]
}

/// The largest error of central differences in W1, against the float64 gradient.
template <class T>
double difference_error(const std::vector<Snapshot>& from, double h) {
  const Weights exact = leaves<double>(from);
  const Snapshot slopes = grad<double>({loss(exact)}, exact)[0].snapshot();
  double worst = 0;
  for (std::size_t i = 0; i < slopes.values.size(); ++i) {
    const T numeric = central_difference(leaves<T>(from), i, static_cast<T>(h));
    worst = std::max(worst, std::abs(static_cast<double>(numeric) - slopes.values[i]));
  }
  return worst;
}

void numerical(Page& page, const std::vector<Snapshot>& from) {
  page.heading("Checking gradients by differences");
  page.code("difference");
  std::vector<double> steps;
  for (int i = 2; i <= 24; ++i) steps.push_back(std::pow(10.0, -0.5 * i));
  std::vector<double> wide;
  std::vector<double> narrow;
  for (const double h : steps) {
    wide.push_back(difference_error<double>(from, h));
    narrow.push_back(difference_error<float>(from, h));
  }
  page.series({.title = "largest error of the slopes of W1 against the step h",
               .x_label = "h",
               .y_label = "error",
               .lines = {{"float64", wide, steps}, {"float32", narrow, steps}}});
  const auto best = [&](const std::vector<double>& errors) {
    return static_cast<std::size_t>(std::min_element(errors.begin(), errors.end()) -
                                    errors.begin());
  };
  const std::size_t in64 = best(wide);
  const std::size_t in32 = best(narrow);
  const auto rounding = [](double epsilon) { return workbook::error_text(std::cbrt(epsilon)); };
  page.prose(
      "From the right: the error of the formula falls with h², a hundredfold for each tenth of h. "
      "From the left: the two losses share their leading digits, and the rounding error of their "
      "difference is divided by h. The best step is where the two meet, near the cube root of a "
      "rounding error: " +
      rounding(std::numeric_limits<double>::epsilon()) + " in float64, " +
      rounding(std::numeric_limits<float>::epsilon()) +
      " in float32. Float32 is too coarse for checking. `gradcheck` does this in float64 for every "
      "input of a function (PyTorch has it too, LibTorch's C++ API not). Here it looks at the "
      "network, and at a square that forgets one of its two paths:");
  // [code: gradcheck]
  const auto network = gradcheck(loss<double>, leaves<double>(from));
  const auto wrong = [](const Weights& v) { return v[0] * v[0].detach(); };
  const auto caught = gradcheck(wrong, {Tensor64({1, 2, 3})});
  // [/code]
  page.code("gradcheck");
  const double fall = wide[0] / wide[2];
  page.claim("a tenth of h: a hundredth of the error", std::abs(fall - 100) < 10,
             "h = 0.1 to 0.01: error / " + number(fall, 1));
  page.claim(
      "best h in float64: 1e-6 to 1e-4", steps[in64] > 9e-7 && steps[in64] < 1.1e-4,
      "h = " + workbook::error_text(steps[in64]) + ", error " + workbook::error_text(wide[in64]));
  page.claim(
      "best h in float32: 1e-3 to 1e-1", steps[in32] > 9e-4 && steps[in32] < 0.11,
      "h = " + workbook::error_text(steps[in32]) + ", error " + workbook::error_text(narrow[in32]));
  page.claim("gradcheck accepts the network", network.ok,
             "error " + workbook::error_text(network.largest_error));
  page.claim("and catches half a square", !caught.ok,
             caught.where + " is off by " + workbook::error_text(caught.largest_error));
  page.figure("best step, float64", steps[in64]);
  page.figure("best step, float32", steps[in32]);
  page.figure("error at the best step, float64", wide[in64]);
}

void build(Page& page, const workbook::Options&) {
  constexpr double lr = 0.5;
  const std::vector<Snapshot> from = start();
  const Training run = train(from, lr, 95);
  std::map<int, std::vector<Snapshot>> weights;
  for (const int step : {0, 12, 50, 52, 95}) {
    weights[step] = run.weights[static_cast<std::size_t>(step)];
  }
  const auto libtorch = reference::run_twin([&](reference::Precision precision) {
    return reference::twins::gradients_of_gradients(precision, weights);
  });

  page.prose(
      "A slope says which way is down. How long that stays true is the second derivative, and it "
      "decides how large a learning rate may be, in a small model as in a large one. The engine "
      "gets it without a new rule, since a backward pass is only another program.");
  cube(page, libtorch);
  hessian(page, libtorch, from);
  curvature(page, libtorch, run, lr);
  numerical(page, from);
  page.try_next(
      "Set `lr = 0.1`. The limit 2/lr becomes 20, the curvature stays between 6.9 and 8.6, and "
      "the training is stable. Four checks of what lr = 0.5 did fail.");
}

}  // namespace

int main(int argc, char** argv) {
  return workbook::run_lesson(
      argc, argv,
      {.number = 22,
       .name = "gradients_of_gradients",
       .title = "Gradients of gradients",
       .question = "How fast does the slope itself change, and who needs to know?",
       .checks = 26},
      build);
}
