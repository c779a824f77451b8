#!/usr/bin/env bash
# The Swift suite and the end-to-end suite under a sanitizer, compiled as for a release.
#
#   Tests/Sanitizers/sanitize.sh thread|address [pytest's arguments]
#
# TORTURE      the folder of builds and logs (default .build/torture)
# PYTHON       with pytest (default .venv/bin/python)
set -euo pipefail
cd "$(dirname "$0")/../.."
sanitizer=${1:?thread or address}
shift
torture=${TORTURE:-.build/torture} python=${PYTHON:-.venv/bin/python}
mkdir -p "$torture/$sanitizer"
logs=$(cd "$torture/$sanitizer" && pwd)
rm -f "$logs"/report.*

# Why tests are left out, which is told: what they look at is not the daemon then.
skipped=()
skip() { # TEST REASON
  skipped+=(--deselect "Tests/EndToEnd/$1")
  echo "left out: $1: $2"
}
skip 'test_packaging.py::test_the_daemon_asks_nothing_of_the_system_that_the_unit_forbids' \
  'the sanitizer opens files of its own'
skip 'test_packaging.py::test_what_is_installed_needs_nothing_of_the_toolchain' \
  "the sanitizer looks at threads of C libraries only with Swift's libraries apart"
measured='it measures time and memory, of which a sanitizer takes more'
skip 'test_hostile_peers.py' "$measured"
skip 'test_slow_listeners.py' "$measured"
skip 'test_http_crowd.py::test_a_crowd_locks_nobody_out_and_leaves_nothing_behind' "$measured"
skip 'test_http_data.py::test_memory_is_bounded_and_steps_go_on' "$measured"
skip 'test_http_data.py::test_a_year_leaves_at_a_hundred_megabytes_a_second' "$measured"
skip 'test_http_boundaries.py::test_a_large_file_is_not_in_memory_as_values' "$measured"
skip 'test_limits.py::test_who_leaves_replies_unread_is_refused_more_of_them' "$measured"
traced='the daemon runs under strace, which the sanitizer does not bear'
skip 'test_torture_disk.py' "$traced"
skip 'test_torture_kill.py' "$traced"
case $sanitizer in
  thread)
    # Reports go to files, so that a test that reads stderr does not swallow one.
    export TSAN_OPTIONS="halt_on_error=0:exitcode=66:log_path=$logs/report"
    begins='the sanitizer writes a file when it begins, and here no file may grow'
    skip 'test_calibrate_refusals.py::test_a_file_that_may_not_grow' "$begins"
    skip 'test_report.py::test_a_full_disk_leaves_nothing_half_written' "$begins"
    skip 'test_examples.py::test_scenario_changes_only_what_the_policy_changes' \
      'the example waits 4 s for an answer, which the sanitizer makes too short'
    long='the step of 180 years takes longer than its client waits'
    skip 'test_survival.py::test_a_long_step_is_waited_for_and_not_asked_for_again' "$long"
    skip 'test_survival.py::test_a_daemon_that_hangs_in_a_long_step_gives_the_same_once_it_goes_on' "$long"
    ;;
  address)
    export ASAN_OPTIONS="detect_leaks=1:exitcode=66:log_path=$logs/report"
    skip 'test_calibrate.py::test_memory_does_not_grow_with_the_records' \
      'the sanitizer keeps what is given back for a while, so that memory grows'
    export LSAN_OPTIONS="suppressions=$PWD/Tests/Sanitizers/leaks.txt:print_suppressions=0"
    ;;
  *) echo "sanitize.sh: thread or address, not $sanitizer" >&2; exit 2 ;;
esac
# Swift's own printing of a trap takes minutes in a large executable; the sanitizer prints its stack.
export SWIFT_BACKTRACE=enable=no
# The tests' clients wait ten times as long.
export CRIMS_PATIENCE=10

# Package.swift says why.
export CRIMS_SHARED_RUNTIME=1
build=(--configuration release --sanitize="$sanitizer" --scratch-path "$torture/$sanitizer/build")
for what in --build-tests '--product crims'; do
  # shellcheck disable=SC2086
  swift build "${build[@]}" $what > "$logs/build.log" 2>&1 || { cat "$logs/build.log"; exit 1; }
done
bin=$(cd "$torture/$sanitizer/build/release" && pwd)

echo "== tests of the rooms, $sanitizer sanitizer"
code=0
"$bin/crimsPackageTests.xctest" --testing-library swift-testing > "$logs/swift-test.log" 2>&1 || code=$?
grep -E '^(➜|✘|✔ Test run)' "$logs/swift-test.log" || true
echo "== tests of the daemon from outside, $sanitizer sanitizer"
CRIMS_BIN=$bin/crims "$python" -m pytest -q -p no:cacheprovider "${skipped[@]}" Tests/EndToEnd "$@" || code=$?

# A report of any process counts, whatever the tests made of its end.
for report in "$logs"/report.*; do
  [ -e "$report" ] || continue
  code=1
  echo "-- $report"
  head -n 40 "$report"
done
[ $code -eq 0 ] && echo "$sanitizer sanitizer: nothing found"
exit $code
