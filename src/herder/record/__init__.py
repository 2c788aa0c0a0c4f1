"""What is kept of runs: events come in, rows in SQLite, answers about past runs and reports go out.

`run.py` makes one `RunRecord` a run; `cli` asks `History` and writes reports; `head_start.py` keeps
plans of where a command connects first.
"""
