#!/usr/bin/python
# WANT_JSON
print("moo, moo")
