# SPDX-License-Identifier: MIT
"""What the configurations of Dovecot 2.3 and 2.4 write differently, for the Dovecot that is installed."""

from pathlib import Path

from .process import run

IS_2_4 = run("dovecot", "--version").stdout.startswith("2.4.")

# Every file begins with it.
VERSION = "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n" if IS_2_4 else ""

# Hashes that an old server brings along (MD5-CRYPT) are taken by 2.3 without a word.
CLEARTEXT = "auth_allow_cleartext = yes\nauth_allow_weak_schemes = yes\n" if IS_2_4 else "disable_plaintext_auth = no\n"

# The ready files of contrib/dovecot.
READY = Path(__file__).resolve().parents[3] / "contrib" / "dovecot"
QUOTA = READY / f"11-postern-quota-{'2.4' if IS_2_4 else '2.3'}.conf"

# A service's processes take one connection after the other, without end.
UNLIMITED = "restart_request_count = unlimited\n" if IS_2_4 else "service_count = 0\n"

# The option of the driver that names policyd.conf.
OPTION = "config" if IS_2_4 else "args"


def mail_field(home):
    """The userdb's field of "maildir:~/Maildir" as doveadm shows it."""
    return {"mail_path": f"{home}/Maildir"} if IS_2_4 else {"mail": "maildir:~/Maildir"}


def mechanisms(names):
    """auth_mechanisms."""
    if IS_2_4:
        return "auth_mechanisms {\n" + "".join(f"  {name} = yes\n" for name in names.split()) + "}\n"
    return f"auth_mechanisms = {names}\n"


def protocols(names):
    """protocols."""
    if IS_2_4:
        return "protocols {\n" + "".join(f"  {name} = yes\n" for name in names.split()) + "}\n"
    return f"protocols = {names}\n"


def certificate(path, key):
    """TLS for every service."""
    if IS_2_4:
        return f"ssl = yes\nssl_server_cert_file = {path}\nssl_server_key_file = {key}\n"
    return f"ssl = yes\nssl_cert = <{path}\nssl_key = <{key}\n"


def driver(kind, policyd_conf, name="postern"):
    """A block of the driver; kind is passdb or userdb, name tells several apart, policyd_conf may be None."""
    if IS_2_4:
        setting = f"  {kind}_postern_config = {policyd_conf}\n" if policyd_conf else ""
        return f"{kind} {name} {{\n  driver = postern\n{setting}}}\n"
    return f"{kind} {{\n  driver = postern\n" + (f"  args = {policyd_conf}\n" if policyd_conf else "") + "}\n"


def static_userdb(**fields):
    """The same answer for everybody."""
    if IS_2_4:
        return "userdb static {\n  fields {\n" + "".join(f"    {k} = {v}\n" for k, v in fields.items()) + "  }\n}\n"
    return "userdb {\n  driver = static\n  args = " + " ".join(f"{k}={v}" for k, v in fields.items()) + "\n}\n"


def static_passdb(password):
    """One password for everybody."""
    if IS_2_4:
        return f"passdb static {{\n  password = {password}\n}}\n"
    return f"passdb {{\n  driver = static\n  args = password={password}\n}}\n"


def sqlite_passdb(directory, database, query):
    """Dovecot's own driver over a database; {user} in the query is the name. Hashes without a scheme are crypt's."""
    if IS_2_4:
        query = query.replace("{user}", "%{user}")
        return (f"sql_driver = sqlite\nsqlite_path = {database}\n"
                f"passdb sql {{\n  default_password_scheme = CRYPT\n  query = {query}\n}}\n")
    path = directory / "sql.conf"
    path.write_text(f"driver = sqlite\nconnect = {database}\ndefault_pass_scheme = CRYPT\n"
                    f"password_query = {query.replace('{user}', '%u')}\n")
    return f"passdb {{\n  driver = sql\n  args = {path}\n}}\n"


def passwd_passdb():
    """The host's own users."""
    return "passdb passwd {\n}\n" if IS_2_4 else "passdb {\n  driver = passwd\n}\n"
