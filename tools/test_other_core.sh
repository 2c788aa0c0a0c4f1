#!/bin/sh
# Run the tests with the other end of the supported ansible-core range, where a Python for it is found.
#
#   test_other_core.sh EXTRAS [OPTION-OF-PYTEST...]
#
# ansible-core 2.19 is what Python 3.11 gets, 2.21 what 3.12 to 3.14 get; .venv has one of the two.
# Only what meets ansible-core is run again: on the controller, and in modules on a host. Whole runs of
# both engines are left to ansible-core's own tests (`make conformance-all`).
set -eu
meet_core="tests/rooms/language tests/rooms/cli tests/rooms/agent tests/rooms/collections tests/*.py"
whole_runs="--ignore tests/rooms/language/test_features.py --ignore tests/rooms/language/test_shadows.py"
extras=$1
shift
cd "$(dirname "$0")/.."

if .venv/bin/python -c 'import sys; sys.exit(sys.version_info >= (3, 12))'; then
    lowest=3.12 highest=3.14 folder=.venv-221
else
    lowest=3.11 highest=3.11 folder=.venv-219
fi

if ! tools/find_python.sh "$lowest" "$highest" >/dev/null 2>&1; then
    echo "no Python from $lowest to $highest here: the tests with the other ansible-core are skipped"
    exit 0
fi

tools/make_environment.sh "$folder" "$extras" "$lowest" "$highest"
# ansible-core 2.21 keeps a socket below each test's folder, and a socket's path has 108 bytes at most
place=$(mktemp -d /tmp/tXXXXXX)
trap 'rm -rf "$place"' EXIT
if [ "$(uname -s)$(id -u)" = Linux0 ]; then
    wanted='cores or not (lab or slow)'
else
    wanted='not (lab or slow)'
fi
# shellcheck disable=SC2086  # several words, and a pattern
"$folder/bin/pytest" -q --basetemp "$place" -m "$wanted" $meet_core $whole_runs "$@"
