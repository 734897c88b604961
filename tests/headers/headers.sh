#!/bin/sh
# SPDX-License-Identifier: MIT
# Each public header compiles alone, and twice in a row, and all together, as C17 and as C++17, with every compiler that is here: headers.sh SOURCE_ROOT
set -u
root=$1
count=0 failed=0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
flags="-Wall -Wextra -Werror -fsyntax-only -I$root/include"

compile() { # compiler, language standard, file
  command -v "$1" >/dev/null || return 0
  count=$((count + 1))
  # shellcheck disable=SC2086 # a list of flags
  "$1" "-std=$2" $flags "$3" || { failed=$((failed + 1)); echo "^ $name with $1 -std=$2"; }
}

compile_all() { # file, without .c
  cp "$1.c" "$1.cc"
  for compiler in gcc clang; do compile $compiler gnu17 "$1.c"; done
  for compiler in g++ clang++; do compile $compiler c++17 "$1.cc"; done
}

for header in "$root"/include/assay/*.h; do
  name=assay/${header##*/}
  printf '#include <%s>\n#include <%s>\n' "$name" "$name" >"$dir/one.c"
  printf '#include <%s>\n' "$name" >>"$dir/all.c"
  compile_all "$dir/one"
done
name="all headers"
compile_all "$dir/all"
if [ "$count" -eq 0 ]; then
  echo "skipped: no gcc and no clang here"
  exit 77
fi
echo "$count compiled, $failed failed"
[ "$failed" -eq 0 ]
