# shellcheck shell=bash
# What lessons/run and tests/run have in common: install what is missing, configure, build.
# Sourced, never run. Everything it says goes to standard error, so that what a lesson prints
# (with --json, say) stays clean. Needs $me, the name of the script that sources it.

: "${me:?}"
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
logs=$root/build/log

say() { printf '%s\n' "$*" >&2; }

fail() { # fail STATUS MESSAGE...
  local status=$1
  shift
  say "$me: $*"
  exit "$status"
}

# Ctrl-C ends the line of progress and the script; what is built so far stays and is used next time.
trap 'say ""; say "Stopped. The next run goes on from here."; exit 130' INT

# --- Packages ---------------------------------------------------------------------------------------

# Is there a LibTorch under CMAKE_PREFIX_PATH? Then the system's need not be installed.
torch_elsewhere() {
  [[ -n ${Torch_DIR:-} ]] && return 0
  local prefix
  local IFS=':;'
  for prefix in ${CMAKE_PREFIX_PATH:-}; do
    compgen -G "$prefix/share/cmake/Torch/TorchConfig.cmake" >/dev/null && return 0
    compgen -G "$prefix/lib*/cmake/Torch/TorchConfig.cmake" >/dev/null && return 0
    compgen -G "$prefix/lib/*/cmake/Torch/TorchConfig.cmake" >/dev/null && return 0
  done
  return 1
}

is_installed() { [[ $(dpkg-query -W -f='${db:Status-Status} ' "$1" 2>/dev/null) == *"installed "* ]]; }

# install_packages PACKAGE...: those that are not there yet.
install_packages() {
  local package missing=()
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  ((${#missing[@]})) || return 0

  local as_root=()
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
      say "$me: these packages are missing, and there is no sudo to install them with. As root, run"
      say "  apt-get install --no-install-recommends ${missing[*]}"
      exit 1
    fi
    as_root=(sudo)
  fi

  say "Installing from this system's packages${as_root:+ (with sudo)}:"
  say "  ${missing[*]}"
  local started=$SECONDS log=$logs/install.log
  mkdir -p "$logs"
  # A broken third-party source must not stop us: the installation says whether it mattered.
  "${as_root[@]}" apt-get update -q >"$log" 2>&1 || true
  if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
    --no-install-recommends -o DPkg::Lock::Timeout=120 "${missing[@]}" >>"$log" 2>&1; then
    tail -n 15 "$log" >&2
    fail 1 "the installation failed (all of it: build/log/install.log)"
  fi
  say "Installed in $((SECONDS - started)) s."
}

# need_packages for_lessons|for_tests: everything a build needs; what the tests need besides.
need_packages() {
  if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
    local packages=(build-essential cmake ninja-build libxtensor-dev libxsimd-dev libopenblas-dev
      libfmt-dev libcli11-dev nlohmann-json3-dev)
    torch_elsewhere || packages+=(libtorch-dev)
    [[ $1 == for_tests ]] && packages+=(libgtest-dev libbenchmark-dev graphviz python3 mold)
    install_packages "${packages[@]}"
    return
  fi
  # No apt: nothing can be installed from here. CMake names the libraries that it does not find.
  local tool missing=()
  local tools=(cmake ninja "${CXX:-c++}")
  [[ $1 == for_tests ]] && tools+=(dot python3)
  for tool in "${tools[@]}"; do
    command -v "$tool" >/dev/null || missing+=("$tool")
  done
  if ((${#missing[@]})); then
    say "$me: there is no apt-get here to install what is needed:"
    say "  a C++20 compiler with OpenMP, cmake (3.25 or later), ninja,"
    say "  Torch (LibTorch), xtensor, xsimd, OpenBLAS, fmt, CLI11, nlohmann_json"
    [[ $1 == for_tests ]] && say "  and for the tests GTest, benchmark (Google Benchmark), dot (Graphviz), python3"
    fail 1 "not found: ${missing[*]}"
  fi
}

# --- Build ------------------------------------------------------------------------------------------

# configure PRESET [NAME=VALUE...]: only if that has not been done. Ninja notices changed CMake files.
configure() {
  local preset=$1 setting wanted=() log=$logs/configure.log
  shift
  local cache=$root/build/$preset/CMakeCache.txt
  [[ -n ${GRADBOOK_WERROR:-} ]] && set -- "$@" "GRADBOOK_WERROR=$GRADBOOK_WERROR"
  for setting in "$@"; do
    grep -qs "^${setting%%=*}:[A-Z]*=${setting#*=}\$" "$cache" || wanted+=("-D$setting")
  done
  # Another LibTorch than last time: what was found then must be looked for anew.
  local elsewhere="${CMAKE_PREFIX_PATH:-} ${Torch_DIR:-}" found=$root/build/$preset/gradbook_looked_in
  if [[ -f $cache && $elsewhere != "$(cat "$found" 2>/dev/null || echo ' ')" ]]; then
    wanted=("${@/#/-D}" --fresh)
  fi
  [[ -f $root/build/$preset/build.ninja && -f $cache ]] && ((${#wanted[@]} == 0)) && return 0
  mkdir -p "$logs" "${found%/*}"
  if (cd "$root" && cmake --preset "$preset" "${wanted[@]}") >"$log" 2>&1; then
    printf '%s' "$elsewhere" >"$found"
  else
    sed -n '/^CMake Error/,$p' "$log" >&2
    fail 1 "cmake could not configure the build (all of it: build/log/configure.log)"
  fi
}

# How many compilers at once: one a core, but each may take a gigabyte (LibTorch's headers do).
jobs_that_fit() {
  local cores gigabytes
  cores=$(nproc 2>/dev/null || echo 2)
  gigabytes=$(awk '/^MemAvailable:/ { print int($2 / 1048576) }' /proc/meminfo 2>/dev/null)
  : "${gigabytes:=$cores}"
  ((gigabytes < 1)) && gigabytes=1
  echo $((cores < gigabytes ? cores : gigabytes))
}

# Reads ninja's output, keeps it in a file, shows how far it is: one line on a terminal, else nothing.
progress() { # progress LABEL LOG
  local line shown=
  while IFS= read -r line; do
    printf '%s\n' "$line" >&3
    [[ $line =~ ^\[([0-9]+/[0-9]+)\] && $line != *"] Re-"* ]] || continue  # not ninja's own affairs
    if [[ -z $shown && ! -t 2 ]]; then say "Building $1 ..."; fi
    shown=yes
    if [[ -t 2 ]]; then printf '\rBuilding %s: %s ' "$1" "${BASH_REMATCH[1]}" >&2; fi
  done 3>"$2"
  # Wipes the line: what is built is of no interest once it is there.
  if [[ -n $shown && -t 2 ]]; then printf '\r\033[K' >&2; fi
}

# build PRESET LABEL TARGET...: with no targets, everything.
build() {
  local preset=$1 label=$2 log=$logs/build.log started=$SECONDS
  shift 2
  mkdir -p "$logs"
  if ! NINJA_STATUS='[%f/%t] ' ninja -C "$root/build/$preset" -j "$(jobs_that_fit)" "$@" 2>&1 |
    progress "$label" "$log"; then
    # After "FAILED:" ninja prints the command, a wall of flags, and then what the compiler said.
    sed -n '/^FAILED:/,/^\[[0-9]*\/[0-9]*\]/{/^FAILED:/{n;d};/^\[/d;p}' "$log" | head -n 60 >&2
    grep -q '^FAILED:' "$log" || tail -n 20 "$log" >&2
    fail 1 "the build failed (all of it: build/log/build.log)"
  fi
  if ((SECONDS - started > 1)); then say "Built $label in $((SECONDS - started)) s."; fi
}
