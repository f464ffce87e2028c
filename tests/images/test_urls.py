from __future__ import annotations

from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given, strategies as st

from aurashot.errors import UnsafeURLError
from aurashot.images import check_url, is_public_address

OWN = "http://127.0.0.1:8787"

PRIVATE_IPV4 = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
]


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a.png",
        "https://example.com",
        "https://example.com:443/a.png",
        "https://example.com:/a.png",
        "https://EXAMPLE.com./a.png",
        "HTTPS://example.com/a.png",
        "https://my_bucket.s3.amazonaws.com/a.png?X-Amz-Signature=abc#part",
        "https://xn--bcher-kva.example/a.png",
        "https://example.com/图.png",
        "https://example.com/@user/a.png",
        "https://8.8.8.8/a.png",
        "https://[2606:4700:4700::1111]/a.png",
        "https://internal.example.com/a.png",
        "https://mylocalhost.com/a.png",
        f"{OWN}/files/a.png",
        "HTTP://127.0.0.1:8787/files/a.png",
    ],
)
def test_a_public_address_is_returned_unchanged(url: str) -> None:
    """Public https addresses and those of the own origin pass, exactly as they were written."""
    assert url == check_url(url, own_origin=OWN)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://example.com/a.png", "not https"),
        ("ftp://example.com/a.png", "not https"),
        ("//example.com/a.png", "not https"),
        ("/media/a.png", "not https"),
        ("", "not https"),
        ("http://127.0.0.1:8788/a.png", "not https"),
        ("https://127.0.0.1:8787/a.png", "port"),
        ("https://user@example.com/a.png", "user name or password"),
        ("https://user:secret@example.com/a.png", "user name or password"),
        (OWN.replace("//", "//user:secret@") + "/a.png", "not https"),
        ("https:///a.png", "has no host"),
        ("https:a.png", "has no host"),
        ("https://example.com:8443/a.png", "has a port"),
        ("https://example.com:0/a.png", "has a port"),
        ("https://example.com:99999/a.png", "well-formed"),
        ("https://example.com:port/a.png", "well-formed"),
        ("https://[::1/a.png", "well-formed"),
        ("https://example.com/a b.png", "percent-encode"),
        ("https://example.com\\@evil.example/a.png", "percent-encode"),
        (" https://example.com/a.png", "a space at its start; remove it"),
        ("https://example.com/a.png\n", "a line break at its end; remove it"),
        ("https://example.com/\u202egnp.a", "percent-encode"),
        ("https://example.com/\x00", "percent-encode"),
        ("https://example.com/" + "a" * 9_000, "longer than 8,192"),
        ("https://2130706433/a.png", "unusual way"),
        ("https://0x7f000001/a.png", "unusual way"),
        ("https://0x7f.1/a.png", "unusual way"),
        ("https://017700000001/a.png", "unusual way"),
        ("https://0177.0.0.1/a.png", "unusual way"),
        ("https://127.1/a.png", "unusual way"),
        ("https://127.0.1/a.png", "unusual way"),
        ("https://127.0.0.1./a.png", "unusual way"),
        ("https://999.999.999.999/a.png", "unusual way"),
        ("https://localhost/a.png", "local network"),
        ("https://LOCALHOST./a.png", "local network"),
        ("https://api.localhost/a.png", "local network"),
        ("https://printer.local/a.png", "local network"),
        ("https://metadata.google.internal/a.png", "local network"),
        ("https://router.home.arpa/a.png", "local network"),
        ("https://intranet/a.png", "local network"),
        ("https://bücher.example/a.png", "xn--"),
        ("https://①②⑦.0.0.1.example/a.png", "xn--"),
        ("https://%31%32%37.0.0.1.example/a.png", "malformed"),
        ("https://a..example/a.png", "malformed"),
        ("https://[2606:4700::1111%25eth0]/a.png", "malformed"),
    ],
)
def test_an_unsafe_address_is_refused_with_its_reason(url: str, reason: str) -> None:
    """Every other address is refused, and the message says why."""
    with pytest.raises(UnsafeURLError, match=reason):
        check_url(url, own_origin=OWN)


def ipv6_coats(address: str) -> list[str]:
    """Return the IPv6 forms that lead to an IPv4 address."""
    number = int(IPv4Address(address))
    prefixes = [
        0xFFFF << 32,  # IPv4-mapped
        0,  # IPv4-compatible
        int(IPv6Address("64:ff9b::")),  # NAT64
    ]
    return [str(IPv6Address(prefix + number)) for prefix in prefixes] + [
        str(IPv6Address((0x2002 << 112) + (number << 80)))
    ]


@pytest.mark.parametrize("address", PRIVATE_IPV4)
def test_private_addresses_are_refused_in_every_coat(address: str) -> None:
    """A private IPv4 address stays private when it is mapped, compatible, translated or tunnelled."""
    for host in [address, *(f"[{coat}]" for coat in ipv6_coats(address))]:
        with pytest.raises(UnsafeURLError, match="private or reserved"):
            check_url(f"https://{host}/a.png", own_origin=OWN)


@pytest.mark.parametrize(
    "address",
    [
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
        "2001::1",
        "3fff::1",
        "5f00::1",
        "64:ff9b:1::1",
        "100::1",
    ],
)
def test_special_ipv6_addresses_are_refused(address: str) -> None:
    """Loopback, link-local, unique local, multicast, documentation and tunnel addresses are no public ones."""
    with pytest.raises(UnsafeURLError, match="private or reserved"):
        check_url(f"https://[{address}]/a.png", own_origin=OWN)


@given(st.integers(min_value=0, max_value=2**32 - 1))
def test_a_coat_never_changes_whether_an_address_is_public(number: int) -> None:
    """An IPv4 address is as public as each of its IPv6 forms, and never more than Python's own table says."""
    address = IPv4Address(number)
    public = is_public_address(address)
    assert {public} == {is_public_address(coat) for coat in ipv6_coats(str(address))}
    assert not public or (address.is_global and not address.is_multicast)


@given(st.ip_addresses(v=4, network="127.0.0.0/8"), st.sampled_from(["{:d}", "0x{:x}", "0{:o}"]))
def test_loopback_is_refused_in_decimal_hexadecimal_and_octal(address: IPv4Address, form: str) -> None:
    """The spellings that only the C library understands are refused, too."""
    with pytest.raises(UnsafeURLError):
        check_url(f"https://{form.format(int(address))}/", own_origin=OWN)


@given(st.text(max_size=60))
def test_any_text_is_either_returned_or_refused(text: str) -> None:
    """No text makes the check fail in another way than with its own error."""
    with suppress(UnsafeURLError):
        assert text == check_url(text, own_origin=OWN)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/a.png?X-Signature=SECRET",
        "http://example.com/a.png#SECRET",
        "http://user:SECRET@example.com/a.png",
        "https://user:SEC?RET@example.com:8443/a.png",
        "/media/a.png?token=SECRET",
    ],
)
def test_a_message_never_repeats_a_query_or_a_password(url: str) -> None:
    """Signed addresses are secrets: what an error shows ends before the query, and skips user names."""
    with pytest.raises(UnsafeURLError) as caught:
        check_url(url, own_origin=OWN)
    assert "SEC" not in str(caught.value)


def test_a_message_shows_host_and_path_but_not_at_length() -> None:
    """The user sees which address is meant, and a very long one is cut."""
    with pytest.raises(UnsafeURLError, match=r"^The URL http://example\.com/a\.png is not https"):
        check_url("http://example.com/a.png", own_origin=OWN)
    with pytest.raises(UnsafeURLError, match=r"^The URL http://example\.com/a{41}… is not https"):
        check_url("http://example.com/" + "a" * 500, own_origin=OWN)


@pytest.mark.parametrize(
    ("own", "url", "same"),
    [
        ("https://api.example", "https://API.example:443/x", True),
        ("http://api.example:80", "http://api.example/x", True),
        ("http://api.example", "http://api.example:81/x", False),
        ("http://api.example", "http://api.example.evil.com/x", False),
        ("http://sandbox", "http://sandbox/x", True),
    ],
)
def test_the_own_origin_is_compared_by_scheme_host_and_port(own: str, url: str, *, same: bool) -> None:
    """Default ports and letter case do not matter, anything else does."""
    if same:
        assert url == check_url(url, own_origin=own)
    else:
        with pytest.raises(UnsafeURLError):
            check_url(url, own_origin=own)
