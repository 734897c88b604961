#!/bin/sh
# SPDX-License-Identifier: MIT
# What is installed works away from the source tree: install.sh SOURCE_ROOT BUILD_ROOT
# A user's own benchmark compiles against it through pkg-config and has the whole command line; the installed command finds its data.
set -eu
root=$1 build=$2
if ! command -v meson >/dev/null || ! command -v pkg-config >/dev/null; then
  echo "skipped: needs meson and pkg-config"
  exit 77
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
meson install -C "$build" --no-rebuild --quiet --destdir "$dir/root" >"$dir/log" 2>&1 || { cat "$dir/log" && exit 1; }
pc=$(find "$dir/root" -name assay.pc)
PKG_CONFIG_PATH=${pc%/*}
PKG_CONFIG_SYSROOT_DIR=$dir/root
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
unset ASSAY_DATA_DIR ASSAY_LIB_DIR

# shellcheck disable=SC2046 # a list of flags
cc -Wall -Wextra -Werror "$root/examples/first.c" -o "$dir/first" $(pkg-config --cflags --libs assay)
LD_LIBRARY_PATH=$(dirname "$(find "$dir/root" -name libassay.so)")
export LD_LIBRARY_PATH
"$dir/first" list | grep square_root >/dev/null || { echo "the program does not list its benchmark" && exit 1; }
assay=$(find "$dir/root" -path '*/bin/assay')
"$assay" --version
for file in man1/assay.1 completions/assay.bash site-functions/_assay vendor_completions.d/assay.fish; do
  [ -n "$(find "$dir/root" -path "*/$file" -size +0)" ] || { echo "$file is not installed" && exit 1; }
done
cd "$dir"
"$assay" machine check --profile m4-max >"$dir/out" 2>&1 || code=$?
if [ "${code:-0}" -eq 2 ]; then
  echo "the installed command does not find its profiles:"
  cat "$dir/out"
  exit 1
fi
echo "all as it should be"
