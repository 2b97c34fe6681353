# SPDX-License-Identifier: MIT
# Turns the English words into a C string.
BEGIN {
    print "/* made from policyctl/letter/en.txt by policyctl/letter/embed.awk */"
    print "extern const char *const words_english[];\n"
    print "const char *const words_english[] = {"
}
{
    gsub(/\\/, "\\\\")
    gsub(/"/, "\\\"")
    printf "    \"%s\",\n", $0
}
END {
    print "    0 };"
}
