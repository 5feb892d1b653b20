# cmake -D LESSON=lesson.cpp -D TWIN=twin.cpp -D OUTPUT=out.cpp -P embed_sources.cmake
# Turns the two sources into raw string literals. TWIN may be empty.
file(READ ${LESSON} lesson)
set(twin "")
if(TWIN)
  file(READ ${TWIN} twin)
endif()
file(WRITE ${OUTPUT} "#include <string_view>

namespace gradbook::workbook {

extern const std::string_view lesson_source;
extern const std::string_view twin_source;

const std::string_view lesson_source = R\"gradbook_file(${lesson})gradbook_file\";

const std::string_view twin_source = R\"gradbook_file(${twin})gradbook_file\";

}  // namespace gradbook::workbook
")
