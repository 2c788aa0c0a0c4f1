"""One conversation with one host as one user: operations in, replies out.

`run.py` makes one `SessionPool` a run and hands it to `language` as `Sessions`.
"""
