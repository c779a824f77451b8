#!/usr/bin/env bash
# Fuzzes every decoder under AddressSanitizer, led by coverage: 10^8 inputs in all, which two cores have done in about
# half an hour. Prints a line for each decoder; ends with 1 if an input was found of which something does not hold.
#
#   FUZZ_SHARE=0.01 Tests/Fuzzing/fuzz.sh [DECODER …]
#
# FUZZ_SHARE   of the inputs (default 1)
# FUZZ_JOBS    decoders at a time (default: one a core)
# TORTURE      the folder of builds and of what is found (default .build/torture)
set -euo pipefail
cd "$(dirname "$0")/../.."
share=${FUZZ_SHARE:-1} jobs=${FUZZ_JOBS:-$(nproc)} torture=${TORTURE:-.build/torture}
# So many inputs each: those that go through files, or have a hub at work, take a hundred times as long as others. The
# slowest come first, so that no core is idle at the end.
declare -A inputs=(
  [hub]=200000 [model]=60000 [reference]=80000 [archive]=80000 [street]=120000 [counts]=150000 [csv]=2000000
  [decimal]=10000000 [record]=12000000 [request]=20000000 [json]=25000000 [time]=15000000 [adjustment]=16000000
  [answer]=5000000
)
order=(hub model reference archive street counts csv decimal record request json time adjustment answer)
[ $# -eq 0 ] || order=("$@")

# The address sanitizer would print the stack of a trap itself; Swift's own printing takes minutes.
export SWIFT_BACKTRACE=enable=no
# Of two `--sanitize` only one would have its way with the compiler: the last, in an order that changes.
build=(swift build --configuration release --sanitize=fuzzer -Xswiftc -sanitize=fuzzer,address --product crims-fuzz
  --scratch-path "$torture/fuzzer")
mkdir -p "$torture/fuzz"
CRIMS_FUZZER=1 "${build[@]}" > "$torture/fuzzer.log" 2>&1 || { cat "$torture/fuzzer.log"; exit 1; }
program=$torture/fuzzer/release/crims-fuzz

fuzz() { # DECODER INPUTS
  local folder=$torture/fuzz/$1 result='nothing found' code=0
  mkdir -p "$folder"
  "$program" "$1" "Tests/Fuzzing/Corpus/$1.txt" "$folder" -runs="$2" -seed=1 > "$folder/log" 2>&1 || code=$?
  if [ $code -eq 72 ]; then
    result='interrupted, nothing found'
  elif [ $code -ne 0 ]; then
    result="BROKEN, see $folder/log: $(grep -a -m 1 -E 'crims-fuzz:|Fatal error|ERROR' "$folder/log" | cut -c 1-160)"
  fi
  figure() { grep -a "stat::$1" "$folder/log" | grep -o '[0-9]*$' || echo 0; }
  local places
  places=$(grep -a -o 'cov: [0-9]*' "$folder/log" | tail -n 1 | cut -d ' ' -f 2)
  printf '%-10s %10d inputs %8d a second %6d places reached   %s\n' \
    "$1" "$(figure number_of_executed_units)" "$(figure average_exec_per_sec)" "${places:-0}" "$result"
  return $code
}
export -f fuzz
export torture program

# The decoders are named on one line each, with their number of inputs.
list() {
  for decoder in "${order[@]}"; do
    [ -n "${inputs[$decoder]:-}" ] || { echo "fuzz.sh: no decoder $decoder" >&2; exit 2; }
    echo "$decoder $(awk "BEGIN { printf \"%d\", ${inputs[$decoder]} * $share }")"
  done
}
table=$torture/fuzz/table
code=0
list | xargs -P "$jobs" -L 1 bash -c 'fuzz "$@"' fuzz | tee "$table" || code=1
awk '{ sum += $2 } END { printf "%d inputs in all\n", sum }' "$table"
exit $code
