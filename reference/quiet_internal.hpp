// LibTorch without its warnings. Internal to reference/.
#pragma once

#include <torch/version.h>

#include <string>

#include "reference/torch.hpp"

namespace gradbook::reference {

#if TORCH_VERSION_MAJOR >= 2
namespace warnings = c10::WarningUtils;
#else
namespace warnings = c10::Warning;
#endif

/// While one lives, LibTorch does not warn: that backward with create_graph makes a cycle of owners
/// (who holds one of these breaks it), that an intermediate was asked for its gradient.
class Quiet final : c10::WarningHandler {
 public:
  Quiet() : previous_(warnings::get_warning_handler()) { warnings::set_warning_handler(this); }
  ~Quiet() override { warnings::set_warning_handler(previous_); }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;
#if TORCH_VERSION_MAJOR >= 2
  void process(const c10::Warning&) override {}
#else
  void process(const c10::SourceLocation&, const std::string&, bool) override {}
#endif

 private:
  c10::WarningHandler* previous_;
};

}  // namespace gradbook::reference
