"""Holds an import report's coverage against an independent count. Prints one line; exits 1 where they differ.

usage: compare_coverage.py REPORT.json COUNT.json
"""
import json
import sys


def main(report_path, count_path):
    with open(report_path, encoding="utf-8") as file:
        report = json.load(file)
    with open(count_path, encoding="utf-8") as file:
        count = json.load(file)
    rows = {row["room"] + "\t" + row["day"]: row for row in report["coverage"]}
    wrong = [
        f"{key!r}: counted {count['days'].get(key, 0)}, report says {rows.get(key)}"
        for key in sorted(set(rows) | set(count["days"]))
        if key not in rows
        or rows[key]["source_count"] != count["days"].get(key, 0)
        or rows[key]["held_count"] != count["days"].get(key, 0)
    ]
    for line in wrong[:20]:
        print("DIFFERS", line)
    print(f"{report['format']}: {count['lines']} records in {len(count['days'])} room-days; {len(wrong)} differ")
    return 1 if wrong or report["read"] != count["lines"] else 0


sys.exit(main(sys.argv[1], sys.argv[2]))
