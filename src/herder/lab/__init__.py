"""Local servers to try everything on.

A wish for N servers comes in, running servers with an address, a key and an inventory come out.
Called by the command line and by whoever builds on a lab (the demo, the cloud endpoint, tests);
it knows nothing of playbooks. Start reading at `lab.py`, then `machines.py` or `processes.py`.
"""
