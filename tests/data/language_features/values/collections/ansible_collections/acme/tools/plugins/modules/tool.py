#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.acme.tools.plugins.module_utils.deep import answer
from ..module_utils import deep

module = AnsibleModule({"name": {}})
module.exit_json(changed=False, name=module.params["name"], answer=answer(), same=deep.answer is answer)
