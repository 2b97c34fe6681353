# SPDX-License-Identifier: MIT
# Turns the migrations (accounts-NNN.sql, state-NNN.sql) into the C table of
# lib/store_schema.h.  Comments and blank lines are left out.
BEGIN {
    print "/* made from sql/ by sql/embed.awk */"
    print "#include \"lib/store_schema.h\"\n"
    print "const struct migration migrations[] = {"
}
FNR == 1 {
    if (NR > 1)
        print "    },"
    name = FILENAME
    sub(/.*\//, "", name)
    split(name, part, /[-.]/)
    printf "    { DATABASE_%s, %d,\n", toupper(part[1]), part[2]
}
{
    sub(/--.*/, "")
    sub(/[ \t]+$/, "")
    gsub(/\\/, "\\\\")
    gsub(/"/, "\\\"")
    if ($0 != "")
        printf "      \"%s\\n\"\n", $0
}
END {
    print "    },"
    print "    { DATABASE_ACCOUNTS, 0, 0 },\n};"
}
