#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.shared import praise


def main():
    module = AnsibleModule({"name": {"required": True}, "secret": {"no_log": True}}, supports_check_mode=True)
    module.warn("look out")
    module.exit_json(changed=True, praise=praise(module.params["name"]), secret=module.params["secret"])


if __name__ == "__main__":
    main()
