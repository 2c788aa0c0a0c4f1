import sys


def print_it(value):
    print("printed:", value)
    print("complained:", value, file=sys.stderr)
    return value


class FilterModule:
    def filters(self):
        return {"print_it": print_it}
