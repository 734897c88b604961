#!/bin/sh
# SPDX-License-Identifier: MIT
# tools/install-packages.sh, with stand-ins for dpkg-query, apt-get, apt-cache, id and sudo: packages.sh SOURCE_ROOT
set -eu
root=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

# Stand-ins: $dir/installed and $dir/available hold names; apt-get writes down what it was asked.
bin=$dir/bin
mkdir "$bin"
for tool in sh sed tr cat grep tail head mktemp rm dirname env printf; do ln -s "$(command -v $tool)" "$bin/$tool" 2>/dev/null || true; done
make_tool() { printf '#!/bin/sh\n%s\n' "$2" >"$bin/$1" && chmod +x "$bin/$1"; }
reset() {
  rm -f "$bin/sudo" "$dir/asked"
  : >"$dir/asked"
  make_tool id 'echo 0'
  make_tool dpkg-query "for name; do :; done; if grep -qx \"\$name\" $dir/installed; then echo installed; else exit 1; fi"
  make_tool apt-cache "if grep -qx \"\$2\" $dir/available; then echo '  Candidate: 1.0'; fi"
  make_tool apt-get "echo \"\$*\" >>$dir/asked"
  printf '# comment\n\nbuild  one        for building\nbuild  new|old    whichever there is\ntest   two        for tests\nextra  three      if it exists\n' >"$dir/list"
  printf 'one\nold\ntwo\n' >"$dir/available"
  : >"$dir/installed"
}
install() { PATH=$bin ASSAY_PACKAGES_LIST=$dir/list "$root/tools/install-packages.sh" "$@" >"$dir/out" 2>&1; }
expect() { # what, command...
  what=$1
  shift
  if "$@"; then return 0; fi
  failed=1
  echo "not so: $what"
  cat "$dir/out" "$dir/asked"
}
asked() { grep -q -- "$1" "$dir/asked"; }
said() { grep -q -- "$1" "$dir/out"; }
not() { ! "$@"; }
code() { # wanted code, groups...
  wanted=$1
  shift
  got=0
  install "$@" || got=$?
  [ "$got" -eq "$wanted" ]
}

reset
expect "what is missing is installed" code 0 build
expect "the list is fetched first" asked '^update'
expect "without recommended packages" asked 'install .*--no-install-recommends one old$'
expect "other groups stay away" not asked two

reset
printf 'one\nnew\n' >"$dir/installed"
expect "nothing missing is fine" code 0 build
expect "and needs no network" not asked .

reset
printf 'one\nold\n' >"$dir/installed"
expect "only what is missing" code 0 build test extra
expect "only two" asked 'install .*recommends two$'

reset
printf 'one\nold\ntwo\n' >"$dir/installed"
expect "an extra that the distribution lacks is no failure" code 0 build test extra
expect "and nothing is installed" not asked install

reset
: >"$dir/available"
expect "a package that is nowhere is a failure" code 2 build
expect "which is named" said 'no package one '

reset
make_tool apt-get 'if [ "$1" = install ]; then echo "E: Unable to fetch some archives"; exit 100; fi'
expect "a failed installation is a failure" code 2 build
expect "with what apt said" said 'Unable to fetch'

reset
make_tool id 'echo 1000'
expect "no root and no sudo is a failure" code 2 build
expect "which is said" said 'there is no sudo'
make_tool sudo 'echo sudo >>'"$dir"'/asked; "$@"'
expect "sudo is used where there is one" code 0 build
expect "for apt-get" asked sudo

reset
rm "$bin/apt-get" "$bin/dpkg-query"
expect "no apt is a failure" code 2 build
expect "which names the packages" said 'new|old'

if [ "$failed" -eq 0 ]; then echo "all as it should be"; fi
exit "$failed"
