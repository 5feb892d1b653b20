#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/fuzz/report.hpp"

namespace gradbook::fuzz {

/// The report of one run over all that the shards have run; each with the name of its file. Throws
/// std::invalid_argument, naming the files or shards, where they are not all shards of one
/// campaign, of the same commit and LibTorch, each once and run to its end. More than one must be
/// of a commit: two checkouts with changes of their own are called the same.
Report merge(const std::vector<std::pair<std::string, Report>>& shards);

}  // namespace gradbook::fuzz
