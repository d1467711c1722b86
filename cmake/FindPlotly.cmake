# Finds plotly.min.js, which draws the charts of the HTML report. It comes inside the Python package
# `plotly` (tools/setup.sh puts it into .venv); nothing of Python is used.
#
# Input:   RIDGELINE_PLOTLY  the file (optional; empty: .venv is searched; OFF: build without it)
# Output:  Plotly_FOUND, Plotly_FILE, Plotly_VERSION (of plotly.js)
#
# Without it the report is written all the same, with static charts.

set(RIDGELINE_PLOTLY "" CACHE STRING
  "plotly.min.js for the HTML report; empty: that of .venv, OFF: build without interactive charts")

set(Plotly_FILE "${RIDGELINE_PLOTLY}")
if("${Plotly_FILE}" STREQUAL "")
  file(GLOB _plotly_in_venv
    "${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/plotly/package_data/plotly.min.js")
  if(_plotly_in_venv)
    list(GET _plotly_in_venv 0 Plotly_FILE)
  endif()
elseif(NOT Plotly_FILE)
  # OFF, NO, 0: asked for.
  set(Plotly_FILE "")
elseif(NOT EXISTS "${Plotly_FILE}")
  message(FATAL_ERROR "RIDGELINE_PLOTLY=${RIDGELINE_PLOTLY}: there is no such file")
endif()

set(Plotly_VERSION "")
if(Plotly_FILE)
  # The licence at the top names the version: "* plotly.js v4.1.1".
  file(READ "${Plotly_FILE}" _plotly_head LIMIT 400)
  if(_plotly_head MATCHES "plotly\\.js[^\n]* v([0-9.]+)")
    set(Plotly_VERSION "${CMAKE_MATCH_1}")
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Plotly
  REQUIRED_VARS Plotly_FILE
  VERSION_VAR Plotly_VERSION
  REASON_FAILURE_MESSAGE "no plotly.min.js (run `make setup`, or give -DRIDGELINE_PLOTLY=<file>): \
reports will have static charts")
