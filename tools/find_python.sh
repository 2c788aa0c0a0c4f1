#!/bin/sh
# Print the path of a Python that can make virtual environments, or fail with a hint.
#
#   find_python.sh [LOWEST [HIGHEST]]     such as: find_python.sh 3.12 3.14
#
# The system's own `python3` is taken first when its version fits.
set -eu
lowest=${1:-3.11}
highest=${2:-3.14}

fits() {
    "$1" -c "
import ensurepip, sys, venv
low, high = (tuple(map(int, text.split('.'))) for text in sys.argv[1:])
sys.exit(not low <= sys.version_info[:2] <= high)" "$lowest" "$highest" 2>/dev/null
}

for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 \
    "$HOME"/.pyenv/versions/3.1[1-9]*/bin/python; do
    path=$(command -v "$candidate" 2>/dev/null) || continue
    if fits "$path"; then
        # Not the path of a version manager's shim: what it starts changes with the folder.
        "$path" -c 'import sys; print(sys.executable)'
        exit 0
    fi
done

echo "no Python from $lowest to $highest with venv found; on Debian: apt-get install python3-venv" >&2
exit 1
