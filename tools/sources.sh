#!/bin/sh
# Print the source files that match the patterns, relative to the top of the tree, in a fixed order.
cd "$(dirname "$0")/.." || exit 1
for f in $*; do
    [ -f "$f" ] && echo "$f"
done | LC_ALL=C sort
exit 0
