"""Reads and writes formats of the standard library in memory."""

import configparser
import email
import email.policy
import io
import plistlib
from email.header import Header, decode_header
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from xml.dom import minidom


def settings():
    parser, out = configparser.ConfigParser(), io.StringIO()
    parser.read_string("[a]\nb = 1\n")
    parser.write(out)
    return parser.getint("a", "b") == 1 and out.getvalue().startswith("[a]")


def properties():
    value = {"a": [1, "b", b"c"]}
    return all(plistlib.loads(plistlib.dumps(value, fmt=one)) == value for one in plistlib.PlistFormat)


def messages():
    message, parts = EmailMessage(), MIMEMultipart()
    message["Subject"], message["From"] = "häuser", "A <a@example.org>"
    message.set_content("body")
    message.add_attachment(b"x", maintype="application", subtype="octet-stream", filename="f.bin")
    again = email.message_from_string(message.as_string(), policy=email.policy.default)
    parts.attach(MIMEText("täxt", "plain", "utf-8"))
    assert email.message_from_bytes(parts.as_bytes()).is_multipart() and decode_header(Header("aé", "utf-8").encode())
    return again["subject"] == "häuser" and again.get_body().get_content().strip() == "body"


def documents():
    page = minidom.parseString("<a><b x='1'>t</b></a>")
    made = minidom.getDOMImplementation().createDocument(None, "z", None)
    made.documentElement.appendChild(made.createTextNode("<"))
    return page.getElementsByTagName("b")[0].getAttribute("x") == "1" and "&lt;" in made.toprettyxml(indent=" ")


def run(text):
    assert settings() and properties() and messages() and documents()
    return "\n".join(dict.fromkeys(text.split("\n")))
