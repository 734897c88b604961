#!/bin/bash
# SPDX-License-Identifier: MIT
# Proves Assay on a machine with a GPU and nothing else: no compiler, no packages, only the driver.
#
#     bash tools/prove-gpu.sh carry DIR [BUILD_DIR]    here: what is needed there, some 30 MB
#     bash DIR/run.sh [tests|bars]                     there: device tests, then the table of bars; exit code 1 when one fails
set -euo pipefail

usage() {
  sed -n '5,6s/^# *//p' "$0" >&2
  exit 2
}

# The C library must be that machine's own; everything else is brought along.
is_system_library() {
  case "$1" in
    ld-linux* | libc.so.* | libm.so.* | libdl.so.* | libpthread.so.* | librt.so.* | libresolv.so.*) return 0 ;;
    *) return 1 ;;
  esac
}

carry_libraries() { # PROGRAM LIB_DIR
  ldd "$1" | awk '$2 == "=>" && $3 ~ /^\// {print $3}' | while read -r path; do
    is_system_library "$(basename "$path")" || cp -Lu "$path" "$2/"
  done
}

carry() { # DIR BUILD_DIR
  local dir=$1 build=$2 program
  rm -rf "$dir"
  mkdir -p "$dir/bin" "$dir/tests" "$dir/bench" "$dir/lib" "$dir/vendors"
  for program in "$build"/tests/unit/gpu/test_gpu_*; do
    if [ -f "$program" ] && [ -x "$program" ]; then cp "$program" "$dir/tests/"; fi
  done
  for program in "$build"/bench/device/device_{backend,gemm,gpu}; do
    if [ -f "$program" ] && [ -x "$program" ]; then cp "$program" "$dir/bench/"; fi
  done
  cp "$build/assay" "$dir/bin/"
  find "$dir" -type f -perm -u+x -print | while read -r program; do
    carry_libraries "$program" "$dir/lib"
    strip "$program"
  done
  # The OpenCL loader is not part of a driver; the file that names the driver to it is only sometimes.
  for loader in /usr/lib/*/libOpenCL.so.1; do
    if [ -f "$loader" ]; then cp -L "$loader" "$dir/lib/"; fi
  done
  echo libnvidia-opencl.so.1 >"$dir/vendors/nvidia.icd"
  cp -r "$(dirname "$0")/../profiles" "$dir/"
  cp "$(dirname "$0")/prove-gpu-run.sh" "$dir/run.sh"
  du -sh "$dir"
}

[ $# -ge 2 ] && [ "$1" = carry ] || usage
carry "$2" "${3:-build}"
