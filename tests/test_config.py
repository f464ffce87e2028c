from __future__ import annotations

import contextlib
import logging
import os
import pickle
import re
import shutil
from typing import TYPE_CHECKING
from unittest.mock import Mock

import httpx
import pytest
from hypothesis import example, given, strategies as st

from aurashot._config import BASE_URL, KEY_NAMES, ApiKey, find_base_url, find_key, origin_of, save_key
from aurashot._engine import download_proxy
from aurashot._key_file import FILE_NAME
from aurashot.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

KEY = "sk_live_0123456789abcdefWXYZ"
OTHER = "sk_live_other_key_of_the_file"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty working directory, three folders deep, beside an empty home; nothing is set in the environment."""
    for name in (*KEY_NAMES, "AURASHOT_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    home, work = tmp_path / "somebody", tmp_path / "projects" / "game" / "npc"
    home.mkdir()
    work.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.chdir(work)
    return work


def shown(key: ApiKey) -> str:
    """Return a key as it goes out."""
    return key.bearer().reveal().removeprefix(b"Bearer ").decode()


def write(folder: Path, text: str) -> Path:
    """Write the file with the key into a folder."""
    path = folder / FILE_NAME
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def test_the_key_is_looked_up_in_order(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Argument, two names in the environment, files of the user from the working directory upward, the file at home."""
    monkeypatch.setattr("aurashot._key_approvals.is_approved", Mock(return_value=True))
    home = here.parents[2] / "somebody"
    first, second = KEY_NAMES
    monkeypatch.setenv(first, "key-of-the-environment")
    monkeypatch.setenv(second, "key-of-the-environment-2")
    folders = [here, here.parent, here.parent.parent, home]
    for folder in folders:
        write(folder, f"{second}=second-key-of-{folder.name}\n{first}=first-key-of-{folder.name}\n")
    found = [shown(find_key("key-of-the-argument"))]
    for name in KEY_NAMES:
        found.append(shown(find_key(None)))
        monkeypatch.delenv(name)
    for folder in folders:
        found.append(shown(find_key(None)))
        write(folder, f"{second}=second-key-of-{folder.name}\n")
        found.append(shown(find_key(None)))
        (folder / FILE_NAME).unlink()
    assert found == [
        "key-of-the-argument",
        "key-of-the-environment",
        "key-of-the-environment-2",
        *(f"{which}-key-of-{folder.name}" for folder in folders for which in ("first", "second")),
    ]
    with pytest.raises(ConfigurationError, match="No API key"):
        find_key(None)


def test_without_a_key_the_error_says_where_to_get_one(here: Path) -> None:
    """The message names the argument, the variable, the file, the page, and the sandbox that needs none."""
    with pytest.raises(ConfigurationError) as caught:
        find_key(None)
    for words in ("api_key=", "AURASHOT_API_KEY", FILE_NAME, f"{BASE_URL}/studio?tab=keys", "aurashot sandbox serve"):
        assert words in str(caught.value)


def test_an_empty_variable_and_an_empty_line_are_no_key(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set to nothing counts as not set, in the environment and in a file."""
    monkeypatch.setenv("AURASHOT_API_KEY", "")
    write(here, "AURASHOT_API_KEY=\nAURASHOT_STUDIO_KEY\n")
    write(here.parent, f"export AURASHOT_STUDIO_KEY='{OTHER}'  # mine\n")
    assert shown(find_key(None)) == OTHER


def test_a_key_in_a_file_is_taken_literally(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable is put into the key: a file cannot read the environment."""
    monkeypatch.setenv("SECRET", "of-the-environment")
    write(here, "AURASHOT_API_KEY=sk_live_${SECRET}\n")
    assert "sk_live_${SECRET}" == shown(find_key(None))


def test_a_folder_of_that_name_is_no_file(here: Path) -> None:
    """Only a regular file is read."""
    (here / FILE_NAME).mkdir()
    write(here.parent, f"AURASHOT_API_KEY={OTHER}\n")
    assert shown(find_key(None)) == OTHER


def test_a_file_that_is_no_text_is_an_error_that_names_it(here: Path) -> None:
    """A broken file is not passed over in silence, and its content is not shown."""
    path = here / FILE_NAME
    path.write_bytes(b"AURASHOT_API_KEY=sk_live_\xff\xfe0123456789\n")
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match="cannot be read") as caught:
        find_key(None)
    assert str(path) in str(caught.value)
    assert "0123456789" not in str(caught.value)


def test_a_working_directory_that_is_gone_leaves_the_other_places(here: Path) -> None:
    """A process whose folder was deleted still finds the key at home, or is told that there is none."""
    shutil.rmtree(here)
    with pytest.raises(ConfigurationError, match="No API key"):
        find_key(None)
    write(here.parents[2] / "somebody", f"AURASHOT_API_KEY={OTHER}\n")
    assert shown(find_key(None)) == OTHER


def test_a_user_without_a_home_is_told_that_there_is_no_key(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container whose user has no entry there is no home to look in."""
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("USERPROFILE")
    monkeypatch.setattr(os.path, "expanduser", str)  # what it does for a user that is not listed: nothing
    with pytest.raises(ConfigurationError, match="No API key"):
        find_key(None)


@pytest.mark.parametrize("home", ["x" * 300, "loop/inside"])
def test_home_that_cannot_be_looked_into(here: Path, monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    """A home that the system cannot look into is named; another source is used if there is one."""
    (here / "loop").symlink_to("loop")
    monkeypatch.setenv("HOME", str(here / home))
    with pytest.raises(ConfigurationError, match=r"No API key was found; .*could not be looked for"):
        find_key(None)
    write(here.parent, f"AURASHOT_API_KEY={OTHER}\n")
    assert OTHER == shown(find_key(None))
    with pytest.raises(ConfigurationError, match="cannot be written"):
        save_key(KEY)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
def test_home_of_another_user(here: Path) -> None:
    """A process that runs as another user than its HOME says is told which folders it could not look into."""
    home = here.parents[2] / "somebody"
    home.chmod(0o700)
    os.seteuid(65_534)
    try:
        with pytest.raises(ConfigurationError, match="could not be looked for") as caught:
            find_key(None)
        with pytest.raises(ConfigurationError, match="Permission denied"):
            save_key(KEY)
    finally:
        os.seteuid(0)
    assert str(home) in str(caught.value)
    assert "Permission denied" in str(caught.value)


def test_no_home_to_save_a_key_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a home directory, the folder must be given."""
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("USERPROFILE")
    monkeypatch.setattr(os.path, "expanduser", str)
    with pytest.raises(ConfigurationError, match="folder="):
        save_key(KEY)


@pytest.mark.parametrize("quoted", [f'"{KEY}"', f"'{KEY}'", f' " {KEY} "\n', f"`{KEY}`"])
def test_quotes_around_a_key_are_dropped(here: Path, monkeypatch: pytest.MonkeyPatch, quoted: str) -> None:
    """An argument, a variable and a file may bring the key in quotes, as an env file of Docker does."""
    assert KEY == shown(find_key(quoted))
    write(here, f"AURASHOT_API_KEY={quoted.strip()}\n")
    assert KEY == shown(find_key(None))
    monkeypatch.setenv("AURASHOT_API_KEY", quoted)
    assert KEY == shown(find_key(None))


@pytest.mark.parametrize("key", [f'"{KEY}', f"{KEY}'", f"'\"{KEY}\"'", f"sk_live_'{KEY}", f"“{KEY}”", '"""""""""'])
def test_a_key_with_quotes_in_it_is_refused(here: Path, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """A quotation mark that does not belong to a pair is said at once, and the key is not shown."""
    monkeypatch.setenv("AURASHOT_API_KEY", key)
    with pytest.raises(ConfigurationError, match="The key from AURASHOT_API_KEY") as caught:
        find_key(None)
    assert KEY[:-4] not in str(caught.value)
    with pytest.raises(ConfigurationError, match="api_key="):
        find_key(key)


@pytest.mark.parametrize("key", [KEY, f"  {KEY}\n", "12345678", "~!@#$%^&", "x" * 256, "sk_x"])
def test_a_key_is_printable_ascii_without_the_space_around_it(key: str) -> None:
    """White space around a key, as a file read brings it, is dropped; all else stays."""
    assert key.strip() == shown(ApiKey(key, "api_key="))


@pytest.mark.parametrize(
    "key",
    [
        "",
        "   ",
        "brief",
        "1234567",
        "sk_",
        "x" * 257,
        "sk_live_0123\n4567_tail",
        "sk_live_0123\0_4567tail",
        "sk live 01234567_tail",
        "sk_live_schlüssel_tail",
        "Bearer sk_live_0123456789_tail",
    ],
)
def test_what_cannot_be_a_key_is_refused_and_not_shown(key: str) -> None:
    """The message names the place and at most the last four characters: the rest could be most of a true key."""
    with pytest.raises(ConfigurationError) as caught:
        ApiKey(key, "AURASHOT_API_KEY")
    shown = str(caught.value)
    assert "AURASHOT_API_KEY" in shown
    assert "sk_live_..." in shown
    told = shown.replace("sk_live_...", "")
    assert not [key[at : at + 5] for at in range(len(key) - 4) if key.strip() and key[at : at + 5] in told]


def test_a_bad_key_in_a_file_names_the_file(here: Path) -> None:
    """Which of several files is wrong is said."""
    path = write(here, "AURASHOT_API_KEY='two words of it'\n")
    with pytest.raises(ConfigurationError, match=re.escape(str(path))):
        find_key(None)


def test_a_key_shows_its_last_four_characters_only() -> None:
    """No repr, format, or list of attributes gives the key away."""
    key = ApiKey(KEY, "api_key=")
    assert "ApiKey('...WXYZ', source='api_key=')" == repr(key) == str(key) == f"{key}"
    assert not hasattr(key, "__dict__")
    assert "ApiKey('...', source='api_key=')" == repr(ApiKey("sk_chat", "api_key="))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_key_is_not_pickled(protocol: int) -> None:
    """A key must not reach a queue, a cache or a file by accident."""
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(ApiKey(KEY, "api_key="), protocol)


def test_a_file_cannot_say_where_the_key_is_sent(here: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file that came with somebody's project must not lead the key elsewhere: it is ignored, and said so."""
    names = ("AURASHOT_BASE_URL", "AURASHOT_ALLOW_HTTP", "AURASHOT_DOWNLOAD_PROXY")
    path = write(here, f"AURASHOT_API_KEY={KEY}\n" + "".join(f"{name}=https://evil.example\n" for name in names))
    with caplog.at_level(logging.WARNING, "aurashot"):
        assert shown(find_key(None)) == KEY
        assert find_base_url(None) == BASE_URL
        assert download_proxy(None) is None
    reason = "is ignored: a file cannot say where requests are sent"
    assert [f"{name} in {path} {reason}" for name in names] == caplog.messages
    assert KEY not in caplog.text


def test_the_base_url_is_argument_then_environment_then_the_hosted_service(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first that is given wins; an empty variable counts as not set."""
    assert BASE_URL == find_base_url(None) == "https://www.aurashot.art"
    monkeypatch.setenv("AURASHOT_BASE_URL", "")
    assert find_base_url(None) == BASE_URL
    monkeypatch.setenv("AURASHOT_BASE_URL", "https://staging.example/")
    assert "https://staging.example" == find_base_url(None)
    assert "https://other.example" == find_base_url("https://other.example")


@pytest.mark.parametrize(
    ("address", "base_url"),
    [
        ("https://host.example", "https://host.example"),
        ("https://host.example/", "https://host.example"),
        ("https://host.example/api/v9//", "https://host.example/api/v9"),
        ("HTTPS://Host.example:8443", "HTTPS://Host.example:8443"),
        ("http://localhost:8787", "http://localhost:8787"),
        ("http://127.0.0.1", "http://127.0.0.1"),
        ("http://127.8.9.1:1", "http://127.8.9.1:1"),
        ("http://[::1]:8787/", "http://[::1]:8787"),
        ("https://host.example.:443", "https://host.example.:443"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
        ("https://10.0.0.7", "https://10.0.0.7"),
        ("https://my_host-1.example", "https://my_host-1.example"),
    ],
)
def test_an_address_of_a_service_is_taken(address: str, base_url: str) -> None:
    """Any host over https, plain http on the loopback; slashes at the end are dropped."""
    assert base_url == find_base_url(address)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "is not an http(s) URL"),
        ("www.aurashot.art", "is not an http(s) URL"),
        ("ftp://host.example", "is not an http(s) URL"),
        ("file:///etc/passwd", "is not an http(s) URL"),
        ("https://", "is not an http(s) URL"),
        ("https://:443", "is not an http(s) URL"),
        ("https://host.example /", "has a space, a backslash or a control character in it; it looks like"),
        ("https://host.example/\n", "has a line break at its end; it looks like"),
        ("https://höst.example", "is not an http(s) URL"),
        ("https://host.example\\@evil.example", "has a space, a backslash"),
        ("https://host.example\\evil", "has a space, a backslash"),
        ("https://^", "is not a"),
        ("https://host.example/" + "x" * 70_000, "is not an http(s) URL"),
        ("https://host.example:99999", "is not a URL"),
        ("https://host.example:port", "is not a URL"),
        ("https://[::1", "is not a URL"),
        ("https://[v1.x]", "is not a"),
        ("https://a..b", "is not a URL, because its host is not a valid name"),
        (f"https://{'a' * 64}.example", "is not a URL, because its host is not a valid name"),
        ("https://user@host.example", "must not hold a user name"),
        ("https://user:pass@host.example", "must not hold a user name"),
        ("https://@host.example", "must not hold a user name"),
        ("https://host.example?key=1", "must not hold a user name, a query"),
        ("https://host.example#top", "must not hold a user name, a query"),
        ("https://host.example?", "must not hold a user name, a query"),
        ("https://host.example#", "must not hold a user name, a query"),
        ("http://host.example", "must be https"),
        ("http://10.0.0.7", "must be https"),
        ("http://localhost.example", "must be https"),
        ("http://127.0.0.1.example", "must be https"),
        ("http://0.0.0.0", "must be https"),
    ],
)
def test_an_address_that_cannot_be_the_service_is_refused(address: str, words: str) -> None:
    """What would lose the path, show the key, or is no address at all is an error of the configuration."""
    with pytest.raises(ConfigurationError) as caught:
        find_base_url(address)
    assert f"base_url= {words}" in str(caught.value)
    assert BASE_URL in str(caught.value)


@pytest.mark.parametrize(
    ("allowed", "address", "is_allowed"),
    [
        ("sandbox", "http://sandbox:8787", True),
        ("Sandbox", "http://SANDBOX:8787/", True),
        (" sandbox\n", "http://sandbox", True),
        ("172.17.0.2", "http://172.17.0.2:8787", True),
        ("fd00::2", "http://[fd00::2]:8787", True),
        ("sandbox.team.svc.cluster.local", "http://sandbox.team.svc.cluster.local:80", True),
        ("", "http://sandbox:8787", False),
        ("1", "http://sandbox:8787", False),
        ("*", "http://sandbox:8787", False),
        ("sandbox,other", "http://other:8787", False),
        ("box", "http://sandbox:8787", False),
        ("sandbox", "http://sandbox.evil.example:8787", False),
        ("sandbox", "http://evil.sandbox:8787", False),
        ("sandbox", "http://sandbox.:8787", False),
        ("sandbox:8787", "http://sandbox:8787", False),
        ("http://sandbox", "http://sandbox:8787", False),
        ("sandbox", "http://user@sandbox:8787", False),
        ("www.aurashot.art", "http://www.aurashot.art", False),
        ("WWW.AuraShot.art", "http://www.aurashot.art", False),
        ("0.0.0.0", "http://0.0.0.0:8787", True),
        ("93.184.216.34", "http://93.184.216.34", False),
        ("169.254.169.254", "http://169.254.169.254", False),
        ("100.64.0.1", "http://100.64.0.1", False),
        ("2606:2800:220:1::1", "http://[2606:2800:220:1::1]", False),
        ("::ffff:93.184.216.34", "http://[::ffff:93.184.216.34]", False),
    ],
)
def test_one_host_may_be_reached_by_plain_http(
    monkeypatch: pytest.MonkeyPatch, allowed: str, address: str, *, is_allowed: bool
) -> None:
    """AURASHOT_ALLOW_HTTP names one host, exactly; an IP address is one of a private network."""
    monkeypatch.setenv("AURASHOT_ALLOW_HTTP", allowed)
    with contextlib.nullcontext() if is_allowed else pytest.raises(ConfigurationError, match=r"https|user name"):
        find_base_url(address)


@pytest.mark.parametrize(
    ("host", "is_near"), [("sandbox", True), ("sandbox.local", True), ("10.0.0.7", True), ("host.example", False)]
)
def test_a_host_nearby_is_told_of_the_variable(host: str, *, is_near: bool) -> None:
    """The hint is for hosts of a local network."""
    with pytest.raises(ConfigurationError, match="must be https") as caught:
        find_base_url(f"http://{host}:8787")
    assert is_near is (f"AURASHOT_ALLOW_HTTP={host};" in str(caught.value))


def test_a_bad_address_in_the_environment_names_the_variable(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says where the address came from, and not what stands in it."""
    monkeypatch.setenv("AURASHOT_BASE_URL", "https://user:secret@host.example")
    with pytest.raises(ConfigurationError, match=r"^AURASHOT_BASE_URL must not hold") as caught:
        find_base_url(None)
    assert "secret" not in str(caught.value)


JUNK = st.text() | st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["https", "http", "HTTPS", "ftp", ""]),
    st.from_regex(r"[!-~]{0,20}", fullmatch=True) | st.sampled_from(["localhost", "[::1]", "127.0.0.1", "a.example"]),
    st.sampled_from(["", ":", ":0", ":443", ":65535"]),
    st.sampled_from(["", "/", "/v1", "?", "#", "/%zz", "//", "/a b"]),
)


@given(JUNK)
@example("https://a..b")
def test_every_address_that_is_taken_leads_where_it_says(address: str) -> None:
    """Junk is a ConfigurationError; all else is an address that a request can be built on, over https or loopback."""
    with contextlib.suppress(ConfigurationError):
        base_url = find_base_url(address)
        url = httpx.URL(base_url + "/v1/uploads")
        assert url.path.endswith("/v1/uploads")
        assert (b"", b"", "") == (url.userinfo, url.query, url.fragment)
        assert url.host.encode("idna")  # as the resolver does
        assert "https" == url.scheme or url.host in {"localhost", "::1"} or url.host.startswith("127.")


@pytest.mark.parametrize(
    ("base_url", "origin"),
    [
        ("https://www.aurashot.art", "https://www.aurashot.art"),
        ("http://127.0.0.1:8787/prefix/", "http://127.0.0.1:8787"),
        ("https://[::1]:8443/a/b", "https://[::1]:8443"),
    ],
)
def test_the_origin_is_scheme_host_and_port(base_url: str, origin: str) -> None:
    """The path of a base URL takes no part in it."""
    assert origin == origin_of(base_url)
