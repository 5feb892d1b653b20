#include "tests/fuzz/print.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "tests/fuzz/edit.hpp"
#include "tests/fuzz/print_internal.hpp"

namespace gradbook::fuzz {

using reference::Line;
using reference::Precision;
using reference::Program;

namespace {

std::string statements(const Program& program, Engine engine) {
  const std::string tensor = engine == Engine::libtorch                ? "torch::Tensor"
                             : program.precision == Precision::float32 ? "Tensor"
                                                                       : "Tensor64";
  std::set<std::size_t> used;
  for (const Line& line : program.lines) used.insert(line.inputs.begin(), line.inputs.end());
  std::string text;
  std::string shown;
  for (std::size_t i = 0; i < program.lines.size(); ++i) {
    const Line& line = program.lines[i];
    const std::string code = code_of(program, line, engine);
    if (gives_tensor(line)) {
      text += fmt::format("  {} x{} = {};\n", tensor, i, code);
      // What a write in place gave is shown under its first name.
      if (!line.op.ends_with('_')) shown += fmt::format("  show(\"x{0}\", x{0});\n", i);
      continue;
    }
    if (line.op == "argmax") {
      text += fmt::format("  auto indices{} = {};\n", i, code);
      shown += fmt::format("  show(\"x{0}\", indices{0});\n", i);
    } else {
      text += "  " + code + ";\n";
    }
    if (used.contains(i)) text += fmt::format("  {} x{};  // no tensor\n", tensor, i);
  }
  return text + shown;
}

std::string heading(const Origin& origin, const std::string& found, std::string_view in) {
  std::string text = fmt::format("// Program {} of the campaign with seed {}{}, in {}.\n",
                                 origin.index, origin.seed, origin.shrunk ? ", shrunk" : "", in);
  text += "// " + command(origin) + " runs it again.\n";
  if (found.empty()) return text;
  std::string comment = "// Found: ";
  for (const char c : found) comment += c == '\n' ? std::string("\n// ") : std::string(1, c);
  return text + comment + '\n';
}

bool has(const Program& program, std::string_view op) {
  return std::ranges::find(program.lines, op, &Line::op) != program.lines.end();
}

std::string main_of(const Program& program, Engine engine) {
  return fmt::format(
      "\nint main() try {{\n{}}} catch (const std::exception& error) {{\n"
      "  const std::string what = error.what();\n"
      "  std::printf(\"refused: %s\\n\", what.substr(0, what.find('\\n')).c_str());\n}}\n",
      statements(program, engine));
}

// Both engines' files print alike.
constexpr std::string_view show_values = R"(
void show(const std::string& name, const std::vector<std::int64_t>& sizes,
          const std::vector<double>& values, bool requires_grad) {
  std::printf("%s (", name.c_str());
  for (const auto size : sizes) std::printf(" %lld", static_cast<long long>(size));
  std::printf(" )%s:", requires_grad ? " requires grad" : "");
  for (const double value : values) std::printf(" %.*g", digits, std::isnan(value) ? NAN : value);
  std::printf("\n");
}
)";

constexpr std::string_view show_engine = R"(
void show(const std::string& name, const {0}& x) {{
  if (!x.defined()) {{
    std::printf("%s undefined\n", name.c_str());
    return;
  }}
  show(name, {{x.shape().begin(), x.shape().end()}}, x.snapshot().values, x.requires_grad());
  if (x.grad().defined()) show(name + ".grad", x.grad());
}}
)";

constexpr std::string_view show_indices = R"(
void show(const std::string& name, const std::vector<std::int64_t>& indices) {
  show(name, {static_cast<std::int64_t>(indices.size())}, {indices.begin(), indices.end()}, false);
}
)";

constexpr std::string_view show_libtorch = R"(
void show(const std::string& name, const torch::Tensor& x) {
  if (!x.defined()) {
    std::printf("%s undefined\n", name.c_str());
    return;
  }
  const torch::Tensor values = x.detach().to(torch::kDouble).contiguous();
  const double* data = values.data_ptr<double>();
  show(name, x.sizes().vec(), {data, data + values.numel()}, x.requires_grad());
  if ((x.is_leaf() || x.retains_grad()) && x.grad().defined()) show(name + ".grad", x.grad());
}
)";

// Where the engine differs on purpose, or LibTorch has to be helped.
constexpr std::pair<std::string_view, std::string_view> libtorch_helpers[] = {{"mean", R"(
torch::Tensor mean_of(const torch::Tensor& x, std::vector<std::int64_t> dims, bool keepdim) {
  return dims.empty() && !keepdim ? x.mean() : x.mean(dims, keepdim);
}
)"},
                                                                              {"gate", R"(
// g where not y <= 0, else 0.
torch::Tensor gate(const torch::Tensor& g, const torch::Tensor& y) {
  const auto both = torch::broadcast_tensors({g, y});
  return at::threshold_backward(both[0], both[1], 0);
}
)"},
                                                                              {"transpose", R"(
// The engine copies, unless there is nothing to exchange.
torch::Tensor transposed(const torch::Tensor& x, std::int64_t dim0, std::int64_t dim1) {
  const torch::Tensor view = x.transpose(dim0, dim1);
  return x.dim() == 0 ? view : view.clone(at::MemoryFormat::Contiguous);
}
)"},
                                                                              {"grad", R"(
torch::Tensor grad(const torch::Tensor& y, const torch::Tensor& x,
                   const std::vector<torch::Tensor>& start, bool retain_graph, bool create_graph,
                   bool allow_unused) {
  const torch::Tensor gradient =
      torch::autograd::grad({y}, {x}, start, retain_graph, create_graph, allow_unused)[0];
  const at::AutoGradMode mode(create_graph);
  return gradient.defined() && gradient.is_view() ? gradient.contiguous() : gradient;
}
)"},
                                                                              {"grad_of", R"(
// The engine's gradients are contiguous.
torch::Tensor grad_of(const torch::Tensor& x) {
  if (x.grad().defined() && !x.grad().is_contiguous()) {
    const at::AutoGradMode mode(x.grad().requires_grad());
    x.mutable_grad() = x.grad().contiguous();
  }
  return x.grad();
}
)"},
                                                                              {"retain_grad", R"(
// LibTorch 1.13 crashes on a view that was written to if it has not been asked for its grad_fn.
void retain_grad(const torch::Tensor& x) {
  x.grad_fn();
  x.retain_grad();
}
)"}};

}  // namespace

std::string command(const Origin& origin) {
  return fmt::format("fuzz --seed {} --only {}", origin.seed, origin.index);
}

std::string engine_source(const Program& program, const Origin& origin, const std::string& found) {
  const bool single = program.precision == Precision::float32;
  std::string text = heading(origin, found, "the engine");
  text +=
      "#include <cmath>\n#include <cstdint>\n#include <cstdio>\n#include <exception>\n"
      "#include <string>\n#include <vector>\n\n#include \"engine/tensor.hpp\"\n\n"
      "using namespace gradbook;\n\n";
  text += fmt::format("constexpr int digits = {};\n", single ? 9 : 17);
  text += show_values;
  text += fmt::format(show_engine, single ? "Tensor" : "Tensor64");
  if (has(program, "argmax")) text += show_indices;
  return text + main_of(program, Engine::ours);
}

std::string libtorch_source(const Program& program, const Origin& origin,
                            const std::string& found) {
  const bool single = program.precision == Precision::float32;
  std::string text = heading(origin, found, "LibTorch");
  text +=
      "#include <torch/torch.h>\n\n#include <cmath>\n#include <cstdint>\n#include <cstdio>\n"
      "#include <exception>\n#include <string>\n#include <vector>\n\n";
  text += fmt::format("constexpr int digits = {};\n", single ? 9 : 17);
  text += show_values;
  text += show_libtorch;
  text += fmt::format(R"(
torch::Tensor leaf(const std::vector<std::int64_t>& sizes, std::vector<double> data,
                   bool requires_grad = false) {{
  const auto values = torch::from_blob(data.data(), sizes, torch::kDouble);
  return values.to({}, false, /*copy=*/true).requires_grad_(requires_grad);
}}
)",
                      single ? "torch::kFloat" : "torch::kDouble");
  for (const auto& [op, helper] : libtorch_helpers) {
    if (has(program, op)) text += helper;
  }
  return text + main_of(program, Engine::libtorch);
}

}  // namespace gradbook::fuzz
