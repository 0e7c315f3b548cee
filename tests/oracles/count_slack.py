"""Counts the records of a Slack export zip by folder and day, knowing nothing of Muniment. Prints one JSON object.

usage: count_slack.py EXPORT.zip
"""
import collections
import datetime
import json
import sys
import zipfile


def main(path):
    days = collections.Counter()
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            folder, _, day_file = name.rpartition("/")
            if not folder or not day_file.endswith(".json"):
                continue
            for record in json.loads(archive.read(name)):
                day = datetime.datetime.fromtimestamp(float(record["ts"]), datetime.timezone.utc).date()
                days[f"{folder}\t{day}"] += 1
    json.dump({"lines": sum(days.values()), "days": days}, sys.stdout, sort_keys=True)


main(sys.argv[1])
