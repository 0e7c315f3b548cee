"""Reads an exact CSV as a stranger would and prints its rows as a JSON array of objects.

usage: read_csv.py FILE.csv
"""
import csv
import json
import sys

csv.field_size_limit(1 << 30)
with open(sys.argv[1], encoding="utf-8", newline="") as file:
    rows = list(csv.DictReader(file, strict=True))
json.dump(rows, sys.stdout)
