# cmake -D SOURCE=checkout -D OUTPUT=commit.cpp -P commit.cmake
# Writes which commit the checkout is at; only where that is another than last time, so that nothing is
# compiled in vain.
set(commit "")
if(EXISTS ${SOURCE}/.git)  # else git would speak of a repository that this one lies in
  set(ENV{GIT_OPTIONAL_LOCKS} 0)  # a build must not be in the way of who works in the checkout
  execute_process(COMMAND git -C ${SOURCE} describe --always --dirty
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE ignored)
endif()
if(NOT commit)
  set(commit unknown)
endif()

set(text "// Written by tests/fuzz/commit.cmake.
#include \"tests/fuzz/commit.hpp\"

std::string gradbook::fuzz::commit() { return R\"(${commit})\"; }
")
set(before "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} before)
endif()
if(NOT text STREQUAL before)
  file(WRITE ${OUTPUT} "${text}")
endif()
