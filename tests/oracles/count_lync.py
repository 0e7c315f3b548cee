"""Counts the events of a Lync compliance XML by room and day, knowing nothing of Muniment. Prints one JSON object.

A `FirstMessage` counts unless the first `Message` is the same in type, content, id, sender and time.

usage: count_lync.py FILE.xml
"""
import collections
import json
import sys
import xml.etree.ElementTree as ElementTree


def same(one, other):
    return ElementTree.canonicalize(ElementTree.tostring(one), strip_text=True).replace("FirstMessage", "Message") == (
        ElementTree.canonicalize(ElementTree.tostring(other), strip_text=True)
    )


def main(path):
    days = collections.Counter()
    for conversation in ElementTree.parse(path).getroot().iter("Conversation"):
        room = conversation.find("Channel").get("name")
        first = conversation.find("FirstMessage")
        messages = list(conversation.iter("Message"))
        if first is not None and not (messages and same(first, messages[0])):
            messages.insert(0, first)
        for message in messages:
            days[room + "\t" + message.find("DateTimeUTC").get("string")[:10]] += 1
    json.dump({"lines": sum(days.values()), "days": days}, sys.stdout, sort_keys=True)


main(sys.argv[1])
