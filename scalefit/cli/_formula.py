"""Formulas of laws in plain characters."""

import re

from ..laws import AbstractLaw

_SIGNS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ",
    "tau": "τ", "phi": "φ", "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ",
    "Lambda": "Λ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "prod": "Π", "sum": "Σ", "cdot": "·", "times": "×", "ge": "≥",
    "geq": "≥", "le": "≤", "leq": "≤", "infty": "∞", "dots": "…", "ldots": "…", "cdots": "…", "to": "→", "in": "∈",
    "partial": "∂", "int": "∫", "approx": "≈", "sim": "~", "quad": " ", "lfloor": "⌊", "rfloor": "⌋",
    "lvert": "|", "rvert": "|", "vert": "|", "mid": "|",
}  # fmt: skip
_ACCENTS = {"bar": "\u0304", "hat": "\u0302", "tilde": "\u0303", "dot": "\u0307"}
_QUOTIENT = re.compile(r"\\[dt]?frac(?![a-zA-Z])")
_ROOT = re.compile(r"\\sqrt(?![a-zA-Z])(?:\[(\w+)\])?")
_ACCENTED = re.compile(rf"\\({'|'.join(_ACCENTS)})(?![a-zA-Z])")
_UPRIGHT = re.compile(r"\\(?:mathrm|mathit|mathbf|mathcal|text|operatorname)(?![a-zA-Z])\s*\{([^{}]*)\}")


def formula(law: AbstractLaw | type[AbstractLaw]) -> str:
    """The formula in the first line of a law's documentation, in plain characters; empty if it has none."""
    cls = law if isinstance(law, type) else type(law)
    found = re.search(r"\$([^$]+)\$", (cls.__doc__ or "").split("\n", maxsplit=1)[0])
    return plain(found[1]) if found else ""


def plain(latex: str) -> str:
    """LaTeX in plain characters, as far as laws use it: quotients keep their slash, groups their brackets."""
    if "\\begin" in latex:  # cases and matrices are no line
        return latex
    text = re.sub(r"\\[,;:! ]", " ", re.sub(r"\\(?:left|right|[bB]igg?[lr]?)(?![a-z])\.?", "", latex))
    text = _UPRIGHT.sub(r"\1", re.sub(r"\\([%&#$])", r"\1", text))
    while found := _ACCENTED.search(text):
        letter, end = _group(text, found.end())
        text = f"{text[: found.start()]}{letter[:1]}{_ACCENTS[found[1]]}{letter[1:]}{text[end:]}"
    while found := _ROOT.search(text):
        inside, end = _group(text, found.end())
        root = f"({inside})^(1/{found[1]})" if found[1] else f"√{{{inside}}}"
        text = f"{text[: found.start()]}{root}{text[end:]}"
    while found := _QUOTIENT.search(text):
        above, end = _group(text, found.end())
        below, end = _group(text, end)
        whole, rest = f"{_factor(above)}/{_factor(below)}", text[end:]
        # What follows without a sign would read as a part of what is below.
        whole = whole if re.match(r"\s*(?:[-+=,.)\]}]|$)", rest) else f"({whole})"
        text = f"{text[: found.start()]}{whole}{rest}"
    text = re.sub(r"\\([a-zA-Z]+)", lambda m: _SIGNS.get(m[1], f" {m[1]} "), text)
    text = re.sub(r" ([_^])", r"\1", text)
    text = re.sub(r"_\{(\w+)\}", r"_\1", re.sub(r"\^\{(-?(?:\d+|[^\W\d_](?:_\w+)?))\}(\w?)", _raised, text))
    text = re.sub(r"([ΠΣ](?:_\{[^{}]*\}|_\w)?)", r" \1 ", text).replace("{", "(").replace("}", ")")
    return re.sub(r"\b(min|max|log|exp) \(", r"\1(", re.sub(r"([(\[]) ", r"\1", re.sub(r"\s+", " ", text))).strip()


def _raised(found: re.Match[str]) -> str:
    """An exponent without brackets, apart from a factor behind it."""
    return f"^{found[1]}{' ' if found[2] else ''}{found[2]}"


def _group(text: str, start: int) -> tuple[str, int]:
    """The argument of a command, and where it ends: what is in braces, a command, or one character."""
    start += len(text[start:]) - len(text[start:].lstrip())
    if text[start : start + 1] != "{":
        found = re.compile(r"\\[a-zA-Z]+|.|").match(text, start)
        return (found[0], found.end()) if found else ("", start)
    depth = 0
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[start + 1 : place], place + 1
    return text[start + 1 :], len(text)


def _factor(text: str) -> str:
    """A side of a quotient, in brackets unless it is one sign."""
    text = text.strip()
    return text if re.fullmatch(r"\\?[\w.']+(?:_\{\w+\})?", text) else f"({text})"
