def stumble(value):
    raise RuntimeError("the filter stumbled")


class FilterModule:
    def filters(self):
        return {"stumble": stumble}
