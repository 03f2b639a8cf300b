"""Prints how many tests of a JUnit report passed and failed; no report counts as a failure."""

import sys
import xml.etree.ElementTree as tree


def counts(report):
    try:
        cases = list(tree.parse(report).getroot().iter("testcase"))
    except (OSError, tree.ParseError):
        return 0, 1
    ended = [{child.tag for child in case} for case in cases]
    failed = sum(bool(tags & {"failure", "error"}) for tags in ended)
    skipped = sum("skipped" in tags for tags in ended)
    return len(ended) - failed - skipped, failed or int(not ended)


if __name__ == "__main__":
    print(*counts(sys.argv[1]))
