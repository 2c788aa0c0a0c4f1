"""The Ansible collection herder.deploy, shipped in the package; usable from plain Ansible too."""
