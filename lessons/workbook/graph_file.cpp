#include "lessons/workbook/graph_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "lessons/workbook/process.hpp"

namespace gradbook::workbook {
namespace {

void write_file(const std::filesystem::path& file, const std::string& text) {
  errno = 0;
  std::ofstream stream(file, std::ios::binary);
  stream << text;
  stream.close();
  if (!stream) {
    throw std::runtime_error(fmt::format("cannot write {}: {}", file.string(),
                                         errno != 0 ? std::strerror(errno) : "unknown error"));
  }
}

}  // namespace

bool is_graph_file(const std::filesystem::path& file) {
  return file.extension() == ".dot" || file.extension() == ".svg";
}

std::string write_graph(const std::string& dot, const std::filesystem::path& file,
                        const std::string& dot_program) {
  if (file.extension() == ".dot") {
    write_file(file, dot);
    return {};
  }
  const ProcessResult drawn = run_process({dot_program, "-Tsvg"}, dot);
  if (drawn.succeeded()) {
    write_file(file, drawn.out);
    return {};
  }
  std::filesystem::path instead = file;
  instead.replace_extension(".dot");
  write_file(instead, dot);
  const std::string why =
      !drawn.found
          ? fmt::format("the program `{}` is not installed (package graphviz)", dot_program)
          : fmt::format("`{}` failed ({})", dot_program, drawn.err.substr(0, drawn.err.find('\n')));
  return fmt::format("{}: wrote {} instead of {}", why, instead.string(), file.string());
}

}  // namespace gradbook::workbook
