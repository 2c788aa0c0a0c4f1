#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.nobody_wrote_this import cow

AnsibleModule({}).exit_json()
