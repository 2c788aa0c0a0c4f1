"""The command line: words come in, an exit code goes out.

One file a command: it has `main(words) -> int`, and the first line of its docstring is the
caption that `herder --help` shows. Called by the console entries only; it calls `run`, `display`,
`record` and `lab`.
"""
