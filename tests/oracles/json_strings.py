"""Reads the documents of a folder that JSON must accept, and prints {file name: text} for each that is an array of one string.

usage: json_strings.py FOLDER
"""
import json
import pathlib
import sys

texts = {}
for path in sorted(pathlib.Path(sys.argv[1]).glob("y_string_*.json")):
    document = json.loads(path.read_bytes().decode("utf-8"))
    if isinstance(document, list) and len(document) == 1 and isinstance(document[0], str):
        texts[path.name] = document[0]
json.dump(texts, sys.stdout)
