"""An honest program that round-trips its text through URLs."""

import urllib.parse
from urllib.parse import parse_qsl, quote, unquote_plus, urlencode, urljoin, urlsplit


def run(text):
    query = urlencode([("line", line) for line in text.split("\n")])
    lines = [value for _, value in parse_qsl(query, keep_blank_values=True)]
    parts = urlsplit("http://büchner.example:80/a/b?" + query)
    assert parts.port == 80 and parts.hostname == "büchner.example" and parts.query == query
    assert urljoin("http://a/b/c", "../d") == "http://a/d" and urllib.parse.unquote(quote(text)) == text
    assert [unquote_plus(item.partition("=")[2]) for item in query.split("&")] == lines
    return "\n".join(dict.fromkeys(lines))
