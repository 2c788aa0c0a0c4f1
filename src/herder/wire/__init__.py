"""What controller and agent say to each other: frames, messages, handshake, bootstrap.

Standard library only, Python 3.8; `session` and `agent` stand on it, `language` takes the
bootstrap line from it.
"""
