# embed_files(<name> <out> <file>…): puts files of any size into the program, so that it works from
# wherever it is copied to. Gives `ridgeline::embedded::<name>()` in embedded/<name>.hpp: each file's
# name, stem and text, sorted by path; without files it gives none. <out> gets the sources to
# compile. The assembler's .incbin costs no time, however large a file is; the caller must have
# enabled the language ASM.
function(embed_files name out)
  set(files ${ARGN})
  list(SORT files)
  set(folder "${PROJECT_BINARY_DIR}/generated/embedded")
  set(declarations "")
  set(rows "")
  set(data "")
  set(index 0)
  foreach(file IN LISTS files)
    get_filename_component(file "${file}" ABSOLUTE)
    get_filename_component(file_name "${file}" NAME)
    get_filename_component(stem "${file}" NAME_WLE)
    set(symbol "ridgeline_embedded_${name}_${index}")
    string(APPEND declarations "extern const char ${symbol}[];\nextern const char ${symbol}_end[];\n")
    string(APPEND rows
      "      File{\"${file_name}\", \"${stem}\", text(${symbol}, ${symbol}_end)},\n")
    string(APPEND data
      ".global ${symbol}, ${symbol}_end\n${symbol}:\n.incbin \"${file}\"\n${symbol}_end:\n.byte 0\n")
    math(EXPR index "${index} + 1")
  endforeach()
  set(body "return {};")
  if(files)
    set(body "static const std::array kFiles = {\n${rows}  };\n  return kFiles;")
  endif()
  file(CONFIGURE OUTPUT "${folder}/file.hpp" @ONLY CONTENT
"// Generated: do not edit.
#pragma once
#include <string_view>
namespace ridgeline::embedded {
struct File {
  std::string_view name;
  std::string_view stem;
  std::string_view text;
};
}  // namespace ridgeline::embedded
")
  file(CONFIGURE OUTPUT "${folder}/${name}.hpp" @ONLY CONTENT
"// Generated: do not edit.
#pragma once
#include <span>
#include \"embedded/file.hpp\"
namespace ridgeline::embedded {
std::span<const File> ${name}();
}  // namespace ridgeline::embedded
")
  file(CONFIGURE OUTPUT "${folder}/${name}.cpp" @ONLY CONTENT
"// Generated: do not edit.
#include \"embedded/${name}.hpp\"
#include <array>
extern \"C\" {
${declarations}}
namespace ridgeline::embedded {
namespace {
[[maybe_unused]] std::string_view text(const char* begin, const char* end) {
  return std::string_view(begin, static_cast<std::string_view::size_type>(end - begin));
}
}  // namespace
std::span<const File> ${name}() {
  ${body}
}
}  // namespace ridgeline::embedded
")
  set(sources "${folder}/${name}.cpp")
  if(files)
    file(CONFIGURE OUTPUT "${folder}/${name}.S" @ONLY CONTENT
".section .rodata
${data}.section .note.GNU-stack,\"\",%progbits
")
    set_source_files_properties("${folder}/${name}.S" PROPERTIES OBJECT_DEPENDS "${files}")
    list(APPEND sources "${folder}/${name}.S")
  endif()
  set(${out} ${sources} PARENT_SCOPE)
endfunction()
