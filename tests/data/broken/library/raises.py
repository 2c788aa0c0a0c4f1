#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule

AnsibleModule({})
raise ValueError("the cow is not amused")
