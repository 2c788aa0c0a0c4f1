#!/usr/bin/python
import json

args = """<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"""
print(json.dumps({"changed": False, "name": json.loads(args)["name"]}))
