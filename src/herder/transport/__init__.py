"""Bytes to a program on a host: ssh, local, or any command that gives two pipes.

Only `session` calls it; it knows neither frames nor operations.
"""
