"""Deployments as transactions over a fleet: all hosts get a release, or all keep what they had.

In: a `Fleet` (model/fleet.py) to ask hosts through, and what the run of the playbook tells. Out:
verdicts, and the story of the deployment. Knows neither Ansible nor ssh; `run.py` joins it.
"""
