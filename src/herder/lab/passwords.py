"""Passwords of vaults that a person gave once, handed to each program that asks for them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from herder.model.secret import Secret


@dataclass(frozen=True, slots=True)
class VaultPassword:
    """A vault's password. *Shapes*: `label` is the one of its vault id, '' without."""

    label: str
    secret: Secret


@contextlib.contextmanager
def handed_over(passwords: Sequence[VaultPassword]) -> Iterator[tuple[list[str], list[int]]]:
    """Give the words that tell one program where its passwords are, and the descriptors to leave
    it open: pipes that hold them. So they are in no file, command line or environment.
    """
    words: list[str] = []
    descriptors: list[int] = []
    try:
        for password in passwords:
            reading, writing = os.pipe()
            descriptors.append(reading)
            os.write(writing, password.secret.reveal().encode() + b"\n")
            os.close(writing)
            words += _words(password.label, f"/dev/fd/{reading}")
        yield words, descriptors
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _words(label: str, path: str) -> list[str]:
    return ["--vault-id", f"{label}@{path}"] if label else ["--vault-password-file", path]
