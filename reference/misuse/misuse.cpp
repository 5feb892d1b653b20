#include "reference/misuse/misuse.hpp"

#include "reference/misuse/misuse_internal.hpp"

namespace gradbook::reference {

std::vector<Misuse> misuses() {
  std::vector<Misuse> rows = shape_misuses();
  for (const auto& more : {backward_misuses(), state_misuses(), dtype_misuses(),
                           checkpoint_misuses(), differing_misuses()}) {
    rows.insert(rows.end(), more.begin(), more.end());
  }
  return rows;
}

}  // namespace gradbook::reference
