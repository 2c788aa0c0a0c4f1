"""What runs on the target: takes operations as frames, forks modules, answers.

Standard library and `wire` only, Python 3.8. Nobody imports it: `wire/bootstrap.py` ships it.
"""
