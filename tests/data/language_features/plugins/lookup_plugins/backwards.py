from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        return [term[::-1] + variables["inventory_hostname"] for term in terms]
