// The message of an error that a lesson provokes on purpose.
#pragma once

#include <functional>
#include <string>

namespace gradbook::workbook {

/// The message with which the engine refuses `action`; empty where it does not.
template <class Refusal>
std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const Refusal& error) {
    return error.what();
  }
  return {};
}

}  // namespace gradbook::workbook
