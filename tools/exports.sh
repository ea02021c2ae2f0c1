#!/bin/sh
# Print a linker's version script that shows the functions which the headers declare, and nothing else.
# exports.sh HEADER...
set -eu
echo '{'
echo 'global:'
awk '
    { text = text $0 "\n" }
    END {
        while ((from = index(text, "/*")) > 0) {
            rest = substr(text, from + 2)
            text = substr(text, 1, from - 1) " " substr(rest, index(rest, "*/") + 2)
        }
        gsub(/\n/, " ", text)
        while (match(text, /[^A-Za-z0-9_]vn_[a-z0-9_]+ *\([^;{}]*\);/)) {
            found = substr(text, RSTART + 1, RLENGTH - 1)
            sub(/ *\(.*/, "", found)
            print "    " found ";"
            text = substr(text, RSTART + RLENGTH)
        }
    }' "$@" | LC_ALL=C sort -u
echo 'local:'
echo '    *;'
echo '};'
