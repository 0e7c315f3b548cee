"""Counts the lines of an import file by room and day, knowing nothing of Muniment. Prints one JSON object.

usage: count_lines.py FILE.jsonl[.zst]
"""
import collections
import io
import json
import sys

import zstandard


def lines(path):
    with open(path, "rb") as raw:
        source = zstandard.ZstdDecompressor().stream_reader(raw) if path.endswith(".zst") else raw
        yield from io.TextIOWrapper(source, encoding="utf-8", newline="\n")


def main(path):
    days = collections.Counter()
    for line in lines(path):
        record = json.loads(line)
        days[record["room"] + "\t" + record["time"][:10]] += 1
    json.dump({"lines": sum(days.values()), "days": days}, sys.stdout, sort_keys=True)


main(sys.argv[1])
