DOCUMENTATION = """
name: given
short_description: gives a variable
options:
  stage:
    ini:
      - key: stage
        section: vars_given
    env:
      - name: GIVEN_STAGE
extends_documentation_fragment:
  - vars_plugin_staging
"""
from ansible.plugins.vars import BaseVarsPlugin


class VarsModule(BaseVarsPlugin):
    REQUIRES_ENABLED = False

    def get_vars(self, loader, path, entities, cache=True):
        return {"given_to": [entity.name for entity in entities]}
