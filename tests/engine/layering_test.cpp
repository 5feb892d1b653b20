// Arrows between the folders point one way, and LibTorch stays behind the door of reference/. Read
// from the sources themselves.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace gradbook {
namespace {

namespace fs = std::filesystem;

const fs::path root = GRADBOOK_SOURCE_DIR;

struct Source {
  std::string name;  ///< from the project's root, as an include would name it
  std::vector<std::string> lines;
};

Source read(const fs::path& path) {
  Source source{fs::relative(path, root).generic_string(), {}};
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) source.lines.push_back(line);
  return source;
}

/// All C++ files below a folder of the project.
std::vector<Source> sources(const std::string& folder) {
  std::vector<Source> result;
  for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
    const std::string extension = entry.path().extension();
    if (extension == ".cpp" || extension == ".hpp") result.push_back(read(entry.path()));
  }
  return result;
}

/// What a line includes; empty for any other line.
std::string include_in(const std::string& line) {
  static const std::regex include(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"].*)");
  std::smatch match;
  return std::regex_match(line, match, include) ? match[1].str() : "";
}

std::string without_comment(const std::string& line) { return line.substr(0, line.find("//")); }

bool is_libtorch(const std::string& include) {
  static const std::regex libtorch(R"((torch|ATen|c10|caffe2)/.*)");
  return std::regex_match(include, libtorch);
}

bool is_in(const std::string& folder, const std::string& include) {
  return include.rfind(folder + "/", 0) == 0;
}

/// Headers of reference/ that LibTorch's types may appear in.
bool is_internal_header(const std::string& name) {
  static const std::regex internal(R"(reference/(.*/)?(torch[^/]*|[^/]*_internal)\.hpp)");
  return std::regex_match(name, internal);
}

/// "file:line: text" for every line of `files` that is `wrong`.
std::string offences(const std::vector<Source>& files,
                     const std::function<bool(const std::string& line)>& wrong) {
  std::ostringstream found;
  for (const Source& file : files) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      if (wrong(file.lines[i])) found << file.name << ":" << i + 1 << ": " << file.lines[i] << "\n";
    }
  }
  return found.str();
}

bool mentions_libtorch(const std::string& line) {
  static const std::regex names(R"((^|[^\w])(at|torch|c10)::.*)");
  return is_libtorch(include_in(line)) || std::regex_search(without_comment(line), names);
}

bool prints(const std::string& line) {
  static const std::regex text(R"("([^"\\]|\\.)*")");
  static const std::regex printing(
      R"((^|[^\w])(std::(cout|cerr|clog)\b|(f?printf|f?puts|fmt::print)\s*\())");
  return std::regex_search(without_comment(std::regex_replace(line, text, "")), printing);
}

// A search that finds nothing anywhere would pass every test below.
TEST(Layering, TheSearchFindsWhatItLooksFor) {
  EXPECT_EQ(include_in("#include <torch/types.h>"), "torch/types.h");
  EXPECT_EQ(include_in("  #  include \"ATen/ATen.h\"  // why"), "ATen/ATen.h");
  EXPECT_EQ(include_in("// #include <torch/types.h>"), "");
  EXPECT_TRUE(is_libtorch("torch/csrc/autograd/autograd.h"));
  EXPECT_TRUE(is_libtorch("ATen/ATen.h"));
  EXPECT_TRUE(is_libtorch("c10/util/Optional.h"));
  EXPECT_FALSE(is_libtorch("reference/torch.hpp"));
  EXPECT_TRUE(is_internal_header("reference/torch.hpp"));
  EXPECT_TRUE(is_internal_header("reference/misuse/torch_calls.hpp"));
  EXPECT_TRUE(is_internal_header("reference/replay_internal.hpp"));
  EXPECT_FALSE(is_internal_header("reference/replay.hpp"));
  EXPECT_TRUE(mentions_libtorch("  at::Tensor x;"));
  EXPECT_TRUE(mentions_libtorch("std::vector<torch::Tensor> x;"));
  EXPECT_FALSE(mentions_libtorch("/// As torch::tensor does."));
  EXPECT_FALSE(mentions_libtorch("format::text"));
  EXPECT_TRUE(prints("  std::cout << x;"));
  EXPECT_TRUE(prints("printf(\"x\");"));
  EXPECT_TRUE(prints("  fmt::print(\"x\");"));
  EXPECT_FALSE(prints("fmt::format(\"x\")"));
  EXPECT_FALSE(prints("page.prose(\"std::cout puts it there\");"));
  EXPECT_FALSE(prints("std::snprintf(buffer, n, \"x\")"));
  EXPECT_EQ(offences({{"a.cpp", {"int x;", "std::cout << x;"}}}, prints),
            "a.cpp:2: std::cout << x;\n");
  EXPECT_GT(sources("engine").size(), 20U);
  EXPECT_GT(sources("tests").size(), 20U);
}

// Precompiled headers get into a file without an #include.
TEST(Layering, LibTorchIsPrecompiledForReferenceOnly) {
  std::vector<Source> builds = {read(root / "CMakeLists.txt")};
  for (const char* folder : {"engine", "lessons", "tests"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      if (entry.path().filename() == "CMakeLists.txt") builds.push_back(read(entry.path()));
    }
  }
  EXPECT_GE(builds.size(), 5U);
  const auto uses_libtorch = [](const std::string& line) {
    static const std::regex names("gradbook_uses_libtorch|gradbook_libtorch_headers|<torch/");
    return std::regex_search(line, names);
  };
  EXPECT_EQ(offences(builds, uses_libtorch), "");
  EXPECT_NE(offences({read(root / "reference/CMakeLists.txt")}, uses_libtorch), "");
}

TEST(Layering, LibTorchIsIncludedInReferenceOnly) {
  for (const char* folder : {"engine", "lessons", "tests"}) {
    const auto found = offences(sources(folder), [](const std::string& line) {
      return is_libtorch(include_in(line)) || is_internal_header(include_in(line));
    });
    EXPECT_EQ(found, "");
  }
}

TEST(Layering, TheEngineKnowsNeitherLessonsNorReferenceNorTests) {
  const auto found = offences(sources("engine"), [](const std::string& line) {
    const std::string include = include_in(line);
    return is_in("lessons", include) || is_in("reference", include) || is_in("tests", include);
  });
  EXPECT_EQ(found, "");
}

TEST(Layering, TheReferenceKnowsNeitherLessonsNorTests) {
  const auto found = offences(sources("reference"), [](const std::string& line) {
    const std::string include = include_in(line);
    return is_in("lessons", include) || is_in("tests", include);
  });
  EXPECT_EQ(found, "");
}

TEST(Layering, LessonsDoNotKnowTheTests) {
  const auto found = offences(
      sources("lessons"), [](const std::string& line) { return is_in("tests", include_in(line)); });
  EXPECT_EQ(found, "");
}

// So that nothing outside reference/*.cpp ever compiles a LibTorch header.
TEST(Layering, PublicHeadersOfTheReferenceAreFreeOfLibTorch) {
  std::vector<Source> headers = sources("reference");
  std::erase_if(headers, [](const Source& source) {
    return !source.name.ends_with(".hpp") || is_internal_header(source.name);
  });
  const auto found = offences(headers, [](const std::string& line) {
    return mentions_libtorch(line) || is_internal_header(include_in(line));
  });
  EXPECT_EQ(found, "");
}

// A lesson fills a page; renderers print it.
TEST(Layering, LessonsDoNotPrintByThemselves) {
  std::vector<Source> lessons = sources("lessons");
  static const std::regex lesson(R"(lessons/\d\d_.*)");
  std::erase_if(lessons, [](const Source& s) { return !std::regex_match(s.name, lesson); });
  EXPECT_EQ(offences(lessons, prints), "");
}

TEST(Layering, NoFileIsTooLongToRead) {
  for (const char* folder : {"engine", "lessons", "reference", "tests"}) {
    for (const Source& source : sources(folder)) {
      EXPECT_LT(source.lines.size(), 400U) << source.name;
    }
  }
}

// Includes are written from the project's root, so that these tests can read them.
TEST(Layering, OwnHeadersAreIncludedFromTheRoot) {
  for (const char* folder : {"engine", "lessons", "reference", "tests"}) {
    const auto found = offences(sources(folder), [](const std::string& line) {
      static const std::regex own(R"(^\s*#\s*include\s*"([^"]+)\".*)");
      std::smatch match;
      return std::regex_match(line, match, own) && !fs::exists(root / match[1].str());
    });
    EXPECT_EQ(found, "");
  }
}

}  // namespace
}  // namespace gradbook
