"""Runs ansible-core's own integration tests with Herder in the place of `ansible-playbook`.

`python -m conformance --help` tells how. Needs root on Linux: each target runs in a throw-away
copy of this machine. A target counts only when it passes and its PLAY RECAPs equal those of
stock ansible-core on the same machine: most targets assert in tasks, so they also pass with an
`ansible-playbook` that does nothing.
"""
