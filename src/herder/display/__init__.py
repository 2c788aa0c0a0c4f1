"""What a person sees: events come in, a terminal, JSON lines or tables go out; only room with rich.

`run.py` makes one sink for a run (`choice.choose_output` says which); `cli` prints tables.
"""
