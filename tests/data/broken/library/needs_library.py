#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule, missing_required_lib

AnsibleModule({}).fail_json(msg=missing_required_lib("cowsay"))
