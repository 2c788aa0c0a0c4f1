"""Nouns that cross rooms, and the Protocols (ports) that rooms need of one another.

In: nothing. Out: frozen dataclasses and Protocols. Every room but the agent may import it.
"""
