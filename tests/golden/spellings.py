"""Ways to write an address that must not be reached: as a host of a URL, and as what a name resolves to.

None of it is what the policy itself is made of: the test that uses this counts connections, whoever makes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Address

# What the mode `private` keeps away from as well as the mode `public`.
ALWAYS_FORBIDDEN = (
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "169.254.1.1",
    "169.254.169.254",
    "100.100.100.200",
    "168.63.129.16",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
)
# What only the mode `public` keeps away from.
PRIVATE = ("10.0.0.1", "172.16.5.4", "192.168.1.1", "100.64.0.1", "192.0.2.1", "198.18.0.1")
FORBIDDEN_V6 = ("::1", "::", "fe80::1", "ff02::1", "fd00:ec2::254", "100::1", "4000::1", "::2")
PRIVATE_V6 = ("fd12:3456::1", "fec0::1", "2001:db8::1", "3fff::1", "2001:2::1")

Spell = Callable[[IPv4Address], str]


def _pack(address: IPv4Address, *, turned: bool = False) -> str:
    number = int(address) ^ 0xFFFFFFFF if turned else int(address)
    return f"{number >> 16:x}:{number & 0xFFFF:x}"


def _parts(address: IPv4Address) -> list[int]:
    return list(address.packed)


def _join(address: IPv4Address, style: str, dot: str = ".") -> str:
    return dot.join(format(part, style) for part in _parts(address))


def _map_digits(text: str, zero: str) -> str:
    return "".join(chr(ord(zero) + int(digit)) if digit.isdigit() else digit for digit in text)


def _bracket(spell: Spell) -> Spell:
    return lambda it: f"[{spell(it)}]"


# As one IPv6 address, which may also be the answer of a name server.
TUNNELS: Mapping[str, Spell] = {
    "mapped": lambda it: f"::ffff:{_pack(it)}",
    "compatible": lambda it: f"::{_pack(it)}",
    "translated": lambda it: f"::ffff:0:{_pack(it)}",
    "NAT64": lambda it: f"64:ff9b::{_pack(it)}",
    "local NAT64": lambda it: f"64:ff9b:1::{_pack(it)}",
    "local NAT64 of /64": lambda it: f"64:ff9b:1:0:{int(it) >> 24:x}:{int(it) >> 8 & 0xFFFF:x}:{int(it) & 0xFF:x}00:0",
    "6to4": lambda it: f"2002:{_pack(it)}::1",
    "Teredo client": lambda it: f"2001:0:808:808:0:0:{_pack(it, turned=True)}",
    "Teredo server": lambda it: f"2001:0:{_pack(it)}:0:0:f7f7:f7f7",
    "ISATAP": lambda it: f"2a66::5efe:{_pack(it)}",
    "ISATAP universal": lambda it: f"2a66::200:5efe:{_pack(it)}",
}
HOSTS: Mapping[str, Spell] = {
    "plain": str,
    "one number": lambda it: str(int(it)),
    "one hexadecimal number": lambda it: hex(int(it)),
    "one octal number": lambda it: f"0{int(it):o}",
    "hexadecimal parts": lambda it: ".".join(hex(part) for part in _parts(it)),
    "capital hexadecimal parts": lambda it: ".".join(f"0X{part:X}" for part in _parts(it)),
    "octal parts": lambda it: ".".join(f"0{part:o}" for part in _parts(it)),
    "padded octal parts": lambda it: ".".join(f"0000{part:o}" for part in _parts(it)),
    "padded decimal parts": lambda it: _join(it, "03d"),
    "two parts": lambda it: f"{_parts(it)[0]}.{int(it) & 0xFFFFFF}",
    "three parts": lambda it: f"{_parts(it)[0]}.{_parts(it)[1]}.{int(it) & 0xFFFF}",
    "mixed parts": lambda it: f"{hex(_parts(it)[0])}.{_parts(it)[1]}.0{_parts(it)[2]:o}.{_parts(it)[3]}",
    "overflown parts": lambda it: ".".join(str(part + 256) for part in _parts(it)),
    "overflown number": lambda it: str(int(it) + (1 << 32)),
    "dot behind": lambda it: f"{it}.",
    "two dots behind": lambda it: f"{it}..",
    "number with a dot behind": lambda it: f"{int(it)}.",
    "full-width digits": lambda it: _map_digits(str(it), "\N{FULLWIDTH DIGIT ZERO}"),
    "mathematical digits": lambda it: _map_digits(str(it), "\N{MATHEMATICAL BOLD DIGIT ZERO}"),
    "Arabic digits": lambda it: _map_digits(str(it), "\N{ARABIC-INDIC DIGIT ZERO}"),
    "full-width number": lambda it: _map_digits(str(int(it)), "\N{FULLWIDTH DIGIT ZERO}"),
    "full-width dots": lambda it: _join(it, "d", "\N{FULLWIDTH FULL STOP}"),
    "ideographic stops": lambda it: _join(it, "d", "\N{IDEOGRAPHIC FULL STOP}"),
    "half-width ideographic stops": lambda it: _join(it, "d", "\N{HALFWIDTH IDEOGRAPHIC FULL STOP}"),
    "one dot leaders": lambda it: _join(it, "d", "\N{ONE DOT LEADER}"),
    "percent-encoded": lambda it: "".join(f"%{ord(each):02x}" for each in str(it)),
    "percent-encoded dots": lambda it: _join(it, "d", "%2e"),
    "soft hyphen inside": lambda it: str(it).replace(".", ".\N{SOFT HYPHEN}", 1),
    "zero width inside": lambda it: str(it).replace(".", ".\N{ZERO WIDTH SPACE}", 1),
    "tab inside": lambda it: str(it).replace(".", ".\t", 1),
    "NUL behind": lambda it: f"{it}\0.example.com",
    "percent-encoded NUL": lambda it: f"{it}%00.example.com",
    "behind a user": lambda it: f"example.com@{it}",
    "behind a user and a password": lambda it: f"example.com:80@{it}",
    "before a backslash": lambda it: f"{it}\\@example.com",
    "behind a backslash": lambda it: f"example.com\\@{it}",
    "behind an encoded at": lambda it: f"example.com%40{it}",
    "before a hash": lambda it: f"{it}#@example.com",
    "before a question mark": lambda it: f"{it}?@example.com",
    "with a port": lambda it: f"{it}:80",
    "with a long port": lambda it: f"{it}:00080",
    "brackets": lambda it: f"[{it}]",
    "IPvFuture": lambda it: f"[v1.{it}]",
    "mapped and dotted": lambda it: f"[::ffff:{it}]",
    "mapped in full": lambda it: f"[0000:0000:0000:0000:0000:FFFF:{_pack(it).upper()}]",
    "mapped with a zone": lambda it: f"[::ffff:{it}%25lo]",
    "compatible and dotted": lambda it: f"[::{it}]",
    "NAT64 and dotted": lambda it: f"[64:ff9b::{it}]",
    **{name: _bracket(spell) for name, spell in TUNNELS.items()},
}
# Of no IPv4 address, or of names that every machine has.
HOSTS_V6 = (
    *(f"[{address}]" for address in (*FORBIDDEN_V6, *PRIVATE_V6)),
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[::1%25lo]",
    "[::1%lo]",
    "[fe80::1%25lo]",
    "[fe80::1%lo]",
    "[::0.0.0.1]",
    "[FD00:EC2::254]",
    "[::1].",
    "::1",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "localhost:80",
    "ⓛocalhost",
    "lo\N{SOFT HYPHEN}calhost",
    "localhost\N{FULLWIDTH FULL STOP}",
)


def spell_hosts(addresses: tuple[str, ...]) -> dict[str, str]:
    """Return every spelling of these IPv4 addresses by a name for it."""
    return {f"{name} of {text}": spell(IPv4Address(text)) for text in addresses for name, spell in HOSTS.items()}


def spell_answers(addresses: tuple[str, ...]) -> dict[str, str]:
    """Return what a name server may answer that leads to these IPv4 addresses: records by a name for each."""
    plain = {f"plain {text}": f"A {text}" for text in addresses}
    return plain | {
        f"{name} of {text}": f"AAAA {spell(IPv4Address(text))}" for text in addresses for name, spell in TUNNELS.items()
    }
