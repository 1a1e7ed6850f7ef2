"""Units of counts in headers, as factors: `M params`, `FLOPs ×10^21`, `in billions`, `PF-days`."""

import re

_COUNTS = {
    1e2: "hundred",
    1e3: "k|thousand",
    1e5: "lakh",
    1e6: "m|mm|mn|mln|mil|mio|million",
    1e7: "crore",
    1e9: "b|bn|bln|bil|g|mrd|billion",
    1e12: "t|tn|tln|tril|trn|trillion",
    1e15: "quadrillion",
}
_PREFIXES = {
    1.0: "", 1e3: "k|kilo", 1e6: "m|mega", 1e9: "g|giga", 1e12: "t|tera", 1e15: "p|peta", 1e18: "e|exa",
    1e21: "z|zetta", 1e24: "y|yotta",
}  # fmt: skip
_SECONDS = {3600.0: "h|hr|hour", 86400.0: "d|day", 31557600.0: "y|yr|year"}
_NUMBER = r"[x×*·]?\s*(?:10\s*(?:\^|\*\*)\s*(?P<power{0}>\d+)|(?P<times{0}>\d+(?:\.\d+)?(?:e\+?\d+)?|e\+?\d+))?"
_NOUN = r"(?:of\s+)?(?:t|tok(?:en)?|param(?:eter)?|sample|example|image|passe)?s?"
_FLOP = r"fl(?:oating[\s_-]?point[\s_-]?)?op(?:eration)?(?:'?s)?"


def _any(words: dict[float, str], name: str) -> str:
    return f"(?P<{name}>{'|'.join(words.values()).strip('|')})"


_COUNT = re.compile(
    rf"{_NUMBER.format(1)}\s*(?:{_any(_COUNTS, 'count')}s?)?\s*[-_]?\s*{_NOUN}\s*{_NUMBER.format(2)}", re.IGNORECASE
)
_COMPUTE = re.compile(
    rf"{_NUMBER.format(1)}\s*(?:{_any(_PREFIXES, 'prefix')}|{_any(_COUNTS, 'count')}s?)?"
    rf"[\s_-]*{_FLOP}\s*{_NUMBER.format(2)}",
    re.IGNORECASE,
)
_RATE_TIME = re.compile(
    rf"{_NUMBER.format(1)}\s*{_any(_PREFIXES, 'prefix')}[\s_-]*f(?:l(?:op)?)?s?(?:(?:[/_\s]|ps)s?(?:ec)?)?"
    rf"[\s_·*×-]*{_any(_SECONDS, 'time')}s?",
    re.IGNORECASE,
)
# Measures of something else than parameters, tokens or FLOP: a number in them is not a number of those.
_OTHER = re.compile(
    r"(?<![a-z])([kmgtp]i?b(it|yte)?s?|bytes?|bits?|char(acter)?s?|words?|docs?|documents?|sequences?|pages?|steps?|epochs?"
    r"|seconds?|minutes?|h|hrs?|hours?|days?|years?|\w*[ghtc]pu\w*|[avh]\d00\w*|usd|eur|dollars?|\w*flops?\s*/\s*s(ec)?"
    r"|\w+/s(ec)?|per|relative|normali[sz]ed)(?![a-z])|[%$€£]",
    re.IGNORECASE,
)
_SCALES = {f"{w}{s}" for names in [*_COUNTS.values(), *_PREFIXES.values()] for w in names.split("|") for s in ("", "s")}
_SHORT = frozenset(
    ["non", "no", "not", "emb", "w", "o", "n", "d", "c", "all", "act", "est", "moe", "ffn", "mlp", "llm"]
)
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


def scale_of(text: str, *, compute: bool) -> float | None:
    """Return what a unit multiplies a number by, as 1e9 for `in billions`; `None` where it is none that is known.

    **Arguments:**

    - `text`: What the header says of the unit.
    - `compute`: Whether FLOP may be meant.
    """
    text = re.sub(r"10([⁰¹²³⁴⁵⁶⁷⁸⁹]+)", r"10^\1", text).translate(_SUPERSCRIPTS).strip()
    text = re.sub(r"^in\s+|\.$", "", text, flags=re.IGNORECASE)
    if re.fullmatch(r"'?000'?s?|10{3,}", text):
        return float("1" + "0" * text.count("0"))
    # Another number alone, as in "loss (10)", may be anything.
    if not text or re.fullmatch(r"[\d.]+", text):
        return None
    if (match := _COUNT.fullmatch(text)) is not None:
        return _number(match, 1) * _number(match, 2) * _factor(_COUNTS, match["count"])
    if compute and (match := _COMPUTE.fullmatch(text)) is not None:
        own = _factor(_PREFIXES, match["prefix"]) * _factor(_COUNTS, match["count"])
        return _number(match, 1) * _number(match, 2) * own
    if compute and (match := _RATE_TIME.fullmatch(text)) is not None:
        return _number(match, 1) * _factor(_PREFIXES, match["prefix"]) * _factor(_SECONDS, match["time"])
    return None


def is_other(text: str) -> bool:
    """Say whether what a header says of a count may be a unit of another measure, as GB or hours, or a scale.

    Short words and numbers may; longer ones say which count it is, as "non-embedding".
    """
    if scale_of(text, compute=True) is not None:
        return False
    words = re.findall(r"[^\W\d_]+", text.lower())
    short = any(word in _SCALES or (len(word) < 4 and word not in _SHORT) for word in words)
    return short or re.search(r"\d", text) is not None or _OTHER.search(text) is not None


def _number(match: re.Match[str], place: int) -> float:
    power, times = match[f"power{place}"], match[f"times{place}"]
    if power is not None:
        return float(f"1e{power}")
    return 1.0 if times is None else float(f"1{times}" if times[0] in "eE" else times)


def _factor(words: dict[float, str], said: str | None) -> float:
    return next((factor for factor, names in words.items() if said and said.lower() in names.split("|")), 1.0)
