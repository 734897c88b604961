#!/bin/bash
# SPDX-License-Identifier: MIT
# Proves Assay on a machine with a GPU and nothing else: no compiler, no packages, only the driver.
#
#     bash tools/prove-gpu.sh carry DIR [BUILD_DIR]        here: what is needed there, packed
#     bash tools/prove-gpu.sh carry-cpu DIR [BUILD_DIR]    the same for finance's bars on the processor there (it needs a Python)
#     bash DIR/run.sh [tests|bars|suite|cpu]               there: device tests, then the bars; exit code 1 when one fails
set -euo pipefail

usage() {
  sed -n '5,7s/^# *//p' "$0" >&2
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
  for program in "$build"/tests/unit/gpu/test_gpu_* "$build"/tests/unit/quant/test_risk_kernels; do
    if [ -f "$program" ] && [ -x "$program" ]; then cp "$program" "$dir/tests/"; fi
  done
  for program in "$build"/bench/device/device_{backend,gemm,gpu,indicators}; do
    if [ -f "$program" ] && [ -x "$program" ]; then cp "$program" "$dir/bench/"; fi
  done
  cp "$build/assay" "$dir/bin/"
  cp "$(dirname "$0")/../bench/device/share.py" "$dir/bench/"
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
  gzip "$dir"/{bin,tests,lib}/* "$dir"/bench/device_*
  cp "$(dirname "$0")/prove-gpu-run.sh" "$dir/run.sh"
  du -sh "$dir"
}

# Finance's programs and the peers beside them.
carry_cpu() { # DIR BUILD_DIR
  local dir=$1 build=$2 here program library
  here=$(dirname "$0")/..
  rm -rf "$dir"
  mkdir -p "$dir/bench/quant" "$dir/bench/peers" "$dir/lib"
  cp "$here/bench/quant/bars.py" "$dir/bench/quant/"
  cp "$here/bench/peers/numpy_scipy.py" "$dir/bench/peers/"
  for program in "$build"/bench/quant/quant_* "$build"/bench/peers/peer_quantlib "${XDG_CACHE_HOME:-$HOME/.cache}/assay/peers/peer_indicators"; do
    if [ ! -f "$program" ] || [ ! -x "$program" ]; then continue; fi
    case $program in
      */quant/*) cp "$program" "$dir/bench/quant/" ;;
      *) cp "$program" "$dir/bench/peers/" ;;
    esac
    carry_libraries "$program" "$dir/lib"
  done
  # Loaded at run time, so no program names them.
  for library in /usr/lib/*/openblas-pthread/libopenblas.so.0 /usr/lib/*/libdnnl.so.[23]; do
    if [ ! -f "$library" ]; then continue; fi
    cp -L "$library" "$dir/lib/"
    carry_libraries "$library" "$dir/lib"
  done
  strip "$dir"/bench/*/quant_* "$dir"/bench/peers/peer_* "$dir"/lib/*
  gzip "$dir"/lib/* "$dir"/bench/quant/quant_* "$dir"/bench/peers/peer_*
  cp "$here/tools/prove-gpu-run.sh" "$dir/run.sh"
  du -sh "$dir"
}

[ $# -ge 2 ] || usage
case $1 in
  carry) carry "$2" "${3:-build}" ;;
  carry-cpu) carry_cpu "$2" "${3:-build}" ;;
  *) usage ;;
esac
