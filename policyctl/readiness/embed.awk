# SPDX-License-Identifier: MIT
# Turns style sheet and script into C, with the policy (CSP) that lets nothing else in: -v style=HASH -v script=HASH.
BEGIN {
    print "/* made from report.css and report.js by policyctl/readiness/embed.awk */"
    print "extern const char *const html_style[], *const html_script[], html_policy[];\n"
    printf "const char html_policy[] = \"default-src 'none'; style-src 'sha256-%s'; script-src 'sha256-%s'; ", style, script
    print "img-src data:; base-uri 'none'; form-action 'none'\";"
}
FNR == 1 {
    if (NR > 1)
        print "    0 };"
    print "\nconst char *const " (NR == 1 ? "html_style" : "html_script") "[] = {"
}
{
    gsub(/\\/, "\\\\")
    gsub(/"/, "\\\"")
    printf "    \"%s\",\n", $0
}
END {
    print "    0 };"
}
