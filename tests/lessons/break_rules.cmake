# cmake -D RULES=engine/rules.hpp -D OUTPUT=broken/engine/rules.hpp -P break_rules.cmake
# Copies the table of derivatives with two rows made wrong, for the lessons that have to notice.
file(READ ${RULES} rules)

# break_rule(right wrong): `right` has to be there exactly once, or nothing would be proved.
function(break_rule right wrong)
  string(REPLACE "${right}" "${wrong}" broken "${rules}")
  string(REPLACE "${right}" "" without "${rules}")
  string(LENGTH "${rules}" before)
  string(LENGTH "${without}" after)
  string(LENGTH "${right}" once)
  math(EXPR taken "${before} - ${after}")
  if(NOT taken EQUAL once)
    message(FATAL_ERROR "break_rules.cmake: \"${right}\" should stand exactly once in ${RULES}. "
      "Did a rule change? Then change what is broken here, too.")
  endif()
  set(rules "${broken}" PARENT_SCOPE)
endfunction()

break_rule("{ return g * b; }" "{ return g + b; }")                      # Mul, for its first input
break_rule("{ return g * (1 - y * y); }" "{ return g * (1 + y * y); }")  # Tanh
file(WRITE ${OUTPUT} "${rules}")
