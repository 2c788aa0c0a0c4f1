"""Herder: runs Ansible playbooks many times faster and makes a fleet deployment a transaction."""

__version__ = "0.1.0"
