#!/usr/bin/python
import json
import shlex
import sys

with open(sys.argv[1]) as given:
    words = dict(word.split("=", 1) for word in shlex.split(given.read()) if "=" in word)
print(json.dumps({"changed": False, "words": sorted(word for word in words if not word.startswith("_"))}))
