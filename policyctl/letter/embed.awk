# SPDX-License-Identifier: MIT
# Turns a file of words into an array of its lines.
# Usage: awk -v from=FILE -v name=ARRAY -f embed.awk FILE
BEGIN {
    print "/* made from " from " by policyctl/letter/embed.awk */"
    print "extern const char *const " name "[];\n"
    print "const char *const " name "[] = {"
}
{
    gsub(/\\/, "\\\\")
    gsub(/"/, "\\\"")
    printf "    \"%s\",\n", $0
}
END {
    print "    0 };"
}
