#!/bin/sh
echo "script of $1"
