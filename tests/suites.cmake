# Read by ctest when it starts, with `folder` and `program` set: makes one test of each suite that the
# program lists. Not of each case: most of a case's time would go into loading LibTorch for it.
if(NOT EXISTS ${program})
  # A test that fails, so that what is not built is not taken for passed.
  add_test(${folder}/not_built ${program})
  set_tests_properties(${folder}/not_built PROPERTIES LABELS ${folder})
  return()
endif()

execute_process(COMMAND ${program} --gtest_list_tests OUTPUT_VARIABLE listing RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${program} --gtest_list_tests failed: ${status}")
endif()

# A suite's line reads "Name." or "Name/0.  # TypeParam = ..."; its cases follow, indented.
string(REGEX MATCHALL "(^|\n)[A-Za-z0-9_/]+\\." suites "${listing}")
foreach(suite IN LISTS suites)
  string(STRIP "${suite}" suite)
  string(REGEX REPLACE "\\.$" "" name "${suite}")
  add_test("${folder}/${name}" ${program} --gtest_brief=1 "--gtest_filter=${suite}*")
  set_tests_properties("${folder}/${name}" PROPERTIES LABELS ${folder} TIMEOUT 900)
endforeach()
