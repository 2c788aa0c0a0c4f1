#!/bin/sh
echo no inventory >&2
exit 3
