DOCUMENTATION = "module: acting"
