DOCUMENTATION = """
name: spelled
short_description: hosts as words
options:
  plugin:
    description: must be spelled
    required: true
  words:
    description: names of hosts
    type: list
    required: true
"""
from ansible.plugins.inventory import BaseInventoryPlugin


class InventoryModule(BaseInventoryPlugin):
    NAME = "spelled"

    def verify_file(self, path):
        return super().verify_file(path) and path.endswith("spelled.yml")

    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        for word in self.get_option("words"):
            inventory.add_host(word)
            inventory.set_variable(word, "letters", len(word))
