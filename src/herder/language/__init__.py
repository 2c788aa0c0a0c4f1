"""The Ansible language: the only room that imports ansible-core.

In: command-line words, playbooks, inventories, variables. Out: events, an exit code, and work on
hosts through the ports of `model`. ansible-core keeps the meaning (plays, strategies, loops,
conditions, results); this room replaces how a step gets a process and how it reaches a host.
`run.py` is its only caller.
"""
