#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.of_role_shared import VALUE

AnsibleModule({}).exit_json(changed=False, value=VALUE)
