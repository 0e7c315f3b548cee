"""Lists the chat messages of raw IRC day files by rules of its own, knowing nothing of Muniment or of compliance XML.

A line "[hh:mm] <nick> words" is a message, "[hh:mm] * nick words" is one in the third person (the nick is not part of its
words); every other line is none. The day is the name of the file. Prints one JSON object a line, in order.

usage: lync_irc.py FOLDER
"""
import json
import os
import re
import sys

MESSAGE = re.compile(r"^\[(\d\d:\d\d)\] (?:<([^>]+)>|\* (\S+)) ?(.*)$", re.DOTALL)


def main(folder):
    for day in sorted(os.listdir(folder)):
        with open(os.path.join(folder, day), encoding="utf-8", newline="") as file:
            for line in file.read().split("\n"):
                found = MESSAGE.match(line.rstrip("\r"))
                if found:
                    time, said, acted, words = found.groups()
                    row = {"time": day + "T" + time + ":00.000000Z", "sender": said or acted, "text": words}
                    print(json.dumps(row, ensure_ascii=True))


main(sys.argv[1])
