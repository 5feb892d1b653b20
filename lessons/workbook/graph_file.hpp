// --graph FILE: a drawn graph as DOT, or as SVG through Graphviz's `dot` program.
#pragma once

#include <filesystem>
#include <string>

namespace gradbook::workbook {

/// True for the endings that write_graph() knows: .dot and .svg.
bool is_graph_file(const std::filesystem::path& file);

/// Writes the graph `dot` to `file`. Where `dot_program` is missing or fails, writes the DOT text
/// beside it, with the ending .dot, instead. Returns a line about that, else nothing. Throws
/// std::runtime_error where a file cannot be written.
std::string write_graph(const std::string& dot, const std::filesystem::path& file,
                        const std::string& dot_program = "dot");

}  // namespace gradbook::workbook
