"""What makes ansible-core quick without changing what it means: the same answers, fewer steps.

In: methods of ansible-core. Out: stand-ins for them that keep what they worked out, for the run or
from run to run. `install.py` puts in those of a run, `language/start.py` those of the start; a run
without any of them would be slower and the same. Nothing here knows the rest of `language`, but
`exchanged.py` and `core_guards.py`.
"""
