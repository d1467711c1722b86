# embed_files(<name> <folder> <pattern> <out>): compiles small data files into the program, so that it
# works from wherever it is copied to. Gives `ridgeline::embedded::<name>()` in <name>.hpp: pairs of
# file stem and text, sorted by name.
function(embed_files name folder pattern out)
  file(GLOB files CONFIGURE_DEPENDS "${folder}/${pattern}")
  list(SORT files)
  set(source "${PROJECT_BINARY_DIR}/generated/embedded/${name}.cpp")
  set(header "${PROJECT_BINARY_DIR}/generated/embedded/${name}.hpp")
  file(CONFIGURE OUTPUT "${header}" @ONLY CONTENT
"// Generated from ${folder}: do not edit.
#pragma once
#include <span>
#include <string_view>
namespace ridgeline::embedded {
struct File {
  std::string_view stem;
  std::string_view text;
};
std::span<const File> ${name}();
}  // namespace ridgeline::embedded
")
  set(rows "")
  foreach(file IN LISTS files)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    get_filename_component(stem "${file}" NAME_WLE)
    file(READ "${file}" text)
    string(APPEND rows "    {\"${stem}\", R\"~~~~(${text})~~~~\"},\n")
  endforeach()
  file(GENERATE OUTPUT "${source}" CONTENT
"#include \"embedded/${name}.hpp\"
namespace ridgeline::embedded {
namespace {
constexpr File kFiles[] = {
${rows}};
}  // namespace
std::span<const File> ${name}() { return kFiles; }
}  // namespace ridgeline::embedded
")
  set(${out} "${source}" PARENT_SCOPE)
endfunction()
