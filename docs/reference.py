"""Pages of the site that are made from other things: commands, docstrings, notebooks, documents outside this folder.

`pages()` has them by their place on the site; `hooks.py` hands them to MkDocs.
"""

import ast
import html
import json
import re
from pathlib import Path
from posixpath import normpath, relpath
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/README.md": "benchmarks.md",
    "studies/README.md": "studies.md",
    "README.md": "index.md",
}
"""Documents elsewhere in the repository, with their places on the site; the front page stands in for README.md."""
MODULES = {
    "estimate": ("Fits and draws", "fit a law, draw what else the runs allow, ask what each run does"),
    "estimator": ("Estimator", "a law as scikit-learn takes one"),
    "posterior": ("Posteriors", "draw from a posterior, check it, average laws"),
    "results": ("Results", "summarise, predict, save and load"),
    "calibrate": ("Forecasts", "foresee larger runs, compare laws, write a forecast down"),
    "plan": ("Plans", "sizes, mixtures, pools and the next runs"),
    "validate": ("Checks", "what misleads in a table or a fit"),
    "data": ("Data", "tables of runs, pools and public data sets"),
    "sweeps": ("Sweeps", "grids of fits as one job"),
    "laws": ("Laws of your own", "what a law is made of, and laws made of laws"),
    "params": ("Parameters", "where a parameter may lie"),
    "noise": ("Noise", "how runs scatter"),
    "plot": ("Plots", "pictures, each into Axes of Matplotlib"),
    "solve": ("Drivers", "where fits are computed"),
    "_core": ("Errors and settings", "what is raised and warned of, and the cache"),
}
"""Modules of the reference in the order of its pages: title, and what is there."""
OF_THEIR_OWN = ("laws", "params", "noise", "plot")
"""Modules that users name, as `sf.plot.loss`."""
MARKS = re.compile(r"([*_\[\]])")
"""What would be read as Markdown in plain words."""


def pages() -> dict[str, str]:
    """Text of each made page by its place on the site."""
    made = {place: linked((ROOT / path).read_text(encoding="utf-8"), path, place)
            for path, place in DOCUMENTS.items() if path != "README.md"}  # fmt: skip
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        place = f"notebooks/{path.stem}.md"
        made[place] = linked(notebook(path), f"notebooks/{path.name}", place)
    return made | {"commands.md": commands()} | api()


def linked(text: str, path: str, place: str) -> str:
    """A document with its links as the site has them: to pages, or, where a file is on no page, its name alone."""

    def link(found: re.Match[str]) -> str:
        said, target, anchor = found["said"], found["target"], found["anchor"] or ""
        where = normpath(f"{Path(path).parent.as_posix()}/{target}")
        if where.startswith("docs/"):
            where = where.removeprefix("docs/")
        elif where.endswith(".ipynb"):
            where = where.removesuffix("ipynb") + "md"
        elif where in DOCUMENTS:
            where = DOCUMENTS[where]
        else:
            return said if said.startswith("`") else f"{said} (`{where}`)"
        return f"[{said}]({relpath(where, Path(place).parent.as_posix() or '.')}{anchor})"

    return re.sub(r"(?<!!)\[(?P<said>[^\]]+)\]\((?P<target>(?!https?:)[^)#\s]+)(?P<anchor>#[^)]*)?\)", link, text)


def notebook(path: Path) -> str:
    """A notebook with its kept outputs."""
    parts = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "image/png" in data:
                image = "".join(data["image/png"]).replace("\n", "")
                parts.append(f'<img src="data:image/png;base64,{image}" alt="What the cell draws">')
            elif text := "".join(output.get("text") or data.get("text/plain", "")):
                parts.append(f"```text\n{text.rstrip()}\n```")
    return "\n\n".join(parts) + "\n"


def commands() -> str:
    """Every command with its arguments and options, as the commands themselves have them."""
    import typer

    from scalefit.cli import main

    root: Any = typer.main.get_command(main)
    flat = {}
    for name, command in root.commands.items():
        parts = getattr(command, "commands", None)
        flat |= {f"{name} {part}": one for part, one in parts.items()} if parts else {name: command}
    head = (
        "# Commands\n\nThis page is made from the commands; `scalefit COMMAND --help` prints the same. "
        f"{root.epilog}\n\nAn option marked *again* may be given several times.\n\n"
    )
    table = "| command | what it does |\n|---|---|\n" + "".join(
        f"| [`{name}`](#scalefit-{name.replace(' ', '-')}) | {_cell(one.help)} |\n" for name, one in flat.items()
    )
    return head + table + "".join(_command(name, one) for name, one in flat.items())


def _command(name: str, command: Any) -> str:
    said = [one for one in command.params if not getattr(one, "hidden", False)]
    given = [one for one in said if one.param_type_name == "argument"]
    names = " ".join(_name(one) if one.required else f"[{_name(one)}]" for one in given)
    options = [one for one in said if one.param_type_name != "argument"]
    usage = f"scalefit {name} {names}{' [options]' if options else ''}"
    example = (command.epilog or "").removeprefix("Example: ")
    text = f"\n## scalefit {name}\n\n{command.help}\n\n```text\n{usage}\n```\n\n```bash\n{example}\n```\n"
    if not said:
        return text
    rows = []
    for one in given:
        rows.append(f"| `{_name(one)}` | {_cell(one.help)} | {'required' if one.required else ''} |\n")
    for one in options:
        flags = ", ".join(f"`{flag}`" for flag in (*one.opts, *one.secondary_opts))
        value = "" if getattr(one, "is_flag", False) else f" `{(one.metavar or one.name.upper()).replace('|', '/')}`"
        again = " *(again)*" if getattr(one, "multiple", False) else ""
        rows.append(f"| {flags}{value}{again} | {_cell(one.help)} | {_unless_given(one)} |\n")
    return text + "\n| | what it says | unless given |\n|---|---|---|\n" + "".join(rows)


def _name(argument: Any) -> str:
    return argument.metavar or argument.name.upper()


def _cell(text: str | None) -> str:
    parts = " ".join((text or "").split()).replace("|", r"\|").split("`")
    # Every second part is code, if what opens it is closed.
    parts[::2] = [MARKS.sub(r"\\\1", html.escape(part, quote=False)) for part in parts[::2]]
    return "`".join(parts)


def _unless_given(option: Any) -> str:
    if option.required:
        return "required"
    default = option.default
    return "" if default in (None, False, (), []) else f"`{'on' if default is True else default}`"


def api() -> dict[str, str]:
    """A page for each module of the public names, from what its stub or `__init__` lists."""
    top = exported(ROOT / "scalefit" / "__init__.pyi")
    index = [
        "# Python reference\n\n`import scalefit as sf` loads a name when it is first used. Arrays are NumPy's or "
        "JAX's, annotated by [jaxtyping](https://docs.kidger.site/jaxtyping/) with their axes.\n"
    ]
    made = {}
    for module, (title, about) in MODULES.items():
        if module in OF_THEIR_OWN:
            # Published laws are in the gallery.
            names = [name for name, origin in exported(_init_of(module)).items() if "." not in origin]
            prefix = f"scalefit.{module}."
        else:
            names = [name for name, origin in top.items() if origin == module]
            prefix = "scalefit."
        names.sort(key=lambda name: (name[0].isupper(), name.isupper()))
        place = f"api/{module.strip('_')}.md"
        items = "\n\n".join(f"::: {prefix}{name}" for name in names)
        made[place] = f"# {title}\n\n{about[0].upper()}{about[1:]}.\n\n{items}\n"
        listed = ", ".join(f"[`{prefix.replace('scalefit', 'sf')}{name}`][{prefix}{name}]" for name in names)
        index.append(f"## [{title}]({module.strip('_')}.md)\n\n{listed}\n")
    made["api/index.md"] = "\n".join(index)
    return made


def _init_of(module: str) -> Path:
    stub = ROOT / "scalefit" / module / "__init__.pyi"
    return stub if stub.is_file() else stub.with_suffix(".py")


def exported(init: Path) -> dict[str, str]:
    """Public names of a package and the modules that they come from, the leading dot and underscore left out."""
    found = {}
    for statement in ast.parse(init.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.ImportFrom) and statement.level == 1 and statement.module:
            found |= {one.asname: statement.module for one in statement.names if one.asname == one.name}
    return found
